//! `--write-baseline`: what has failed is expected from then on, and what somebody has written by hand stays.

use crate::{GOOD, matrix};

/// Passes at every second play of a cell, and exits with 0 without an answer at the others.
const FLAKY: &str = "case $BADPROXY_SCENARIO in control*) exec curl -sS {target};; esac; \
                     seen=$SEEN/$(echo $BADPROXY_SCENARIO | tr / .); \
                     if [ -e $seen ]; then rm $seen; exec curl -sS {target}; fi; \
                     >$seen; curl -sS {target}; exit 0";

#[test]
fn what_was_flaky_may_do_either_from_then_on() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = dir.path().join("b.yaml");
    let path = file.to_str().unwrap();
    let args = ["--scenario", "reply/reset", "--write-baseline", path];
    let play = crate::play(&args, FLAKY, out.path()).env("SEEN", dir.path().to_str().unwrap());
    let first = play.play().ends(0);
    assert!(first.out().contains("FLAKY"), "{}", first.out());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.ends_with("\n\nsh / reply/reset: [WRONG, PASS]\n"), "{text}");
    // A report made later says what the matrix has said, also where the file has gone.
    let results = out.path().to_str().unwrap();
    std::fs::rename(&file, dir.path().join("away")).unwrap();
    let report = ["report", results, "--check", "--format", "junit"];
    let report = crate::badproxy(report).play().ends(0);
    assert!(report.out().contains("tests=\"1\" failures=\"0\""), "{}", report.out());
    std::fs::rename(dir.path().join("away"), &file).unwrap();
    // By itself, and whichever of the two it does.
    let args = ["--scenario", "reply/reset", "--baseline", path];
    for shell in [GOOD, "curl -sS {target}; exit 0"] {
        matrix(&args, shell).ends(0);
    }
    let other = "case $BADPROXY_SCENARIO in control*) ;; *) curl -sS {target}; kill -SEGV $$;; esac; \
                 ulimit -c 0; exec curl -sS {target}";
    let other = matrix(&args, other).ends(1);
    assert!(
        other.played.out().contains("CRASH instead of [WRONG, PASS]"),
        "{}",
        other.played.out()
    );
}

/// A slip is kept, for the baseline may be that of other matrices as well, and it is named.
#[test]
fn a_misspelt_entry_is_named_and_kept() {
    let old = "# ours\nsh / reply/reset: {verdict: WRONG, issue: o/r#1}\nsh / reply/zzqqvv: HANG\n\
               shh / reply/reset: HANG\n";
    let (_dir, path) = crate::play::file(old);
    let args = ["--scenario", "reply/reset", "--write-baseline", &path];
    let played = matrix(&args, "curl -sS {target}; exit 0").ends(0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), old);
    for said in [
        ":3: `sh / reply/zzqqvv: HANG` is about no cell of this matrix; no shipped scenario is called",
        ":4: `shh / reply/reset: HANG` is about no cell of this matrix; no client here is called \
         `shh`, did you mean `sh`?",
        ": the entries that are about no cell of this matrix stay, for they may be of another one",
    ] {
        let said = format!("{path}{said}");
        assert!(played.played.out().contains(&said), "{}", played.played.out());
    }
    // Nothing is written, so nothing stays.
    let read = ["--scenario", "reply/reset", "--baseline", &path];
    let read = matrix(&read, "curl -sS {target}; exit 0").ends(0);
    assert!(!read.played.out().contains("may be of another one"), "{}", read.played.out());
}

#[test]
fn what_was_written_by_hand_stays() {
    let old = "# ours\n\n# ask Ann\nsh / reply/reset: {verdict: WRONG, issue: o/r#1, until: 2999-12-31} # soon\n\
               # gone by now\nsh / reply/204: CRASH\n# of another client\nnode / reply/hang: HANG\n";
    let (dir, path) = crate::play::file(old);
    let args = ["--scenario", "reply/reset", "--scenario", "reply/204", "--write-baseline", &path];
    let shell = "curl -sS {target}; exit 0";
    let all = ["--scenario", "reply/403-port"];
    let new = matrix(&[&args[..], &all].concat(), shell).ends(0);
    assert_eq!(new.words()["sh reply/204"], "PASS");
    let want = old.replace("# gone by now\nsh / reply/204: CRASH\n", "");
    let want = want.replace("# ours\n\n", "# ours\n\nsh / reply/403-port: WRONG\n");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), want);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    // A client that does not work says nothing about its cells.
    let none = matrix(&args, "exit 1").ends(4);
    assert!(none.played.stderr.contains("is not written"), "{}", none.played.stderr);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), want);
}
