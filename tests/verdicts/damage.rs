//! Answers that are not what the origin has made.

use crate::judge;

/// Half a file, and the rest of it in another version: the ETag says so.
#[test]
fn two_versions_in_a_file_are_wrong() {
    let scenario = "response/range-new-etag";
    let half = "d=$(mktemp -d); curl -s -o $d/f {target} && exit 9; ";
    let resumes = format!("{half} curl -sS -C - -o $d/f {{target}}; e=$?; rm -r $d; exit $e");
    judge(&[scenario], &resumes).earns("WRONG", 1).by("damage");
    // Who sees it and fetches all of it, or gives up, does right.
    let again = resumes.replace("-C - ", "-r 50000- -o /dev/null {target}; curl -sS ");
    assert_ne!(again, resumes);
    judge(&[scenario], &again).earns("PASS", 0);
    let ends = resumes.replace("exit $e", "echo the etag has changed >&2; exit 1");
    judge(&[scenario], &ends).earns("PASS", 0);
}

/// What comes in one part, with one ETag, is of one version.
#[test]
fn all_of_it_in_one_part_is_whole() {
    let whole = "curl -sS -o /dev/null -r 0- {target}";
    judge(&["response/range-new-etag"], whole).earns("PASS", 0);
    let after = format!("curl -s -o /dev/null {{target}} && exit 9; {whole}");
    judge(&["response/range-new-etag"], &after).earns("PASS", 0);
    let rest = after.replace("-r 0-", "-r 50000-");
    judge(&["response/range-new-etag"], &rest).earns("WRONG", 1).by("damage");
}

/// An answer that ends before the byte that is to be hit is whole.
#[test]
fn nothing_is_damaged_beyond_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.yaml");
    std::fs::write(&path, "rules: [{at: body, do: {corrupt: {at: [5000B]}}}]\n").unwrap();
    let judged = judge(&[&path.display().to_string()], "curl -sS -o /dev/null {target}")
        .earns("INCONCLUSIVE", 5)
        .by("never-met");
    let measured = judged.findings()[0]["measured"].as_str().unwrap();
    let why =
        "rule 1, at `body`, was never met: no byte was hit: what passed ended before byte 5000";
    assert!(measured.contains(why), "{measured}");
}

/// One that has no checksum cannot know, and is not said to have recovered.
#[test]
fn a_flipped_bit_that_nobody_can_see() {
    let judged = judge(&["body/damaged"], "curl -sS -o /dev/null {target}").earns("PASS", 0);
    let notes = judged.ended["notes"].to_string();
    assert!(notes.contains("damage: what the client got is wrong"), "{notes}");
    let whole = judge(
        &["response/range-ignored"],
        "curl -sS --retry 2 --retry-all-errors -o /dev/null {target}",
    );
    let whole = whole.earns("PASS", 0);
    assert!(!whole.ended["notes"].to_string().contains("damage: "), "{}", whole.ended);
}
