//! Every shipped scenario that needs the sandbox, met by curl: its fault happens, and it is judged.

use badproxy::catalogue::CATALOGUE;

use crate::{allowed, events, named, verdict};

#[test]
fn each_is_met() {
    if !allowed() {
        return;
    }
    let needy = CATALOGUE.iter().filter(|entry| entry.scenario().unwrap().needs() == 1);
    // Those on NO_PROXY have no rule to be met, and curl looks for no PAC file: `bypass` and `wpad`
    // play them.
    let elsewhere = ["pac/no-proxy", "pac/wpad"];
    let needy = needy.filter(|entry| !elsewhere.iter().any(|name| entry.name.starts_with(name)));
    let names: Vec<&str> = needy.map(|entry| entry.name).collect();
    assert!(names.len() >= 8, "{names:?}");
    std::thread::scope(|scope| {
        for name in names {
            scope.spawn(move || {
                let curl = "curl -sS --max-time 10 {target}";
                let (events, played) = events(&format!("{name} --timeout 20s"), curl);
                let verdict = verdict(&events);
                let judged = ["PASS", "SLOW", "VAGUE", "FAILED"].contains(&verdict);
                // Or badproxy itself did not get its turn, and says so.
                let ended = &events.last().unwrap()["data"];
                let late = ended["lag_max_ms"].as_f64().unwrap() > 200.0;
                let judged = judged || (late && verdict == "INCONCLUSIVE");
                assert!(judged, "{name}: {ended}\n{}", played.stderr);
                // Where there is no route, no packet leaves that could be seen.
                let met = !named(&events, "fault:applied").is_empty();
                assert!(met || name == "syn/unreachable", "{name}\n{}", played.stderr);
                assert!(named(&events, "run:trouble").is_empty(), "{name}");
            });
        }
    });
}
