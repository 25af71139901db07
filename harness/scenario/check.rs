//! What the types cannot say: effects at stages that cannot have them, rules that can never
//! match, steps that can never run.

use std::collections::HashSet;

use super::address::dialled;
use super::covers::covers;
use super::problem::{Place, Problem, seen};
use super::tree::{Kind, Node};
use super::{Alpn, DialTime, Per, Rule, Scenario, When};
use super::{at_stage, check_dns, check_h2, check_pac, check_reach};
use crate::fault::{Direction, Effect, FLOWS};
use crate::stage::Stage;

/// Every mistake of a scenario whose types are right. `tree` is the file that it was read from;
/// where it has mistakes already (`noted`), stand-ins were read, and nothing is checked.
pub(super) fn check(scenario: &Scenario, tree: &Node, noted: &[Problem]) -> Vec<Problem> {
    let noted = noted.iter().filter_map(|problem| problem.place).collect();
    let mut check = Check { scenario, tree, noted, found: Vec::new() };
    // Rules that could not be read at all are missing: the others are not where they seem.
    let readable = matches!(&tree.at("rules").kind,
        Kind::List(list) if list.len() == scenario.rules.len());
    if readable {
        for index in 0..scenario.rules.len() {
            if check.sound(&format!("rules.{index}")) {
                check.rule(index);
            }
        }
        check.alpn();
        check.late_answers();
    }
    check.name();
    check.expect();
    check.scale();
    check.client();
    check.auth();
    check.pac();
    check.empty();
    check.found
}

struct Check<'a> {
    scenario: &'a Scenario,
    tree: &'a Node,
    noted: HashSet<Place>,
    found: Vec<Problem>,
}

impl Check<'_> {
    /// Whether everything below this path was read as it stands.
    fn sound(&self, path: &str) -> bool {
        !self.tree.at(path).has(&self.noted)
    }

    /// A mistake in the value at this path.
    fn value(&mut self, path: &str, problem: Problem) {
        self.found.push(problem.at(self.tree.at(path).place));
    }

    /// A key that should not be there.
    fn key(&mut self, path: &str, problem: Problem) {
        self.found.push(problem.at(self.tree.key(path)));
    }

    /// A name is one word wherever it is told: in reports, baselines and on command lines.
    fn name(&mut self) {
        if self.sound("name") && self.scenario.name.contains(char::is_whitespace) {
            let Kind::Map(entries) = &self.tree.kind else { return };
            // Without one, it is that of the file.
            if !entries.iter().any(|(key, _)| key.word() == "name") {
                return;
            }
            let words: Vec<&str> = self.scenario.name.split_whitespace().collect();
            let problem = Problem::new(format!("{} has a blank in it", seen(&self.scenario.name)))
                .help(format!("a name is one word: write e.g. {}", seen(&words.join("-"))));
            self.value("name", problem);
        }
    }

    fn rule(&mut self, index: usize) {
        let rule = &self.scenario.rules[index];
        for step in &rule.steps.0 {
            self.found
                .extend(at_stage::cannot(rule.at.value, &step.effect).map(|p| p.at(step.place)));
        }
        for (step, problem) in check_dns::effects(rule) {
            self.found.push(problem.at(rule.steps.0[step].place));
        }
        self.steps(index, rule);
        self.goodbye(index, rule);
        self.when(index, rule);
        self.shadowed(index, rule);
    }

    /// A goodbye of TLS where there is none: at the proxy's stages on a port that speaks plain HTTP.
    fn goodbye(&mut self, index: usize, rule: &Rule) {
        let stage = rule.at.value;
        let inner = matches!(stage, Stage::Response | Stage::Body);
        if inner || stage < Stage::Request || self.scenario.proxy.tls.is_some() {
            return;
        }
        for step in &rule.steps.0 {
            if matches!(&step.effect, Effect::Close(close) if close.close_notify.is_some()) {
                let place = self.tree.value_of(index, step.place, "close_notify");
                let problem = Problem::new(format!("there is no TLS to say goodbye at `{stage}`"))
                    .help("`close_notify` can be used at: response, body")
                    .help("at the proxy's own stages it needs a port of TLS: `proxy: {tls: true}`");
                self.found.push(problem.at(place));
            }
        }
    }

    fn steps(&mut self, index: usize, rule: &Rule) {
        let mut ended: Option<&Effect> = None;
        for step in &rule.steps.0 {
            if let Some(by) = ended {
                let problem = at_stage::never(&step.effect, by);
                self.found.push(problem.at(step.place));
                return;
            }
            if let Err(problem) = step.effect.check(rule.at.value) {
                let place = match problem.key.as_str() {
                    "" => step.place,
                    key => self.tree.value_of(index, step.place, key),
                };
                self.found.push(problem.at(place));
            }
            ended = step.effect.ends().then_some(&step.effect);
        }
    }

    fn when(&mut self, index: usize, rule: &Rule) {
        let Some(when) = rule.when.as_ref().map(|when| &when.value) else { return };
        let stage = rule.at.value;
        let path = |key: &str| format!("rules.{index}.when.{key}");
        let but_address = When { address: None, ..when.clone() };
        if stage == Stage::Syn && !but_address.always() {
            let problem = Problem::new("this rule can never match: nothing is known of a SYN")
                .help("the kernel answers it before anything is read: take `when` out")
                .help("to end the effect after a time, write e.g. `refuse: {for: 3s}`");
            return self.key(&format!("rules.{index}.when"), problem);
        }
        let addresses = &self.scenario.proxy.addresses;
        if let Some((value, problem)) = dialled(when, stage, addresses) {
            match value {
                true => self.value(&path("address"), problem),
                false => self.key(&path("address"), problem),
            }
        }
        for (key, known, why) in unknown(when, stage) {
            let problem = Problem::new(format!(
                "this rule can never match: `{key}` is not known at `{stage}`"
            ));
            self.key(&path(known), problem.help(why));
        }
        self.found.extend(
            at_stage::no_connect(when, stage).map(|p| p.at(self.tree.at(&path("method")).place)),
        );
        for (key, why) in check_dns::unknown(when, stage) {
            let problem = Problem::new(format!(
                "this rule can never match: `{key}` is not known at `{stage}`"
            ));
            let problem = match key {
                "per" => Problem::new("`per` says nothing at `dns`"),
                _ => problem,
            };
            self.key(&path(key), problem.help(why));
        }
        for (key, why) in check_pac::unknown(when, stage) {
            let problem = match key {
                "per" => Problem::new("`per` says nothing at `pac`"),
                _ => Problem::new(format!(
                    "this rule can never match: `{key}` is not known at `{stage}`"
                )),
            };
            self.key(&path(key), problem.help(why));
        }
        if let Some(p) = when.probability.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
            let problem = Problem::new(format!("`{p}` is not a chance above 0 and up to 1"));
            let problem = match p {
                0.0 => problem.help("a rule that never matches can be left out"),
                p if p > 1.0 && p <= 100.0 => {
                    problem.help(format!("for {p} in a hundred write `{}`", p / 100.0))
                }
                _ => problem,
            };
            self.value(&path("probability"), problem);
        }
        if let Some(window) = when.elapsed.filter(|w| w.to.is_some_and(|to| to <= w.from)) {
            let problem = Problem::new(
                "this rule can never match: `elapsed` ends before it starts",
            )
            .help(format!("write a `to` later than `{}`, or an earlier `from`", window.from));
            self.value(&path("elapsed.to"), problem);
        }
        let named = |name: &&String| when.header.keys().any(|key| key.eq_ignore_ascii_case(name));
        if let Some(name) = when.without.iter().find(named) {
            let problem = Problem::new(format!(
                "this rule can never match: {} is asked for in `header`",
                seen(name)
            ));
            self.key(&path("without"), problem.help("take it out of one of them"));
        }
        if when.per.is_some() && when.attempt.is_none() {
            let problem =
                Problem::new("`per` says what `attempt` counts, but there is no `attempt`")
                    .help("write e.g. `{attempt: 1, per: request}`, or take `per` out");
            self.key(&path("per"), problem);
        }
        if when.direction.is_some() && !FLOWS.contains(&stage) {
            let problem =
                Problem::new(format!("no bytes pass at `{stage}`: `direction` says nothing"));
            self.key(
                &path("direction"),
                problem.help(format!("they pass at: {}", at_stage::words(FLOWS))),
            );
        } else if when.direction == Some(Direction::Upstream) && stage != Stage::Tunnel {
            let problem = Problem::new(format!("only downstream bytes pass at `{stage}`"))
                .help("upstream bytes pass at `tunnel`");
            self.value(&path("direction"), problem);
        }
    }

    /// The first rule that matches wins, so a rule behind a wider one never does.
    fn shadowed(&mut self, index: usize, rule: &Rule) {
        let stage = rule.at.value;
        let wider =
            self.scenario.rules[..index].iter().enumerate().position(|(before, earlier)| {
                earlier.at.value == stage
                    && check_dns::shows_cert(earlier) == check_dns::shows_cert(rule)
                    && covers(earlier.when(), rule.when())
                    && self.sound(&format!("rules.{before}"))
            });
        let Some(wider) = wider else {
            return self.found.extend(check_reach::unreached(self.scenario, index));
        };
        let by = &self.scenario.rules[wider];
        let line = by.at.place.line;
        let always =
            if by.when().always() { "always matches" } else { "matches whenever this one would" };
        let problem = Problem::new("this rule can never match")
            .help(format!(
                "the rule at `{stage}` in line {line} {always}, and the first that matches wins"
            ))
            .help("put the special case first");
        self.found.push(problem.at(rule.at.place));
    }

    /// What the origin offers by ALPN, and what rules do to it.
    fn alpn(&mut self) {
        if !self.sound("origin") {
            return;
        }
        let offered = self.scenario.origin.alpn.iter().flatten();
        let place = offered.into_iter().position(|alpn| *alpn == Alpn::H2);
        let text = |rule: &&Rule| rule.is_http1() && rule.at.value < Stage::Tls;
        if let (Some(place), Some(rule)) = (place, self.scenario.rules.iter().find(text)) {
            let (stage, line) = (rule.at.value, rule.at.place.line);
            let problem =
                Problem::new(format!("`h2` cannot be offered: there is a rule at `{stage}`"))
                    .help(format!("what happens there (line {line}) is played as HTTP/1.1"))
                    .help("take `h2` out, or `alpn` altogether");
            self.value(&format!("origin.alpn.{place}"), problem);
        }
        self.found.extend(check_h2::origin(self.scenario));
        self.found.extend(check_h2::proxy(self.scenario));
    }

    /// With `dial: after_reply` the 200 is out when `resolve` and `dial` are met: no answer fits.
    fn late_answers(&mut self) {
        if self.scenario.proxy.dial != DialTime::AfterReply {
            return;
        }
        for (index, rule) in self.scenario.rules.iter().enumerate() {
            let stage = rule.at.value;
            let late = matches!(stage, Stage::Resolve | Stage::Dial);
            if !late || !self.sound(&format!("rules.{index}")) {
                continue;
            }
            for step in &rule.steps.0 {
                let word = step.effect.word();
                // What cannot be here at all has been said already.
                let known = step.effect.at().contains(&stage);
                if !known || matches!(word, "answer" | "delay" | "hang" | "close" | "reset") {
                    continue;
                }
                let problem = Problem::new(format!(
                    "`{word}` would answer at `{stage}`, after the 200 has been sent"
                ))
                .help("with `dial: after_reply` there can be answer, delay, hang, close and reset here")
                .help("to send bytes after the 200, use the stage `tunnel`");
                self.found.push(problem.at(step.place));
            }
        }
    }

    fn expect(&mut self) {
        if !self.sound("expect") {
            return;
        }
        let attempts = &self.scenario.expect.attempts;
        if attempts.exactly.is_some() {
            for (named, key) in [(attempts.min.is_some(), "min"), (attempts.max.is_some(), "max")] {
                if named {
                    let problem = Problem::new(format!("`exactly` leaves no room for `{key}`"))
                        .help("take one of them out");
                    self.key(&format!("expect.attempts.{key}"), problem);
                }
            }
        } else if attempts.fewest() > attempts.most() {
            let (fewest, most) = (attempts.fewest(), attempts.most());
            let unsaid = if attempts.max.is_none() { " when nothing is said" } else { "" };
            let problem =
                Problem::new(format!("`min: {fewest}` is above `max`, which is {most}{unsaid}"));
            self.value(
                "expect.attempts.min",
                problem.help("write a larger `max`, or a smaller `min`"),
            );
        }
    }

    fn scale(&mut self) {
        let scale = self.scenario.scale.filter(|s| !(*s > 0.0 && *s <= 1000.0));
        if let Some(scale) = scale.filter(|_| self.sound("scale")) {
            let problem = Problem::new(format!("`scale` cannot be `{scale}`"))
                .help("write a number above 0 and up to 1000; with 0.001, 1s takes 1ms");
            self.value("scale", problem);
        }
    }

    fn client(&mut self) {
        let target = self.scenario.target();
        if !is_url(target) && self.sound("client") {
            let problem = Problem::new(format!("`target` cannot be {}", seen(target))).help(
                format!("write a whole http, https, ws or wss URL, e.g. `{}`", super::TARGET),
            );
            self.value("client.target", problem);
        }
    }

    fn auth(&mut self) {
        let Some(auth) = self.scenario.proxy.auth.as_ref().filter(|_| self.sound("proxy.auth"))
        else {
            return;
        };
        for problem in auth.check() {
            self.value(&format!("proxy.auth.{}", problem.key), problem);
        }
        if let Some(problem) = self.scenario.common_password() {
            self.value("proxy.auth.password", problem);
        }
    }

    fn pac(&mut self) {
        let Some(pac) = self.scenario.pac.as_ref().filter(|_| self.sound("pac")) else { return };
        for (key, problem) in pac.check() {
            self.value(&format!("pac.{key}"), problem);
        }
    }

    fn empty(&mut self) {
        let lists = [("origin.names", &self.scenario.origin.names), ("seen", &self.scenario.seen)];
        for (path, list) in lists {
            for (index, _) in list.iter().enumerate().filter(|(_, entry)| entry.is_empty()) {
                let path = format!("{path}.{index}");
                if self.sound(&path) {
                    self.value(&path, Problem::new("this entry is empty").help("take it out"));
                }
            }
        }
    }
}

/// What `when` names that is not known yet at this stage: how to call it, its key, why.
fn unknown(when: &When, stage: Stage) -> Vec<(&'static str, &'static str, &'static str)> {
    let request = "the request is read later: it is known from `request` on";
    let hello = "no TLS hello has been read here: it is known at proxy_tls, tls, response and body";
    let of_request = [
        (when.host.is_some(), "host", "host"),
        (when.port.is_some(), "port", "port"),
        (when.method.is_some() && stage != Stage::Pac, "method", "method"),
        (when.path.is_some() && stage != Stage::Pac, "path", "path"),
        (!when.header.is_empty() && stage != Stage::Pac, "header", "header"),
        (!when.without.is_empty() && stage != Stage::Pac, "without", "without"),
        (when.host_is_target.is_some(), "host_is_target", "host_is_target"),
        (when.credentials.is_some(), "credentials", "credentials"),
        (when.per == Some(Per::Target), "per: target", "per"),
        (when.per == Some(Per::Credentials), "per: credentials", "per"),
        (when.per == Some(Per::Method), "per: method", "per"),
    ];
    let of_hello = [
        (when.sni.is_some(), "sni", "sni"),
        (when.alpn.is_some(), "alpn", "alpn"),
        (when.hello_over.is_some(), "hello_over", "hello_over"),
    ];
    let requests = of_request.into_iter().filter(|_| !stage.knows_request());
    let hellos = of_hello.into_iter().filter(|_| !stage.knows_hello());
    let named = |(named, word, key), why| if named { Some((word, key, why)) } else { None };
    requests
        .filter_map(|entry| named(entry, request))
        .chain(hellos.filter_map(|entry| named(entry, hello)))
        .collect()
}

/// Whether this is a whole URL with a host and, if any, a port that there can be. The host may be
/// anything: what clients make of odd names is theirs.
fn is_url(text: &str) -> bool {
    let rest = super::SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme));
    let Some(rest) = rest.filter(|_| !text.contains(char::is_whitespace)) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    match host.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        Some((host, port)) => !host.is_empty() && port.parse::<u16>().is_ok(),
        None => !host.is_empty(),
    }
}
