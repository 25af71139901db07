//! `send`: exact bytes.

use std::io;

use base64::Engine;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{ANYWHERE, After, Cx, Fault};
use crate::stage::Stage;

/// Sends bytes to the client as they stand: nothing is added, repaired or re-cased.
///
/// At `accept`, `tunnel` and `body` they are put in and the stage goes on; elsewhere they take
/// the place of what the stage would have sent.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendBytes {
    /// Text. In YAML, `"..."` understands `\r\n`.
    #[serde(default)]
    pub text: Option<String>,
    /// Hexadecimal; blanks are ignored.
    #[serde(default)]
    pub hex: Option<String>,
    /// Base64.
    #[serde(default)]
    pub base64: Option<String>,
    /// A file, beside the scenario file.
    #[serde(default)]
    pub file: Option<String>,
    /// How many times. Default: 1.
    #[serde(default)]
    pub repeat: Option<u64>,
    /// What the file contained when the scenario was read.
    #[serde(skip)]
    pub(crate) loaded: Option<Vec<u8>>,
}

impl SendBytes {
    fn bytes(&self) -> Result<Vec<u8>, String> {
        let given = [&self.text, &self.hex, &self.base64, &self.file];
        if given.iter().filter(|v| v.is_some()).count() != 1 {
            return Err("`send` takes exactly one of text, hex, base64, file".to_owned());
        }
        if let Some(text) = &self.text {
            return Ok(text.clone().into_bytes());
        }
        if let Some(hex) = &self.hex {
            return unhex(hex);
        }
        if let Some(text) = &self.base64 {
            return base64::engine::general_purpose::STANDARD
                .decode(text.trim())
                .map_err(|e| format!("`base64` is not base64: {e}"));
        }
        Ok(self.loaded.clone().unwrap_or_default())
    }
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let digit = |c: char| c.to_digit(16).ok_or_else(|| format!("`{c}` is not a hexadecimal digit"));
    if digits.len() % 2 == 1 {
        return Err("`hex` has an odd number of digits".to_owned());
    }
    digits.chunks(2).map(|p| Ok((digit(p[0])? * 16 + digit(p[1])?) as u8)).collect()
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
    let text: String = head.iter().flat_map(|b| std::ascii::escape_default(*b)).map(char::from).collect();
    let more = if bytes.len() > head.len() { "..." } else { "" };
    format!("\"{text}{more}\"")
}

impl Fault for SendBytes {
    const AT: &'static [Stage] = ANYWHERE;
    const ABOUT: &'static str = "Sends exact bytes: text, hex, base64 or a file, repeated if asked";
    const EXAMPLE: &'static str = r#"{at: tunnel, do: [{send: "SSH-2.0-x\r\n"}, close]}"#;

    fn from_word(word: &str) -> Result<Self, String> {
        Ok(SendBytes { text: Some(word.to_owned()), ..SendBytes::default() })
    }

    fn word_schema(_: &mut SchemaGenerator) -> Option<Schema> {
        Some(json_schema!({"type": "string", "description": "The text to send"}))
    }

    fn check(&self, stage: Stage) -> Result<(), String> {
        if stage == Stage::Close {
            return Err("nothing more can be sent at `close`: use the stage before".to_owned());
        }
        if self.repeat == Some(0) {
            return Err("`repeat: 0` sends nothing".to_owned());
        }
        if self.repeat.is_some() && self.bytes().is_ok_and(|b| b.is_empty()) && self.file.is_none() {
            return Err("nothing, repeated, is still nothing".to_owned());
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
