//! The JSON Schema for editors says what the reader does: what it takes and what it refuses is
//! held against the same files.

use std::collections::BTreeSet;

use badproxy::catalogue::CATALOGUE;
use badproxy::fault::Effect;
use badproxy::scenario::{read, schema};
use jsonschema::Validator;
use serde_json::Value;

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

/// A YAML text as an editor's YAML server sees it: YAML 1.2, in which `yes` is a text. None: it
/// is not YAML, or JSON cannot say it.
fn json(yaml: &str) -> Option<Value> {
    let mut options = serde_yaml::Options::default();
    options.strict_booleans = true;
    serde_yaml::from_str_with_options(yaml, options).ok()
}

/// What the schema has against a text.
fn objections(validator: &Validator, yaml: &str) -> Vec<String> {
    let json = json(yaml).unwrap_or_else(|| panic!("no JSON: {yaml}"));
    validator.iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

fn taken(validator: &Validator, yaml: &str) {
    let objections = objections(validator, yaml);
    assert!(objections.is_empty(), "the schema refuses\n{yaml}\n{}", objections.join("\n"));
    if let Err(problems) = read(yaml, "x.yaml") {
        panic!("the reader refuses\n{yaml}\n{problems}");
    }
}

#[test]
fn it_is_a_schema() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    if let Err(error) = jsonschema::draft202012::meta::validate(&schema) {
        panic!("{}: {error}", error.instance_path());
    }
}

#[test]
fn it_takes_every_shipped_scenario() {
    let validator = validator();
    for entry in CATALOGUE {
        taken(&validator, entry.yaml);
    }
}

#[test]
fn it_takes_every_effects_example() {
    let validator = validator();
    for word in Effect::WORDS {
        taken(&validator, &format!("rules:\n  - {}\n", Effect::example(word).unwrap()));
    }
}

/// A rule at `reply`.
fn reply(steps: &str) -> String {
    format!("rules: [{{at: reply, do: {steps}}}]\n")
}

#[test]
fn it_takes_what_the_reader_takes() {
    let validator = validator();
    for yaml in [
        "name: 407\nabout: 1.10\nseen: [1, true]\n",
        "seed: 18446744073709551615\nscale: 0.001\nrequires: 2\n",
        "seed:\nscale: ~\nclient: {target: null}\n",
        "proxy: {auth: {scheme: basic, user: 1, password: 007}, head_limit: 64KiB}\n",
        "rules: [{at: auth, when: {header: {X-A: 1}}, do: close}]\n",
        "proxy: {auth: {scheme: [ntlm, {verbatim: Hawk}], lines: one, domain: 7}}\n",
        "proxy: {auth: {scheme: digest, digest: {algorithm: [md5-sess, sha-256], uses: 1}}}\n",
        "proxy: {auth: {scheme: {verbatim: 1}, negotiate: {answer: accept, legs: 2}}}\n",
        "rules: [{at: auth, do: {challenge: {version: 1.0, digest: {lifetime: 30s}}}}]\n",
        "rules: [{at: auth, when: {credentials: begun}, do: [challenge, close]}]\n",
        "rules: [{at: auth, do: {challenge: basic, then: [delay: 1s, close]}}]\n",
        "rules: [{at: auth, when: {attempt: 1-2, per: request}, do: hang}]\n",
        "rules: [{at: dial, when: {elapsed: {to: 2m 30s}}, do: hang}]\n",
        "rules: [{at: tunnel, when: {attempt: 3-}, do: [until: {bytes: 1.5KiB}, reset]}]\n",
        "rules: [{at: tunnel, when: {probability: 1}, do: reset}]\n",
        "rules: [{at: body, do: {corrupt: 1}}]\n",
        "expect: {outcome: failure, attempts: {max: 3}, within: 1.5s, gap: {min: 100 ms}}\n",
    ] {
        taken(&validator, yaml);
    }
    for steps in [
        "close",
        "{close: both}",
        "{delay: {normal: {mean: 1s, deviation: 10ms}}}",
        "{send: 5}",
        "{send: {text: true, repeat: 3}}",
        "{respond: 403}",
        "{respond: {status: 599, headers: [\"X-A: 1\"], body: 0, content_length: false}}",
        "[{garbage: 1B}, {slice: {bytes: 1B, gap: 0s}}, {bandwidth: 10 kB/s}, hang]",
    ] {
        taken(&validator, &reply(steps));
    }
}

#[test]
fn it_refuses_what_the_reader_refuses() {
    let validator = validator();
    let mut broken = vec![
        "rule: []\n".to_owned(),
        "rules: {at: reply, do: close}\n".to_owned(),
        "rules: [{at: reply}]\n".to_owned(),
        "rules: [{at: replay, do: close}]\n".to_owned(),
        "rules: [{at: reply, do: close, when: {attempts: 1}}]\n".to_owned(),
        "rules: [{at: reply, do: close, when: {attempt: 0}}]\n".to_owned(),
        "rules: [{at: reply, do: close, when: {attempt: first}}]\n".to_owned(),
        "rules: [{at: reply, do: close, when: {probability: 2}}]\n".to_owned(),
        "rules: [{at: reply, do: close, when: {port: 70000}}]\n".to_owned(),
        "expect: {outcome: sucess}\n".to_owned(),
        "expect: {within: 5}\n".to_owned(),
        "seed: -1\n".to_owned(),
        "scale: 0\n".to_owned(),
        "requires: 3\n".to_owned(),
    ];
    let steps = [
        "rset",
        "{dealy: 3s}",
        "respond",
        "[]",
        "{}",
        "[[close]]",
        "{delay: 5}",
        "{delay: .5s}",
        "{delay: {tmie: 3s}}",
        "{garbage: 64KB}",
        "{bandwidth: 10kB}",
        "{hang: {discard: yes}}",
        "{respond: 42}",
        "{respond: {status: 42}}",
        "{respond: {body: no}}",
        "{delay: 3s, close: both}",
        "{then: close}",
    ];
    broken.extend(steps.map(reply));
    broken.push("rules: [{at: tls, do: {cert: good}}]\n".to_owned());
    broken.push("rules: [{at: tls, do: {alert: no_such}}]\n".to_owned());
    for yaml in &broken {
        assert!(read(yaml, "x.yaml").is_err(), "the reader takes\n{yaml}");
        assert!(!objections(&validator, yaml).is_empty(), "the schema takes\n{yaml}");
    }
}

/// Files of `tests/errors` that only the reader can refuse: what is wrong is not the form of one
/// value but what it means beside others, or it is gone when YAML has become JSON.
const BEYOND: &[&str] = &[
    "after-reply",
    "effect-checks-of-until",
    "expect",
    "expect-above-default",
    "expect-crossed",
    "h2",
    "h2-headers",
    "h2-not-offered",
    "h2-proxy",
    "never-connect",
    "never-known",
    "never-reached",
    "never-reached-long",
    "never-run",
    "never-shadowed",
    "never-shadowed-narrower",
    "send",
    "send-file",
    "send-outside",
    "stage-cannot",
    "target-port",
    "tcp-addresses",
    "tls-checks",
];

#[test]
fn it_refuses_what_a_schema_can() {
    let validator = validator();
    let mut beyond = BTreeSet::new();
    for file in std::fs::read_dir("tests/errors").unwrap().map(|f| f.unwrap().path()) {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if file.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let Some(json) = json(&std::fs::read_to_string(&file).unwrap()) else { continue };
        if validator.is_valid(&json) {
            beyond.insert(name);
        }
    }
    let known: BTreeSet<String> = BEYOND.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(beyond, known);
}

/// Everything below this that has properties without a description of their own or of what they
/// refer to.
fn silent(schema: &Value, root: &Value, path: &str, found: &mut Vec<String>) {
    let says = |value: &Value| value["description"].as_str().is_some_and(|text| !text.is_empty());
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let refers =
            property["$ref"].as_str().and_then(|to| root.pointer(to.trim_start_matches('#')));
        if !says(property) && !refers.is_some_and(says) {
            found.push(format!("{path}/{key}"));
        }
    }
    let parts = match schema {
        Value::Object(object) => object.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(k, v)| (k.to_string(), v)).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    for (key, part) in parts {
        silent(part, root, &format!("{path}/{key}"), found);
    }
}

#[test]
fn every_key_and_every_effect_is_described() {
    let schema = schema();
    let mut found = Vec::new();
    silent(&schema, &schema, "", &mut found);
    assert!(found.is_empty(), "without a description: {found:#?}");
    assert_eq!(schema["title"], "badproxy scenario, version 1");

    let steps = schema["$defs"]["Steps"]["anyOf"][0]["anyOf"].as_array().unwrap();
    for word in Effect::WORDS {
        let about = Effect::about(word).unwrap();
        let map = steps.iter().find(|s| s["required"][0] == **word).unwrap();
        assert_eq!(map["properties"][word]["description"], about, "{word}");
        let bare = steps.iter().find(|s| s["const"] == **word);
        assert_eq!(bare.is_some(), Effect::bare(word).is_some(), "{word}");
        assert!(bare.is_none_or(|bare| bare["description"] == about), "{word}");
    }
    for name in ["Stage", "Per", "Credentials", "Outcome", "Direction", "DialTime"] {
        let words = schema["$defs"][name]["oneOf"].as_array().unwrap();
        assert!(words.iter().all(|word| word["description"].is_string()), "{name}");
    }
    for name in ["Length", "Size", "Rate", "Ordinals"] {
        assert!(schema["$defs"][name]["description"].as_str().unwrap().contains("1"), "{name}");
    }
}

/// Lines that the program has written, and files that it reads: each schema takes them.
#[test]
fn the_schemas_of_events_and_baselines_take_what_is_there() {
    let events = badproxy::event::schema();
    assert!(jsonschema::draft202012::meta::is_valid(&events));
    let validator = jsonschema::draft202012::new(&events).unwrap();
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_badproxy"))
        .args(["run", "reply/reset", "--format", "jsonl", "--", "true"])
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.lines().count() > 3, "{text}");
    for line in text.lines() {
        let json: Value = serde_json::from_str(line).unwrap();
        assert!(validator.is_valid(&json), "{line}");
    }
    for wrong in [r#"{"time": 1}"#, r#"{"time":1,"name":"tcp:nothing","data":{}}"#] {
        assert!(!validator.is_valid(&serde_json::from_str(wrong).unwrap()), "{wrong}");
    }

    let baseline = badproxy::matrix::baseline::schema();
    assert!(jsonschema::draft202012::meta::is_valid(&baseline));
    let validator = jsonschema::draft202012::new(&baseline).unwrap();
    for (yaml, good) in [
        ("curl / a/b: STORM\n\"* / *\": {verdict: FLAKY, issue: a/b#1, until: 2027-03-31}\n", true),
        ("curl / a/b: [HANG, PASS]\ncurl / a/c: {verdict: [HANG, PASS], issue: x}\n", true),
        ("{}", true),
        ("curl / a/b: []\n", false),
        ("curl / a/b: [HANG, HANG]\n", false),
        ("curl / a/b: [HANG, MISSING]\n", false),
        ("curl/a/b: STORM\n", false),
        ("curl / a/b: STROM\n", false),
        ("curl / a/b: MISSING\n", false),
        ("curl / a/b: {issue: x}\n", false),
        ("curl / a/b: {verdict: STORM, until: soon}\n", false),
    ] {
        assert_eq!(badproxy::matrix::baseline::read(yaml, "x").is_ok(), good, "{yaml}");
        assert_eq!(validator.is_valid(&json(yaml).unwrap()), good, "{yaml}");
    }
}
