//! Why there is no sandbox here: the piece that is missing, and the line that helps.

use std::fmt;
use std::io;

/// What keeps this system from having a sandbox, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is missing.
    pub missing: String,
    /// What helps, in one line.
    pub remedy: String,
}

/// What is known of the system.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The step that failed, and the error number.
    pub step: String,
    /// What the system said.
    pub error: String,
    /// Its number.
    pub errno: i32,
    /// `user.max_user_namespaces`.
    pub user_namespaces: Option<String>,
    /// `user.max_net_namespaces`.
    pub net_namespaces: Option<String>,
    /// `kernel.unprivileged_userns_clone`, of Debian's older kernels.
    pub userns_clone: Option<String>,
    /// `kernel.apparmor_restrict_unprivileged_userns`, of Ubuntu.
    pub apparmor: Option<String>,
    /// Whether this is a container.
    pub container: bool,
    /// Whether a filter of system calls is at work (`Seccomp: 2`).
    pub seccomp: bool,
}

/// What to do where there is none.
pub const OTHERWISE: &str = "without --isolate, a client can be pointed at the proxy by its own \
                             settings, as `run` does by environment variables; scenarios with \
                             `requires: 1` need the sandbox";

impl Refused {
    /// On a system that is not Linux.
    pub fn not_linux() -> Self {
        Refused {
            missing: "--isolate needs Linux's namespaces".to_owned(),
            remedy: "run it on Linux, in a virtual machine or in a container that may make \
                     namespaces"
                .to_owned(),
        }
    }

    /// Something that no setting helps against.
    pub fn other(step: &str, error: &io::Error) -> Self {
        Refused {
            missing: format!("the sandbox cannot be made ({step}: {error})"),
            remedy: "`unshare --user --net --mount --pid --fork true` shows whether this system \
                     can make namespaces at all"
                .to_owned(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "no sandbox here: {}", self.missing)?;
        writeln!(f, "  what helps: {}", self.remedy)?;
        write!(f, "  otherwise: {OTHERWISE}")
    }
}

/// Looks at this system.
#[cfg(target_os = "linux")]
pub(super) fn here(step: &str, error: &io::Error) -> Refused {
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let sysctl = |name: &str| read(&format!("/proc/sys/{name}"));
    let there = |path: &str| std::path::Path::new(path).exists();
    let status = read("/proc/self/status").unwrap_or_default();
    why(&Facts {
        step: step.to_owned(),
        error: error.to_string(),
        errno: error.raw_os_error().unwrap_or(0),
        user_namespaces: sysctl("user/max_user_namespaces"),
        net_namespaces: sysctl("user/max_net_namespaces"),
        userns_clone: sysctl("kernel/unprivileged_userns_clone"),
        apparmor: sysctl("kernel/apparmor_restrict_unprivileged_userns"),
        container: there("/.dockerenv") || there("/run/.containerenv"),
        seccomp: status
            .lines()
            .any(|l| l.strip_prefix("Seccomp:").is_some_and(|v| v.trim() == "2")),
    })
}

/// What is missing, of what is known.
pub fn why(facts: &Facts) -> Refused {
    let is = |value: &Option<String>, what: &str| value.as_deref() == Some(what);
    let refused = |missing: &str, remedy: &str| Refused {
        missing: format!("{missing}; {} failed: {}", facts.step, facts.error),
        remedy: remedy.to_owned(),
    };
    let userns = matches!(facts.step.as_str(), "user" | "map" | "spaces" | "mount" | "net");
    if userns && is(&facts.user_namespaces, "0") {
        return refused(
            "this system allows no user namespace (user.max_user_namespaces is 0)",
            "sudo sysctl -w user.max_user_namespaces=15000",
        );
    }
    if userns && is(&facts.net_namespaces, "0") {
        return refused(
            "this system allows no network namespace (user.max_net_namespaces is 0)",
            "sudo sysctl -w user.max_net_namespaces=15000",
        );
    }
    if userns && is(&facts.userns_clone, "0") {
        return refused(
            "only root may make user namespaces (kernel.unprivileged_userns_clone is 0)",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1",
        );
    }
    if userns && is(&facts.apparmor, "1") {
        return refused(
            "AppArmor takes the rights away from user namespaces \
             (kernel.apparmor_restrict_unprivileged_userns is 1, Ubuntu's default since 23.10)",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        );
    }
    let forbidden = matches!(facts.errno, 1 | 13);
    if userns && forbidden && (facts.container || facts.seccomp) {
        return refused(
            "this container may not make namespaces (its seccomp profile or its capabilities)",
            "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
             --cap-add SYS_ADMIN --cap-add NET_ADMIN ...",
        );
    }
    // ENOSYS, EINVAL: built without.
    if userns && matches!(facts.errno, 22 | 38) {
        return refused(
            "this kernel has no user or network namespaces",
            "use a kernel with CONFIG_USER_NS and CONFIG_NET_NS",
        );
    }
    if facts.step == "clsact" {
        return refused(
            "`reorder` and `lose` take packets off their way, and this kernel has no clsact or no cls_bpf",
            "sudo modprobe -a sch_ingress cls_bpf (CONFIG_NET_SCH_INGRESS, CONFIG_NET_CLS_BPF)",
        );
    }
    Refused {
        missing: format!("the sandbox cannot be made ({}: {})", facts.step, facts.error),
        remedy: "`unshare --user --net --mount --pid --fork true` shows whether this system can \
                 make namespaces at all"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_piece_has_its_line() {
        let some = |value: &str| Some(value.to_owned());
        let step = |step: &str| Facts {
            step: step.to_owned(),
            error: "Operation not permitted (os error 1)".to_owned(),
            errno: 1,
            ..Facts::default()
        };
        for (facts, helps) in [
            (Facts { user_namespaces: some("0"), ..step("user") }, "user.max_user_namespaces="),
            (Facts { net_namespaces: some("0"), ..step("spaces") }, "user.max_net_namespaces="),
            (Facts { userns_clone: some("0"), ..step("user") }, "unprivileged_userns_clone=1"),
            (Facts { apparmor: some("1"), ..step("map") }, "restrict_unprivileged_userns=0"),
            (Facts { container: true, ..step("user") }, "--security-opt seccomp=unconfined"),
            (Facts { seccomp: true, ..step("user") }, "--security-opt seccomp=unconfined"),
            (Facts { errno: 38, ..step("user") }, "CONFIG_USER_NS"),
            (step("clsact"), "cls_bpf"),
            // Settings that are not the reason are not named.
            (Facts { apparmor: some("1"), ..step("sockets") }, "unshare --user"),
            (step("user"), "unshare --user"),
        ] {
            let refused = why(&facts);
            assert!(refused.remedy.contains(helps), "{facts:?}: {refused}");
            assert!(!refused.remedy.contains('\n'), "{refused}");
            assert!(refused.to_string().ends_with(OTHERWISE), "{refused}");
        }
    }
}
