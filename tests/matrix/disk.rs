//! A disk that is full. A limit on the size of files is one that everybody can set; who meets it, and
//! has no use for the signal, is told as by a full disk.

use badproxy::matrix::Summary;

use crate::play::{Play, badproxy};
use crate::{GOOD, Matrix, play};

/// No file may be longer: blocks of 512 bytes, in some shells of 1,024. The system's roots, which we
/// write for each client, are left out: they are larger than that.
fn limited(play: Play, blocks: u32) -> Play {
    let play = play.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
    play.after(&format!("trap '' XFSZ; ulimit -f {blocks}"))
}

/// One cell says more than there is room for; the others do not, and are judged.
#[test]
fn evidence_that_does_not_fit() {
    let shell = "case $BADPROXY_SCENARIO in reply/reset) curl -s {target}; code=$?; \
                 head -c 900000 /dev/zero | tr '\\0' x; exit $code;; esac; exec curl -s {target}";
    let args = ["--scenario", "reply/reset", "--scenario", "reply/403-port", "--jobs", "1"];
    let out = tempfile::tempdir().unwrap();
    let played = limited(play(&args, shell, out.path()), 200).play();
    let matrix = Matrix::new(played, out).ends(3);
    assert_eq!(matrix.words().len(), 2);
    let why = matrix.summary["partial_why"].as_str().unwrap();
    assert!(why.contains("cannot write to") && why.contains("cells/sh/reply.reset"), "{why}");
    assert_eq!(matrix.summary["partial"], true);
    assert!(matrix.played.stderr.contains(why), "{}", matrix.played.stderr);
    // No half of anything.
    assert!(!matrix.out.path().join("cells/sh/reply.reset").exists());
}

/// The results grow until they do not fit: those that did are there, whole, and say that there are more.
#[test]
fn results_that_do_not_fit() {
    let out = tempfile::tempdir().unwrap();
    // Its command stands in every result: some of them are enough.
    let long = format!("{GOOD} # {}", "x".repeat(4000));
    let args = ["--scenario", "reply/2*", "--scenario", "reply/4*", "--scenario", "reply/50*"];
    let played = limited(play(&args, &long, out.path()), 32).play().ends(3);
    let text = format!("cannot write to {}", out.path().display());
    assert!(played.stderr.contains(&text), "{}", played.stderr);
    let kept = std::fs::read_to_string(out.path().join("summary.json")).unwrap();
    let kept: Summary = serde_json::from_str(&kept).unwrap();
    assert!(kept.partial && !kept.cells.is_empty(), "{} cells", kept.cells.len());
    assert!(kept.cells.len() < kept.scenarios.len());
    let left: Vec<_> = std::fs::read_dir(out.path()).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| entry.file_name() != "summary.json.new"), "{left:?}");
    // They can be read.
    let out = out.path().to_str().unwrap();
    let report = badproxy(["report", out]).play().ends(0);
    assert!(report.out().contains("only a part was played"), "{}", report.out());
}

#[test]
fn no_room_for_any_result() {
    let out = tempfile::tempdir().unwrap();
    let args = ["--scenario", "reply/reset", "--scenario", "reply/204"];
    let long = format!("{GOOD} # {}", "x".repeat(40_000));
    let played = limited(play(&args, &long, out.path()), 32).play().ends(3);
    assert!(played.stderr.contains("cannot write to"), "{}", played.stderr);
    assert!(played.out().contains("reply/204"), "{}", played.out());
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
}

/// A report that does not fit is our trouble and no mistake of whoever asked for it. What is asked to
/// be written to a device leaves it one.
#[cfg(target_os = "linux")]
#[test]
fn a_report_that_does_not_fit() {
    use std::os::unix::fs::FileTypeExt as _;
    let out = tempfile::tempdir().unwrap();
    play(&["--scenario", "reply/204"], GOOD, out.path()).play().ends(0);
    let out = out.path().to_str().unwrap();
    let full = badproxy(["report", out, "-o", "/dev/full"]).play().ends(3);
    assert!(full.stderr.contains("cannot write the report to /dev/full"), "{}", full.stderr);
    assert!(std::fs::metadata("/dev/full").unwrap().file_type().is_char_device());
    let args = ["report", out, "--format", "json"];
    badproxy(args).after("exec >/dev/full").play().ends(3);
}
