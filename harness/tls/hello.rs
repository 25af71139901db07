//! A client's hello, read by own code: what it offers, and what a hand-made answer has to echo.
//!
//! It reads whatever bytes come (RFC 8446, section 4.1.2; TLS 1.0 to 1.2 share the form) and
//! never panics on any.

/// The record type of a handshake message (RFC 8446, section 5.1): a hello's first byte.
pub const HANDSHAKE: u8 = 0x16;
/// The longest hello that is read. The largest in the field have some 2 kB.
pub const LIMIT: usize = 64 * 1024;
/// The most bytes that are read for one: records of one byte each are six times as long as what is in
/// them.
pub const MOST: usize = 2 * LIMIT;

/// What a client has said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The name it asks for (SNI); None when it sends none.
    pub sni: Option<String>,
    /// The protocols it offers (ALPN), in its order.
    pub alpn: Vec<String>,
    /// The versions it offers, newest first as a rule: numbers of the wire, e.g. 0x0304.
    pub versions: Vec<u16>,
    /// The cipher suites it offers, in its order.
    pub ciphers: Vec<u16>,
    /// The groups for the key exchange that it knows.
    pub groups: Vec<u16>,
    /// The legacy session id, which a server echoes.
    pub session_id: Vec<u8>,
    /// Whether it offers a ticket: a pre-shared key (TLS 1.3), or a ticket that is not empty.
    pub ticket: bool,
    /// Bytes on the wire, record headers included.
    pub bytes: usize,
}

impl ClientHello {
    /// What TLS library, version and settings it comes from, in 12 digits: the cipher suites and the groups,
    /// both sorted, because some libraries order them by the processor, and without the random ones (GREASE,
    /// RFC 8701). Empty where no cipher suite is known.
    pub fn fingerprint(&self) -> String {
        if self.ciphers.is_empty() {
            return String::new();
        }
        let list = |numbers: &[u16]| {
            let random = |n: &u16| n & 0x0F0F == 0x0A0A && n >> 8 == n & 0xFF;
            let mut numbers: Vec<u16> = numbers.iter().filter(|n| !random(n)).copied().collect();
            numbers.sort_unstable();
            numbers.iter().map(|n| format!("{n:04x}")).collect::<Vec<_>>().join(",")
        };
        let text = format!("{};{}", list(&self.ciphers), list(&self.groups));
        let sum = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        sum.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What bytes are, seen as a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hello {
    /// A whole one.
    Whole(ClientHello),
    /// The beginning of one.
    More,
    /// None. What is wrong with it.
    Bad(&'static str),
}

/// Takes the client's hello out of its first bytes.
pub fn parse(bytes: &[u8]) -> Hello {
    let mut message = Vec::new();
    let mut rest = bytes;
    loop {
        // One record: type, version, length, payload.
        match rest.first() {
            Some(&HANDSHAKE) | None => {}
            Some(_) => return Hello::Bad("a record that is no handshake"),
        }
        if rest.get(1).is_some_and(|major| *major != 3) {
            return Hello::Bad("a record of no TLS version");
        }
        let Some((head, after)) = rest.split_at_checked(5) else { return Hello::More };
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        if length == 0 || length > 16_384 + 256 {
            return Hello::Bad("a record of an impossible length");
        }
        message.extend_from_slice(&after[..length.min(after.len())]);
        match message.first() {
            Some(1) | None => {}
            Some(_) => return Hello::Bad("a handshake message that is no ClientHello"),
        }
        let wanted = match message.get(1..4) {
            Some(size) => {
                4 + (usize::from(size[0]) << 16 | usize::from(size[1]) << 8) + usize::from(size[2])
            }
            None => usize::MAX,
        };
        if wanted != usize::MAX && wanted > LIMIT {
            return Hello::Bad("a ClientHello of more than 64 KiB");
        }
        if after.len() < length {
            return Hello::More;
        }
        if message.len() >= wanted {
            let used = bytes.len() - after.len() + length;
            return match body(&message[4..wanted]) {
                Some(hello) => Hello::Whole(ClientHello { bytes: used, ..hello }),
                None => Hello::Bad("a ClientHello whose lengths do not fit"),
            };
        }
        rest = &after[length..];
    }
}

/// What is left to read of a message.
struct Left<'a>(&'a [u8]);

impl<'a> Left<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }

    /// A vector whose length is in the `n` bytes before it.
    fn vector(&mut self, n: usize) -> Option<Left<'a>> {
        let length = self.take(n)?.iter().fold(0, |sum, b| sum << 8 | usize::from(*b));
        self.take(length).map(Left)
    }

    fn numbers(mut self) -> Vec<u16> {
        std::iter::from_fn(|| self.number()).collect()
    }
}

fn body(bytes: &[u8]) -> Option<ClientHello> {
    let mut left = Left(bytes);
    let version = left.number()?;
    left.take(32)?;
    let session_id = left.vector(1)?.0.to_vec();
    let ciphers = left.vector(2)?.numbers();
    left.vector(1)?;
    let mut hello = ClientHello { session_id, ciphers, ..ClientHello::default() };
    // Before TLS 1.2 a hello may have no extensions at all.
    let mut extensions = if left.0.is_empty() { Left(&[]) } else { left.vector(2)? };
    while !extensions.0.is_empty() {
        let kind = extensions.number()?;
        let mut value = extensions.vector(2)?;
        match kind {
            0 => {
                let mut names = value.vector(2)?;
                // The one kind of name that there is: host_name, 0.
                if names.take(1) == Some(&[0]) {
                    hello.sni = Some(String::from_utf8_lossy(names.vector(2)?.0).into_owned());
                }
            }
            10 => hello.groups = value.vector(2)?.numbers(),
            16 => {
                let mut names = value.vector(2)?;
                while !names.0.is_empty() {
                    let name = names.vector(1)?;
                    hello.alpn.push(String::from_utf8_lossy(name.0).into_owned());
                }
            }
            35 => hello.ticket |= !value.0.is_empty(),
            41 => hello.ticket = true,
            43 => hello.versions = value.vector(1)?.numbers(),
            _ => {}
        }
    }
    if hello.versions.is_empty() {
        hello.versions.push(version);
    }
    Some(hello)
}

/// A version of the wire as people write it: `TLS 1.3`; GREASE (RFC 8701) has no name.
pub fn version_name(version: u16) -> Option<&'static str> {
    Some(match version {
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 => "TLS 1.3",
        _ => return None,
    })
}

impl ClientHello {
    /// Whether it offers to go on with an earlier session. Before TLS 1.3 the session id alone does.
    pub fn resumes(&self) -> bool {
        self.ticket || (!self.session_id.is_empty() && !self.versions.contains(&0x0304))
    }

    /// The versions that have a name.
    pub fn version_names(&self) -> Vec<String> {
        self.versions.iter().filter_map(|v| version_name(*v)).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests;
