//! What fuzzing has found worth keeping, played again: `tests/fuzz/corpus/TARGET/*`, each through
//! its target's function. Beside it, inputs that any parser should meet: nothing, one byte, many.

#[path = "fuzz/parsers.rs"]
mod parsers;

use std::path::{Path, PathBuf};

fn corpus(name: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(&dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
}

/// Plays a corpus; a panic names its file.
fn replay(name: &str) {
    let (_, target) = parsers::TARGETS.iter().find(|(n, _)| *n == name).expect("a target");
    let files = corpus(name);
    assert!(files.len() >= 5, "the corpus of {name} has {} files", files.len());
    for file in files {
        let data = std::fs::read(&file).unwrap();
        if std::panic::catch_unwind(|| target(&data)).is_err() {
            panic!("{}", file.display());
        }
    }
    for data in [&b""[..], b"\0", b"\xff", &[0; 4096], &[0xff; 4096]] {
        target(data);
    }
}

macro_rules! corpora {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_has_its_corpus_played() {
            let names: Vec<_> = parsers::TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

corpora!(yaml, http_head, chunks, client_hello, dns, socks, digest, ntlm, conversation);
