//! A client that says nothing of itself, told from its ClientHello.

use crate::{Client, run, there};

/// The scenario in which it hangs: the origin reads the ClientHello, and is silent.
const SILENT: &str = "name: tls/silent\nrules: [{at: tls, do: hang}]\n\
                      expect: {outcome: failure}\ngood_client: Gives up.\n";

/// Neither its requests nor its command line have a word of Go.
#[test]
fn go_without_a_name() {
    let Some(go) = there("go") else { return };
    let dir = tempfile::tempdir().unwrap();
    let (program, scenario) = (dir.path().join("client"), dir.path().join("silent.yaml"));
    std::fs::copy(&go.command[0], &program).unwrap();
    std::fs::write(&scenario, SILENT).unwrap();
    let program = program.to_str().unwrap();
    let words = ["env", "BADPROXY_TIMEOUT=60", program, "-anonymous", "{target}"];
    let client = Client { command: words.map(str::to_owned).to_vec(), needs: Vec::new() };
    let ran = run(&client, scenario.to_str().unwrap(), "1s");
    assert_eq!(ran.verdict, "HANG", "{}", ran.said);
    let heads: Vec<String> = ran.events.iter().map(|event| event["data"].to_string()).collect();
    let agent = heads.iter().any(|data| data.to_lowercase().contains("user-agent"));
    assert!(!agent && heads.iter().any(|data| data.contains("target.badproxy.test")), "{heads:?}");
    let hello = ran.events.iter().find(|event| event["data"]["fingerprint"].is_string());
    let hello = hello.map(|event| event["data"]["fingerprint"].to_string());
    let said = ran.said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("looks like Go net/http (its ClientHello is that of Go 1."),
        "the fingerprint {hello:?} belongs into harness/fix/hello.rs, with the version of Go\n{said}"
    );
}
