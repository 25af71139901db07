//! Every special certificate, taken off the wire as bytes and read by OpenSSL: `openssl verify`
//! has to say what the table says.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use badproxy::cert::Flavour;

use crate::proxy::Proxy;
use crate::tls::{chain, flight, hello};
use crate::tunnel;

const HOST: &str = "target.badproxy.test";

/// What `openssl verify` says of each; "OK" where it takes it.
const SAYS: &[(&str, &str)] = &[
    ("expired", "certificate has expired"),
    ("not-yet-valid", "certificate is not yet valid"),
    ("not-yet-valid-60s", "certificate is not yet valid"),
    ("ends-in-1h", "OK"),
    ("wrong-host", "hostname mismatch"),
    ("self-signed", "self-signed certificate"),
    ("untrusted-root", "self-signed certificate in certificate chain"),
    ("incomplete-chain", "unable to get local issuer certificate"),
    // What is sent first is the root: true, but not for this name.
    ("reversed-chain", "hostname mismatch"),
    ("with-intermediate", "OK"),
    ("revoked", "OK"),
    ("no-common-name", "OK"),
    ("no-subject", "OK"),
    ("no-san", "OK"),
    ("ip-san", "hostname mismatch"),
    ("ip-in-dns-san", "hostname mismatch"),
    ("wildcard-all", "mismatch|permitted"),
    ("wildcard-tld", "hostname mismatch"),
    ("wildcard-middle", "hostname mismatch"),
    ("wildcard-partial", "OK"),
    ("nul-in-name", "mismatch|name syntax"),
    ("1000-sans", "OK"),
    ("10000-sans", "OK"),
    ("no-aki", "OK"),
    ("basic-constraints-not-critical", "OK"),
    ("wrong-eku", "purpose"),
    ("wrong-key-usage", "purpose"),
    ("leaf-is-ca", "OK"),
    ("issuer-is-no-ca", "invalid CA certificate"),
    ("issuer-expired", "certificate has expired"),
    ("name-constraints", "permitted subtree violation"),
    ("path-length", "path length constraint exceeded"),
    ("long-chain", "OK"),
    ("very-long-chain", "too long|unable to get issuer"),
    ("crl-hangs", "OK"),
    ("ocsp-hangs", "OK"),
    ("must-staple", "OK"),
    ("unknown-critical-extension", "unhandled critical extension"),
    ("flipped-signature", "certificate signature failure"),
    ("trailing-bytes", "OK"),
    ("not-der", "Could not read|unable to load"),
    ("empty-chain", ""),
    ("key-mismatch", "OK"),
];

fn openssl(args: &[&str]) -> Option<String> {
    let made = Command::new("openssl").args(args).output();
    let Ok(made) = made else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "openssl is missing");
        eprintln!("skipped: openssl is missing");
        return None;
    };
    Some(String::from_utf8_lossy(&[made.stdout, made.stderr].concat()).into_owned())
}

/// The certificates that are shown, leaf first, and the roots that clients have.
fn shown(word: &str) -> (Vec<Vec<u8>>, String) {
    let yaml = format!("proxy: {{tls: true}}\nrules: [{{at: proxy_tls, do: {{cert: {word}}}}}]\n");
    let proxy = Proxy::start(&yaml);
    let mut socket = proxy.connect();
    socket.write_all(&hello(Some(HOST), &[])).unwrap();
    (chain(&flight(&mut socket)), proxy.roots.clone())
}

fn pem(ders: &[Vec<u8>]) -> String {
    use base64::Engine;
    let body = |der| base64::engine::general_purpose::STANDARD.encode(der);
    ders.iter()
        .map(|der| {
            let body = body(der);
            let lines: Vec<&str> =
                body.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
            format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                lines.join("\n")
            )
        })
        .collect()
}

fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn openssl_says_of_each_what_is_wrong_with_it() {
    let words: Vec<&str> = SAYS.iter().map(|(word, _)| *word).collect();
    let all: Vec<&str> = Flavour::ALL.iter().map(|f| f.word()).collect();
    assert_eq!(words, all, "the table of this test has to have all of them, in order");
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (word, wanted) in SAYS {
        let (chain, roots) = shown(word);
        let Some((leaf, rest)) = chain.split_first() else {
            assert_eq!(*word, "empty-chain");
            continue;
        };
        let leaf = file(dir.path(), "leaf.pem", &pem(std::slice::from_ref(leaf)));
        let rest = file(dir.path(), "rest.pem", &pem(rest));
        let roots = file(dir.path(), "roots.pem", &roots);
        let mut args = vec!["verify", "-purpose", "sslserver", "-verify_hostname", HOST];
        args.extend(["-no-CApath", "-no-CAstore", "-CAfile", &roots]);
        if chain.len() > 1 {
            args.extend(["-untrusted", &rest]);
        }
        args.push(&leaf);
        let Some(said) = openssl(&args) else { return };
        let said_so = match *wanted {
            "OK" => said.trim_end().ends_with(": OK"),
            words => words.split('|').any(|w| said.contains(w)) && !said.contains(": OK"),
        };
        if !said_so {
            wrong.push(format!("{word}: wanted {wanted:?}, openssl says\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What `openssl verify` does not look at.
#[test]
fn what_else_is_in_them() {
    let dir = tempfile::tempdir().unwrap();
    for (word, has, has_not) in [
        ("no-aki", "Key Usage", "Authority Key Identifier"),
        ("no-san", "CN = target.badproxy.test", "Alternative Name"),
        ("no-subject", "Subject Alternative Name: critical", "CN = target"),
        ("no-common-name", "O = badproxy", "CN = target"),
        ("crl-hangs", "http://revocation.badproxy.test/delay/1h", "OCSP - URI"),
        ("ocsp-hangs", "OCSP - URI:http://revocation.badproxy.test/delay/1h", "CRL Dist"),
        ("must-staple", "status_request", "CRL Dist"),
        ("leaf-is-ca", "CA:TRUE", "CA:FALSE"),
        ("wildcard-partial", "DNS:tar*.badproxy.test", "DNS:target"),
    ] {
        let (chain, _) = shown(word);
        let leaf = file(dir.path(), "leaf.pem", &pem(&chain[..1]));
        let Some(said) = openssl(&["x509", "-noout", "-text", "-in", &leaf]) else { return };
        assert!(said.contains(has) && !said.contains(has_not), "{word}\n{said}");
    }
    let (chain, _) = shown("basic-constraints-not-critical");
    let root = file(dir.path(), "root.pem", &pem(&chain[1..2]));
    let Some(said) = openssl(&["x509", "-noout", "-text", "-in", &root]) else { return };
    let line = said.lines().find(|l| l.contains("Basic Constraints")).unwrap();
    assert!(!line.contains("critical") && said.contains("CA:TRUE"), "{said}");
    // Name-constrained as the run's root.
    assert!(said.contains("Name Constraints: critical") && said.contains("DNS:test"), "{said}");
}

#[test]
fn sizes_and_orders() {
    let lengths = |word| shown(word).0.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lengths("empty-chain"), [] as [usize; 0]);
    assert_eq!(lengths("incomplete-chain").len(), 1);
    assert_eq!(lengths("long-chain").len(), 12);
    assert_eq!(lengths("very-long-chain").len(), 120);
    assert_eq!(lengths("not-der")[0], 600);
    assert!((20_000..60_000).contains(&lengths("1000-sans")[0]));
    assert!(lengths("10000-sans")[0] > 250_000);
    // DER says its own length in bytes 2 and 3.
    let leaf = shown("trailing-bytes").0.remove(0);
    let said = usize::from(u16::from_be_bytes([leaf[2], leaf[3]]));
    assert_eq!(leaf.len(), 4 + said + 4);
}

/// FB087, urllib3/urllib3#2244: neither SNI nor a certificate has the dot of an absolute name, and a
/// client that sends it all the same finds no name that has it.
#[test]
fn fb087_no_certificate_has_the_dot_of_an_absolute_name() {
    let proxy = Proxy::start("name: x\n");
    let mut socket = tunnel(&proxy);
    socket.write_all(&hello(Some("target.badproxy.test."), &[])).unwrap();
    let chain = chain(&flight(&mut socket));
    let has = |name: &[u8]| chain[0].windows(name.len()).any(|part| part == name);
    assert!(has(b"target.badproxy.test") && !has(b"target.badproxy.test."));
}

/// The OCSP staple and the wrong key: a whole handshake, by `openssl s_client`.
#[test]
fn a_revoked_staple_and_a_wrong_key() {
    let dir = tempfile::tempdir().unwrap();
    for (word, says) in [("revoked", "Cert Status: revoked"), ("key-mismatch", "bad signature")] {
        let yaml =
            format!("proxy: {{tls: true}}\nrules: [{{at: proxy_tls, do: {{cert: {word}}}}}]\n");
        let proxy = Proxy::start(&yaml);
        let roots = file(dir.path(), "roots.pem", &proxy.roots);
        let address = proxy.address.to_string();
        let args = ["s_client", "-connect", &address, "-CAfile", &roots, "-status"];
        let Some(said) = openssl(&args) else { return };
        assert!(said.contains(says), "{word}\n{said}");
        if word == "revoked" {
            // Signed by the issuer that it names.
            assert!(said.contains("OCSP Response Status: successful"), "{said}");
            assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
        }
    }
}
