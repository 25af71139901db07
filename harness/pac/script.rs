//! The file itself: pure.

use crate::scenario::{PacSide, ProxyScheme};

/// The Content-Type of a PAC file, as Netscape registered it.
pub const TYPE: &str = "application/x-ns-proxy-autoconfig";
/// The path unless the scenario has another.
pub const PATH: &str = "/proxy.pac";
/// The path of WPAD, and the name.
pub const WPAD: &str = "/wpad.dat";
pub const WPAD_NAME: &str = "wpad";
/// A line of padding.
const LINE: usize = 80;

/// What is known of the world that the script speaks of.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// What the proxy speaks.
    pub scheme: ProxyScheme,
    /// Its `host:port`.
    pub proxy: &'a str,
    /// The dead one's.
    pub dead: &'a str,
}

/// The file as the request of this number (from 1) gets it.
pub fn file(side: &PacSide, attempt: u64, world: &World<'_>) -> Vec<u8> {
    let later = side.later.as_deref().filter(|_| attempt > 1);
    let text = match later.or(side.script.as_deref()) {
        Some(script) => script.replace("{proxy}", world.proxy).replace("{dead}", world.dead),
        None => format!(
            "function FindProxyForURL(url, host) {{\n  return \"{} {}\";\n}}\n",
            directive(world.scheme),
            world.proxy
        ),
    };
    let mut line = [b'.'; LINE];
    line[..3].copy_from_slice(b"// ");
    line[LINE - 1] = b'\n';
    let lines = side.padding.map_or(0, |size| size.0.div_ceil(LINE as u64));
    let mut out = line.repeat(usize::try_from(lines).unwrap_or(0));
    out.extend(text.into_bytes());
    out
}

/// How a PAC script calls a proxy that speaks this.
fn directive(scheme: ProxyScheme) -> &'static str {
    match scheme {
        ProxyScheme::Http => "PROXY",
        ProxyScheme::Https => "HTTPS",
        ProxyScheme::Socks4 | ProxyScheme::Socks4a => "SOCKS4",
        ProxyScheme::Socks5 | ProxyScheme::Socks5h => "SOCKS5",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Size;

    const WORLD: World<'static> =
        World { scheme: ProxyScheme::Http, proxy: "127.0.0.1:8080", dead: "127.0.0.1:9" };

    fn text(side: &PacSide, attempt: u64) -> String {
        String::from_utf8(file(side, attempt, &WORLD)).unwrap()
    }

    #[test]
    fn names_the_proxy_unless_told_otherwise() {
        let plain =
            "function FindProxyForURL(url, host) {\n  return \"PROXY 127.0.0.1:8080\";\n}\n";
        assert_eq!(text(&PacSide::default(), 1), plain);
        let socks = World { scheme: ProxyScheme::Socks5h, ..WORLD };
        let got = file(&PacSide::default(), 1, &socks);
        assert!(String::from_utf8(got).unwrap().contains("\"SOCKS5 127.0.0.1:8080\""));
    }

    #[test]
    fn placeholders_and_later_scripts() {
        let side = PacSide {
            script: Some("PROXY {dead}; PROXY {proxy} {x}".into()),
            later: Some("DIRECT".into()),
            ..PacSide::default()
        };
        assert_eq!(text(&side, 1), "PROXY 127.0.0.1:9; PROXY 127.0.0.1:8080 {x}");
        assert_eq!((text(&side, 2), text(&side, 3)), ("DIRECT".into(), "DIRECT".into()));
    }

    #[test]
    fn padding_is_whole_comment_lines() {
        let side =
            PacSide { script: Some("x".into()), padding: Some(Size(100)), ..PacSide::default() };
        let got = text(&side, 1);
        assert_eq!(got.len(), 161);
        let lines: Vec<&str> = got.lines().collect();
        assert!(lines[..2].iter().all(|line| line.starts_with("// .") && line.len() == 79));
        assert_eq!(lines[2], "x");
    }
}
