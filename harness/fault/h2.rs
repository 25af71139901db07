//! `h2`: a server of HTTP/2 whose connection is not what the client would like.

use std::io;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Cx, Fault};
use crate::http2::frame::MOST;
use crate::scenario::Problem;
use crate::stage::Stage;

/// How long a stream that was reset is kept.
const KEPT: Duration = Duration::from_secs(3600);

/// The terms of an HTTP/2 connection: what SETTINGS say, and what is never answered. At `tls` of
/// the origin's, at `proxy_tls` of the proxy's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct H2 {
    /// What the server's SETTINGS say: these and no others. Default: what the h2 library says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// Whether the server sends SETTINGS at all. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_settings: Option<bool>,
    /// Whether the client's SETTINGS are acknowledged. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack_settings: Option<bool>,
    /// Whether PINGs are answered. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack_pings: Option<bool>,
    /// Whether WINDOW_UPDATE is ever sent: without it an upload stops at 65,535 bytes, or at
    /// `initial_window_size`. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_updates: Option<bool>,
    /// The rule that is met when the client comes to what it [`waits for`](H2::waits_for), and its stage.
    #[serde(skip)]
    pub(crate) bites: Option<(usize, Stage)>,
}

/// SETTINGS (RFC 9113, section 6.5.2; RFC 8441): any number of 32 bits, also one that is not
/// allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// SETTINGS_HEADER_TABLE_SIZE (1), in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_table_size: Option<u32>,
    /// SETTINGS_ENABLE_PUSH (2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_push: Option<u32>,
    /// SETTINGS_MAX_CONCURRENT_STREAMS (3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent_streams: Option<u32>,
    /// SETTINGS_INITIAL_WINDOW_SIZE (4), in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_window_size: Option<u32>,
    /// SETTINGS_MAX_FRAME_SIZE (5), in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_frame_size: Option<u32>,
    /// SETTINGS_MAX_HEADER_LIST_SIZE (6), in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_header_list_size: Option<u32>,
    /// SETTINGS_ENABLE_CONNECT_PROTOCOL (8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_connect_protocol: Option<u32>,
}

impl Settings {
    /// Numbers, names and values, in the order of the numbers.
    fn list(&self) -> Vec<(u16, &'static str, u32)> {
        let all = [
            (1, "HEADER_TABLE_SIZE", self.header_table_size),
            (2, "ENABLE_PUSH", self.enable_push),
            (3, "MAX_CONCURRENT_STREAMS", self.max_concurrent_streams),
            (4, "INITIAL_WINDOW_SIZE", self.initial_window_size),
            (5, "MAX_FRAME_SIZE", self.max_frame_size),
            (6, "MAX_HEADER_LIST_SIZE", self.max_header_list_size),
            (8, "ENABLE_CONNECT_PROTOCOL", self.enable_connect_protocol),
        ];
        all.into_iter().filter_map(|(id, name, value)| Some((id, name, value?))).collect()
    }
}

/// What a client has to do before it meets terms that are no matter until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// To open more than that many streams.
    Streams(u32),
    /// To upload more than fits into the window.
    Upload,
    /// To send a PING.
    Ping,
}

impl H2 {
    /// What the client has to come to first, where all that is different waits for it.
    pub(crate) fn waits_for(&self) -> Option<Waits> {
        let alone = H2 { bites: self.bites, ..H2::default() };
        if *self == (H2 { window_updates: Some(false), ..alone.clone() }) {
            return Some(Waits::Upload);
        }
        if *self == (H2 { ack_pings: Some(false), ..alone.clone() }) {
            return Some(Waits::Ping);
        }
        let cap = self.settings.as_ref()?.max_concurrent_streams.filter(|most| *most > 0)?;
        let settings = Settings { max_concurrent_streams: Some(cap), ..Settings::default() };
        let alone = H2 { settings: Some(settings), ..alone };
        (*self == alone).then_some(Waits::Streams(cap))
    }

    /// The payload of SETTINGS: None for the library's own, Some(None) where none are sent.
    pub(crate) fn payload(&self) -> Option<Option<Vec<u8>>> {
        if self.send_settings == Some(false) {
            return Some(None);
        }
        let mut out = Vec::new();
        for (id, _, value) in self.settings.as_ref()?.list() {
            out.extend(id.to_be_bytes());
            out.extend(value.to_be_bytes());
        }
        Some(Some(out))
    }

    /// The library, told what it will have said, as far as it can be true.
    pub(crate) fn builder(&self) -> h2::server::Builder {
        let mut builder = h2::server::Builder::new();
        // What still comes on a stream that was reset is ignored (RFC 9113, section 5.1), however late:
        // the library's one second would be of the machine's clock, which virtual time does not move.
        builder.reset_stream_duration(KEPT);
        let Some(settings) = self.settings.as_ref().filter(|_| self.send_settings != Some(false))
        else {
            return builder;
        };
        if let Some(n) = settings.max_concurrent_streams {
            builder.max_concurrent_streams(n);
        }
        if let Some(n) = settings.initial_window_size.filter(|n| *n <= i32::MAX as u32) {
            builder.initial_window_size(n);
        }
        if let Some(n) = settings.max_frame_size
            && (MOST as u32..=16_777_215).contains(&n)
        {
            builder.max_frame_size(n);
        }
        if let Some(n) = settings.max_header_list_size {
            builder.max_header_list_size(n);
        }
        if let Some(n) = settings.header_table_size {
            builder.header_table_size(n);
        }
        if settings.enable_connect_protocol == Some(1) {
            builder.enable_connect_protocol();
        }
        builder
    }

    /// What it says on one line.
    fn words(&self) -> String {
        let mut words = Vec::new();
        for (_, name, value) in self.settings.iter().flat_map(Settings::list) {
            words.push(format!("{name} {value}"));
        }
        let never = [
            (self.send_settings, "no SETTINGS"),
            (self.ack_settings, "no SETTINGS ACK"),
            (self.ack_pings, "no PING ACK"),
            (self.window_updates, "no WINDOW_UPDATE"),
        ];
        words.extend(never.iter().filter(|(on, _)| *on == Some(false)).map(|(_, w)| (*w).to_owned()));
        words.join("; ")
    }
}

impl Fault for H2 {
    const AT: &'static [Stage] = &[Stage::ProxyTls, Stage::Tls];
    const ABOUT: &'static str =
        "Terms of an HTTP/2 connection: SETTINGS, and what is never acknowledged or replenished";
    const EXAMPLE: &'static str = "{at: tls, do: {h2: {settings: {max_concurrent_streams: 1}}}}";

    fn check(&self, _: Stage) -> Result<(), Problem> {
        if self.words().is_empty() {
            return Err(Problem::new("`h2` does not say what is to be different")
                .help("write e.g. `{settings: {max_concurrent_streams: 1}}` or `{ack_pings: false}`"));
        }
        if self.settings.is_some() && self.send_settings == Some(false) {
            return Err(Problem::new("settings that are never sent")
                .about("settings")
                .help("take `settings` or `send_settings` out"));
        }
        Ok(())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        cx.choice.h2 = self.clone();
        if !cx.facts.alpn.iter().any(|name| name == "h2") && !cx.choice.tls.terms.speaks_h2() {
            return Ok(cx.not_http2());
        }
        let met = |waits: Waits| matches!(waits, Waits::Streams(most) if cx.facts.attempt > u64::from(most));
        if self.waits_for().is_some_and(|waits| !met(waits)) {
            cx.choice.h2.bites = Some((cx.rule(), cx.stage));
            cx.passed(self.words());
            return Ok(After::Go);
        }
        // What is never sent is silence; what SETTINGS say can be read.
        cx.did(self.words(), self.settings.is_some());
        Ok(After::Go)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads() {
        assert_eq!(H2::default().payload(), None);
        let none = H2 { send_settings: Some(false), ..H2::default() };
        assert_eq!(none.payload(), Some(None));
        let settings = Settings { max_concurrent_streams: Some(1), ..Settings::default() };
        let one = H2 { settings: Some(settings), ..H2::default() };
        assert_eq!(one.payload(), Some(Some(vec![0, 3, 0, 0, 0, 1])));
        assert_eq!((one.waits_for(), H2::default().waits_for()), (Some(Waits::Streams(1)), None));
        assert_eq!(H2 { ack_pings: Some(false), ..one.clone() }.waits_for(), None);
        let upload = H2 { window_updates: Some(false), ..H2::default() };
        assert_eq!(upload.waits_for(), Some(Waits::Upload));
        let ping = H2 { ack_pings: Some(false), ..H2::default() };
        assert_eq!(ping.waits_for(), Some(Waits::Ping));
        assert_eq!(H2 { window_updates: Some(false), ..one.clone() }.waits_for(), None);
        let none = Settings { max_concurrent_streams: Some(0), ..Settings::default() };
        assert_eq!(H2 { settings: Some(none), ..H2::default() }.waits_for(), None);
    }
}
