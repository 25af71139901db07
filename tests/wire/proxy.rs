//! A proxy in a thread of its own, for tests with blocking sockets.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;

use badproxy::conduct::Conduct;
use badproxy::event::Event;
use badproxy::log::Log;
use badproxy::scenario::{Scenario, read};
use badproxy::start::{Setup, start};
use tokio::sync::oneshot;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) direct: Option<SocketAddr>,
    /// The roots that clients are to trust, as PEM.
    pub(crate) roots: String,
    pub(crate) dns: Option<SocketAddr>,
    /// The server of the PAC file, and the address where nobody is.
    pub(crate) pac: Option<(SocketAddr, SocketAddr)>,
    log: Log,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a scenario: YAML, with seed 7.
    pub(crate) fn start(yaml: &str) -> Proxy {
        Proxy::with(yaml, Setup::default())
    }

    pub(crate) fn with(yaml: &str, setup: Setup) -> Proxy {
        Proxy::play(read(yaml, "test").unwrap_or_else(|e| panic!("{e}")), setup)
    }

    pub(crate) fn play(scenario: Scenario, setup: Setup) -> Proxy {
        let setup = setup.seed(7);
        let (ready, started) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let running = start(scenario, &setup).await.unwrap();
                let (address, direct) = (running.address, running.direct);
                let dns = running.dns.as_ref().map(|dns| dns.address);
                let pac = running.pac.as_ref().map(|pac| (pac.address, pac.dead));
                let shared = &running.shared;
                let roots = shared.authority.pem();
                tokio::spawn(crate::quiet::count_turns());
                ready.send((address, direct, dns, pac, roots, shared.log.clone())).unwrap();
                let _ = stopped.await;
            });
        });
        let (address, direct, dns, pac, roots, log) = started.recv().unwrap();
        Proxy { address, direct, dns, pac, roots, log, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.log.events().0
    }

    pub(crate) fn conduct(&self) -> Conduct {
        self.log.conduct()
    }

    /// Waits until an event of this name and with this text in it has happened.
    pub(crate) fn wait_for(&self, name: &str, text: &str) -> String {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while std::time::Instant::now() < end {
            for event in self.events() {
                let line = serde_json::to_string(&event).unwrap();
                if event.what.name() == name && line.contains(text) {
                    return line;
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("no {name} with {text:?} among {:#?}", self.events());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
