//! The two worlds, seen from a client.

use std::io;
use std::pin::pin;
use std::time::Duration;

use badproxy::scenario::Scenario;
use badproxy::stage::Stage;
use badproxy::start::{Running, Setup, simulate, start};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::error::Elapsed;

/// Which world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    Sockets,
    Sim,
}

/// A connection as the client has it: on sockets, a plain TcpStream that knows nothing of wires.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

/// The seed of all transcripts.
pub const SEED: u64 = 7;

/// Whether the origin takes two seconds for something.
fn paused(scenario: &Scenario) -> bool {
    let slow = scenario.scale.is_some() && scenario.touches(Stage::Response);
    slow || scenario.target().contains("/pause/")
}

impl Arm {
    /// How many scenarios are played at a time: on sockets most of the time is waited for.
    pub fn at_a_time(self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        if self == Arm::Sockets { 32 } else { processors }
    }

    pub fn runtime(self) -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(self == Arm::Sim)
            .build()
            .unwrap()
    }

    /// How long nothing has to come to be called silence. On sockets it has to be longer than
    /// whatever else could still come: the origin's pause of two seconds at most; where none is
    /// `due` it is as long as a busy machine may need.
    pub fn silence(self, scenario: &Scenario, due: bool) -> Duration {
        match self {
            Arm::Sim => Duration::from_secs(500),
            Arm::Sockets if !due => Duration::from_secs(60),
            Arm::Sockets if paused(scenario) => Duration::from_millis(4000),
            Arm::Sockets => Duration::from_millis(1500),
        }
    }

    pub async fn start(self, scenario: Scenario) -> Running {
        let mut setup = Setup::new().seed(SEED);
        match self {
            Arm::Sim => simulate(scenario, &setup).unwrap(),
            Arm::Sockets => {
                // Seconds become tens of milliseconds; idle times that are scaled already stay.
                setup.scale = scenario.scale.is_none().then_some(0.01);
                start(scenario, &setup).await.unwrap()
            }
        }
    }

    pub async fn connect(self, running: &Running) -> io::Result<Box<dyn Connection>> {
        match self {
            Arm::Sim => Ok(Box::new(running.net.as_ref().unwrap().connect().await?)),
            Arm::Sockets => {
                let dial = TcpStream::connect(running.address);
                match tokio::time::timeout(Duration::from_millis(1500), dial).await {
                    Ok(socket) => {
                        let socket = socket?;
                        socket.set_nodelay(true)?;
                        Ok(Box::new(socket))
                    }
                    Err(_) => Err(io::ErrorKind::TimedOut.into()),
                }
            }
        }
    }
}

/// As tokio's, in many short waits: where this thread, which is the proxy's, too, gets its turn late,
/// each wait is as late, and what the proxy has to do is done between them.
pub async fn timeout<T>(silence: Duration, what: impl Future<Output = T>) -> Result<T, Elapsed> {
    const WAITS: u32 = 30;
    let mut what = pin!(what);
    for _ in 1..WAITS {
        if let Ok(got) = tokio::time::timeout(silence / WAITS, &mut what).await {
            return Ok(got);
        }
    }
    tokio::time::timeout(silence / WAITS, what).await
}
