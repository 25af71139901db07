//! `glue`: bytes in the same segment as a head.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;

use super::send::{shown, unhex};
use super::{After, Cx, Fault, Flow};
use crate::scenario::Problem;
use crate::stage::Stage;

/// Puts bytes before or after the good head, in one write with it: the proxy's 200, or the head of
/// the origin's response (its 101, too).
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Glue {
    /// Text before the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Text after the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Bytes after the head, hexadecimal; blanks are ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_hex: Option<String>,
}

impl Glue {
    fn tail(&self) -> Result<Vec<u8>, Problem> {
        match (&self.after, &self.after_hex) {
            (Some(_), Some(_)) => Err(Problem::new("`after` and `after_hex` exclude each other")
                .about("after_hex")
                .help("write one of them")),
            (Some(text), None) => Ok(text.clone().into_bytes()),
            (None, Some(hex)) => unhex(hex).map_err(|problem| problem.about("after_hex")),
            (None, None) => Ok(Vec::new()),
        }
    }
}

impl Fault for Glue {
    const AT: &'static [Stage] = &[Stage::Reply, Stage::Response];
    const ABOUT: &'static str = "Puts bytes before or after the good head, in one segment with it";
    const EXAMPLE: &'static str =
        r#"{at: response, do: {glue: {before: "HTTP/1.1 100 Continue\r\n\r\n"}}}"#;

    fn check(&self, _: Stage) -> Result<(), Problem> {
        let tail = self.tail()?;
        if self.before.as_ref().is_none_or(String::is_empty) && tail.is_empty() {
            return Err(Problem::new("`glue` does not say what")
                .help("write one or more of: before, after, after_hex"));
        }
        Ok(())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let before = self.before.as_deref().unwrap_or_default().as_bytes();
        let tail = self.tail().unwrap_or_default();
        if let Flow::Out { from, pipe, .. } = &mut *cx.flow {
            let mut all = before.to_vec();
            from.read_to_end(&mut all).await?;
            all.extend_from_slice(&tail);
            pipe.push(&all);
        }
        let side = |bytes: &[u8], side| match bytes {
            [] => None,
            bytes => Some(format!("{} bytes {side} it: {}", bytes.len(), shown(bytes))),
        };
        let sides = [side(before, "before"), side(&tail, "after")];
        let sides: Vec<String> = sides.into_iter().flatten().collect();
        cx.did(format!("the head and {}", sides.join(", ")), true);
        Ok(After::Go)
    }
}
