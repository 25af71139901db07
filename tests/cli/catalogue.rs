//! `list`, `show`, `check`, `schema`: the catalogue and the language.

use badproxy::catalogue::CATALOGUE;
use badproxy::stage::Stage;
use serde_json::Value;

use crate::play::{badproxy, file};
use crate::run;

fn json(words: &str) -> Value {
    serde_json::from_str(run(words).ends(0).out()).unwrap()
}

#[test]
fn the_list_has_every_scenario_under_its_stage() {
    let played = run("list").ends(0);
    let mut stage = "";
    let mut names = Vec::new();
    for line in played.out().lines() {
        match line.strip_prefix("  ").and_then(|row| row.split_whitespace().next()) {
            Some(name) => {
                assert!(name.starts_with(&format!("{stage}/")), "{line} under {stage}");
                names.push(name);
            }
            None => stage = line,
        }
    }
    assert!(names.len() >= 47);
    assert_eq!(names, CATALOGUE.iter().map(|entry| entry.name).collect::<Vec<_>>());
}

#[test]
fn the_list_of_one_stage() {
    let played = run("list --stage reply").ends(0);
    let rows = played.out().lines().filter(|line| line.starts_with("  ")).count();
    assert_eq!(rows, CATALOGUE.iter().filter(|entry| entry.stage() == "reply").count());
    assert!(!played.out().contains("tunnel/"));
    assert!(run("list --stage ok").ends(0).out().contains("ok/plain"));
    // A stage that nothing is filed under yet is no mistake.
    for stage in Stage::ALL {
        run(&format!("list --stage {}", stage.word())).ends(0);
    }
}

#[test]
fn the_list_for_programs() {
    let all = json("list --format json");
    assert_eq!(all.as_array().unwrap().len(), CATALOGUE.len());
    for row in all.as_array().unwrap() {
        for key in ["name", "stage", "about", "good_client"] {
            assert!(row[key].as_str().is_some_and(|text| !text.is_empty()), "{row}");
        }
    }
    let some = json("list --format json --stage tls");
    assert!(some.as_array().unwrap().iter().all(|row| row["stage"] == "tls"));
}

#[test]
fn the_list_of_what_has_a_word() {
    let names = |words: &str| -> Vec<String> {
        let rows = json(&format!("list --format json {words}"));
        rows.as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names("--search BLACKHOLE").contains(&"syn/blackhole".to_owned()));
    // Several words have to be there together, and a stage narrows it further.
    let both = names("--search undici --search torn");
    assert!(both.contains(&"reply/fin-mid-status".to_owned()), "{both:?}");
    assert!(both.len() < names("--search undici").len(), "{both:?}");
    assert!(names("--stage reply --search undici").iter().all(|n| n.starts_with("reply/")));
    // What people call it, and what their client has said.
    for words in ["--search interception", "--search x509 --search unknown --search authority"] {
        let found = names(words);
        assert!(found.contains(&"tls/untrusted-root".to_owned()), "{words}: {found:?}");
    }
    assert!(names("--search hotspot").contains(&"request/captive-portal".to_owned()));
    // From the beginning of a word; a number as a whole.
    let ranges = names("--search range");
    assert!(ranges.contains(&"response/range-416".to_owned()), "{ranges:?}");
    assert!(!ranges.iter().any(|name| name.starts_with("dns/")), "{ranges:?}");
    assert_eq!(names("--search rang --stage response"), names("--search range --stage response"));
    assert!(names("--search 40").len() < names("--search 407").len());
    for (form, empty) in [("human", ""), ("json", "[]\n")] {
        let words = format!("list --format {form} --search qqqqq --search gzip --stage tls");
        let none = run(&words).ends(2);
        let asked = "no scenario is found by --search qqqqq --search gzip --stage tls (alone, `qqqqq` \
                     none, `gzip` ";
        assert_eq!(none.out(), empty);
        assert!(none.stderr.contains(asked), "{}", none.stderr);
    }
}

#[test]
fn the_list_of_what_plays_a_report() {
    for report in ["FB052", "fb052", "fb52", "FB0052", "nodejs/undici#3897"] {
        let played = run(&format!("list --seen {report}")).ends(0);
        assert!(played.out().contains("reply/fin-before-reply"), "{report}: {}", played.out());
        assert!(!played.out().contains("tls/expired"), "{report}");
    }
    for wrong in ["FB999", "FB", "gzip", "undici#3897"] {
        let said = run(&format!("list --seen {wrong}")).ends(2).stderr;
        let begins =
            format!("`{wrong}` is no report: write a row of the field-bug list, FB001 to FB152 (");
        assert!(said.contains(&begins) && said.contains("`--seen nodejs/undici#3897`"), "{said}");
    }
    let unknown = run("list --seen nobody/nothing#1").ends(2);
    assert!(unknown.stderr.contains("found by --seen nobody/nothing#1"), "{}", unknown.stderr);
    run("list --effects --seen FB052").ends(2);
}

#[test]
fn the_catalogue_as_a_page() {
    let page = run("list --format md --stage tls").ends(0);
    assert!(page.out().contains("\n### tls/expired\n"), "{}", page.out());
    assert!(!page.out().contains("### tunnel/"));
    let effects = run("list --effects --format md").ends(0);
    assert!(effects.out().contains("| `reset` | "), "{}", effects.out());
}

#[test]
fn the_list_of_effects() {
    let effects = json("list --effects --format json");
    let words: Vec<&str> =
        effects.as_array().unwrap().iter().map(|e| e["effect"].as_str().unwrap()).collect();
    let played = run("list --effects").ends(0);
    for word in ["reset", "close", "hang", "delay", "blackhole", "cert"] {
        assert!(words.contains(&word), "{word}");
        assert!(played.out().contains(&format!("\n{word} ")), "{word}");
    }
    let at_tls = json("list --effects --stage tls --format json");
    let at_tls = at_tls.as_array().unwrap();
    assert!(!at_tls.is_empty() && at_tls.len() < words.len());
    let there = |effect: &Value| effect["at"].as_array().unwrap().contains(&"tls".into());
    assert!(at_tls.iter().all(there), "{at_tls:?}");
}

#[test]
fn every_scenario_is_explained() {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for entry in CATALOGUE {
        let scenario = entry.scenario().unwrap();
        let played = run(&format!("show {}", entry.name)).ends(0);
        let shown = flat(played.out());
        for text in [&scenario.about, &scenario.good_client, &scenario.consequence] {
            assert!(shown.contains(&flat(text)), "{}: no {text:?}", entry.name);
        }
        assert!(shown.contains(&flat(entry.yaml)), "{}", entry.name);
        let told = ["{dns}", "{doh}", "{dot}"].iter().any(|word| scenario.example.contains(word));
        let asks = scenario.has_dns() && !told;
        let sandbox = if scenario.needs() > 0 || asks { "--isolate " } else { "" };
        let line = match scenario.example.trim() {
            "" => scenario.example().replace("{target}", scenario.target()),
            own => own.to_owned(),
        };
        let line = format!("badproxy run {sandbox}{} -- {}", entry.name, flat(&line));
        assert!(shown.contains(&line), "{}: no {line:?}", entry.name);
    }
}

#[test]
fn the_yaml_of_each_is_right_and_its_own() {
    for entry in CATALOGUE {
        let shown = run(&format!("show --yaml {}", entry.name)).ends(0);
        assert_eq!(shown.out(), entry.yaml);
        let checked = badproxy(["check", "-"]).input(&shown.stdout).play().ends(0);
        assert!(checked.out().starts_with(&format!("-: ok, {} ", entry.name)), "{}", checked.out());
    }
}

#[test]
fn a_file_is_explained_like_the_others() {
    let (_dir, path) = file("about: A test.\nrules: [{at: reply, do: reset}]\n");
    let played = run(&format!("show {path}")).ends(0);
    assert!(played.out().contains("On the wire\n  A test.\n"), "{}", played.out());
    assert!(played.out().contains(&format!("badproxy run {path} -- curl")), "{}", played.out());
    assert_eq!(run(&format!("show --yaml {path}")).ends(0).out().lines().count(), 2);
}

#[test]
fn check_goes_on_after_a_bad_file() {
    let (_a, good) = file("rules: [{at: reply, do: reset}]\n");
    let (_b, bad) = file("rules:\n- at: reply\n  do: rest\n");
    let (_c, last) = file("rules: []\n");
    let played = run(&format!("check {good} {bad} {last}")).ends(2);
    let lines: Vec<&str> = played.out().lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with(&good) && lines[1].starts_with(&last));
    assert!(lines[0].contains("(1 rule)"), "{lines:?}");
    for part in [bad.as_str(), ":3:7", "do: rest", "^^^^", "`reset`"] {
        assert!(played.stderr.contains(part), "no {part:?} in {}", played.stderr);
    }
    assert_eq!(run(&format!("check --quiet {good} {last}")).ends(0).out(), "");
    let played = run("check /no/such/file.yaml").ends(2);
    assert!(played.stderr.contains("/no/such/file.yaml"), "{}", played.stderr);
}

#[test]
fn check_survives_what_is_no_yaml() {
    for bytes in [&b"\xff\xfe\x00"[..], b"{{{", b"a: &a [*a]", b"\0", &[b'['; 5000]] {
        badproxy(["check", "-"]).input(bytes).play().ends(2);
    }
}

#[test]
fn the_schema_is_json_and_knows_the_words() {
    let schema = json("schema");
    assert!(schema["properties"]["rules"].is_object());
    let text = schema.to_string();
    for word in ["\"reset\"", "\"blackhole\"", "\"probability\"", "\"tunnel\""] {
        assert!(text.contains(word), "{word}");
    }
}

/// They come from the type that a `when` is read into, so that none can be missing.
#[test]
fn the_list_of_conditions() {
    let rows = json("list --conditions --format json");
    let keys: Vec<&str> =
        rows.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    let schema = json("schema");
    let known = schema["$defs"]["When"]["properties"].as_object().unwrap();
    assert_eq!(keys, known.keys().map(String::as_str).collect::<Vec<_>>());
    let per = rows.as_array().unwrap().iter().find(|row| row["key"] == "per").unwrap();
    let words: Vec<&Value> =
        per["values"].as_array().unwrap().iter().map(|value| &value["value"]).collect();
    assert_eq!(words, ["attempt", "connection", "request", "target", "credentials", "method"]);
    let text = run("list --conditions").ends(0);
    assert!(text.out().contains("Requests on one connection."), "{}", text.out());
    assert!(text.out().contains("Which attempts, counted from 1"), "{}", text.out());
    run("list --conditions --stage reply").ends(2);
}

#[test]
fn an_effect_tells_its_keys() {
    let text = run("list --effects --stage accept").ends(0);
    assert!(text.out().contains("keys after"), "{}", text.out());
}

/// A client asks our name server by itself in the sandbox alone, or where it is told of it.
#[test]
fn what_is_said_to_play_a_scenario_plays_it() {
    for (name, said) in [
        ("dns/nxdomain", "badproxy run --isolate dns/nxdomain -- curl -sS"),
        ("dns/doh-502", "badproxy run dns/doh-502 -- env no_proxy=127.0.0.1 curl"),
        ("reply/reset", "badproxy run reply/reset -- curl"),
    ] {
        let show = badproxy(["show", name]).play().ends(0);
        assert!(show.out().contains(said), "{}", show.out());
    }
}
