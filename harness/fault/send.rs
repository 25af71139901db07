//! `send`: exact bytes.

use std::io;

use base64::Engine;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{ANYWHERE, After, Cx, Fault};
use crate::scenario::{Problem, seen};
use crate::stage::Stage;

/// Sends bytes to the client as they stand: nothing is added, repaired or re-cased.
///
/// At `accept`, `tunnel` and `body` they are put in and the stage goes on; elsewhere they take
/// the place of what the stage would have sent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendBytes {
    /// Text. In YAML, `"..."` understands `\r\n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Hexadecimal; blanks are ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// A file, beside the scenario file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How many times. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u64>,
    /// What the file contained when the scenario was read.
    #[serde(skip)]
    pub(crate) loaded: Option<Vec<u8>>,
}

impl SendBytes {
    fn bytes(&self) -> Result<Vec<u8>, Problem> {
        let given = [
            (self.text.is_some(), "text"),
            (self.hex.is_some(), "hex"),
            (self.base64.is_some(), "base64"),
            (self.file.is_some(), "file"),
        ];
        let given: Vec<&'static str> =
            given.iter().filter(|(is, _)| *is).map(|(_, form)| *form).collect();
        match given[..] {
            [] => Err(Problem::new("`send` does not say what")
                .help("write one of: text, hex, base64, file")),
            [one, other, ..] => {
                Err(Problem::new(format!("`{one}` and `{other}` exclude each other"))
                    .about(other)
                    .help("`send` takes one of: text, hex, base64, file"))
            }
            ["hex"] => unhex(self.hex.as_deref().unwrap_or_default()),
            ["base64"] => unbase64(self.base64.as_deref().unwrap_or_default()),
            _ => Ok(match &self.text {
                Some(text) => text.clone().into_bytes(),
                None => self.loaded.clone().unwrap_or_default(),
            }),
        }
    }
}

pub(super) fn unhex(text: &str) -> Result<Vec<u8>, Problem> {
    let bad = |why: String| {
        Problem::new(why).about("hex").help("write two digits a byte, e.g. `15 03 03`")
    };
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() % 2 == 1 {
        return Err(bad(format!("there are {} digits: half a byte too many", digits.len())));
    }
    let digit = |c: char| {
        c.to_digit(16)
            .ok_or_else(|| bad(format!("{} is not a hexadecimal digit", seen(&c.to_string()))))
    };
    digits.chunks(2).map(|p| Ok((digit(p[0])? * 16 + digit(p[1])?) as u8)).collect()
}

fn unbase64(text: &str) -> Result<Vec<u8>, Problem> {
    use base64::DecodeError;
    base64::engine::general_purpose::STANDARD.decode(text.trim()).map_err(|error| {
        let why = match error {
            DecodeError::InvalidByte(at, byte) => {
                let byte = seen(&char::from(byte).to_string());
                format!("{byte} (character {}) is not in base64", at + 1)
            }
            _ => "this base64 is cut off, or its `=` are wrong".to_owned(),
        };
        Problem::new(why).about("base64").help("write A-Z, a-z, 0-9, + and /, and `=` at the end")
    })
}

/// What follows bytes that were sent at a stage.
pub(super) fn after(stage: Stage) -> After {
    match stage {
        Stage::Accept | Stage::Tunnel | Stage::Body => After::Go,
        Stage::Request | Stage::Auth | Stage::Resolve | Stage::Dial => After::Answered,
        _ => After::Replaced,
    }
}

/// Bytes for the log: as text when they are text.
pub(super) fn shown(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(48)];
    let text: String =
        head.iter().flat_map(|b| std::ascii::escape_default(*b)).map(char::from).collect();
    let more = if bytes.len() > head.len() { "..." } else { "" };
    format!("\"{text}{more}\"")
}

impl Fault for SendBytes {
    const AT: &'static [Stage] = ANYWHERE;
    const ABOUT: &'static str = "Sends exact bytes: text, hex, base64 or a file, repeated if asked";
    const EXAMPLE: &'static str = r#"{at: tunnel, do: [{send: "SSH-2.0-x\r\n"}, close]}"#;

    fn from_word(word: &str) -> Result<Self, Problem> {
        Ok(SendBytes { text: Some(word.to_owned()), ..SendBytes::default() })
    }

    fn word_schema(_: &mut SchemaGenerator) -> Option<Schema> {
        Some(json_schema!({"type": "string", "description": "The text to send"}))
    }

    fn check(&self, stage: Stage) -> Result<(), Problem> {
        if stage == Stage::Close {
            return Err(Problem::new("nothing more can be sent at `close`")
                .help("send it at the stage before: response, body or tunnel"));
        }
        if self.repeat == Some(0) {
            return Err(Problem::new("`repeat: 0` sends nothing").about("repeat"));
        }
        if self.repeat.is_some() && self.bytes().is_ok_and(|b| b.is_empty()) && self.file.is_none()
        {
            return Err(Problem::new("nothing, repeated, is still nothing").about("repeat"));
        }
        self.bytes().map(|_| ())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let once = self.bytes().unwrap_or_default();
        let repeat = self.repeat.unwrap_or(1);
        // Repeated bytes go out in writes of some 64 KiB, so that a flood is one.
        let a_write = (65536 / once.len().max(1)).clamp(1, usize::try_from(repeat).unwrap_or(1));
        let batch = once.repeat(a_write);
        let mut left = repeat;
        let mut sent = 0u64;
        let mut result = Ok(());
        while left > 0 && result.is_ok() {
            let n = left.min(a_write as u64);
            result = cx.send(&batch[..n as usize * once.len()]).await;
            sent += n * once.len() as u64;
            left -= n;
        }
        cx.did(format!("sent {sent} bytes: {}", shown(&once)), true);
        result.map(|()| after(cx.stage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal() {
        assert_eq!(unhex("15 03 03 00\n02 02 28").unwrap(), [0x15, 3, 3, 0, 2, 2, 40]);
        assert!(unhex("1").is_err() && unhex("zz").is_err());
    }
}
