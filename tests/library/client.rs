//! A client that is no part of the project: sockets, and rustls with the world's configuration.

use std::io;
use std::sync::Arc;

use badproxy::World;
use badproxy::rustls::ClientConfig;
use badproxy::rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The head of an answer.
async fn head(wire: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match wire.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(io::Error::other("closed without a whole answer"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// CONNECT, TLS and GET; gives the body.
pub async fn get(world: &World) -> io::Result<String> {
    let socket = TcpStream::connect(world.proxy_address()).await?;
    get_over(world, socket).await
}

pub async fn get_over(
    world: &World,
    wire: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<String> {
    get_with(|| world.client_config(), wire).await
}

/// The same with a configuration of one's own, asked for when it is needed.
pub async fn get_with(
    config: impl FnOnce() -> ClientConfig,
    mut wire: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<String> {
    wire.write_all(
        b"CONNECT target.badproxy.test:443 HTTP/1.1\r\nHost: target.badproxy.test\r\n\r\n",
    )
    .await?;
    let answer = head(&mut wire).await?;
    if !answer.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(format!("proxy: {}", answer.lines().next().unwrap_or(""))));
    }
    let connector = TlsConnector::from(Arc::new(config()));
    let name = ServerName::try_from("target.badproxy.test").unwrap();
    let mut tls = connector.connect(name, wire).await?;
    tls.write_all(b"GET / HTTP/1.1\r\nHost: target.badproxy.test\r\nConnection: close\r\n\r\n")
        .await?;
    let mut body = Vec::new();
    tls.read_to_end(&mut body).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Tries again, at once, this many times at most.
pub async fn get_with_retries(world: &World, most: usize) -> io::Result<String> {
    let mut last = Err(io::Error::other("no attempt"));
    for _ in 0..most {
        last = get(world).await;
        if last.is_ok() {
            break;
        }
    }
    last
}
