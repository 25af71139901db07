//! The `/etc` of the sandbox: which name server there is, who looks names up, and no daemon
//! outside that would look them up instead.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};

use super::space::Failed;

/// The files that get another content, in `/etc`.
pub(super) const NAMES: [&str; 4] = ["resolv.conf", "nsswitch.conf", "hosts", "host.conf"];

/// Where daemons wait that answer for names: they are outside, and know other ones.
const HIDDEN: [&str; 4] =
    ["/run/systemd/resolve", "/run/nscd", "/var/run/nscd", "/run/avahi-daemon"];

/// Changes this mount namespace, and no other.
pub(super) fn mount_all(from: &Path) -> Result<(), Failed> {
    // Nothing that happens here is to be seen outside.
    let apart = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", apart).map_err(|e| ("mount", e.into()))?;
    // Where a link in /etc leads, before its end is hidden.
    let ends: Vec<PathBuf> = NAMES.iter().map(|name| end(name)).collect();
    for dir in HIDDEN.iter().filter(|dir| Path::new(dir).is_dir()) {
        let quiet = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount("tmpfs", *dir, "tmpfs", quiet, None).map_err(|e| ("mount", e.into()))?;
    }
    for (name, end) in NAMES.iter().zip(&ends) {
        put(&from.join(name), end).map_err(|e| ("mount", e))?;
    }
    Ok(())
}

fn end(name: &str) -> PathBuf {
    let path = Path::new("/etc").join(name);
    fs::canonicalize(&path).unwrap_or(path)
}

fn put(from: &Path, to: &Path) -> io::Result<()> {
    if HIDDEN.iter().any(|dir| to.starts_with(dir)) {
        fs::copy(from, to)?;
        return Ok(());
    }
    // A file that is not there cannot be covered. Without one, resolvers ask 127.0.0.1 and look
    // into /etc/hosts first, which is what these files say.
    if to.exists() { Ok(mount_bind(from, to)?) } else { Ok(()) }
}

/// The `/proc` of the process namespace that this process is in.
pub(super) fn mount_proc() -> io::Result<()> {
    let quiet = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(mount("proc", "/proc", "proc", quiet, None)?)
}
