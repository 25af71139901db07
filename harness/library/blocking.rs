//! The same for tests without a runtime: a world on a thread of its own.
//!
//! ```
//! use badproxy::{Scenario, blocking};
//! use std::io::{Read, Write};
//!
//! let scenario = Scenario::catalogue("reply/fin-before-reply").unwrap();
//! let world = blocking::start(&scenario).unwrap();
//!
//! // The client: ureq, curl, a child process, or a socket as here.
//! let mut socket = std::net::TcpStream::connect(world.proxy_address()).unwrap();
//! socket.write_all(b"CONNECT target.badproxy.test:443 HTTP/1.1\r\n\r\n").unwrap();
//! let mut answer = Vec::new();
//! socket.read_to_end(&mut answer).unwrap();
//! world.client_ended(Err::<(), _>("the proxy closed the connection without a reply"));
//!
//! let outcome = world.finish();
//! assert_eq!(outcome.conduct.attempts, 1);
//! outcome.assert_expectations();
//! ```

use std::io;
use std::ops::Deref;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::Outcome;
use crate::event::Event;
use crate::scenario::Scenario;
use crate::start::Setup;

/// A world on a thread of its own. What does not wait is on [`crate::World`], which this stands for.
///
/// Dropping it waits until all of it has ended, the thread included.
#[must_use = "a world that is dropped judges nobody: `world.finish().assert_expectations()`"]
pub struct World {
    // In this order: the world ends before what carries it.
    world: Option<crate::World>,
    thread: Thread,
}

/// Starts a scenario on sockets, as [`Scenario::start`] does.
///
/// # Errors
///
/// As [`Scenario::start`]; what the system says of a thread.
pub fn start(scenario: &Scenario) -> io::Result<World> {
    start_with(scenario, &Setup::default())
}

/// The same with settings of one's own.
///
/// # Errors
///
/// As [`start`].
pub fn start_with(scenario: &Scenario, setup: &Setup) -> io::Result<World> {
    let (told, started) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let (scenario, setup) = (scenario.clone(), setup.clone());
    let thread = std::thread::Builder::new().name("badproxy".to_owned()).spawn(move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(told.send(Err(error))),
        };
        runtime.block_on(async move {
            let world = scenario.start_with(&setup).await;
            if told.send(world.map(|world| (world, Handle::current()))).is_ok() {
                // An error says that nobody can stop it any more.
                let _ = stopped.await;
            }
        });
    })?;
    let gone = || Err(io::Error::other("the thread of the world has gone"));
    let (world, handle) = started.recv().unwrap_or_else(|_| gone())?;
    let thread = Thread { handle, stop: Some(stop), thread: Some(thread) };
    Ok(World { world: Some(world), thread })
}

/// The thread, and how it is stopped.
struct Thread {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has told of its panic on standard error.
            let _ = thread.join();
        }
    }
}

impl Deref for World {
    type Target = crate::World;

    fn deref(&self) -> &crate::World {
        match &self.world {
            Some(world) => world,
            None => unreachable!("only `finish` takes it, and that takes this as well"),
        }
    }
}

impl World {
    /// Waits for an event, which may have happened already, for this long at most.
    pub fn wait_for(&self, most: Duration, is: impl FnMut(&Event) -> bool) -> Option<Event> {
        let event = (**self).wait_for(is);
        self.thread.handle.block_on(async { tokio::time::timeout(most, event).await.ok() })
    }

    /// Everything that has happened so far and will happen, in order. It ends with the world.
    pub fn events(&self) -> Events<'_> {
        Events { events: (**self).events(), handle: &self.thread.handle }
    }

    /// Ends it, and judges what the client did: [`crate::World::finish`].
    pub fn finish(mut self) -> Outcome {
        match self.world.take() {
            Some(world) => self.thread.handle.block_on(world.finish()),
            None => unreachable!("this takes it, once"),
        }
    }
}

/// The events of a world; see [`World::events`].
pub struct Events<'w> {
    events: crate::Events,
    handle: &'w Handle,
}

impl Events<'_> {
    /// The next event, if it has happened already.
    pub fn try_next(&mut self) -> Option<Event> {
        self.events.try_next()
    }

    /// The next event; waits for it for this long at most.
    pub fn next_within(&mut self, most: Duration) -> Option<Event> {
        let event = self.events.next();
        self.handle.block_on(async { tokio::time::timeout(most, event).await.ok().flatten() })
    }
}
