//! `badproxy run SCENARIO -- COMMAND`

use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Colour, print, runtime, say, scenario};
use crate::run::environment::misspelt;
use crate::run::{Format, Manner, Order};
use crate::scenario::{Length, Word as _};
use crate::start::Setup;

/// Runs a command behind a broken proxy, watches it and gives a verdict
///
/// The command gets the proxy and the CA in every environment variable that some client reads
/// (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY in both cases, SSL_CERT_FILE, CURL_CA_BUNDLE,
/// NODE_EXTRA_CA_CERTS, JAVA_TOOL_OPTIONS ...) and as BADPROXY_PROXY, BADPROXY_CACERT,
/// BADPROXY_TARGET for code that takes them explicitly. In its arguments, {proxy} {target}
/// {cacert} {user} {pass} {token} {timeout} {origin} are filled in; where the scenario has a name server,
/// {dns} (UDP and TCP), {dot} (TLS) and {doh} (a URL), too. Where it has a PAC file, its URL is {pac} and
/// BADPROXY_PAC, and no proxy variable is set.
///
/// The command is the client: its exit code says whether it got its answer. A test that passes
/// because its client failed as it should wants --pass-exit, and is built before: compiling would
/// count as its time.
///
/// The command's standard output stays its own; the conversation and the verdict go to standard
/// error. Its standard input is badproxy's, but a terminal is not handed on: it reads /dev/null in
/// its place. A command that asks the terminal itself (/dev/tty: a password, a login) waits until it
/// has hung: give it the answer in its arguments or by a pipe.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy run auth/407-no-credentials -- curl -sS https://target.badproxy.test/
  badproxy run tunnel/plaintext-page -- node client.js
  badproxy run reply/hang --timeout 2s -- python3 -c 'import requests; requests.get(\"{target}\", timeout={timeout})'
  badproxy run ok/plain --isolate -- ./client {target}
  badproxy run my-bug.yaml --events log.jsonl --quiet -- ./client {target}

Exit codes:
  0  PASS, or a warning (SLOW, VAGUE, LEAK-LOG, LOCAL-DNS) without --strict
  1  a verdict against the client    2  usage, a file not readable, a command that cannot be started
  3  HARNESS: we could not do our part
  5  INCONCLUSIVE, or UNSUPPORTED: the client ended with 77
  129, 130, 143  interrupted
With --pass-exit it is the command's own.")]
pub struct Run {
    /// A name of `badproxy list`, or a YAML file
    scenario: String,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true)]
    command: Vec<String>,
    /// The form of what is printed: the conversation and the verdict, on standard error; `jsonl`: events, on
    /// standard output, and the command's own output goes to standard error
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Write every event to this file as JSON Lines, too
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// The seed of all dice, secrets and the nonce; it is printed with every run
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = seed)]
    seed: Option<u64>,
    /// The client's own timeout, handed to it as {timeout}; it has hung after three times this
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    timeout: Length,
    /// Hand over no timeout: the client has hung after 30 s
    #[arg(long, conflicts_with = "timeout")]
    no_timeout: bool,
    /// Multiply every time of the scenario by this, `scale` included; not what a header line says
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    scale: Option<f64>,
    /// End with the command's own exit code instead of the verdict's
    #[arg(long)]
    pass_exit: bool,
    /// Print only the verdict
    #[arg(long, short)]
    quiet: bool,
    /// Let warnings (SLOW, VAGUE, LEAK-LOG, LOCAL-DNS) count as failures
    #[arg(long)]
    strict: bool,
    /// Fetch this URL ({target}); `{origin}` in it is the origin's own address
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// Answer for this name, too; `*.corp` for all of a domain (repeatable)
    #[arg(long, value_name = "HOST")]
    name: Vec<String>,
    /// Where the origin can be reached around the proxy. A bypass can be seen when this is not
    /// loopback (Go, Java and Ruby never proxy loopback) and the target is {origin}
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    origin_ip: IpAddr,
    /// Really connect to targets that the built-in origin does not answer for
    #[arg(long)]
    forward: bool,
    /// Leave the CA variables alone: the client trusts what it trusts
    #[arg(long)]
    no_trust: bool,
    /// Put the command into a network, mount and process namespace of its own (Linux, no root
    /// needed): it reaches the proxy and nothing else, and whatever goes around is seen
    #[arg(long)]
    isolate: bool,
    /// When there are colours
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

/// The client's own timeout unless the command line has another.
const DEFAULT: Duration = Duration::from_secs(5);

/// A time on the command line.
pub(super) fn time(text: &str) -> Result<Length, String> {
    match Length::parse(text)? {
        Length(t) if t.is_zero() => Err("a timeout of nothing leaves no time".to_owned()),
        Length(t) if t.as_secs() > 86400 => Err("at most a day".to_owned()),
        time => Ok(time),
    }
}

/// A seed on the command line.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("write a whole number from 0 to {}", u64::MAX))
}

/// A factor on the command line.
pub(super) fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(f) if f > 0.0 && f <= 1000.0 => Ok(f),
        _ => Err("write a number above 0 and at most 1000, e.g. 0.001".to_owned()),
    }
}

impl Run {
    /// The options without which a repetition would not be one.
    fn options(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut add = |name: &str, value: Option<String>| {
            out.push(name.to_owned());
            out.extend(value);
        };
        if self.timeout != Length(DEFAULT) {
            add("--timeout", Some(self.timeout.to_string()));
        }
        if let Some(factor) = self.scale {
            add("--scale", Some(factor.to_string()));
        }
        if let Some(url) = &self.target {
            add("--target", Some(url.clone()));
        }
        for name in &self.name {
            add("--name", Some(name.clone()));
        }
        if self.origin_ip != IpAddr::from([127, 0, 0, 1]) {
            add("--origin-ip", Some(self.origin_ip.to_string()));
        }
        for (set, name) in [
            (self.no_timeout, "--no-timeout"),
            (self.pass_exit, "--pass-exit"),
            (self.strict, "--strict"),
            (self.forward, "--forward"),
            (self.no_trust, "--no-trust"),
            (self.isolate, "--isolate"),
        ] {
            if set {
                add(name, None);
            }
        }
        out
    }

    pub(super) fn run(self) -> anyhow::Result<i32> {
        let mut scenario = match scenario(&self.scenario) {
            Ok(scenario) => scenario,
            Err(problems) => {
                print(&problems, self.color);
                return Ok(2);
            }
        };
        if self.no_timeout && self.command.iter().any(|word| word.contains("{timeout}")) {
            say("the command has {timeout} in it, and with --no-timeout there is none to fill in");
            return Ok(2);
        }
        if let Some(problem) = misspelt(&self.command) {
            say(problem);
            return Ok(2);
        }
        let options = self.options();
        if let Some(target) = self.target {
            let rest = crate::scenario::SCHEMES.iter().find_map(|s| target.strip_prefix(s));
            if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
                let example = crate::scenario::TARGET;
                say(format_args!("--target `{target}` is not a whole URL: write e.g. {example}"));
                return Ok(2);
            }
            scenario.client.target = Some(target);
        }
        let setup = Setup {
            direct: Some(SocketAddr::new(self.origin_ip, 0)),
            seed: self.seed,
            scale: self.scale,
            forward: self.forward,
            names: self.name,
            ..Setup::default()
        };
        let colour = self.color.on(&std::io::stderr());
        let order = Order {
            scenario,
            called: self.scenario,
            options,
            setup,
            command: self.command,
            timeout: self.timeout.0,
            no_timeout: self.no_timeout,
            trust: !self.no_trust,
            isolate: self.isolate,
            stdin: true,
        };
        let manner = Manner {
            format: self.format,
            events: self.events,
            quiet: self.quiet,
            pass_exit: self.pass_exit,
            strict: self.strict,
            colour,
        };
        let _adoption = crate::run::orphans::adopt();
        runtime()?.block_on(crate::run::run(order, manner))
    }
}
