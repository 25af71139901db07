//! Where wires come from: sockets, or the simulation.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::door::Door;
use crate::wire::sim::{SimWire, pair};
use crate::wire::{BoxWire, tcp};

/// What the kernel does with a SYN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syn {
    /// SYN-ACK.
    #[default]
    Answer,
    /// RST, for this long or for ever.
    Refuse(Option<Duration>),
    /// Nothing, for this long or for ever.
    Blackhole(Option<Duration>),
    /// There is none: no route leads here.
    Unreachable,
}

/// Connections that wait to be accepted. High enough for a storm, far below any ceiling.
const BACKLOG: u32 = 1024;

/// Takes connections.
pub enum Listener {
    /// A socket.
    Tcp(TcpListener),
    /// A bound socket that is not (or not yet) answering SYNs; the filler holds its queue full.
    Deaf {
        /// Keeps the port, answers nothing.
        socket: Deaf,
        /// When it begins to answer.
        after: Option<Duration>,
    },
    /// Several at once, in the order in which connections come.
    Many(Many),
    /// The simulation.
    Sim(mpsc::UnboundedReceiver<SimWire>),
}

/// A port that does not answer SYNs.
pub enum Deaf {
    /// Bound, not listening: the kernel answers with a RST.
    Refusing(socket2::Socket),
    /// Listening with a full queue: the kernel drops the SYN. The filler fills the queue.
    Dropping(socket2::Socket, std::net::TcpStream),
    /// Listening, with a filter that drops every packet (in the sandbox).
    #[cfg(target_os = "linux")]
    Filtered(socket2::Socket),
}

/// Several listeners that are one.
pub struct Many {
    queue: mpsc::Receiver<io::Result<(BoxWire, String)>>,
    /// Each takes connections into the queue. Dropped with it: the ports are closed.
    _tasks: JoinSet<()>,
}

impl Many {
    /// Of these.
    pub fn new(listeners: Vec<Listener>, clock: Clock) -> Self {
        // One place: what else waits, waits in the kernel.
        let (to, queue) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        for mut listener in listeners {
            let to = to.clone();
            tasks.spawn(async move {
                loop {
                    let accepted = Box::pin(listener.accept(clock)).await;
                    if to.send(accepted).await.is_err() {
                        return;
                    }
                }
            });
        }
        Many { queue, _tasks: tasks }
    }
}

/// Opens a port. With `:0` the system chooses it.
///
/// # Errors
///
/// What the system says: the address is in use, not ours, or needs a privilege.
pub fn listen(at: SocketAddr, door: &Door) -> io::Result<(Listener, SocketAddr)> {
    match door.syn {
        Syn::Unreachable => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "no address of this machine is unreachable: that is for the sandbox",
        )),
        Syn::Answer if door.mss.is_some() || door.window.is_some() => {
            let socket = bound(at)?;
            #[cfg(unix)]
            if let Some(mss) = door.mss {
                socket.set_tcp_mss(mss)?;
            }
            if let Some(bytes) = door.window {
                socket.set_recv_buffer_size(bytes as usize)?;
            }
            socket.listen(BACKLOG as i32)?;
            socket.set_nonblocking(true)?;
            let address = local(&socket)?;
            Ok((Listener::Tcp(TcpListener::from_std(socket.into())?), address))
        }
        Syn::Answer => {
            let socket = if at.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            #[cfg(unix)]
            socket.set_reuseaddr(true)?;
            socket.set_nodelay(true)?;
            socket.bind(at)?;
            let listener = socket.listen(BACKLOG)?;
            let address = listener.local_addr()?;
            Ok((Listener::Tcp(listener), address))
        }
        Syn::Refuse(after) => {
            let socket = bound(at)?;
            let address = local(&socket)?;
            Ok((Listener::Deaf { socket: Deaf::Refusing(socket), after }, address))
        }
        Syn::Blackhole(after) => {
            if cfg!(windows) {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "`blackhole` cannot be made on Windows: its kernel answers a full accept queue \
                     with a RST. Use `hang` at `accept`, or run on Linux or macOS",
                ));
            }
            let socket = bound(at)?;
            // A backlog of 0 has room for one connection: ours.
            socket.listen(0)?;
            let address = local(&socket)?;
            let filler = filler(&socket, address)?;
            Ok((Listener::Deaf { socket: Deaf::Dropping(socket, filler), after }, address))
        }
    }
}

/// Fills the one place of a queue with a connection of ours. A client that was there first, which
/// tries again and again on a fixed port, is cut off with a RST.
fn filler(socket: &socket2::Socket, address: SocketAddr) -> io::Result<std::net::TcpStream> {
    socket.set_nonblocking(true)?;
    for _ in 0..50 {
        match std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
            filled => return filled,
        }
        while let Ok((client, _)) = socket.accept() {
            client.set_linger(Some(Duration::ZERO))?;
        }
    }
    Err(io::Error::other("the port's queue cannot be filled: clients keep taking its one place"))
}

/// A socket that somebody else has made, in the sandbox, for what becomes of a SYN.
///
/// # Errors
///
/// What the system says of it.
#[cfg(target_os = "linux")]
pub fn adopt(fd: std::os::fd::OwnedFd, syn: Syn) -> io::Result<Listener> {
    let socket = socket2::Socket::from(fd);
    socket.set_nonblocking(true)?;
    Ok(match syn {
        Syn::Answer => Listener::Tcp(TcpListener::from_std(socket.into())?),
        Syn::Refuse(after) => Listener::Deaf { socket: Deaf::Refusing(socket), after },
        Syn::Blackhole(after) => Listener::Deaf { socket: Deaf::Filtered(socket), after },
        Syn::Unreachable => Listener::Deaf { socket: Deaf::Refusing(socket), after: None },
    })
}

fn bound(at: SocketAddr) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(at),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&at.into())?;
    Ok(socket)
}

fn local(socket: &socket2::Socket) -> io::Result<SocketAddr> {
    let address = socket.local_addr()?.as_socket();
    address.ok_or_else(|| io::Error::other("the socket has no IP address"))
}

impl Listener {
    /// The next connection, and where it comes from. Waits for ever on a port that does not
    /// answer.
    ///
    /// # Errors
    ///
    /// What the system says, e.g. too many open files.
    pub async fn accept(&mut self, clock: Clock) -> io::Result<(BoxWire, String)> {
        loop {
            match self {
                Listener::Tcp(listener) => {
                    let (socket, from) = listener.accept().await?;
                    return Ok((tcp::accepted(socket), from.to_string()));
                }
                Listener::Many(many) => match many.queue.recv().await {
                    Some(accepted) => return accepted,
                    None => std::future::pending().await,
                },
                Listener::Sim(queue) => match queue.recv().await {
                    Some(wire) => return Ok((Box::new(wire), "sim".to_owned())),
                    None => std::future::pending().await,
                },
                Listener::Deaf { after, .. } => {
                    match *after {
                        Some(after) => clock.sleep(after).await,
                        None => std::future::pending().await,
                    }
                    self.wake()?;
                }
            }
        }
    }

    /// A port that did not answer begins to.
    fn wake(&mut self) -> io::Result<()> {
        let (_, placeholder) = mpsc::unbounded_channel();
        let Listener::Deaf { socket, .. } = std::mem::replace(self, Listener::Sim(placeholder))
        else {
            return Ok(());
        };
        let (socket, filler) = match socket {
            Deaf::Refusing(socket) => (socket, None),
            Deaf::Dropping(socket, filler) => (socket, Some(filler)),
            #[cfg(target_os = "linux")]
            Deaf::Filtered(socket) => {
                socket.detach_filter()?;
                (socket, None)
            }
        };
        socket.listen(BACKLOG as i32)?;
        if let Some(filler) = filler {
            // The first in the queue is our own.
            let _ = socket.accept()?;
            drop(filler);
        }
        socket.set_nonblocking(true)?;
        *self = Listener::Tcp(TcpListener::from_std(socket.into())?);
        Ok(())
    }
}

/// A simulated network: one port, in virtual time.
#[derive(Clone)]
pub struct SimNet(Arc<Mutex<Port>>);

struct Port {
    queue: Option<mpsc::UnboundedSender<SimWire>>,
    syn: Syn,
    opened: tokio::time::Instant,
}

/// When an unanswered SYN ends on Linux with its default of six repetitions.
const SYN_GIVES_UP: Duration = Duration::from_secs(127);

impl SimNet {
    /// The network and the listener of its port.
    pub fn new(syn: Syn) -> (SimNet, Listener) {
        let (queue, accepted) = mpsc::unbounded_channel();
        let port = Port { queue: Some(queue), syn, opened: tokio::time::Instant::now() };
        (SimNet(Arc::new(Mutex::new(port))), Listener::Sim(accepted))
    }

    /// Connects to the port.
    ///
    /// # Errors
    ///
    /// `ConnectionRefused` or `TimedOut`, as the scenario says.
    pub async fn connect(&self) -> io::Result<SimWire> {
        let (syn, open) = {
            let port = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (port.syn, port.opened.elapsed())
        };
        match syn {
            Syn::Refuse(time) if time.is_none_or(|t| open < t) => {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            Syn::Unreachable => return Err(io::ErrorKind::HostUnreachable.into()),
            Syn::Blackhole(time) if time.is_none_or(|t| open < t) => {
                let left = time.map_or(Duration::MAX, |t| t - open);
                // The SYN is repeated after 1, 2, 4 ... seconds; the first one that finds the
                // port open is answered.
                let (mut at, mut step) = (Duration::ZERO, Duration::from_secs(1));
                while at < left {
                    at += step;
                    step *= 2;
                    if at >= SYN_GIVES_UP {
                        tokio::time::sleep(SYN_GIVES_UP).await;
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                tokio::time::sleep(at).await;
            }
            _ => {}
        }
        let (client, server) = pair();
        let port = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match port.queue.as_ref().map(|q| q.send(server)) {
            Some(Ok(())) => Ok(client),
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }

    /// Whether a SYN that comes now is left unanswered.
    pub fn is_silent(&self) -> bool {
        let port = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let open = port.opened.elapsed();
        matches!(port.syn, Syn::Blackhole(time) if time.is_none_or(|t| open < t))
    }

    /// Closes the port: later connections are refused.
    pub fn close(&self) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).queue = None;
    }
}

/// Looks a name up, for `--forward`.
///
/// # Errors
///
/// What the system says; `NotFound` when the name has no address.
pub async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}

/// Connects to the first address that answers, for `--forward`.
///
/// # Errors
///
/// What the system says of the last address.
pub async fn connect(addresses: &[SocketAddr]) -> io::Result<(TcpStream, SocketAddr)> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
    for &address in addresses {
        match TcpStream::connect(address).await {
            Ok(socket) => return Ok((socket, address)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments are what a scenario says only without Nagle's algorithm.
    #[tokio::test]
    async fn accepted_sockets_send_at_once() {
        let at = SocketAddr::from(([127, 0, 0, 1], 0));
        let (mut listener, at) = listen(at, &Door::default()).unwrap();
        let client = TcpStream::connect(at).await.unwrap();
        let (wire, from) = listener.accept(Clock::Real).await.unwrap();
        assert_eq!(from, client.local_addr().unwrap().to_string());
        let Ok(socket) = wire.into_tcp() else { panic!("not a socket") };
        assert!(socket.nodelay().unwrap());
    }
}
