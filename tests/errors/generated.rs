//! Files that are better made than kept: too large, not text, or changed by editors and by git.

use std::path::Path;

/// What there is where the file should be.
pub enum There {
    File(Vec<u8>),
    Directory,
    Nothing,
}

/// How a case is made.
type Make = fn() -> There;

/// Name, and what there is.
pub const CASES: &[(&str, Make)] = &[
    ("file-nothing", || There::Nothing),
    ("file-directory", || There::Directory),
    ("file-too-large", || text(&"# 789\n".repeat(180_000))),
    ("file-too-large-in-a-character", || text(&"é".repeat(600_000))),
    ("file-latin1", || There::File(b"name: x\nabout: \xe2\x82\xac caf\xe9\n".to_vec())),
    ("file-utf16", || There::File(utf16("name: x\n"))),
    ("line-ends-crlf", || text(WRONG.replace('\n', "\r\n").as_str())),
    ("line-ends-cr", || text(WRONG.replace('\n', "\r").as_str())),
    ("bom", || text(&format!("\u{feff}{WRONG}"))),
    ("bom-first-line", || text("\u{feff}abuot: x\n")),
    ("bom-inside", || text("name: x\n\u{feff}about: y\n")),
    ("brackets", || text(&"[".repeat(200_000))),
    ("brackets-of-both-kinds", || text(&"[{a: ".repeat(100_000))),
    ("deep-lines", || text(&(0..700).map(|n| " ".repeat(n) + "a:\n").collect::<String>())),
    ("deep-dashes", || text(&"- ".repeat(100_000))),
    ("wide", || text(&("seen: [".to_owned() + &"a, ".repeat(300_000) + "]\n"))),
    ("wrong-everywhere", || text(&("rules:\n".to_owned() + &"- clsoe\n".repeat(15_000)))),
    ("wrong-everywhere-in-a-line", || text(&format!("{{{}}}", wibbles(9_000)))),
    ("long-key", || text(&("x".repeat(1_000_000) + ": 1\n"))),
    ("long-effect", || text(&format!("rules:\n- at: dial\n  do: {}\n", "x".repeat(1_000_000)))),
    ("long-quote", || text(&("name: \"".to_owned() + &"x\n".repeat(500_000)))),
];

/// Two mistakes, on lines two and four.
const WRONG: &str = "name: x\nabuot: é\nexpect:\n  outcome: sucess\n";

fn text(text: &str) -> There {
    There::File(text.as_bytes().to_vec())
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn wibbles(n: usize) -> String {
    (0..n).map(|n| format!("wibble{n}: 1, ")).collect()
}

/// Puts a case where it belongs.
pub fn make(there: There, path: &Path) {
    match there {
        There::File(bytes) => std::fs::write(path, bytes).unwrap(),
        There::Directory => std::fs::create_dir(path).unwrap(),
        There::Nothing => {}
    }
}
