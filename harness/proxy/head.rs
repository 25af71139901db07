//! Reading the head of a request.

use std::mem::MaybeUninit;

use bytes::{Buf, BytesMut};
use tokio::io::AsyncReadExt;

use crate::wire::BoxWire;

/// The longest request head unless the scenario says otherwise.
pub const LIMIT: u64 = 64 * 1024;
/// The most header lines.
const LINES: usize = 512;

/// A request head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The method, as sent.
    pub method: String,
    /// The request target, as sent.
    pub target: String,
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub minor: u8,
    /// The header lines, as sent.
    pub headers: Vec<(String, String)>,
    /// The bytes, as sent.
    pub raw: Vec<u8>,
}

/// Why there is no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoHead {
    /// The client closed before the first byte.
    Closed,
    /// The client closed in the middle.
    Cut,
    /// The client has reset the connection.
    Reset,
    /// Longer than the limit.
    TooLong,
    /// Not HTTP/1.x; why.
    Bad(String),
}

impl Head {
    /// The first header line of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Whether a header line of this name lists this word.
    pub fn lists(&self, name: &str, word: &str) -> bool {
        self.headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .flat_map(|(_, v)| v.split(','))
            .any(|w| w.trim().eq_ignore_ascii_case(word))
    }

    /// Whether the client lets the connection be used again.
    pub fn keeps_alive(&self) -> bool {
        let says = |word| self.lists("connection", word) || self.lists("proxy-connection", word);
        if self.minor == 0 { says("keep-alive") } else { !says("close") }
    }

    /// Whether there is one Host, and it is the target's authority as it stands in the request line
    /// (RFC 9110, section 7.2). `none`: what is said where there is no Host.
    pub fn host_is_target(&self, none: bool) -> bool {
        let authority = match self.target.split_once("://") {
            Some((_, rest)) => rest.split(['/', '?']).next().unwrap_or_default(),
            None => &self.target,
        };
        let authority = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let mut hosts = self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host"));
        match (hosts.next(), hosts.next()) {
            (None, _) => none,
            (Some((_, host)), None) => host.trim().eq_ignore_ascii_case(authority),
            (Some(_), Some(_)) => false,
        }
    }

    /// `HTTP/1.0` or `HTTP/1.1`.
    pub fn version(&self) -> &'static str {
        if self.minor == 0 { "HTTP/1.0" } else { "HTTP/1.1" }
    }
}

/// Takes a head off the front of `inbox`; None when it is not complete yet.
pub fn take(inbox: &mut BytesMut) -> Result<Option<Head>, NoHead> {
    // Left as they are until a line fills them: 16 KiB to clear is much beside the head of a CONNECT.
    let mut lines = [const { MaybeUninit::uninit() }; LINES];
    let mut request = httparse::Request::new(&mut []);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let len = match request.parse_with_uninit_headers(inbox, &mut lines) {
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(httparse::Status::Complete(len)) => len,
        Err(httparse::Error::TooManyHeaders) => return Err(NoHead::TooLong),
        Err(error) => return Err(NoHead::Bad(error.to_string())),
    };
    let head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        minor: request.version.unwrap_or(1),
        headers: request.headers.iter().map(|h| (h.name.to_owned(), text(h.value))).collect(),
        raw: inbox[..len].to_vec(),
    };
    inbox.advance(len);
    Ok(Some(head))
}

/// Reads a head. What came after it stays in `inbox`; `count` is told of bytes that arrive.
pub async fn read(wire: &mut BoxWire, inbox: &mut BytesMut, limit: u64) -> Result<Head, NoHead> {
    loop {
        // Blank lines before a request are to be ignored (RFC 9112, section 2.2); httparse does.
        if !inbox.is_empty() {
            match take(inbox)? {
                Some(head) if head.raw.len() as u64 > limit => return Err(NoHead::TooLong),
                Some(head) => return Ok(head),
                None if inbox.len() as u64 >= limit => return Err(NoHead::TooLong),
                None => {}
            }
        }
        inbox.reserve(2048);
        match wire.read_buf(inbox).await {
            Ok(0) if inbox.is_empty() => return Err(NoHead::Closed),
            Ok(0) => return Err(NoHead::Cut),
            Ok(_) => {}
            Err(_) => return Err(NoHead::Reset),
        }
    }
}

/// Host and port of an authority; the port is `default` when there is none.
pub fn authority(text: &str, default: Option<u16>) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match text.rsplit_once(':') {
            // More than one colon without brackets: whose is the port?
            Some((host, _)) if host.contains(':') => return None,
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok()?,
        None => default?,
    };
    (!host.is_empty() && !host.contains(['@', '/', ' '])).then(|| (host.to_owned(), port))
}

/// Host, port and path of an absolute-form target: `http://host[:port]/path`.
pub fn absolute(target: &str) -> Option<(String, u16, String)> {
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("ws") {
        return None;
    }
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (place, path) = rest.split_at(at);
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let (host, port) = authority(place, Some(80))?;
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Some((host, port, path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_after_the_head_stay() {
        let mut inbox = BytesMut::from("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n\x16\x03\x01");
        let head = take(&mut inbox).unwrap().unwrap();
        assert_eq!((head.method.as_str(), head.target.as_str()), ("CONNECT", "a:1"));
        assert_eq!(&inbox[..], b"\x16\x03\x01");
        assert!(head.keeps_alive());
    }

    #[test]
    fn authorities() {
        assert_eq!(authority("a.test:443", None), Some(("a.test".into(), 443)));
        assert_eq!(authority("[::1]:8443", None), Some(("::1".into(), 8443)));
        for bad in ["a.test", ":443", "::1:443", "a:b", "a:70000", "u@a:1", ""] {
            assert_eq!(authority(bad, None), None, "{bad}");
        }
    }

    #[test]
    fn absolute_forms() {
        let got = absolute("http://a.test/x?y=1");
        assert_eq!(got, Some(("a.test".into(), 80, "/x?y=1".into())));
        assert_eq!(absolute("http://u:p@a.test:81?q"), Some(("a.test".into(), 81, "/?q".into())));
        assert_eq!(absolute("/x"), None);
        assert_eq!(absolute("https://a.test/"), None);
    }

    #[test]
    fn a_host_that_is_the_target() {
        for (lines, is) in [
            ("CONNECT a.test:443 HTTP/1.1\r\nHost: A.test:443\r\n", true),
            ("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n", false),
            ("CONNECT a.test:443 HTTP/1.1\r\nHost: b.test:443\r\n", false),
            ("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nhost: a.test:443\r\n", false),
            ("CONNECT a.test:443 HTTP/1.0\r\n", false),
            ("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n", true),
            ("GET http://u:p@a.test/x HTTP/1.1\r\nHost: a.test\r\n", true),
            ("GET http://a.test?x HTTP/1.1\r\nHost: a.test:80\r\n", false),
        ] {
            let head = take(&mut BytesMut::from(format!("{lines}\r\n").as_str()));
            assert_eq!(head.unwrap().unwrap().host_is_target(false), is, "{lines}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,30}") {
            let _ = take(&mut BytesMut::from(&bytes[..]));
            let _ = (authority(&text, Some(1)), absolute(&text));
        }
    }
}
