//! Single keys from the terminal, without Enter. The terminal is as it was when this is dropped.

#[cfg(unix)]
use std::io::{IsTerminal as _, Stdin};

#[cfg(unix)]
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
#[cfg(unix)]
use tokio::io::{Interest, unix::AsyncFd};

/// The terminal that gives keys.
pub(crate) struct Keys {
    #[cfg(unix)]
    fd: AsyncFd<Stdin>,
    #[cfg(unix)]
    before: Termios,
    /// Keys that came together with an earlier one.
    #[cfg(unix)]
    waiting: std::collections::VecDeque<u8>,
}

#[cfg(unix)]
impl Keys {
    /// Where standard input is a terminal and this program may read it.
    pub(crate) fn new() -> Option<Keys> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() || !foreground(&stdin) {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        let mut keys = before.clone();
        // Ctrl-C stays what it is.
        keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        // A read gives what is there, and never waits: all of this program is one thread.
        keys.special_codes[SpecialCodeIndex::VMIN] = 0;
        keys.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&stdin, OptionalActions::Now, &keys).ok()?;
        // Deprecated for types that lie about their descriptor; standard input does not.
        #[allow(deprecated)]
        match AsyncFd::with_interest(stdin, Interest::READABLE) {
            Ok(fd) => Some(Keys { fd, before, waiting: Default::default() }),
            Err(_) => {
                let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &before);
                None
            }
        }
    }

    /// The next key; never, when there is none any more.
    pub(crate) async fn next(&mut self) -> u8 {
        loop {
            if let Some(key) = self.waiting.pop_front() {
                return key;
            }
            let Ok(mut ready) = self.fd.readable().await else { break };
            ready.clear_ready();
            // Who reads the terminal in the background is stopped.
            if foreground(self.fd.get_ref()) {
                let mut bytes = [0; 64];
                match rustix::io::read(self.fd.get_ref(), &mut bytes) {
                    Ok(n) => self.waiting.extend(&bytes[..n]),
                    Err(_) => break,
                }
            }
        }
        std::future::pending().await
    }
}

#[cfg(unix)]
impl Drop for Keys {
    fn drop(&mut self) {
        if foreground(self.fd.get_ref()) {
            let _ = tcsetattr(self.fd.get_ref(), OptionalActions::Now, &self.before);
        }
    }
}

/// Whether the terminal is ours now.
#[cfg(unix)]
fn foreground(terminal: &Stdin) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

#[cfg(not(unix))]
impl Keys {
    /// Nowhere.
    pub(crate) fn new() -> Option<Keys> {
        None
    }

    /// Never.
    pub(crate) async fn next(&mut self) -> u8 {
        std::future::pending().await
    }
}
