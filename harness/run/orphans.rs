//! Processes that the command has left behind, whatever they did to their environment: on Linux a
//! process whose parents have ended becomes a child of ours, instead of the system's first process.
//!
//! That is a property of a whole process, so the program asks for it and the library does not.
//! Without it, and on other systems, nothing here finds anything.

/// While it lives, orphans come to this process; then those that are left are ended.
#[must_use]
pub(crate) struct Adoption(());

/// A child of ours that is no orphan, while this lives.
pub(crate) struct Known(#[cfg(target_os = "linux")] Option<i32>);

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeSet;
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use rustix::process::{
        Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
    };

    use super::super::group::{Listed, processes};
    use super::{Adoption, Known};

    #[derive(Default)]
    struct State {
        adopting: bool,
        known: BTreeSet<i32>,
        /// Orphans of cells that ended while others ran. Whose they are cannot be told, so they are
        /// left alone until no cell runs, and no cell is blamed for them.
        unsure: BTreeSet<i32>,
    }

    static STATE: Mutex<State> =
        Mutex::new(State { adopting: false, known: BTreeSet::new(), unsure: BTreeSet::new() });

    fn state() -> std::sync::MutexGuard<'static, State> {
        STATE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A program that has replaced another one may have got that one's children: these are not
    /// ours, and neither is what they leave behind, so then there is no adoption.
    pub(crate) fn adopt() -> Adoption {
        let adopting = children().is_empty() && set_child_subreaper(Some(getpid())).is_ok();
        state().adopting = adopting;
        Adoption(())
    }

    impl Drop for Adoption {
        fn drop(&mut self) {
            end(None);
            state().adopting = false;
            let _ = set_child_subreaper(None);
        }
    }

    impl Known {
        pub(crate) fn new(pid: Option<u32>) -> Self {
            let pid = pid.and_then(|pid| i32::try_from(pid).ok());
            state().known.extend(pid);
            Known(pid)
        }
    }

    impl Drop for Known {
        fn drop(&mut self) {
            if let Some(pid) = self.0 {
                state().known.remove(&pid);
            }
        }
    }

    /// The command `own` has ended. If no other runs, all orphans are ended, and what they leave in
    /// turn. Whether there was one that must have been its own.
    pub(crate) fn end(own: Option<u32>) -> bool {
        let own = own.and_then(|pid| i32::try_from(pid).ok());
        let mut state = state();
        if !state.adopting {
            return false;
        }
        let alone = state.known.iter().all(|pid| Some(*pid) == own);
        let mut any = false;
        // A second, for what forks faster than it can be looked for or does not die at once.
        for _ in 0..1000 {
            let orphans: Vec<Listed> =
                children().into_iter().filter(|child| !state.known.contains(&child.pid)).collect();
            let mut some = false;
            for Listed { pid, ended, .. } in orphans {
                let Some(number) = Pid::from_raw(pid) else { continue };
                if ended {
                    // Its number is nobody else's until now: only we collect it.
                    let _ = waitpid(Some(number), WaitOptions::NOHANG);
                    state.unsure.remove(&pid);
                } else if alone {
                    any |= !state.unsure.contains(&pid);
                    let _ = kill_process(number, Signal::KILL);
                } else {
                    state.unsure.insert(pid);
                    continue;
                }
                some = true;
            }
            if !some {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        any
    }

    /// Collects the orphans that have ended, as the system's first process would have: until then
    /// they are members of the command's process group.
    pub(crate) fn collect() {
        let mut state = state();
        if !state.adopting {
            return;
        }
        let ended = children().into_iter().filter(|child| child.ended);
        let ended: Vec<i32> = ended.map(|c| c.pid).filter(|p| !state.known.contains(p)).collect();
        for pid in ended {
            let _ = Pid::from_raw(pid).map(|pid| waitpid(Some(pid), WaitOptions::NOHANG));
            state.unsure.remove(&pid);
        }
    }

    /// The children of this process.
    fn children() -> Vec<Listed> {
        let ours = getpid().as_raw_nonzero().get();
        processes().into_iter().flatten().filter(|one| one.parent == ours).collect()
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{adopt, collect, end};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Adoption, Known};

    pub(crate) fn adopt() -> Adoption {
        Adoption(())
    }

    impl Known {
        pub(crate) fn new(_: Option<u32>) -> Self {
            Known()
        }
    }

    pub(crate) fn collect() {}

    pub(crate) fn end(_: Option<u32>) -> bool {
        false
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{adopt, collect, end};
