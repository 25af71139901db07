//! The setting that likely helps: data by client family, verdict and scenario.
//!
//! Every entry names its source. "lab" is a run of the client and version named behind a broken
//! proxy of this project; other sources are the client's own code or manual. The line that comes
//! out says how the family was told, so that its reader can judge the guess.

mod hello;
mod table;
#[cfg(test)]
mod tests;

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

impl Fix {
    /// Whether it is for a client that does not trust this run's CA.
    fn is_trust(&self) -> bool {
        self.text.starts_with("if the certificate was refused")
    }
}

/// What a client can be told from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traces<'a> {
    /// The User-Agent of a request.
    pub user_agent: Option<&'a str>,
    /// The fingerprint of its ClientHello, `fingerprint` in the events. None: it was shown no certificate.
    pub hello: Option<&'a str>,
    /// Its command line.
    pub argv: &'a [String],
    /// The origin has got a request of it, so that it has refused no certificate.
    pub served: bool,
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
            && !((traces.served || traces.hello.is_none()) && fix.is_trust())
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
             it: give it `{dns}` or `{doh}` (with NO_PROXY=127.0.0.1, lest it looks for the proxy to \
             get there), or play it with `--isolate`, where whoever looks a name up asks it",
        ),
        _ => None,
    }
}

/// What to do about a target that the built-in origin does not answer for.
pub fn strayed(host: &str) -> String {
    format!(
        "`{host}` is served by nobody here: let the command fetch `{{target}}`, or play with `--name {host}`; \
         `--forward` really goes there"
    )
}

/// Whether the settings of a family that make it use the proxy say nothing here: the scenario sets
/// NO_PROXY itself, and the client has read it wrongly; or a PAC file tells of the proxy.
pub fn no_variable(scenario: &Scenario, word: Word) -> bool {
    let elsewhere = scenario.client.no_proxy.is_some() || scenario.has_pac();
    elsewhere && matches!(word, Word::NotExercised | Word::Bypass)
}
