//! The namespaces, and who is who in them.

use std::fs;
use std::io;

use rustix::process::{getegid, geteuid};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

/// A step that did not go through.
pub(super) type Failed = (&'static str, io::Error);

/// Makes the namespaces for this process, which has one thread. Who is root already needs no
/// user namespace, and keeps all files as they are; where that does not work, and for anybody
/// else, there is one in which the caller is who it was.
pub(super) fn make(pids: bool) -> Result<(), Failed> {
    let mut spaces = UnshareFlags::NEWNET | UnshareFlags::NEWNS;
    if pids {
        spaces |= UnshareFlags::NEWPID;
    }
    if geteuid().is_root() && unshare(spaces).is_ok() {
        return Ok(());
    }
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    unshare(UnshareFlags::NEWUSER).map_err(|e| ("user", e))?;
    fs::write("/proc/self/setgroups", "deny").map_err(|e| ("map", e))?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1")).map_err(|e| ("map", e))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1")).map_err(|e| ("map", e))?;
    unshare(spaces).map_err(|e| ("spaces", e))
}

/// Only what there can be two of in one process, the table of descriptors, makes `unshare` unsafe,
/// and only with FILES, which is never asked for here.
#[allow(deprecated, reason = "the one that replaces it is unsafe because of FILES")]
fn unshare(flags: UnshareFlags) -> io::Result<()> {
    Ok(rustix::thread::unshare(flags)?)
}

/// What the first process inside needs for its own `/proc` outlives the next exec, although it is
/// not root.
pub(super) fn keep_for_init() -> io::Result<()> {
    let now = rustix::thread::capabilities(None)?;
    let needed = CapabilitySet::SYS_ADMIN & now.permitted;
    let sets = CapabilitySets { inheritable: now.inheritable | needed, ..now };
    rustix::thread::set_capabilities(None, sets)?;
    if !needed.is_empty() {
        rustix::thread::configure_capability_in_ambient_set(needed, true)?;
    }
    Ok(())
}

/// The command gets no more than its caller has.
pub(super) fn forget() -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    let now = rustix::thread::capabilities(None)?;
    let sets = CapabilitySets { inheritable: CapabilitySet::empty(), ..now };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}
