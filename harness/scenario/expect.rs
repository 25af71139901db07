//! `expect:` what is held against the client.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Length, collect};

/// What is held against the client. Without it, where something goes wrong any end passes that comes
/// soon, with no more than 5 attempts; behind a healthy proxy success is asked for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Expect {
    /// How the client has to end. Default: `success` behind a healthy proxy (no rule, and nothing else
    /// that could keep the client from its target), else `either`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// How the client has to reach the target. Default: `proxy`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub way: Way,
    /// How many attempts it may make. Default: at most 5.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub attempts: Count,
    /// The longest it may take to succeed, from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Length>,
    /// The pause between attempts.
    #[serde(default, deserialize_with = "collect::maybe", skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
    /// Whether a client could know that an answer is damaged (`corrupt` at `body`): with `noticed`,
    /// exit code 0 is WRONG unless a whole answer came afterwards. Default: `hidden`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub damage: Damage,
    /// Words of which the client's output has to contain one when it fails; case is ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explain: Vec<String>,
}

/// How the client has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// With exit code 0 and the origin's own answer.
    Success,
    /// With any other exit code.
    Failure,
    /// One or the other.
    Either,
}

/// Whether damage to an answer can be known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Damage {
    /// Nothing on the wire shows it: whoever takes the answer passes, and the report says so.
    #[default]
    Hidden,
    /// Something else on the wire shows it, another ETag, say: whoever takes the answer is WRONG.
    Noticed,
}

/// How the target is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Way {
    /// Through the proxy: a connection around it is BYPASS.
    #[default]
    Proxy,
    /// Around the proxy, where NO_PROXY or the PAC file says so: a request to the proxy is BYPASS.
    Direct,
    /// Both are right; the report says which it was.
    Either,
}

/// How many.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Count {
    /// At least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// At most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// That many, no more and no fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exactly: Option<u64>,
}

impl Count {
    /// The most that is allowed; 5 when nothing is said.
    pub fn most(&self) -> u64 {
        self.exactly.or(self.max).unwrap_or(5)
    }

    /// The fewest that are allowed; 0 when nothing is said.
    pub fn fewest(&self) -> u64 {
        self.exactly.or(self.min).unwrap_or(0)
    }
}

/// The pause between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Gap {
    /// The shortest allowed.
    pub min: Length,
}
