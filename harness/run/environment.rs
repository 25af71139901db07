//! The environment that makes clients use the proxy and trust the run's CA: every variable that
//! some client reads, and the removal of those that would send it around the proxy.

use std::time::Duration;

use super::trust::{JAVA_PASSWORD, Trust};
use crate::dns::NameServer;
use crate::pac::PacServer;
use crate::scenario::Spelling;
use crate::start::{Running, reachable};

/// A variable and its value; None removes it.
pub type Setting = (&'static str, Option<String>);

/// Proxy variables. All have the same value, so that precedence cannot matter.
const PROXY: &[&str] = &[
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "npm_config_proxy",
    "npm_config_https_proxy",
    "CARGO_HTTP_PROXY",
    "GLOBAL_AGENT_HTTP_PROXY",
];

/// Variables that send a client around the proxy, or switch its proxy off.
const REMOVED: &[&str] = &[
    "no_proxy",
    "NO_PROXY",
    "npm_config_noproxy",
    "GLOBAL_AGENT_NO_PROXY",
    // Set, they make Go, Python and Rust clients think that they are CGI scripts, whose
    // HTTP_PROXY comes from a request header.
    "REQUEST_METHOD",
    "GATEWAY_INTERFACE",
    "CGI_HTTP_PROXY",
    "GIT_PROXY_COMMAND",
    "GIT_PROXY_SSL_CAINFO",
];

/// Variables that name a CA file. All are set: one that is set already would win otherwise.
const CA: &[&str] = &[
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
    "DENO_CERT",
    "npm_config_cafile",
    "HTTPLIB2_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "NIX_SSL_CERT_FILE",
    "PERL_LWP_SSL_CA_FILE",
    "COMPOSER_CAFILE",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
];

/// What the wrapped command gets. `trust`: whether the CA variables are set. `timeout`: the one
/// that it is told to use.
pub fn settings(
    running: &Running,
    files: &Trust,
    trust: bool,
    target: &str,
    timeout: Option<Duration>,
) -> Vec<Setting> {
    let url = running.proxy_url();
    let secrets = running.shared.log.secrets();
    let given = running.scenario().client.credentials;
    let path = |p: std::path::PathBuf| p.display().to_string();
    let mut out: Vec<Setting> = PROXY.iter().map(|name| (*name, Some(url.clone()))).collect();
    if running.pac.is_some() {
        // The file alone is to tell it: with these set, the file would be fetched through the proxy.
        out.iter_mut().for_each(|(_, value)| *value = None);
    }
    out.push(("NODE_USE_ENV_PROXY", Some("1".to_owned())));
    out.extend(REMOVED.iter().map(|name| (*name, no_proxy(running, name))));
    if trust {
        out.extend(CA.iter().map(|name| (*name, Some(path(files.bundle())))));
        // Go reads every file of the directory, others want hashed names: the file above is
        // enough for them.
        out.push(("SSL_CERT_DIR", Some(path(files.dir().to_owned()))));
    }
    out.push(("JAVA_TOOL_OPTIONS", Some(java(running, files, trust))));
    let (user, password) = match given {
        crate::scenario::GivenCredentials::None => (None, None),
        crate::scenario::GivenCredentials::Right => {
            (Some(secrets.user.clone()), Some(secrets.password.clone()))
        }
        crate::scenario::GivenCredentials::Wrong => {
            (Some(secrets.user.clone()), Some("wrong".to_owned()))
        }
    };
    out.extend([
        ("BADPROXY_PROXY", Some(url)),
        ("BADPROXY_TARGET", Some(target.to_owned())),
        ("BADPROXY_CACERT", Some(path(files.ca()))),
        ("BADPROXY_CA_BUNDLE", Some(path(files.bundle()))),
        ("BADPROXY_SCENARIO", Some(running.scenario().name.clone())),
        ("BADPROXY_TIMEOUT", timeout.map(seconds)),
        ("BADPROXY_USER", user),
        ("BADPROXY_PASS", password),
        ("BADPROXY_TOKEN", Some(secrets.token.clone())),
        ("BADPROXY_ORIGIN", running.direct.map(|at| at.to_string())),
        ("BADPROXY_PAC", running.pac.as_ref().map(PacServer::url)),
        ("BADPROXY_DNS", running.dns.as_ref().map(|dns| reachable(dns.address).to_string())),
        ("BADPROXY_DOH_URL", running.dns.as_ref().map(NameServer::doh_url)),
        ("BADPROXY_DOT", running.dns.as_ref().map(|dns| reachable(dns.address).to_string())),
    ]);
    out
}

/// What the scenario says of a variable that would send a client around the proxy.
fn no_proxy(running: &Running, name: &str) -> Option<String> {
    let client = &running.scenario().client;
    let has = match (name, client.no_proxy_case) {
        ("no_proxy", case) => case != Spelling::Upper,
        ("NO_PROXY", case) => case != Spelling::Lower,
        ("npm_config_noproxy" | "GLOBAL_AGENT_NO_PROXY", case) => case == Spelling::Both,
        _ => false,
    };
    client.no_proxy.clone().filter(|_| has)
}

/// Java reads no proxy variable. What was set before stays in front.
fn java(running: &Running, files: &Trust, trust: bool) -> String {
    let (host, port) = (running.host(), running.address.port());
    let mut options: Vec<String> = std::env::var("JAVA_TOOL_OPTIONS").into_iter().collect();
    let scheme = running.scenario().proxy_scheme();
    options.push(match scheme.is_socks() {
        _ if running.pac.is_some() => "-Dhttp.nonProxyHosts=".to_owned(),
        true => format!("-DsocksProxyHost={host} -DsocksProxyPort={port} -DsocksNonProxyHosts="),
        false => format!(
            "-Dhttp.proxyHost={host} -Dhttp.proxyPort={port} -Dhttps.proxyHost={host} \
             -Dhttps.proxyPort={port} -Dhttp.nonProxyHosts= \
             -Djdk.http.auth.tunneling.disabledSchemes="
        ),
    });
    if trust {
        options.push(format!(
            "-Djavax.net.ssl.trustStore={} -Djavax.net.ssl.trustStoreType=JKS \
             -Djavax.net.ssl.trustStorePassword={JAVA_PASSWORD}",
            java_word(&files.java().display().to_string())
        ));
    }
    options.join(" ")
}

/// A word of JAVA_TOOL_OPTIONS, which the JVM splits at blanks outside quotes. It knows both kinds of
/// quotes, and no escapes.
fn java_word(text: &str) -> String {
    match text.contains(|c: char| c.is_whitespace() || c == '\'' || c == '"') {
        true => format!("\"{}\"", text.replace('"', "\"'\"'\"")),
        false => text.to_owned(),
    }
}

/// A time as clients take it: `5`, `0.5`.
pub fn seconds(time: Duration) -> String {
    let text = format!("{:.3}", time.as_secs_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The words in braces that are filled in, and the variable that has each one's value.
const BRACES: [(&str, &str); 12] = [
    ("{proxy}", "BADPROXY_PROXY"),
    ("{target}", "BADPROXY_TARGET"),
    ("{cacert}", "BADPROXY_CACERT"),
    ("{user}", "BADPROXY_USER"),
    ("{pass}", "BADPROXY_PASS"),
    ("{timeout}", "BADPROXY_TIMEOUT"),
    ("{token}", "BADPROXY_TOKEN"),
    ("{origin}", "BADPROXY_ORIGIN"),
    ("{dns}", "BADPROXY_DNS"),
    ("{doh}", "BADPROXY_DOH_URL"),
    ("{dot}", "BADPROXY_DOT"),
    ("{pac}", "BADPROXY_PAC"),
];

/// So alike are a word and its misspelling: one letter of five. Of the words of three letters nothing
/// is near: `{pad}` can mean anything.
const ALIKE: f64 = 0.79;

/// What a command has in braces that is nothing here but nearly is, and what was probably meant. A
/// single word in lower case only: JSON, templates and shell code are none.
pub fn misspelt(command: &[String]) -> Option<String> {
    command.iter().find_map(|argument| argument.split('{').skip(1).find_map(nearly))
}

/// `rest`: what follows a brace.
fn nearly(rest: &str) -> Option<String> {
    let (word, _) = rest.split_once('}')?;
    if word.len() > 20 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let known = BRACES.map(|(braced, _)| braced.trim_matches(['{', '}']));
    if known.contains(&word) {
        return None;
    }
    let alias = [("password", "pass"), ("passwd", "pass"), ("username", "user"), ("ca", "cacert")];
    let alias = alias.into_iter().find(|(other, _)| *other == word).map(|(_, known)| known);
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(word, known);
    let best = known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let near = alias.or(best.filter(|near| likeness(near) > ALIKE))?;
    let all = BRACES.map(|(braced, _)| braced).join(" ");
    Some(format!(
        "{{{word}}} in the command is nothing that is filled in: did you mean {{{near}}}? There are \
         {all}; braces that mean something else belong into a script"
    ))
}

/// Puts the values into `{proxy} {target} {cacert} {user} {pass} {timeout} {token} {origin} {dns}
/// {doh} {dot} {pac}`.
/// Braces around anything else stay.
pub fn substitute(argument: &str, settings: &[Setting]) -> String {
    let value = |name: &str| {
        settings.iter().find(|(n, _)| *n == name).and_then(|(_, v)| v.clone()).unwrap_or_default()
    };
    let mut out = argument.to_owned();
    for (word, name) in BRACES {
        if out.contains(word) {
            out = out.replace(word, &value(name));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_as_clients_take_them() {
        assert_eq!(seconds(Duration::from_secs(5)), "5");
        assert_eq!(seconds(Duration::from_millis(500)), "0.5");
        assert_eq!(seconds(Duration::from_secs(10)), "10");
    }

    #[test]
    fn java_takes_a_path_with_blanks() {
        assert_eq!(java_word("/tmp/a/store.jks"), "/tmp/a/store.jks");
        assert_eq!(java_word("/tmp/a b/store.jks"), "\"/tmp/a b/store.jks\"");
        assert_eq!(java_word("/tmp/it's"), "\"/tmp/it's\"");
        assert_eq!(java_word("a\"b"), "\"a\"'\"'\"b\"");
    }

    #[test]
    fn only_known_braces_are_filled() {
        let s: Vec<Setting> = vec![("BADPROXY_PROXY", Some("http://x".into()))];
        assert_eq!(substitute("{proxy} {other} {}", &s), "http://x {other} {}");
        assert_eq!(substitute("{user}|", &s), "|");
    }

    #[test]
    fn only_what_is_nearly_known_is_refused() {
        let of = |text: &str| misspelt(&["curl".to_owned(), text.to_owned()]);
        for (text, meant) in [
            ("{targt}", "{target}"),
            ("--proxy={prxoy}", "{proxy}"),
            ("{}{cacrt}", "{cacert}"),
            ("{timeot}s", "{timeout}"),
            ("{password}", "{pass}"),
            ("{targets}", "{target}"),
        ] {
            let told = of(text).unwrap_or_default();
            assert!(told.contains(&format!("did you mean {meant}?")), "{text}: {told}");
        }
        let json =
            r#"{"target": {"proxy":1}} {a} {pad} {one,two} {Target} {targt:1} {name} {print} {"#;
        for text in
            ["{target}{proxy}{dot}", json, "${targt", "{url}", "{port}", "{}", "{tar gt}", ""]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
