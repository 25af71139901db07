//! What it says of itself.

use crate::run;

const VERBS: [&str; 10] =
    ["run", "serve", "list", "show", "check", "report", "merge", "schema", "completions", "man"];

#[test]
fn every_verb_explains_itself_with_an_example() {
    for verb in VERBS {
        let help = run(&format!("{verb} --help")).ends(0);
        let text = help.out();
        assert!(text.contains("Usage: "), "{text}");
        let (_, examples) = text.split_once("Example").unwrap_or_else(|| panic!("{verb}: {text}"));
        assert!(examples.contains(&format!("  badproxy {verb}")), "{examples}");
        // One example a verb is enough here: that it means what it says is for other tests.
        assert!(help.stderr.is_empty());
        assert_eq!(run(&format!("help {verb}")).ends(0).out(), text);
        assert!(run(&format!("{verb} -h")).ends(0).out().contains("Usage: "));
    }
}

/// What a signal makes of `serve` is not what it makes of the others, and both pages say so.
#[test]
fn serve_says_that_to_be_stopped_is_its_end() {
    let first = run("--help").ends(0);
    assert!(first.out().contains("(`serve` ends with 0"), "{}", first.out());
    let serve = run("serve --help").ends(0);
    assert!(serve.out().contains("is its end: exit code 0"), "{}", serve.out());
}

/// A form is described for both verbs that have it.
#[test]
fn each_page_promises_what_its_verb_has() {
    let serve = run("serve --help").ends(0);
    for word in ["verdict", "command's"] {
        assert!(!serve.out().contains(word), "{word} in {}", serve.out());
    }
    let help = run("run --help").ends(0);
    for word in ["{dns}", "{dot}", "{doh}", "{pac}", "Exit codes:", "UNSUPPORTED"] {
        assert!(help.out().contains(word), "{word} in {}", help.out());
    }
}

/// What is on a terminal fits it, and no line is longer than is good to read.
#[test]
fn help_is_as_wide_as_the_terminal() {
    for verb in VERBS {
        for (columns, most) in [("60", 60), ("80", 80), ("200", 100)] {
            let played = crate::badproxy([verb, "--help"]).env("COLUMNS", columns).play().ends(0);
            // What is to be copied stays in one piece.
            let copied = |line: &&str| line.starts_with("  badproxy ") || line.contains("Usage: ");
            for line in played.out().lines().filter(|line| !copied(line)) {
                assert!(line.chars().count() <= most, "{verb} at {columns}: {line}");
            }
        }
    }
    let text = |verb: &str| run(&format!("{verb} --help")).ends(0).out().to_owned();
    let form = |verb: &str| {
        let text = text(verb).split_whitespace().collect::<Vec<_>>().join(" ");
        text.split("--format <FORMAT> ").nth(1).unwrap()[..200].to_owned()
    };
    assert!(form("serve").contains("standard output how to reach the proxy"), "{}", form("serve"));
    assert!(!form("serve").contains("human: For people, on"), "{}", form("serve"));
}

#[test]
fn the_first_page_lists_the_verbs() {
    for flag in ["--help", "-h", "help"] {
        let help = run(flag).ends(0);
        for verb in VERBS {
            assert!(help.out().contains(&format!("\n  {verb} ")), "{verb}");
        }
        assert!(help.out().contains("badproxy run reply/fin-before-reply -- curl"));
        assert!(help.out().contains("Exit codes:"));
    }
}

#[test]
fn without_a_verb_it_helps_and_that_is_a_mistake() {
    let played = run("").ends(2);
    assert!(played.stdout.is_empty());
    assert!(played.stderr.contains("Usage: "), "{}", played.stderr);
    assert!(played.stderr.contains("badproxy list"), "{}", played.stderr);
}

#[test]
fn the_version() {
    let version = format!("badproxy {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run("--version").ends(0).out(), version);
    assert_eq!(run("-V").ends(0).out(), version);
}

#[test]
fn completions_and_manual_pages() {
    for (shell, sign) in [
        ("bash", "complete -F _badproxy"),
        ("zsh", "#compdef badproxy"),
        ("fish", "complete -c badproxy"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let played = run(&format!("completions {shell}")).ends(0);
        assert!(played.out().contains(sign), "{shell}");
        assert!(played.out().contains("matrix"), "{shell}");
    }
    let played = run("completions tcsh").ends(2);
    assert!(played.stderr.contains("bash"), "{}", played.stderr);
    assert!(run("man").ends(0).out().contains(".TH badproxy 1"));
    assert!(run("man run").ends(0).out().contains(".TH badproxy-run 1"));
    assert!(run("man walk").ends(2).stderr.contains("walk"));
}

/// What is to be copied is neither filled nor hyphenated, and every character stands for itself.
#[test]
fn examples_can_be_copied_from_a_manual_page() {
    for verb in ["", "run", "matrix", "serve", "report"] {
        let played = run(&format!("man {verb}")).ends(0);
        let page = played.out();
        assert!(!page.contains(".SH EXTRA"), "{page}");
        let title = if verb.is_empty() { ".SH FIRST STEPS" } else { ".SH EXAMPLES" };
        let (_, examples) = page.split_once(&format!("{title}\n.nf\n.nh\n")).unwrap();
        let help = run(&format!("{verb} --help"));
        let example = help.out().lines().find(|line| line.starts_with("  badproxy ")).unwrap();
        let typed = |line: &str| {
            let line = line.strip_prefix("\\&").unwrap_or(line);
            line.replace("\\-", "-").replace("\\(aq", "'").replace("\\(ga", "`")
        };
        assert!(examples.lines().any(|line| typed(line) == example), "{example}: {examples}");
    }
    for (verb, command) in [("run", "<\\fICOMMAND\\fR>"), ("matrix", "\\fICOMMAND\\fR]")] {
        let played = run(&format!("man {verb}")).ends(0);
        let behind = format!("\\fB\\-\\-\\fR {command}");
        assert!(played.out().contains(&behind), "{}", played.out());
        assert!(played.out().contains(".SH EXIT STATUS"), "{}", played.out());
    }
}

#[test]
fn a_shell_completes_names_of_scenarios_and_files() {
    let printed = run("completions bash").ends(0);
    let script = printed.out();
    // Readline's part, played by hand; what the function leaves open, `-o default` gives to files.
    let complete = |line: &str| {
        let asks = format!(
            "{script}\nCOMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
             _badproxy badproxy \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[*]}}\""
        );
        let played = std::process::Command::new("bash").args(["-c", &asks]).output().unwrap();
        String::from_utf8(played.stdout).unwrap().trim().to_owned()
    };
    let both = "reply/fin-before-reply reply/fin-mid-status";
    assert_eq!(complete("badproxy run reply/fin"), both);
    assert_eq!(complete("badproxy run --timeout 1s reply/fin"), both);
    assert_eq!(complete("badproxy serve reply/fin"), both);
    assert_eq!(complete("badproxy show reply/fin"), both);
    assert_eq!(complete("badproxy run ./my-b"), "");
    assert_eq!(complete("badproxy list --stage proxy"), "proxy_tls");
    assert_eq!(complete("badproxy matrix --suite la"), "latest");
    assert!(script.contains("-o default"), "files");
    // A file is still as good as a name.
    assert!(run("show nowhere.yaml").ends(2).stderr.contains("nowhere.yaml"));
}
