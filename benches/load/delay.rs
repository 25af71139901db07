//! How exact an injected delay is, seen by the client.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::backend::PATIENCE;
use super::client::{Route, reply};

/// The delay in the scenario that the script writes.
pub const ASKED: Duration = Duration::from_millis(100);

/// Times in ms from the last byte of a CONNECT to the first byte of its reply, one connection
/// each, one after the other. No reply is awaited before `quiet` has passed.
pub fn replies(
    to: SocketAddr,
    target: SocketAddr,
    quiet: Duration,
    count: usize,
) -> Result<Vec<f64>> {
    let request = Route::request(target);
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        // The request is one write. Stamped before it: the proxy may answer the bytes, or begin
        // its delay, before the call is back.
        let since = Instant::now();
        stream.write_all(&request)?;
        std::thread::sleep(quiet.saturating_sub(since.elapsed()));
        let mut head = [0; 512];
        let n = first_bytes(&mut stream, &mut head, since)?;
        times.push(since.elapsed().as_secs_f64() * 1e3);
        ensure!(n > 0, "closed without a reply");
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        reply(&mut head[..n].chain(stream)).context("delayed CONNECT")?;
    }
    Ok(times)
}

/// Asks again and again in place of waiting: a client that sleeps is woken late, on this kind of
/// virtual machine by as much as the error that is looked for.
fn first_bytes(stream: &mut TcpStream, head: &mut [u8], since: Instant) -> Result<usize> {
    loop {
        match stream.read(head) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                ensure!(since.elapsed() < PATIENCE, "no reply after {PATIENCE:?}");
                std::thread::yield_now();
            }
            result => return Ok(result?),
        }
    }
}

/// What stands in the direct column: a thread that reads the request, sleeps and answers. It
/// shows how much of an error is the machine's. Lives as long as the process.
pub fn sleeper(delay: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 512];
            if stream.read(&mut request).is_ok() {
                if !delay.is_zero() {
                    std::thread::sleep(delay);
                }
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            }
        }
    });
    Ok(addr)
}
