//! Where the body of an HTTP/1 message ends, while its bytes pass by.

use super::head::Head;

/// How a body is framed, and how much of it is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// Nothing (more) to come.
    Done,
    /// That many bytes.
    Length(u64),
    /// Chunks.
    Chunked(Chunk),
    /// Until the connection ends.
    Close,
}

/// Where in a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk {
    /// In the size line; the size so far, and whether an extension has begun.
    Size(u64, bool),
    /// In the data.
    Data(u64),
    /// In the line end after the data.
    DataEnd,
    /// At the start of a trailer line, or inside one.
    Trailer(bool),
}

/// The body is not framed as it should be.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken;

impl Framing {
    /// How the body of a request is framed (RFC 9112, section 6.3).
    pub fn of_request(head: &Head) -> Result<Framing, Broken> {
        if head.lists("transfer-encoding", "chunked") {
            return Ok(Framing::Chunked(Chunk::Size(0, false)));
        }
        match head.header("content-length") {
            None => Ok(Framing::Done),
            Some(n) => match n.trim().parse() {
                Ok(0) => Ok(Framing::Done),
                Ok(n) => Ok(Framing::Length(n)),
                Err(_) => Err(Broken),
            },
        }
    }

    /// How the body of a response is framed. `method` is the request's.
    pub fn of_response(method: &str, status: u16, headers: &[(String, String)]) -> Framing {
        let find = |name: &str| {
            headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
        };
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            return Framing::Done;
        }
        if let Some(coding) = find("transfer-encoding") {
            return match coding.to_ascii_lowercase().contains("chunked") {
                true => Framing::Chunked(Chunk::Size(0, false)),
                false => Framing::Close,
            };
        }
        match find("content-length").map(|n| n.trim().parse::<u64>()) {
            Some(Ok(0)) => Framing::Done,
            Some(Ok(n)) => Framing::Length(n),
            Some(Err(_)) | None => Framing::Close,
        }
    }

    /// Whether nothing more is to come.
    pub fn is_done(&self) -> bool {
        *self == Framing::Done
    }

    /// Looks at bytes of the body: how many belong to it. Its payload (without chunk framing) is
    /// handed to `payload`. Stops early once the body is done.
    pub fn feed(&mut self, bytes: &[u8], mut payload: impl FnMut(&[u8])) -> Result<usize, Broken> {
        let mut at = 0;
        while at < bytes.len() {
            match self {
                Framing::Done => break,
                Framing::Close => {
                    payload(&bytes[at..]);
                    return Ok(bytes.len());
                }
                Framing::Length(left) => {
                    let n = (*left).min((bytes.len() - at) as u64) as usize;
                    payload(&bytes[at..at + n]);
                    *left -= n as u64;
                    at += n;
                    if *left == 0 {
                        *self = Framing::Done;
                    }
                }
                Framing::Chunked(Chunk::Data(left)) => {
                    let n = (*left).min((bytes.len() - at) as u64) as usize;
                    payload(&bytes[at..at + n]);
                    *left -= n as u64;
                    at += n;
                    if *left == 0 {
                        *self = Framing::Chunked(Chunk::DataEnd);
                    }
                }
                Framing::Chunked(state) => {
                    let next = line_byte(*state, bytes[at])?;
                    at += 1;
                    *self = next;
                }
            }
        }
        Ok(at)
    }
}

/// One byte of the lines around the data.
fn line_byte(state: Chunk, byte: u8) -> Result<Framing, Broken> {
    Ok(Framing::Chunked(match (state, byte) {
        (Chunk::Size(0, _), b'\n') => Chunk::Trailer(false),
        (Chunk::Size(n, _), b'\n') => Chunk::Data(n),
        (Chunk::Size(n, ext), b'\r') => Chunk::Size(n, ext),
        (Chunk::Size(n, true), _) | (Chunk::Size(n, false), b';' | b' ' | b'\t') => {
            Chunk::Size(n, true)
        }
        (Chunk::Size(n, false), digit) => {
            let digit = char::from(digit).to_digit(16).ok_or(Broken)?;
            let n = n.checked_mul(16).and_then(|n| n.checked_add(u64::from(digit)));
            Chunk::Size(n.ok_or(Broken)?, false)
        }
        (Chunk::DataEnd, b'\r') => Chunk::DataEnd,
        (Chunk::DataEnd, b'\n') => Chunk::Size(0, false),
        (Chunk::DataEnd, _) => return Err(Broken),
        (Chunk::Trailer(false), b'\n') => return Ok(Framing::Done),
        (Chunk::Trailer(begun), b'\r') => Chunk::Trailer(begun),
        (Chunk::Trailer(true), b'\n') => Chunk::Trailer(false),
        (Chunk::Trailer(_), _) => Chunk::Trailer(true),
        (Chunk::Data(n), _) => Chunk::Data(n),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunked() -> Framing {
        Framing::Chunked(Chunk::Size(0, false))
    }

    #[test]
    fn chunks_trailers_and_what_follows() {
        let bytes = b"4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\nT: 1\r\n\r\nNEXT";
        let mut framing = chunked();
        let mut got = Vec::new();
        let n = framing.feed(bytes, |p| got.extend_from_slice(p)).unwrap();
        assert_eq!((got.as_slice(), &bytes[n..]), (&b"Wikipedia"[..], &b"NEXT"[..]));
        assert!(framing.is_done());
    }

    #[test]
    fn broken_chunks_are_refused() {
        for bad in [&b"zz\r\n"[..], b"1\r\nab", b"fffffffffffffffff\r\n"] {
            assert_eq!(chunked().feed(bad, |_| {}), Err(Broken), "{bad:?}");
        }
    }

    #[test]
    fn a_length_ends_on_the_byte() {
        let mut framing = Framing::Length(3);
        assert_eq!(framing.feed(b"abcdef", |_| {}), Ok(3));
        assert!(framing.is_done());
    }

    proptest! {
        /// However the bytes are cut, the payload is the same.
        #[test]
        fn cuts_change_nothing(parts in proptest::collection::vec("[a-z]{1,9}", 0..6), cut in 1usize..7) {
            let mut wire: String = parts.iter().map(|p| format!("{:x}\r\n{p}\r\n", p.len())).collect();
            wire += "0\r\n\r\n";
            let mut framing = chunked();
            let mut got = Vec::new();
            for piece in wire.as_bytes().chunks(cut) {
                prop_assert_eq!(framing.feed(piece, |p| got.extend_from_slice(p)), Ok(piece.len()));
            }
            prop_assert!(framing.is_done());
            prop_assert_eq!(got, parts.concat().into_bytes());
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = chunked().feed(&bytes, |_| {});
        }
    }
}
