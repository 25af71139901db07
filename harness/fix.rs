//! The setting that likely helps: data by client family, verdict and scenario.
//!
//! Every entry names its source. "lab" is a run of the client and version named behind a broken
//! proxy of this project; other sources are the client's own code or manual. The line that comes
//! out says how the family was told, so that its reader can judge the guess.

mod hello;
mod table;

use crate::scenario::{Scenario, glob};
use crate::verdict::Word;
use table::FIXES;

/// A client, or a group of clients with the same settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Aiohttp,
    Apache,
    Axios,
    Cargo,
    Curl,
    Deno,
    Git,
    Go,
    Got,
    Httpx,
    Java,
    Node,
    Okhttp,
    Python,
    Requests,
    Reqwest,
    Ureq,
    Wget,
}

impl Family {
    fn shown(self) -> &'static str {
        match self {
            Family::Aiohttp => "aiohttp",
            Family::Apache => "Apache HttpClient 5",
            Family::Axios => "axios",
            Family::Cargo => "cargo",
            Family::Curl => "curl",
            Family::Deno => "Deno",
            Family::Git => "git",
            Family::Go => "Go net/http",
            Family::Got => "got",
            Family::Httpx => "httpx",
            Family::Java => "Java",
            Family::Node => "Node.js fetch or undici",
            Family::Okhttp => "OkHttp",
            Family::Python => "Python",
            Family::Requests => "requests or urllib3",
            Family::Reqwest => "reqwest",
            Family::Ureq => "ureq",
            Family::Wget => "wget",
        }
    }

    /// By a part of the User-Agent, in lower case. `python-urllib3` stands before what it
    /// contains.
    fn by_agent(agent: &str) -> Option<Family> {
        let agent = agent.to_ascii_lowercase();
        // The User-Agent of the fetch that Node.js has built in.
        if agent == "node" {
            return Some(Family::Node);
        }
        [
            ("aiohttp/", Family::Aiohttp),
            // Its User-Agent has the version of Java in it, too.
            ("apache-httpclient/", Family::Apache),
            ("axios/", Family::Axios),
            ("cargo/", Family::Cargo),
            ("deno/", Family::Deno),
            ("git/", Family::Git),
            ("got (", Family::Got),
            ("go-http-client/", Family::Go),
            ("python-requests/", Family::Requests),
            ("python-urllib3/", Family::Requests),
            ("python-httpx/", Family::Httpx),
            ("python-urllib/", Family::Python),
            ("java-http-client/", Family::Java),
            ("java/", Family::Java),
            ("okhttp/", Family::Okhttp),
            ("reqwest/", Family::Reqwest),
            ("undici", Family::Node),
            ("ureq/", Family::Ureq),
            ("wget/", Family::Wget),
            ("curl/", Family::Curl),
        ]
        .into_iter()
        .find(|(part, _)| agent.contains(part))
        .map(|(_, family)| family)
    }

    /// By the command's name. What runs inside an interpreter is not known from it: only what
    /// holds for all of that language is said then.
    fn by_command(name: &str) -> Option<Family> {
        let name = name.to_ascii_lowercase();
        match name.strip_suffix(".exe").unwrap_or(&name) {
            "cargo" => Some(Family::Cargo),
            "curl" => Some(Family::Curl),
            "deno" => Some(Family::Deno),
            "git" => Some(Family::Git),
            "wget" => Some(Family::Wget),
            "go" => Some(Family::Go),
            "java" => Some(Family::Java),
            "node" | "npx" => Some(Family::Node),
            n if n.starts_with("python") || n.starts_with("pypy") => Some(Family::Python),
            _ => None,
        }
    }
}

/// The command's own name: without its directory, and without `env A=b` before it.
fn command(argv: &[String]) -> Option<&str> {
    let mut words = argv.iter().map(|word| word.rsplit(['/', '\\']).next().unwrap_or(word));
    match words.next() {
        Some("env") => words.find(|word| !word.contains('=') && !word.starts_with('-')),
        first => first,
    }
}

/// One entry: for a family, some words and some scenarios, what to set.
struct Fix {
    family: Family,
    words: &'static [Word],
    /// Names, with `*`; none for all.
    scenarios: &'static [&'static str],
    text: &'static str,
    source: &'static str,
}

/// What a client can be told from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traces<'a> {
    /// The User-Agent of a request.
    pub user_agent: Option<&'a str>,
    /// The fingerprint of its ClientHello, `fingerprint` in the events.
    pub hello: Option<&'a str>,
    /// Its command line.
    pub argv: &'a [String],
}

impl Traces<'_> {
    /// The family and how it was told: what the client says of itself, else what its TLS shows, else what
    /// its command is called.
    fn family(&self) -> Option<(Family, String)> {
        let by_agent = self.user_agent.and_then(|agent| {
            let shown: String = agent.chars().take(80).collect();
            Family::by_agent(agent).map(|family| (family, format!("User-Agent {shown}")))
        });
        let by_hello = || {
            let (family, measured) = hello::told(self.hello?)?;
            Some((family, format!("its ClientHello is that of {measured}")))
        };
        let by_command = || {
            let name = command(self.argv)?;
            Family::by_command(name).map(|family| (family, format!("the command is `{name}`")))
        };
        by_agent.or_else(by_hello).or_else(by_command)
    }
}

/// The setting that likely helps a client that has earned `word` in `scenario`; None when the client is
/// unknown, or when no setting is known. `asks`: what fails is the way to the proxy's name or to the PAC
/// file, before there is a request, so that what holds of requests in general does not hold.
pub fn likely(traces: &Traces<'_>, word: Word, scenario: &str, asks: bool) -> Option<String> {
    let (family, how) = traces.family()?;
    let general = !asks || matches!(word, Word::NotExercised | Word::Bypass);
    let fix = FIXES.iter().find(|fix| {
        fix.family == family
            && fix.words.contains(&word)
            && (general || !fix.scenarios.is_empty())
            && (fix.scenarios.is_empty() || fix.scenarios.iter().any(|name| glob(name, scenario)))
    })?;
    let Fix { text, source, .. } = fix;
    Some(format!("looks like {} ({how}): {text} [{source}]", family.shown()))
}

/// What keeps a client from coming where it learns of the proxy in a way of its own, so that no
/// variable of its family is to blame. `alone`: nothing else could be asked, as in the sandbox;
/// `fetches`: how often it has asked for the PAC file.
pub fn untold(scenario: &Scenario, word: Word, alone: bool, fetches: u64) -> Option<&'static str> {
    match word {
        Word::NotExercised | Word::Bypass if scenario.has_pac() && fetches == 0 => Some(
            "here the PAC file alone tells of the proxy, and no proxy variable is set: a client reads it \
             when it is given its URL, `{pac}` in the command or BADPROXY_PAC",
        ),
        Word::NotExercised if scenario.has_dns() && !alone => Some(
            "the proxy's name is known to the scenario's name server alone, and the command has not asked \
             it: give it `{dns}` or `{doh}`, or play it with `--isolate`, where whoever looks a \
             name up asks it",
        ),
        _ => None,
    }
}

/// Whether the settings of a family that make it use the proxy say nothing here: the scenario sets
/// NO_PROXY itself, and the client has read it wrongly; or a PAC file tells of the proxy.
pub fn no_variable(scenario: &Scenario, word: Word) -> bool {
    let elsewhere = scenario.client.no_proxy.is_some() || scenario.has_pac();
    elsewhere && matches!(word, Word::NotExercised | Word::Bypass)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn argv(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn agent(agent: &str, word: Word, scenario: &str) -> Option<String> {
        likely(&Traces { user_agent: Some(agent), ..Traces::default() }, word, scenario, false)
    }

    fn line(line: &str, word: Word, scenario: &str) -> Option<String> {
        likely(&Traces { argv: &argv(line), ..Traces::default() }, word, scenario, false)
    }

    #[test]
    fn the_line_says_how_the_client_was_told() {
        let by_agent = agent("curl/7.88.1", Word::Hang, "reply/hang").unwrap();
        assert!(by_agent.starts_with("looks like curl (User-Agent curl/7.88.1): "), "{by_agent}");
        assert!(by_agent.contains("--connect-timeout"), "{by_agent}");
        let by_command = line("/usr/bin/node app.mjs", Word::Storm, "reply/fin").unwrap();
        assert!(
            by_command.starts_with("looks like Node.js fetch or undici (the command is `node`): "),
            "{by_command}"
        );
        assert!(by_command.contains("nodejs/undici#3897"), "{by_command}");
    }

    /// What a client says of itself, then its TLS, then its command.
    #[test]
    fn what_counts_for_more() {
        let argv = argv("node app.mjs");
        let told = |user_agent, hello| {
            let traces = Traces { user_agent: Some(user_agent), hello, argv: &argv };
            likely(&traces, Word::Hang, "reply/hang", false).unwrap()
        };
        let (go, nobody, curl) = (Some("214072f5089b"), Some("000000000000"), Some("725e24e0d52f"));
        for (agent, hello, start) in [
            ("axios/1.21.1", go, "looks like axios (User-Agent axios/1.21.1): "),
            ("my-app/1", go, "looks like Go net/http (its ClientHello is that of Go 1.26.8 with "),
            ("my-app/1", nobody, "looks like Node.js fetch or undici (the command is `node`): "),
            // That of more than one family.
            ("my-app/1", curl, "looks like Node.js fetch or undici (the command is `node`): "),
            ("my-app/1", None, "looks like Node.js fetch or undici (the command is `node`): "),
        ] {
            let text = told(agent, hello);
            assert!(text.starts_with(start), "{text}");
        }
    }

    #[test]
    fn families() {
        for (agent, family) in [
            ("Python/3.11 aiohttp/3.14.5", Some(Family::Aiohttp)),
            ("python-urllib3/2.8.0", Some(Family::Requests)),
            ("Python-urllib/3.11", Some(Family::Python)),
            ("Java-http-client/17.0.15", Some(Family::Java)),
            ("Java/17.0.15", Some(Family::Java)),
            ("node", Some(Family::Node)),
            ("Apache-HttpClient/5.6.5 (Java/17.0.15)", Some(Family::Apache)),
            ("okhttp/5.5.1", Some(Family::Okhttp)),
            ("cargo/1.95.0 (f2d3ce0bd 2026-03-21)", Some(Family::Cargo)),
            ("Deno/2.9.6", Some(Family::Deno)),
            ("git/2.39.5", Some(Family::Git)),
            ("nodemon", None),
            ("", None),
        ] {
            assert_eq!(Family::by_agent(agent), family, "{agent}");
        }
        for (line, name) in [
            ("C:\\bin\\curl.exe -x", Some("curl.exe")),
            ("env -i A=b /usr/bin/python3.12 x.py", Some("python3.12")),
            ("env", None),
            ("", None),
        ] {
            assert_eq!(command(&argv(line)), name, "{line}");
        }
        assert_eq!(Family::by_command("curl.exe"), Some(Family::Curl));
        assert_eq!(Family::by_command("python3.12"), Some(Family::Python));
        assert_eq!(Family::by_command("./my-client"), None);
    }

    #[test]
    fn unknown_clients_and_verdicts_without_a_setting_get_nothing() {
        assert_eq!(line("./my-client", Word::Hang, "reply/hang"), None);
        assert_eq!(agent("curl/8", Word::Pass, "ok/plain"), None);
        assert_eq!(agent("curl/8", Word::Leak, "auth/x"), None);
    }

    #[test]
    fn the_scenario_decides_between_entries() {
        let go = |scenario| agent("Go-http-client/1.1", Word::Hang, scenario).unwrap();
        assert!(go("reply/hang").contains("1 minute"));
        assert!(go("tls/hang").contains("TLSHandshakeTimeout"));
        assert!(go("my-own-file").contains("http.Client.Timeout"));
    }

    #[test]
    fn who_reads_no_pac_file_is_not_told_of_variables() {
        let of = |name| Scenario::catalogue(name).unwrap();
        let hint = |name, word, alone, fetches| {
            untold(&of(name), word, alone, fetches).unwrap_or_default()
        };
        let away = Word::NotExercised;
        assert!(hint("pac/slow", away, false, 0).contains("`{pac}`"));
        // In the sandbox such a client reaches the origin by itself.
        assert!(hint("pac/slow", Word::Bypass, true, 0).contains("`{pac}`"));
        assert_eq!(hint("pac/slow", Word::Bypass, true, 1), "");
        assert!(hint("dns/nxdomain", away, false, 0).contains("`{dns}`"));
        assert_eq!(hint("dns/nxdomain", away, true, 0), "");
        assert_eq!(hint("reply/reset", away, false, 0), "");
        assert_eq!(hint("pac/slow", Word::Hang, false, 0), "");
        assert!(no_variable(&of("pac/no-proxy-cidr"), Word::Bypass));
        assert!(no_variable(&of("pac/slow"), Word::Bypass));
        assert!(!no_variable(&of("pac/slow"), Word::Hang));
        assert!(!no_variable(&of("reply/reset"), Word::Bypass));
    }

    /// What a setting of requests does not reach: the look-up of the proxy's name, the PAC file.
    #[test]
    fn what_comes_before_a_request_has_causes_of_its_own() {
        let of = |agent, word, scenario| {
            likely(&Traces { user_agent: Some(agent), ..Traces::default() }, word, scenario, true)
        };
        let python = of("python-requests/2", Word::Hang, "dns/silence").unwrap();
        assert!(python.contains("RES_OPTIONS") && !python.contains("(connect, read)"), "{python}");
        let urllib = of("Python-urllib/3.11", Word::Hang, "dns/silence").unwrap();
        assert!(urllib.contains("RES_OPTIONS"), "{urllib}");
        // The look-up is within these.
        assert!(of("curl/8", Word::Hang, "dns/silence").unwrap().contains("--max-time"));
        assert!(of("Go-http-client/1.1", Word::Hang, "dns/silence").unwrap().contains("Timeout"));
        for (agent, word) in [
            ("undici", Word::Storm),
            ("undici", Word::Hang),
            ("curl/8", Word::Storm),
            ("Go-http-client/1.1", Word::Wrong),
            ("python-requests/2", Word::Wrong),
        ] {
            assert_eq!(of(agent, word, "dns/silence"), None, "{agent} {word}");
        }
        // The proxy was not used, whoever knows its name.
        assert!(of("undici", Word::Bypass, "dns/silence").unwrap().contains("NODE_USE_ENV_PROXY"));
    }

    #[test]
    fn urllib_speaks_no_tls_to_a_proxy() {
        for scenario in ["ok/https-proxy", "proxy_tls/incomplete-chain"] {
            let text = line("python3 x.py", Word::Failed, scenario).unwrap();
            assert!(text.contains("sends CONNECT in clear"), "{text}");
        }
        assert!(line("python3 x.py", Word::Failed, "ok/plain").unwrap().contains("SSL_CERT_FILE"));
    }

    #[test]
    fn every_entry_can_be_reached_and_names_its_source() {
        for (index, fix) in FIXES.iter().enumerate() {
            assert!(!fix.text.is_empty() && !fix.source.is_empty() && !fix.words.is_empty());
            assert!(!fix.text.ends_with('.'), "{}", fix.text);
            let name = match fix.scenarios.first() {
                Some(pattern) => pattern.replace('*', "x"),
                None => "x".to_owned(),
            };
            for word in fix.words {
                let first = FIXES.iter().position(|other| {
                    other.family == fix.family
                        && other.words.contains(word)
                        && (other.scenarios.is_empty()
                            || other.scenarios.iter().any(|p| glob(p, &name)))
                });
                assert_eq!(first, Some(index), "hidden by an earlier entry: {}", fix.text);
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(agent in ".{0,200}", line in proptest::collection::vec(".{0,20}", 0..4)) {
            for word in Word::ALL {
                let (user_agent, hello) = (Some(agent.as_str()), Some(agent.as_str()));
                let _ = likely(&Traces { user_agent, hello, argv: &line }, word, &agent, true);
            }
        }
    }
}
