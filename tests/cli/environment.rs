//! What the wrapped command finds: the proxy and the CA in every variable that some client reads,
//! and none that would send it around.

use std::collections::BTreeMap;

use crate::play::{Play, badproxy};

/// `badproxy run OPTIONS -- env`.
fn env(options: &str) -> Play {
    let words = ["run"].into_iter().chain(options.split_whitespace());
    badproxy(words.chain(["--", "sh", "-c", "env"]))
}

fn variables(play: Play) -> BTreeMap<String, String> {
    let played = play.play().ends(1);
    let pairs = played.out().lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

const CA: [&str; 6] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
];

#[test]
fn every_proxy_variable_has_the_same_value() {
    let mut play = env("ok/plain");
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    {
        play = play.env(name, "http://the.callers.own:3128");
    }
    let vars = variables(play);
    let proxy = &vars["BADPROXY_PROXY"];
    assert!(proxy.starts_with("http://127.0.0.1:"), "{proxy}");
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        assert_eq!(&vars[name], proxy, "{name}");
        assert_eq!(&vars[&name.to_uppercase()], proxy, "{name}");
    }
    assert_eq!(vars["NODE_USE_ENV_PROXY"], "1");
}

#[test]
fn what_would_send_it_around_is_taken_away() {
    let gone =
        ["NO_PROXY", "no_proxy", "npm_config_noproxy", "REQUEST_METHOD", "GATEWAY_INTERFACE"];
    let mut play = env("ok/plain");
    for name in gone {
        play = play.env(name, "*");
    }
    let vars = variables(play.env("SOMETHING_ELSE", "stays"));
    for name in gone {
        assert!(!vars.contains_key(name), "{name}");
    }
    assert_eq!(vars["SOMETHING_ELSE"], "stays");
}

#[test]
fn what_the_harness_tells_it() {
    let vars = variables(env("auth/407-basic-then-ok --seed 5 --timeout 500ms"));
    assert_eq!(vars["BADPROXY_SCENARIO"], "auth/407-basic-then-ok");
    assert_eq!(vars["BADPROXY_TARGET"], "https://target.badproxy.test/");
    assert_eq!(vars["BADPROXY_TIMEOUT"], "0.5");
    assert!(vars["BADPROXY_ORIGIN"].starts_with("127.0.0.1:"));
    let (user, pass) = (&vars["BADPROXY_USER"], &vars["BADPROXY_PASS"]);
    assert!(vars["https_proxy"].starts_with(&format!("http://{user}:{pass}@127.0.0.1:")));
    assert!(vars["BADPROXY_TOKEN"].len() > 10);
    // Where there are no credentials, none are named, not even the caller's.
    let vars = variables(
        env("ok/plain --no-timeout").env("BADPROXY_PASS", "x").env("BADPROXY_TIMEOUT", "9"),
    );
    for name in ["BADPROXY_USER", "BADPROXY_PASS", "BADPROXY_TIMEOUT"] {
        assert!(!vars.contains_key(name), "{name}");
    }
}

#[test]
fn placeholders_are_filled_in() {
    let words =
        ["{proxy}", "{target}", "{cacert}", "{user}", "{pass}", "{token}", "{timeout}", "{origin}"];
    let shell = "for word; do echo \"$word\"; done; env";
    let command =
        ["run", "auth/407-basic-then-ok", "--timeout", "2s", "--", "sh", "-c", shell, "sh"];
    let rest = ["{other}", "a{user}b{user}c", "{}"];
    let played = badproxy(command.into_iter().chain(words).chain(rest)).play().ends(1);
    let lines: Vec<&str> = played.out().lines().collect();
    let vars: BTreeMap<_, _> = lines[11..].iter().filter_map(|l| l.split_once('=')).collect();
    for (word, line) in words.iter().zip(&lines) {
        let name = format!("BADPROXY_{}", word.trim_matches(['{', '}']).to_uppercase());
        assert_eq!(vars[name.as_str()], *line);
        assert!(!line.is_empty(), "{word}");
    }
    let user = lines[3];
    assert_eq!(lines[8..11], ["{other}", &format!("a{user}b{user}c"), "{}"]);
}

#[test]
fn ca_variables_name_files_with_the_roots_that_were_trusted_before_and_ours() {
    // Somebody's own CA, as a company has it: that of another run.
    let cat = ["run", "ok/plain", "--", "sh", "-c", "cat $BADPROXY_CACERT"];
    let theirs = badproxy(cat).play().ends(1);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("company.pem");
    std::fs::write(&file, &theirs.stdout).unwrap();
    let shell = format!(
        "set -e; for f in ${}; do cmp -s \"$f\" \"$BADPROXY_CA_BUNDLE\"; done; \
         test -d \"$SSL_CERT_DIR\"; cat \"$BADPROXY_CACERT\"; echo; cat \"$BADPROXY_CA_BUNDLE\"; exit 7",
        CA.join(" $")
    );
    let play = badproxy(["run", "ok/plain", "--pass-exit", "--", "sh", "-c", &shell]);
    let played = play.env("SSL_CERT_FILE", file.to_str().unwrap()).play().ends(7);
    let (ours, bundle) = played.out().split_once("\n\n").unwrap();
    let flat = |text: &str| text.replace(['\r', '\n'], "");
    assert!(flat(bundle).contains(&flat(ours)));
    // There are two roots of a run, and a bundle has its own order.
    let theirs: Vec<&str> = theirs.out().split_inclusive("-----END CERTIFICATE-----").collect();
    for root in theirs.iter().filter(|text| text.contains("BEGIN")) {
        assert!(flat(bundle).contains(&flat(root)), "{bundle}");
    }
    assert!(bundle.len() > ours.len());
}

/// The machine's own roots, when nobody has named others.
#[test]
fn the_bundle_is_larger_than_the_ca() {
    let shell = "cat $BADPROXY_CACERT | wc -c; cat $BADPROXY_CA_BUNDLE | wc -c";
    let played = badproxy(["run", "ok/plain", "--", "sh", "-c", shell]).play().ends(1);
    let sizes: Vec<u64> = played.out().lines().map(|line| line.trim().parse().unwrap()).collect();
    assert!(
        sizes[0] > 100 && sizes[1] > sizes[0],
        "{sizes:?}: has this machine no CA certificates?"
    );
}

#[test]
fn no_trust_leaves_the_ca_variables_alone() {
    let mut play = env("ok/plain --no-trust");
    for name in CA {
        play = play.env(name, "/their/own.pem");
    }
    let vars = variables(play);
    for name in CA {
        assert_eq!(vars[name], "/their/own.pem", "{name}");
    }
    assert!(!vars["JAVA_TOOL_OPTIONS"].contains("trustStore"));
    // Who takes it explicitly still can.
    assert!(vars["BADPROXY_CACERT"].ends_with("ca.pem"));
}

/// Whatever reads them splits them at blanks: the JVM its options, a shell what `serve` prints.
#[test]
fn a_temporary_directory_may_have_blanks_in_its_name() {
    let dir = tempfile::Builder::new().prefix("it's a b").tempdir().unwrap();
    let own = dir.path().to_str().unwrap();
    let vars = variables(env("ok/plain").env("TMPDIR", own));
    let options = &vars["JAVA_TOOL_OPTIONS"];
    let store = options.split("trustStore=").nth(1).unwrap();
    assert!(store.starts_with(&format!("\"{own}/badproxy-")), "{options}");
    assert!(store.contains("/truststore.jks\" -D"), "{options}");
    let shell = "eval \"$(\"$0\" serve ok/plain --until-eof </dev/null | grep '^  export SSL')\"; \
                 echo \"$SSL_CERT_FILE\"; echo \"$NODE_EXTRA_CA_CERTS\"";
    let mut sh = std::process::Command::new("sh");
    sh.args(["-c", shell, env!("CARGO_BIN_EXE_badproxy")]).env("TMPDIR", own);
    let out = sh.output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert_eq!(text.lines().count(), 2, "{text}");
    for line in text.lines() {
        assert!(line.starts_with(own) && line.ends_with("/bundle.pem"), "{text}");
    }
}

#[test]
fn java_options_are_added_to_what_was_set() {
    let vars = variables(env("ok/plain").env("JAVA_TOOL_OPTIONS", "-Xmx64m"));
    let options = &vars["JAVA_TOOL_OPTIONS"];
    let (_, port) = vars["BADPROXY_PROXY"].rsplit_once(':').unwrap();
    assert!(options.starts_with("-Xmx64m -D"), "{options}");
    for part in [&format!("-Dhttps.proxyPort={port}"), "-Dhttp.nonProxyHosts= ", "trustStore="] {
        assert!(options.contains(part), "{options}");
    }
}
