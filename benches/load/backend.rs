//! The server at the far end of every tunnel: one listener, whose connections say with their
//! first byte what they want. It is a thread of the load generator and not a process, so that
//! the sink can hand over its count without asking a proxy to carry a reply past a half-close
//! (squid and tinyproxy do not).

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream as Blocking};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// One byte, sent back until the end of the stream.
pub const ECHO: u8 = b'E';
/// Bytes from the backend for as long as the client reads.
pub const SOURCE: u8 = b'S';
/// Bytes to the backend, counted.
pub const SINK: u8 = b'D';
/// A request and a reply of `MESSAGE` bytes, then the backend closes.
pub const REQUEST: u8 = b'R';
/// The byte comes back, then nothing happens any more.
pub const IDLE: u8 = b'I';

/// The size of the small request (with its first byte) and of its reply.
pub const MESSAGE: usize = 64;
/// The size of a write or read of the bulk measure: large, so that the proxy and not the load
/// generator pays for system calls.
pub const CHUNK: usize = 256 * 1024;
/// No blocking call waits longer than this, whatever a proxy does.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What a sink took before the end of its stream.
pub struct Sunk {
    pub bytes: u64,
    pub ended: Instant,
}

pub struct Backend {
    pub addr: SocketAddr,
    pub sunk: Receiver<Sunk>,
}

/// Starts the backend; it lives as long as the process.
pub fn start() -> Result<Backend> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _entered = runtime.enter();
        let socket = TcpSocket::new_v4()?;
        socket.bind("127.0.0.1:0".parse()?)?;
        socket.listen(4096)?
    };
    let addr = listener.local_addr()?;
    let (report, sunk) = channel();
    std::thread::Builder::new().name("backend".into()).spawn(move || {
        runtime.block_on(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(serve(stream, report.clone()))),
                    // Out of descriptors: tunnels being closed will give some back.
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        })
    })?;
    Ok(Backend { addr, sunk })
}

/// A failed connection is the client's to notice, so errors end here.
async fn serve(mut stream: TcpStream, report: Sender<Sunk>) {
    let _ = stream.set_nodelay(true);
    let Ok(wish) = stream.read_u8().await else { return };
    match wish {
        REQUEST => drop(answer(&mut stream).await),
        IDLE => {
            let _ = stream.write_u8(IDLE).await;
            let _ = stream.read_u8().await;
        }
        ECHO => in_thread(stream, echo),
        SOURCE => in_thread(stream, source),
        SINK => in_thread(stream, move |stream| sink(stream, &report)),
        _ => {}
    }
}

async fn answer(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut message = [0; MESSAGE];
    stream.read_exact(&mut message[1..]).await?;
    stream.write_all(&message).await
}

/// Bulk bytes and single round trips go through blocking calls, which cost less than readiness.
fn in_thread(stream: TcpStream, work: impl FnOnce(Blocking) + Send + 'static) {
    let Ok(stream) = stream.into_std() else { return };
    if stream.set_nonblocking(false).is_ok()
        && stream.set_read_timeout(Some(PATIENCE)).is_ok()
        && stream.set_write_timeout(Some(PATIENCE)).is_ok()
    {
        std::thread::spawn(move || work(stream));
    }
}

fn echo(mut stream: Blocking) {
    let mut byte = [0];
    while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
}

fn source(mut stream: Blocking) {
    let chunk = vec![0x5a; CHUNK];
    while stream.write_all(&chunk).is_ok() {}
}

fn sink(mut stream: Blocking, report: &Sender<Sunk>) {
    let mut chunk = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => bytes += n as u64,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // No count: a sink that broke must not pass for one that was finished.
            Err(_) => return,
        }
    }
    let _ = report.send(Sunk { bytes, ended: Instant::now() });
}
