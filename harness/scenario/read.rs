//! YAML text in, a scenario or the list of its mistakes out: the text becomes a tree (`yaml`),
//! the tree the types (`typed`), and what the types cannot say is checked (`check`).

use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::collect::gather;
use super::problem::{Place, Problem, Problems};
use super::tree::{Kind, Node};
use super::typed::Typed;
use super::{Scenario, at_stage, check, yaml};
use crate::fault::Effect;

/// The longest file that is read: 1 MiB.
const LARGEST: usize = 1024 * 1024;
/// The longest file that `send` sends: 64 MiB.
const SENT: u64 = 64 * 1024 * 1024;

/// Reads a scenario from YAML text. `file` is how it is called in messages.
///
/// ```
/// let scenario = badproxy::scenario::read("rules:\n  - at: reply\n    do: close\n", "x.yaml");
/// assert_eq!(scenario.unwrap().rules.len(), 1);
/// ```
///
/// # Errors
///
/// Every mistake found, with its place, as [`Problems`].
pub fn read(text: &str, file: &str) -> Result<Scenario, Problems> {
    read_named(text, file, file)
}

/// Reads a scenario; `name` is used when it does not name itself.
///
/// # Errors
///
/// As [`read`].
pub fn read_named(text: &str, file: &str, name: &str) -> Result<Scenario, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match parse(text, name) {
        Ok((scenario, _)) => Ok(scenario),
        Err(list) => Err(problems(list, text, file)),
    }
}

/// Reads a scenario from a file.
///
/// # Errors
///
/// As [`read`]; a file that cannot be read is one mistake without a place.
pub fn read_file(path: &Path) -> Result<Scenario, Problems> {
    let file = path.display().to_string();
    let name = path.file_stem().map_or_else(|| file.clone(), |s| s.to_string_lossy().into_owned());
    let text = text_of(path, &file)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (mut scenario, tree) = parse(text, &name).map_err(|list| problems(list, text, &file))?;
    let list = load(&mut scenario, &tree, path.parent().unwrap_or(Path::new("")));
    if list.is_empty() { Ok(scenario) } else { Err(problems(list, text, &file)) }
}

/// The text of a file.
fn text_of(path: &Path, file: &str) -> Result<String, Problems> {
    let bytes = match start(path, LARGEST as u64) {
        Ok(bytes) if bytes.len() > LARGEST => return Err(problems(vec![too_large()], "", file)),
        Ok(bytes) => bytes,
        Err(error) => return Err(problems(vec![unreadable(&error)], "", file)),
    };
    String::from_utf8(bytes).map_err(|error| {
        let text = String::from_utf8_lossy(error.as_bytes());
        problems(vec![not_text(error.as_bytes())], &text, file)
    })
}

/// Another YAML file, as a tree in which every key and value knows its place, with its text.
///
/// # Errors
///
/// As [`read_file`].
pub(crate) fn tree_file(path: &Path) -> Result<(Node, String), Problems> {
    let file = path.display().to_string();
    let text = text_of(path, &file)?;
    let tree = tree_text(&text, &file)?;
    Ok((tree, text))
}

/// Another YAML text, as a tree. `file` is how it is called in messages.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn tree_text(text: &str, file: &str) -> Result<Node, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (tree, mut list) = gather(|| yaml::tree(text));
    match tree {
        Ok(tree) if list.is_empty() => Ok(tree),
        Ok(_) => Err(problems(list, text, file)),
        Err(problem) => {
            list.push(problem);
            Err(problems(list, text, file))
        }
    }
}

/// The start of a file: one byte more than `most`, so that a larger file is seen as one.
fn start(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(error: &io::Error) -> Problem {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is none of this name".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    Problem::new(format!("the file cannot be read: {why}"))
}

fn too_large() -> Problem {
    Problem::new("the file is larger than a scenario may be, 1MiB")
        .help("bytes to be sent can be in a file of their own: `send: {file: NAME}`")
}

fn problems(mut list: Vec<Problem>, text: &str, file: &str) -> Problems {
    list.sort_by_key(|p| p.place);
    list.dedup();
    Problems { file: file.to_owned(), text: text.to_owned(), list }
}

fn parse(text: &str, name: &str) -> Result<(Scenario, Node), Vec<Problem>> {
    if text.len() > LARGEST {
        return Err(vec![too_large()]);
    }
    let (tree, mut list) = gather(|| yaml::tree(text));
    let tree = tree.map_err(|problem| vec![problem])?;
    if matches!(tree.kind, Kind::Null) {
        return Err(vec![
            Problem::new("the file is empty")
                .help("the smallest scenario is one line, `name: ok/plain`: a healthy proxy"),
        ]);
    }
    let (scenario, noted) = gather(|| Scenario::deserialize(Typed::new(&tree)));
    list.extend(noted);
    let mut list = at_stage::told(list, &tree);
    let Ok(mut scenario) = scenario else { return Err(list) };
    if scenario.name.is_empty() {
        name.clone_into(&mut scenario.name);
    }
    list.extend(check::check(&scenario, &tree, &list));
    if list.is_empty() { Ok((scenario, tree)) } else { Err(list) }
}

/// Where a file stops being text.
fn not_text(bytes: &[u8]) -> Problem {
    let valid = std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len);
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let last = before.rsplit('\n').next().unwrap_or("");
    let (line, column) = (before.matches('\n').count() + 1, last.chars().count() + 1);
    let problem = Problem::new(format!("this is not UTF-8: byte {valid} of the file is wrong"))
        .at(Place { line, column, len: 1 });
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            problem.help("it looks like UTF-16: save it as UTF-8")
        }
        _ => problem.help("save it as UTF-8; bytes that are no text go into `send: {hex: ...}`"),
    }
}

/// Reads the files that `send` steps name, beside the scenario file.
fn load(scenario: &mut Scenario, tree: &Node, dir: &Path) -> Vec<Problem> {
    let mut list = Vec::new();
    for (index, rule) in scenario.rules.iter_mut().enumerate() {
        for step in &mut rule.steps.0 {
            let Effect::SendBytes(send) = &mut step.effect else { continue };
            let Some(name) = &send.file else { continue };
            match inside(dir, name).and_then(|path| contents(&path)) {
                Ok(bytes) => send.loaded = Some(bytes),
                Err(problem) => list.push(problem.at(tree.value_of(index, step.place, "file"))),
            }
        }
    }
    list
}

/// The file that a scenario names. A scenario from a stranger must not reach others: what it sends, a
/// command that is the stranger's, too, could pass on.
fn inside(dir: &Path, name: &str) -> Result<PathBuf, Problem> {
    let outside = || {
        Problem::new("a scenario sends only files beside it, or in a directory below")
            .help("put the file beside the scenario, and write its name alone")
    };
    let mut depth = 0;
    for part in Path::new(name).components() {
        depth += match part {
            Component::Normal(_) => 1,
            Component::CurDir => 0,
            Component::ParentDir => -1,
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        };
        if depth < 0 {
            return Err(outside());
        }
    }
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let path = dir.join(name);
    // A link leads anywhere. What is not there is told by whoever reads it.
    match (path.canonicalize(), dir.canonicalize()) {
        (Ok(real), Ok(dir)) if !real.starts_with(&dir) => Err(outside()),
        _ => Ok(path),
    }
}

fn contents(path: &Path) -> Result<Vec<u8>, Problem> {
    match start(path, SENT) {
        Err(error) => Err(unreadable(&error)
            .help(format!("it is looked for beside the scenario: {}", path.display()))),
        Ok(bytes) if bytes.len() as u64 > SENT => {
            Err(Problem::new("this file has more than 64MiB, the most that `send` takes")
                .help("for floods there is `repeat`"))
        }
        Ok(bytes) => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(text: &str) -> Scenario {
        read(text, "x.yaml").unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// Also through a link.
    #[cfg(unix)]
    #[test]
    fn only_files_beside_the_scenario_are_sent() {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("mine");
        std::fs::create_dir_all(dir.join("below")).unwrap();
        for name in ["secret", "mine/own", "mine/below/own"] {
            std::fs::write(top.path().join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink("../secret", dir.join("link")).unwrap();
        std::os::unix::fs::symlink("below/own", dir.join("short")).unwrap();
        let read = |name: &str| {
            let path = dir.join("x.yaml");
            let yaml = format!("rules: [{{at: tunnel, do: {{send: {{file: {name:?}}}}}}}]\n");
            std::fs::write(&path, yaml).unwrap();
            read_file(&path)
        };
        for name in ["own", "./own", "below/own", "below/../own", "short"] {
            read(name).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        }
        let secret = top.path().join("secret");
        let absolute = secret.to_str().unwrap();
        for name in ["../secret", "below/../../secret", "../mine/own", "link", absolute] {
            let problems = read(name).err().unwrap_or_else(|| panic!("{name} was read"));
            let text = problems.to_string();
            assert!(text.contains("x.yaml:1:") && text.contains("only files beside it"), "{text}");
        }
    }

    #[test]
    fn a_text_is_kept_as_it_is_written() {
        for (written, kept) in [
            ("407", "407"),
            ("1.10", "1.10"),
            ("007", "007"),
            ("0x1F", "0x1F"),
            ("no", "no"),
            ("true", "true"),
            ("18446744073709551616", "18446744073709551616"),
            ("12:30:45", "12:30:45"),
            ("\"1.10\"", "1.10"),
            ("&anchor 1.10", "1.10"),
            ("!!str 1.10", "1.10"),
            (">-\n  1.10\n  é", "1.10 é"),
        ] {
            assert_eq!(good(&format!("about: {written}\nname: x\n")).about, kept, "{written}");
        }
        let again = good("name: é\nabout: &a 1.10\nconsequence: *a\n");
        assert_eq!(again.consequence, "1.10");
    }

    #[test]
    fn aliases_and_merged_maps_are_read() {
        let text = "rules:\n  - {at: dial, do: &d {delay: 1s}}\n  - {at: reply, do: *d}\n\
                    client: &c {credentials: right}\nexpect: {attempts: &n {max: 2}}\n";
        assert_eq!(good(text).rules[1].steps.0[0].effect.word(), "delay");
        let text = "limits: &l {connections: 5}\nname: x\nexpect: {attempts: {<<: {max: 2}}}\n";
        assert_eq!(good(text).expect.attempts.most(), 2);
    }

    #[test]
    fn an_empty_map_is_a_healthy_proxy() {
        assert_eq!(good("{}").name, "x.yaml");
    }

    #[test]
    fn steps_and_rules_know_where_they_stand() {
        let scenario = good("rules:\n  - at: reply\n    do: [delay: 1s, close]\n");
        let rule = &scenario.rules[0];
        assert_eq!((rule.at.place.line, rule.at.place.column), (2, 9));
        let places: Vec<_> = rule.steps.0.iter().map(|s| (s.place.line, s.place.column)).collect();
        assert_eq!(places, [(3, 10), (3, 21)]);
    }
}
