//! `headers`: the head that passes, with other header lines.
//!
//! At `request` it is the head of the request that the target gets. A tunnel hides it from the
//! proxy: there the origin makes the change as it reads, in the place of a proxy that intercepts.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;

use super::{After, Cx, Effect, Fault, Flow, respond::lines};
use crate::conn::Conn;
use crate::event::What;
use crate::scenario::{Problem, Rule, seen};
use crate::stage::Stage;

/// Changes header lines of the good head: the client's request (in a tunnel each request on its way
/// to the origin), the proxy's 200, the origin's response, or that of the PAC file. First lines are
/// removed, then set, then added; what is written stands as it is written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Headers {
    /// Names of headers that are taken out; case is ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Lines that take the place of those of the same name, or are added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// Lines that are added, whatever is there already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// How the names of all lines are written. Default: as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Case>,
}

/// How names of headers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Case {
    /// `content-type`.
    Lower,
    /// `CONTENT-TYPE`.
    Upper,
}

impl Headers {
    /// The head with the changes; what is no HTTP head stays as it is.
    fn edit(&self, head: &str) -> String {
        let Some((status, rest)) = head.split_once("\r\n") else { return head.to_owned() };
        let lines = rest.split("\r\n").filter(|l| !l.is_empty()).map(Into::into).collect();
        self.lines(lines).into_iter().fold(format!("{status}\r\n"), |out, l| out + &l + "\r\n") + "\r\n"
    }

    /// Header lines with the changes.
    fn lines(&self, mut kept: Vec<String>) -> Vec<String> {
        kept.retain(|line| !self.remove.iter().any(|n| n.trim().eq_ignore_ascii_case(name(line))));
        for line in &self.set {
            match kept.iter().position(|l| name(l).eq_ignore_ascii_case(name(line))) {
                Some(at) => kept[at].clone_from(line),
                None => kept.push(line.clone()),
            }
        }
        kept.extend(self.add.iter().cloned());
        for line in &mut kept {
            let at = name(line).len();
            match self.case {
                Some(Case::Lower) => line[..at].make_ascii_lowercase(),
                Some(Case::Upper) => line[..at].make_ascii_uppercase(),
                None => {}
            }
        }
        kept
    }

    /// What is changed, in words.
    fn did(&self) -> String {
        let changes = self.remove.iter().map(|name| format!("without {name}"));
        let mut changes: Vec<String> =
            changes.chain(self.set.iter().chain(&self.add).map(|l| format!("with {l}"))).collect();
        changes.extend(self.case.map(|case| format!("names in {case:?} case").to_lowercase()));
        changes.join(", ")
    }
}

/// Changes that a rule at `request` has chosen for the requests on their way to the target.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Edit {
    /// The rule, from 1.
    pub rule: usize,
    /// The changes.
    pub headers: Headers,
}

impl Edit {
    /// What a rule changes in a request, if it does; `index` counts from 0.
    pub fn of(index: usize, rule: &Rule) -> Option<Self> {
        rule.steps.0.iter().rev().find_map(|step| match &step.effect {
            Effect::Headers(headers) => Some(Edit { rule: index + 1, headers: headers.clone() }),
            _ => None,
        })
    }

    /// Makes the changes, and writes them down unless there is nothing to change in this request.
    pub fn apply(&self, conn: &Conn, headers: &mut Vec<(String, String)>) {
        let line = |(name, value): &(String, String)| format!("{name}: {value}");
        let split = |line: String| match line.split_once(':') {
            Some((name, value)) => (name.to_owned(), value.trim().to_owned()),
            None => (line, String::new()),
        };
        let lines = self.headers.lines(headers.iter().map(line).collect());
        let changed: Vec<_> = lines.into_iter().map(split).collect();
        if changed == *headers {
            return;
        }
        *headers = changed;
        let did = format!("the request goes on {}", self.headers.did());
        conn.note(What::Fault {
            rule: self.rule,
            at: Stage::Request,
            effect: "headers",
            did,
            audible: true,
        });
    }
}

fn name(line: &str) -> &str {
    line.split_once(':').map_or(line, |(name, _)| name.trim_end())
}

impl Fault for Headers {
    const AT: &'static [Stage] = &[Stage::Pac, Stage::Request, Stage::Reply, Stage::Response];
    const ABOUT: &'static str =
        "Changes header lines of the request or of the good head: removes, sets, adds, re-cases";
    const EXAMPLE: &'static str =
        r#"{at: response, do: {headers: {add: ["Content-Length: 999"]}}}"#;

    fn check(&self, _: Stage) -> Result<(), Problem> {
        if self.remove.is_empty() && self.set.is_empty() && self.add.is_empty() && self.case.is_none()
        {
            return Err(Problem::new("`headers` does not say what is changed")
                .help("write one or more of: remove, set, add, case"));
        }
        for (key, list) in [("set", &self.set), ("add", &self.add)] {
            if let Some(index) = list.iter().position(|line| !line.contains(':')) {
                return Err(Problem::new(format!("{} is no header line", seen(&list[index])))
                    .about(format!("{key}.{index}"))
                    .help("write `Name: value`; for other lines there is `send`"));
            }
            lines(list).map_err(|p| {
                let key = p.key.replace("headers", key);
                p.about(key)
            })?;
        }
        Ok(())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        if cx.stage == Stage::Request {
            cx.choice.request = Some(Edit { rule: cx.rule(), headers: self.clone() });
            return Ok(After::Go);
        }
        if let Flow::Out { from, pipe, .. } = &mut *cx.flow {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).await?;
            // At `pac` the body comes with it.
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
            let (head, body) = bytes.split_at(end.unwrap_or(bytes.len()));
            pipe.push(self.edit(&String::from_utf8_lossy(head)).as_bytes());
            pipe.push(body);
        }
        cx.did(self.did(), true);
        Ok(After::Go)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_removed_set_added_and_re_cased() {
        let h = Headers {
            remove: vec!["a".into()],
            set: vec!["B: 2".into(), "C: 3".into()],
            add: vec!["b:9".into()],
            case: None,
        };
        let head = "HTTP/1.1 200 OK\r\nA: 1\r\nb: 1\r\nD: 4\r\n\r\n";
        assert_eq!(h.edit(head), "HTTP/1.1 200 OK\r\nB: 2\r\nD: 4\r\nC: 3\r\nb:9\r\n\r\n");
        let upper = Headers { case: Some(Case::Upper), ..Headers::default() };
        assert_eq!(upper.edit(head), "HTTP/1.1 200 OK\r\nA: 1\r\nB: 1\r\nD: 4\r\n\r\n");
        assert_eq!(upper.edit("nonsense"), "nonsense");
    }
}
