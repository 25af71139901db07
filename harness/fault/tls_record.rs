//! `tls_record`: the server's records, cut, changed or laid out oddly.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::scenario::{Length, Problem, Size};
use crate::stage::Stage;

/// Changes what the server sends below TLS: the bytes of its records. They are counted from the
/// first of the handshake on, the ServerHello.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TlsRecord {
    /// Which record `flip`, `version`, `oversize` and `pause` are about. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The last bit of the record is wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flip: bool,
    /// The version in the record's head, as four hexadecimal digits, e.g. `"0505"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Before the record comes one of this many bytes, of type application_data, all zero. Above
    /// 16640B it is longer than TLS allows. At most 65535B.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oversize: Option<Size>,
    /// After the record nothing is sent for this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Length>,
    /// The handshake records in clear are cut into records of this many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<Size>,
    /// Everything goes out in segments of at most this many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Size>,
    /// After this many bytes nothing more is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Size>,
    /// What comes after `cut`. Default: close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<CutEnd>,
}

/// How a flight that is cut ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CutEnd {
    /// With a FIN.
    #[default]
    Close,
    /// With a RST.
    Reset,
    /// Not at all: the connection stays open.
    Hang,
}

impl TlsRecord {
    /// The version's number.
    pub fn version_number(&self) -> Option<u16> {
        let digits = self.version.as_deref()?;
        (digits.len() == 4).then(|| u16::from_str_radix(digits, 16).ok())?
    }

    /// What one part of the rule does, and whether the client can notice it.
    pub(crate) fn words(&self, part: Part) -> (String, bool) {
        let which = self.record.unwrap_or(1);
        let size = |size: Option<Size>| size.map_or(0, |Size(n)| n);
        let words = match part {
            Part::Flip => format!("flips a bit of record {which}"),
            Part::Version => {
                let version = self.version_number().unwrap_or_default();
                format!("record {which} says version {version:#06x}")
            }
            Part::Oversize => {
                format!("a record of {} bytes before record {which}", size(self.oversize))
            }
            Part::Pause => format!("a pause after record {which}"),
            Part::Fragment => format!("handshake records of {} bytes", size(self.fragment)),
            Part::Split => format!("segments of {} bytes", size(self.split)),
            Part::Cut => {
                let end = match self.end.unwrap_or_default() {
                    CutEnd::Close => "FIN",
                    CutEnd::Reset => "RST",
                    CutEnd::Hang => "silence",
                };
                format!("{end} after {} bytes of the handshake", size(self.cut))
            }
        };
        let silent = part == Part::Cut && self.end == Some(CutEnd::Hang);
        (words, !silent)
    }

    /// What the server has to send first, where a client has met nothing of the rule.
    pub(crate) fn waits_for(&self) -> String {
        let which = self.record.unwrap_or(1);
        match (self.cut, self.fragment, self.split) {
            (Some(Size(n)), ..) => {
                format!("the server sent less than {n} bytes there, so nothing was cut off")
            }
            (_, Some(Size(n)), _) => {
                format!("no handshake record in clear had more than {n} bytes there")
            }
            (.., Some(Size(n))) => {
                format!("the server sent not more than {n} bytes at once there")
            }
            _ if self.oversize.is_some() => format!(
                "the server sent no record {which} there, so nothing came before it: it sent fewer"
            ),
            _ => format!("the server sent no record {which} there: it sent fewer"),
        }
    }
}

/// One thing that a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Flip,
    Version,
    Oversize,
    Pause,
    Fragment,
    Split,
    Cut,
}

/// A rule that waits for its record.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Armed {
    /// Its number, from 1.
    pub rule: usize,
    /// What it does.
    pub record: TlsRecord,
}

impl Fault for TlsRecord {
    const AT: &'static [Stage] = &[Stage::ProxyTls, Stage::Tls];
    const ABOUT: &'static str =
        "Cuts, flips, fragments, splits or delays the server's TLS records";
    const EXAMPLE: &'static str = "{at: tls, do: {tls_record: {cut: 600B, end: reset}}}";

    fn check(&self, _: Stage) -> Result<(), Problem> {
        let about_one =
            self.flip || self.version.is_some() || self.oversize.is_some() || self.pause.is_some();
        if !about_one && self.fragment.is_none() && self.split.is_none() && self.cut.is_none() {
            return Err(Problem::new("`tls_record` does not say what is to be different").help(
                "write one of: flip, version, oversize, pause, fragment, split, cut, e.g. `{cut: 600B}`",
            ));
        }
        if self.record.is_some() && !about_one {
            return Err(Problem::new("`record` says which, but not what happens to it")
                .about("record")
                .help("it goes with: flip, version, oversize, pause"));
        }
        if self.record == Some(0) {
            return Err(Problem::new("records are counted from 1").about("record"));
        }
        if self.version.is_some() && self.version_number().is_none() {
            return Err(Problem::new("a version has four hexadecimal digits")
                .about("version")
                .help("write e.g. `\"0505\"`; TLS 1.2 and 1.3 say `\"0303\"`"));
        }
        let between = |size: Option<Size>, name: &'static str, least: u64, most: u64| match size {
            Some(Size(n)) if n < least || n > most => {
                Err(Problem::new(format!("`{name}` cannot be `{n}B`"))
                    .about(name)
                    .help(format!("write a size from {least}B to {most}B")))
            }
            _ => Ok(()),
        };
        between(self.oversize, "oversize", 1, 65_535)?;
        between(self.fragment, "fragment", 1, 16_384)?;
        between(self.split, "split", 1, 1 << 20)?;
        between(self.cut, "cut", 1, 1 << 30)?;
        if self.end.is_some() && self.cut.is_none() {
            return Err(Problem::new("`end` says how, but not after how many bytes")
                .about("end")
                .help("write e.g. `{cut: 600B, end: reset}`"));
        }
        Ok(())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        // It is met when the record is there: a client may get fewer of them.
        cx.choice.tls.records.push(Armed { rule: cx.rule(), record: self.clone() });
        Ok(After::Go)
    }
}
