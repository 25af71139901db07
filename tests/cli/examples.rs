//! The examples for CI systems: YAML, of the form that those systems ask for, with command lines
//! that this program takes.

use serde_json::Value;

use crate::play::badproxy;

fn documents(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(format!("tests/examples/ci/{name}")).unwrap();
    let parts = text.split("\n---\n");
    parts.map(|part| serde_yaml::from_str(part).unwrap_or_else(|e| panic!("{name}: {e}"))).collect()
}

/// Every `badproxy` command line in a script, with what a shell or a CI system would fill in.
fn command_lines(script: &str) -> Vec<Vec<String>> {
    let script = script.replace("\\\n", " ").replace("${{ matrix.shard }}", "1");
    let script =
        script.replace("$SHARDS", "5").replace("\"/results/part-$JOB_COMPLETION_INDEX\"", "p");
    let lines = script.lines().filter_map(|line| line.find("badproxy ").map(|at| &line[at..]));
    let words = |line: &str| -> Vec<String> {
        let line = line.split(" || ").next().unwrap_or_default();
        line.split_whitespace().skip(1).map(str::to_owned).collect()
    };
    lines.map(words).collect()
}

/// Each is understood: what is wrong with it is never the command line itself.
fn understood(script: &str) -> usize {
    let lines = command_lines(script);
    for words in &lines {
        // In a directory without any parts, nothing is played or merged.
        let dir = tempfile::tempdir().unwrap();
        let mut words = words.clone();
        if words[0] == "matrix" {
            // No scenario is of this name: 4, before anything is started.
            words.splice(1..1, ["--scenario".to_owned(), "no-such/thing".to_owned()]);
        }
        let played = badproxy(&words).dir(dir.path()).env("JOB_COMPLETION_INDEX", "0").play();
        let usage = played.stderr.contains("Usage:") || played.stderr.contains("--help");
        assert!(!usage, "{words:?}: {}", played.stderr);
        assert_eq!(played.code, if words[0] == "matrix" { 4 } else { 2 }, "{}", played.stderr);
    }
    lines.len()
}

#[test]
fn the_kubernetes_example() {
    let list = documents("kubernetes-indexed-job.yaml");
    let [job, merge, claim] = &list[..] else { panic!("{} documents", list.len()) };
    for document in &list {
        for key in ["apiVersion", "kind", "metadata", "spec"] {
            assert!(!document[key].is_null(), "{key}");
        }
    }
    assert_eq!(job["spec"]["completionMode"], "Indexed");
    let of = job["spec"]["completions"].as_u64().unwrap();
    let script = |job: &Value| {
        let container = &job["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["command"], serde_json::json!(["sh", "-c"]));
        container["args"][0].as_str().unwrap().to_owned()
    };
    assert!(script(job).contains(&format!("--shard job/{of} ")), "{}", script(job));
    assert_eq!(understood(&script(job)) + understood(&script(merge)), 2);
    for job in [job, merge] {
        let volume = &job["spec"]["template"]["spec"]["volumes"][0];
        assert_eq!(volume["persistentVolumeClaim"]["claimName"], claim["metadata"]["name"]);
    }
}

#[test]
fn the_github_example() {
    let list = documents("github-actions.yaml");
    let jobs = &list[0]["jobs"];
    let shards = jobs["play"]["strategy"]["matrix"]["shard"].as_array().unwrap();
    assert_eq!(list[0]["env"]["SHARDS"].as_u64(), Some(shards.len() as u64));
    assert_eq!(jobs["judge"]["needs"], "play");
    let mut lines = 0;
    for job in ["play", "judge"] {
        for step in jobs[job]["steps"].as_array().unwrap() {
            assert!(step["uses"].is_string() != step["run"].is_string(), "{step}");
            lines += step["run"].as_str().map_or(0, understood);
        }
    }
    assert_eq!(lines, 4);
}
