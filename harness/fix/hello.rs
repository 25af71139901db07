//! The ClientHellos of real clients, as they were measured here: what shows in one is the TLS library,
//! its version and its settings. Where clients of two families say the same, nothing is told from it.

use super::Family;

/// A fingerprint (`ClientHello::fingerprint`), the families that were seen to send it, and of which version.
type Row = (&'static str, &'static [Family], &'static str);

/// Python is every client in Python: its entries hold for all of them.
const HELLOS: &[Row] = &[
    ("fb04e539727e", &[Family::Go], "Go 1.26.8 with `go 1.19` or `go 1.21` in go.mod"),
    ("ba21db19a230", &[Family::Go], "Go 1.26.8 with `go 1.22` in go.mod"),
    ("9dd515f4c508", &[Family::Go], "Go 1.26.8 with `go 1.23` in go.mod"),
    ("c6b99e8ebbc6", &[Family::Go], "Go 1.26.8 with `go 1.24` or `go 1.25` in go.mod"),
    ("214072f5089b", &[Family::Go], "Go 1.26.8 with `go 1.26` in go.mod"),
    ("1ee05aa5294f", &[Family::Okhttp], "OkHttp 5.5.1 on Java 17.0.15"),
    ("06e4c6e353b5", &[Family::Python], "Python 3.10.13 to 3.13.0 with OpenSSL 3.0.19"),
    // Debian's Python 3.11.2, and Python 3.7.16 to 3.9.18.
    ("725e24e0d52f", &[Family::Curl, Family::Python], "curl 7.88.1 with OpenSSL 3.0.19"),
    ("8e6fba102675", &[Family::Git, Family::Wget], "git 2.39.5 and wget 1.21.3 with GnuTLS"),
    ("0d239a948486", &[Family::Node, Family::Axios, Family::Got], "Node.js 20.20.2"),
    ("7ad532644361", &[Family::Node, Family::Axios, Family::Got], "Node.js 24.21.0"),
    ("1819f3207025", &[Family::Java, Family::Apache], "Java 17.0.15"),
    ("791678b0d09a", &[Family::Reqwest, Family::Ureq], "rustls 0.23.46 with ring"),
];

/// Who sends it, when only one family does, and of which version that was measured.
pub(super) fn told(fingerprint: &str) -> Option<(Family, &'static str)> {
    let row = HELLOS.iter().find(|(known, ..)| *known == fingerprint)?;
    match row {
        (_, [family], measured) => Some((*family, measured)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_there_once_and_what_two_share_tells_nothing() {
        for (index, (fingerprint, families, measured)) in HELLOS.iter().enumerate() {
            assert!(fingerprint.len() == 12 && !families.is_empty() && !measured.is_empty());
            assert!(HELLOS[..index].iter().all(|(other, ..)| other != fingerprint));
            assert_eq!(told(fingerprint).is_some(), families.len() == 1, "{fingerprint}");
        }
        assert_eq!(told("725e24e0d52f"), None);
        assert_eq!(told(""), None);
    }
}
