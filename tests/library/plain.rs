//! A plain client of a world: HTTP, HTTPS or SOCKS to the proxy, TLS to the target, one GET. It knows
//! nothing of scenarios, and does the same over sockets and in memory.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use badproxy::World;
use badproxy::rustls::pki_types::ServerName;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub trait Wire: AsyncBufRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncBufRead + AsyncWrite + Unpin + Send> Wire for T {}

pub type Boxed = Box<dyn Wire>;

/// What the client fetches, taken apart.
struct Target {
    tls: bool,
    forwarded: bool,
    host: String,
    port: u16,
    path: String,
}

fn target(url: &str) -> Target {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let tls = matches!(scheme, "https" | "wss");
    let after = authority.rfind(']').unwrap_or(0);
    let colon = authority[after..].find(':').map(|at| at + after);
    let host = colon.map_or(authority, |at| &authority[..at]).to_owned();
    let port = colon.map(|at| authority[at + 1..].parse().unwrap());
    let port = port.unwrap_or(if tls { 443 } else { 80 });
    Target { tls, forwarded: scheme == "http", host, port, path: format!("/{path}") }
}

fn other(text: impl Into<String>) -> io::Error {
    io::Error::other(text.into())
}

/// A connection to the proxy; on sockets one that knows nothing of this project's wires.
pub async fn dial(world: &World) -> io::Result<Boxed> {
    if world.is_simulated() {
        return Ok(Box::new(BufReader::new(world.dialler().proxy().await?)));
    }
    let socket = TcpStream::connect(world.proxy_address()).await?;
    socket.set_nodelay(true)?;
    Ok(Box::new(BufReader::new(socket)))
}

/// Fetches the world's target once; the status.
pub async fn fetch(world: &World) -> io::Result<String> {
    let target = target(&world.target_url());
    let url = world.proxy_url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let login = rest.rsplit_once('@').map(|(login, _)| login.to_owned());
    let mut wire = dial(world).await?;
    if scheme == "https" {
        wire = tls(world, "127.0.0.1", wire).await?;
    }
    let login = login.as_deref();
    let forwarded = target.forwarded && !scheme.starts_with("socks");
    match scheme {
        _ if forwarded => {}
        "socks5h" => socks5(&mut wire, &target, login).await?,
        "socks4a" => socks4(&mut wire, &target).await?,
        _ => connect(&mut wire, &target, login).await?,
    }
    if target.tls {
        wire = tls(world, target.host.trim_matches(['[', ']']).trim_end_matches('.'), wire).await?;
    }
    let (host, path) = (&target.host, &target.path);
    let (what, login) = match forwarded {
        true => (format!("http://{host}{path}"), login.map(authorization).unwrap_or_default()),
        false => (path.clone(), String::new()),
    };
    let get = format!("GET {what} HTTP/1.1\r\nHost: {host}\r\n{login}Connection: close\r\n\r\n");
    wire.write_all(get.as_bytes()).await?;
    let head = head(&mut wire).await?;
    let mut body = Vec::new();
    let end = wire.read_to_end(&mut body).await;
    let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    if length.is_some_and(|length| length.parse() != Ok(body.len())) {
        return Err(end.err().unwrap_or_else(|| ErrorKind::UnexpectedEof.into()));
    }
    if status == "200" { Ok(status) } else { Err(other(format!("status {status}"))) }
}

async fn tls(world: &World, name: &str, wire: Boxed) -> io::Result<Boxed> {
    let connector = TlsConnector::from(Arc::new(world.client_config()));
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    Ok(Box::new(BufReader::new(connector.connect(name, wire).await?)))
}

fn authorization(login: &str) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(login);
    format!("Proxy-Authorization: Basic {text}\r\n")
}

async fn head(wire: &mut Boxed) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 100_000 {
            return Err(other("a head without an end"));
        }
        if wire.read_until(b'\n', &mut head).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn connect(wire: &mut Boxed, target: &Target, login: Option<&str>) -> io::Result<()> {
    let at = format!("{}:{}", target.host, target.port);
    let login = login.map(authorization).unwrap_or_default();
    let ask = format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n{login}\r\n");
    wire.write_all(ask.as_bytes()).await?;
    loop {
        let head = head(wire).await?;
        match head.split(' ').nth(1).unwrap_or_default() {
            status if status.starts_with('1') => {}
            status if status.starts_with('2') => return Ok(()),
            status => return Err(other(format!("the proxy says {status}"))),
        }
    }
}

async fn socks5(wire: &mut Boxed, target: &Target, login: Option<&str>) -> io::Result<()> {
    let method = if login.is_some() { 2 } else { 0 };
    wire.write_all(&[5, 1, method]).await?;
    let mut answer = [0; 2];
    wire.read_exact(&mut answer).await?;
    if answer != [5, method] {
        return Err(other(format!("method {answer:?}")));
    }
    if let Some((user, password)) = login.and_then(|login| login.split_once(':')) {
        let mut login = vec![1];
        for part in [user, password] {
            login.push(part.len() as u8);
            login.extend(part.bytes());
        }
        wire.write_all(&login).await?;
        wire.read_exact(&mut answer).await?;
        if answer[1] != 0 {
            return Err(other(format!("login {answer:?}")));
        }
    }
    let mut ask = vec![5, 1, 0, 3, target.host.len() as u8];
    ask.extend(target.host.bytes());
    ask.extend(target.port.to_be_bytes());
    wire.write_all(&ask).await?;
    let mut reply = [0; 10];
    wire.read_exact(&mut reply).await?;
    if reply[..4] == [5, 0, 0, 1] { Ok(()) } else { Err(other(format!("reply {reply:?}"))) }
}

async fn socks4(wire: &mut Boxed, target: &Target) -> io::Result<()> {
    let mut ask = vec![4, 1];
    ask.extend(target.port.to_be_bytes());
    ask.extend([0, 0, 0, 1, 0]);
    ask.extend(target.host.bytes());
    ask.push(0);
    wire.write_all(&ask).await?;
    let mut reply = [0; 8];
    wire.read_exact(&mut reply).await?;
    if reply[1] == 90 { Ok(()) } else { Err(other(format!("reply {reply:?}"))) }
}
