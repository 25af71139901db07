//! From a scenario to a world that plays it.

use std::io;
use std::path::Path;

use super::World;
use super::world::Parts;
use crate::catalogue;
use crate::clock::Clock;
use crate::run::lag::Lag;
use crate::run::syn;
use crate::scenario::{Problem, Problems, Scenario, read, read_file, seen};
use crate::stage::Stage;
use crate::start::{self, Running, Setup};

/// Events that a world keeps. The ceiling on connections is reached long before.
const KEEP: usize = 1 << 20;

impl Scenario {
    /// Reads a scenario from YAML text. One without a `name` is called `scenario`.
    ///
    /// ```
    /// let scenario = badproxy::Scenario::from_yaml("rules: [{at: reply, do: reset}]").unwrap();
    /// assert_eq!(scenario.rules.len(), 1);
    /// ```
    ///
    /// # Errors
    ///
    /// Every mistake found, with its place and what to write instead, as `badproxy check` shows them.
    pub fn from_yaml(text: &str) -> Result<Scenario, Problems> {
        read(text, "scenario")
    }

    /// Reads a scenario from a file. What `send: {file: NAME}` names is looked for beside it.
    ///
    /// # Errors
    ///
    /// As [`Scenario::from_yaml`]; a file that cannot be read is one mistake without a place.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Scenario, Problems> {
        read_file(path.as_ref())
    }

    /// The shipped scenario of this name, e.g. `reply/fin-before-reply`. `badproxy list` has all
    /// names.
    ///
    /// # Errors
    ///
    /// There is none of this name: the nearest one is in the message.
    pub fn catalogue(name: &str) -> Result<Scenario, Problems> {
        let Some(entry) = catalogue::find(name) else {
            let problem = Problem::new(format!("there is no scenario {}", seen(name)));
            let problem = match catalogue::near(name) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help("`badproxy list` has their names"),
            };
            let (file, text) = ("catalogue".to_owned(), String::new());
            return Err(Problems { file, text, list: vec![problem] });
        };
        entry.scenario()
    }

    /// Starts it on sockets: a port of 127.0.0.1 that the system chooses. Any number can be played
    /// at the same time. It needs a tokio runtime with `enable_all`; for tests without one there is
    /// [`blocking`](crate::blocking).
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] where the scenario needs the sandbox, else what the system
    /// says of the port.
    pub async fn start(&self) -> io::Result<World> {
        self.start_with(&Setup::default()).await
    }

    /// The same with a port, a seed or other settings of one's own.
    ///
    /// # Errors
    ///
    /// As [`Scenario::start`].
    pub async fn start_with(&self, setup: &Setup) -> io::Result<World> {
        if self.needs() > 0 {
            let why = format!("{} needs the sandbox: `badproxy run --isolate` has it", self.name);
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let mut setup = Setup { keep: KEEP, ..setup.clone() };
        if self.target().contains("{origin}") && setup.direct.is_none() {
            setup.direct = Some(([127, 0, 0, 1], 0).into());
        }
        let running = start::start(self.clone(), &setup).await.map_err(system)?;
        Ok(World::new(watched(running)))
    }

    /// Starts it in memory, for a runtime whose clock is paused
    /// (`#[tokio::test(start_paused = true)]`): a day passes in milliseconds. It opens no port: a
    /// client reaches it through [`World::dialler`], or with the feature `hyper` through
    /// `World::connector`, and not with sockets of its own.
    ///
    /// ```
    /// use badproxy::Scenario;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(async {
    /// // In a test: #[tokio::test(start_paused = true)]
    /// let world = Scenario::catalogue("reply/hang").unwrap().simulate()?; // no `.await` here
    /// let mut proxy = world.dialler().proxy().await?;
    /// proxy.write_all(b"CONNECT target.badproxy.test:443 HTTP/1.1\r\n\r\n").await?;
    /// let answer = tokio::time::timeout(std::time::Duration::from_secs(3600), proxy.read_u8()).await;
    /// world.client_ended(answer.map_err(|_| "timed out"));
    /// drop(proxy);
    /// world.finish().await.assert_expectations();
    /// # std::io::Result::<()>::Ok(())
    /// # })?;
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    ///
    /// None today.
    pub fn simulate(&self) -> io::Result<World> {
        self.simulate_with(&Setup::default())
    }

    /// The same with a seed or other settings of one's own.
    ///
    /// # Errors
    ///
    /// As [`Scenario::simulate`].
    pub fn simulate_with(&self, setup: &Setup) -> io::Result<World> {
        let setup = Setup { keep: KEEP, ..setup.clone() };
        let running = start::simulate(self.clone(), &setup).map_err(system)?;
        Ok(World::new(watched(running)))
    }
}

/// What the system said, without the names of our own layers.
fn system(error: anyhow::Error) -> io::Error {
    match error.downcast::<io::Error>() {
        Ok(error) => error,
        Err(error) => io::Error::other(format!("{error:#}")),
    }
}

/// With what has to look on.
fn watched(running: Running) -> Parts {
    let scenario = running.scenario();
    let real = running.shared.clock == Clock::Real;
    let at_syn = scenario.rules.iter().position(|rule| rule.at.value == Stage::Syn);
    let syns = at_syn.filter(|_| real).map(|rule| {
        tokio::spawn(syn::watch(running.address, rule + 1, running.shared.log.clone()))
    });
    // A pause that is too short is only held against a client that we saw in time.
    let lag = (real && scenario.expect.gap.is_some()).then(|| {
        let lag = Lag::new();
        let window = lag.window();
        (lag, window)
    });
    Parts { running, syns, lag }
}
