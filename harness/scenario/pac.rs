//! `pac:` the proxy auto-config file when nothing goes wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::Size;
use super::{Problem, seen};

/// The proxy auto-config file, from which the client learns its proxy. Writing this section opens
/// a port that serves it over plain HTTP; so does a rule at `pac`. No proxy variable is set then.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PacSide {
    /// The script. In it, `{proxy}` is the proxy's `host:port`, and `{dead}` one that answers every
    /// SYN with a RST. Default: `FindProxyForURL` that returns `PROXY {proxy}` for every URL (HTTPS,
    /// SOCKS4 or SOCKS5 where the proxy speaks that).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The script that the second request for it gets, and every later one. Default: the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<String>,
    /// The Content-Type. Default: `application/x-ns-proxy-autoconfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Whether the answer has a Content-Length; without one, a FIN ends the file. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<bool>,
    /// The path in the URL that the client is told. `/wpad.dat` has the file, too.
    /// Default: `/proxy.pac`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^/"))]
    pub path: Option<String>,
    /// Whether the client finds the file itself, by WPAD over DNS: in the sandbox, and nowhere else, the
    /// name `wpad` leads to the file's server, which is at port 80 then. The URL that the client is
    /// told is `http://wpad/wpad.dat`. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wpad: Option<bool>,
    /// Comment lines of 80 bytes before the script, until there are at least that many bytes of
    /// them; at most 64MiB. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding: Option<Size>,
}

/// The most padding.
const PADDING: u64 = 64 << 20;

impl PacSide {
    /// What its types cannot say; the key, and the mistake.
    pub(super) fn check(&self) -> Vec<(&'static str, Problem)> {
        let mut found = Vec::new();
        let plain = |text: &str| text.bytes().all(|b| (0x21..0x7f).contains(&b));
        if let Some(path) = self.path.as_deref()
            && !(path.starts_with('/') && plain(path) && !path.contains('#'))
        {
            let problem = Problem::new(format!("`path` cannot be {}", seen(path)))
                .help("write a path as it stands in a request, e.g. `/proxy.pac`");
            found.push(("path", problem));
        }
        if let Some(kind) = self.content_type.as_deref()
            && kind.contains(['\r', '\n'])
        {
            let problem = Problem::new("the content type has a line end in it")
                .help("for other header lines there is the effect `headers`");
            found.push(("content_type", problem));
        }
        if self.padding.is_some_and(|size| size.0 > PADDING) {
            let problem = Problem::new("there is at most 64MiB of padding");
            found.push(("padding", problem.help("write a smaller size, e.g. `2MiB`")));
        }
        found
    }
}
