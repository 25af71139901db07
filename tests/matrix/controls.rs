//! A client that does not get through a healthy proxy is not judged.

use crate::side_by_side::side_by_side;
use crate::{GOOD, matrix};

#[test]
fn who_fails_behind_a_healthy_proxy_is_not_judged() {
    let clients = [
        ("exit 1", "it never came to the proxy"),
        ("curl -sS --cacert /dev/null {target}", "does not trust {cacert}"),
        ("curl -sS {target}; exit 9", "exits with a code other than 0"),
        ("curl -sS {target}; exec sleep 100", "did not end in its time"),
        ("exit 0", "it never came to the proxy"),
        ("exit 77", "it does not support even a healthy proxy"),
        ("exec sleep 100", "it needs a longer --timeout"),
    ];
    side_by_side(clients.len(), clients.len(), |n| {
        let (shell, why) = clients[n];
        let matrix = matrix(&["--scenario", "reply", "--timeout", "1s"], shell).ends(4);
        let control = matrix.control("control/plain");
        assert_eq!(control["passed"], false);
        assert!(control["why"].as_str().unwrap().contains(why), "{control}");
        assert_eq!(matrix.summary["cells"].as_array().unwrap().len(), 0);
        assert_eq!(matrix.summary["partial"], true);
        assert!(matrix.played.stderr.contains("nothing was judged"), "{}", matrix.played.stderr);
        assert!(matrix.played.out().contains(why), "{}", matrix.played.out());
        let out = matrix.out.path().to_str().unwrap();
        crate::badproxy(["report", out, "--check"]).play().ends(4);
    });
}

#[test]
fn what_the_client_said_is_told() {
    let matrix = matrix(&["--scenario", "reply/hang"], "echo no config found >&2; exit 1").ends(4);
    assert!(matrix.played.out().contains("it said: no config found"), "{}", matrix.played.out());
}

/// One client of two: its column is not judged, the other one is.
#[test]
fn the_others_are_judged() {
    let out = tempfile::tempdir().unwrap();
    let good = format!("good={GOOD}");
    let path = out.path().to_str().unwrap();
    let args = ["matrix", "--client", "bad=false", "--client", &good, "--scenario", "reply/reset"];
    let played = crate::badproxy([&args[..], &["--out", path]].concat()).play();
    let matrix = crate::Matrix::new(played, out).ends(4);
    assert_eq!(
        matrix.words().into_iter().collect::<Vec<_>>(),
        [("good reply/reset".to_owned(), "PASS".to_owned())]
    );
}

#[test]
fn each_control_is_there() {
    let shell = GOOD;
    let played = matrix(&["--scenario", "auth/407-basic-then-ok"], shell).ends(0);
    for name in ["control/plain", "control/auth", "control/plain-again"] {
        assert_eq!(played.control(name)["passed"], true, "{name}");
    }
    let direct = played.control("control/direct")["why"].as_str().unwrap();
    assert!(direct.contains("cannot be seen here"), "{direct}");
    // Where nobody asks for a password, none is tried.
    let played = matrix(&["--scenario", "reply/reset"], shell).ends(0);
    let controls = played.summary["controls"].as_array().unwrap();
    assert!(controls.iter().all(|control| control["name"] != "control/auth"));
}

/// A client that does not work any more at the end: what came before is in doubt.
#[test]
fn who_breaks_meanwhile_is_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let shell = "case $BADPROXY_SCENARIO in control/plain) [ -e $SEEN/2 ] && exit 1;; \
                 *) >$SEEN/2;; esac; exec curl -sS {target}";
    let play = crate::play(&["--scenario", "reply/reset"], shell, out.path());
    let played = play.env("SEEN", dir.path().to_str().unwrap()).play();
    let matrix = crate::Matrix::new(played, out).ends(5);
    assert_eq!(matrix.control("control/plain-again")["passed"], false);
}
