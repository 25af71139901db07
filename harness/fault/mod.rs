//! What can go wrong: one effect a file, named after its YAML key.
//!
//! To add one: write `fault/NAME.rs` (a struct with a doc comment, `impl Fault`, an example) and
//! put its name into the list below. It is then in `badproxy list --effects`, the JSON Schema,
//! the texts for unknown words and the tests. `scripts/new-fault` makes the stub.

#[allow(clippy::exhaustive_enums, clippy::exhaustive_structs, reason = "no promise")]
mod act;
#[allow(clippy::exhaustive_enums, clippy::exhaustive_structs, reason = "no promise")]
mod flow;
mod places;
#[allow(clippy::exhaustive_enums, clippy::exhaustive_structs, reason = "no promise")]
mod shape;
mod yaml;

use std::fmt::Debug;
use std::future::Future;
use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, MapAccess};
use serde::{Deserialize, Serialize, Serializer};
use yaml::{Short, keys, schemas, word};

#[doc(hidden)]
pub use act::{Choice, Cx, finish, play};
#[doc(hidden)]
pub use flow::{Ended, Flow, Passed, Until};
pub(crate) use places::{ANYWHERE, AT_PROXY, BEFORE_CLOSE, FLOWS, H2_STAGES};
#[doc(hidden)]
pub use shape::{Pipe, PipeEnd, PipeError, Shape};

use crate::scenario::{Problem, seen};
use crate::stage::Stage;

/// What comes after a step.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::exhaustive_enums, reason = "no promise")]
pub enum After {
    /// The stage's good work still follows.
    Go,
    /// The step took its place; the next stage follows.
    Replaced,
    /// The request is answered; the connection stays for the next one.
    Answered,
    /// The connection has ended.
    Stop,
}

/// A direction of the bytes that pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Direction {
    /// From the client to the target.
    Upstream,
    /// From the target to the client.
    #[default]
    Downstream,
}

/// One thing that can go wrong.
///
/// The struct itself is the map form (`reset: {after: 3s}`); [`Fault::from_word`] reads the short
/// form (`delay: 3s`) and [`Fault::bare`] is the word alone (`do: reset`). Only the effects of this
/// crate are faults: what the trait asks of them may change.
pub trait Fault:
    sealed::Sealed
    + Clone
    + Debug
    + Default
    + Send
    + Sync
    + DeserializeOwned
    + JsonSchema
    // A scenario is written back as YAML: derive both, and leave each default out with
    // `#[serde(default, skip_serializing_if = "Option::is_none")]` or its like.
    + Serialize
    + PartialEq
{
    /// The stages where it can happen.
    const AT: &'static [Stage];
    /// One line for lists: what it does on the wire.
    const ABOUT: &'static str;
    /// A scenario that uses it, as shown by `badproxy list --effects` and played by the tests.
    const EXAMPLE: &'static str;
    /// The tier it needs: 0 anywhere, 1 the sandbox.
    const TIER: u8 = 0;
    /// Whether it only waits for a condition, so that meeting it is no fault yet.
    const CONDITION: bool = false;

    /// One with these settings; the others have their defaults.
    ///
    /// ```
    /// use badproxy::fault::{Fault, Direction, until::UntilStep};
    ///
    /// let until = UntilStep::with(|until| until.direction = Some(Direction::Upstream));
    /// assert_ne!(until, UntilStep::default());
    /// ```
    fn with(set: impl FnOnce(&mut Self)) -> Self {
        let mut effect = Self::default();
        set(&mut effect);
        effect
    }

    /// The value of the one-word form (`do: reset`), when there is one.
    fn bare() -> Option<Self> {
        None
    }

    /// Reads the short form (`delay: 3s`), when there is one.
    fn from_word(word: &str) -> Result<Self, Problem> {
        Err(Problem::new(format!("{} is not enough here", seen(word)))
            .help(format!("write a map; its keys: {}", keys::<Self>().join(", ")))
            .help(format!("for example: {}", Self::EXAMPLE)))
    }

    /// The schema of the short form, when there is one.
    #[doc(hidden)]
    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        let _ = with;
        None
    }

    /// Whether the connection has ended after it.
    fn ends(&self) -> bool {
        false
    }

    /// What its types cannot say about its use at `stage`, and what to do.
    fn check(&self, stage: Stage) -> Result<(), Problem> {
        let _ = stage;
        Ok(())
    }

    /// Does it.
    #[doc(hidden)]
    fn act(&self, cx: &mut Cx<'_, '_>) -> impl Future<Output = io::Result<After>> + Send;
}

macro_rules! faults {
    ($($module:ident :: $type:ident,)*) => {
        $(pub mod $module;)*

        /// Any effect.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "each is documented in its own file")]
        #[non_exhaustive]
        pub enum Effect {
            $($type($module::$type),)*
        }

        mod sealed {
            /// What [`super::Fault`] is for.
            pub trait Sealed {}
            $(impl Sealed for super::$module::$type {})*
        }

        $(impl From<$module::$type> for Effect {
            fn from(effect: $module::$type) -> Self {
                Effect::$type(effect)
            }
        })*

        impl Effect {
            /// The words of all effects.
            pub const WORDS: &'static [&'static str] = &[$(word(stringify!($module)),)*];

            /// The effect that a word alone means.
            pub fn bare(name: &str) -> Option<Effect> {
                $(if name == word(stringify!($module)) {
                    return <$module::$type as Fault>::bare().map(Effect::$type);
                })*
                None
            }

            /// Reads the value of the key `name`; None when there is no such effect.
            pub(crate) fn read<'de, A: MapAccess<'de>>(
                name: &str,
                map: &mut A,
            ) -> Result<Option<Effect>, A::Error> {
                $(if name == word(stringify!($module)) {
                    let short = map.next_value::<Short<$module::$type>>()?;
                    return Ok(Some(Effect::$type(short.0)));
                })*
                Ok(None)
            }

            /// Its word.
            pub fn word(&self) -> &'static str {
                match self {
                    $(Effect::$type(_) => word(stringify!($module)),)*
                }
            }

            /// The stages where the effect of this word can happen.
            pub fn stages(name: &str) -> &'static [Stage] {
                $(if name == word(stringify!($module)) {
                    return <$module::$type as Fault>::AT;
                })*
                &[]
            }

            /// One line on the effect of this word.
            pub fn about(name: &str) -> Option<&'static str> {
                $(if name == word(stringify!($module)) {
                    return Some(<$module::$type as Fault>::ABOUT);
                })*
                None
            }

            /// The keys of the map of the effect of this word.
            pub(crate) fn keys(name: &str) -> Vec<String> {
                $(if name == word(stringify!($module)) { return keys::<$module::$type>(); })*
                Vec::new()
            }

            /// A rule that uses the effect of this word.
            pub fn example(name: &str) -> Option<&'static str> {
                $(if name == word(stringify!($module)) {
                    return Some(<$module::$type as Fault>::EXAMPLE);
                })*
                None
            }

            /// See [`Fault::AT`].
            pub fn at(&self) -> &'static [Stage] {
                Effect::stages(self.word())
            }

            /// See [`Fault::TIER`].
            pub fn tier(&self) -> u8 {
                match self {
                    $(Effect::$type(_) => <$module::$type as Fault>::TIER,)*
                }
            }

            /// See [`Fault::CONDITION`].
            pub fn is_condition(&self) -> bool {
                match self {
                    $(Effect::$type(_) => <$module::$type as Fault>::CONDITION,)*
                }
            }

            /// See [`Fault::ends`].
            pub fn ends(&self) -> bool {
                match self {
                    $(Effect::$type(f) => f.ends(),)*
                }
            }

            /// See [`Fault::check`].
            pub fn check(&self, stage: Stage) -> Result<(), Problem> {
                match self {
                    $(Effect::$type(f) => f.check(stage),)*
                }
            }

            /// See [`Fault::act`].
            #[doc(hidden)]
            pub async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
                match self {
                    $(Effect::$type(f) => f.act(cx).await,)*
                }
            }

            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Effect::$type(f) => yaml::write(word(stringify!($module)), f, to),)*
                }
            }

            /// The JSON Schema of one step: a word, or a map of one effect to its value.
            pub(crate) fn step_schema(with: &mut SchemaGenerator) -> Schema {
                let mut any = Vec::new();
                $(any.extend(schemas::<$module::$type>(word(stringify!($module)), with));)*
                json_schema!({"anyOf": any})
            }
        }
    };
}

/// Bytes pass upstream only in a tunnel.
fn passes(direction: Option<Direction>, stage: Stage) -> Result<(), Problem> {
    if direction != Some(Direction::Upstream) || stage == Stage::Tunnel {
        return Ok(());
    }
    Err(Problem::new(format!("only downstream bytes pass at `{stage}`"))
        .about("direction")
        .help("upstream bytes pass at `tunnel`"))
}

faults! {
    alert::Alert,
    answer::Answer,
    await_::Await,
    bandwidth::Bandwidth,
    blackhole::Blackhole,
    cert::Cert,
    challenge::Challenge,
    close::Close,
    corrupt::Corrupt,
    delay::Delay,
    duplicate::Duplicate,
    frame::Frame,
    garbage::Garbage,
    glue::Glue,
    goaway::Goaway,
    h2::H2,
    hang::Hang,
    headers::Headers,
    limit::Limit,
    lose::Lose,
    mss::Mss,
    mtu::Mtu,
    refuse::Refuse,
    reorder::Reorder,
    reset::Reset,
    respond::Respond,
    rst_stream::RstStream,
    send::SendBytes,
    server_hello::ServerHello,
    slice::Slice,
    socks_method::SocksMethod,
    socks_reply::SocksReply,
    socks_status::SocksStatus,
    split::Split,
    tls::Tls,
    tls_record::TlsRecord,
    unreachable::Unreachable,
    until::UntilStep,
    upstream_error::UpstreamError,
    vanish::Vanish,
    window::Window,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_and_directory_agree() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/harness/fault");
        let mut files: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .filter(|f| {
                !["mod.rs", "act.rs", "flow.rs", "places.rs", "shape.rs", "yaml.rs"]
                    .contains(&f.as_str())
            })
            .map(|f| f.trim_end_matches(".rs").trim_end_matches('_').to_owned())
            .collect();
        files.sort();
        let mut words = Effect::WORDS.to_vec();
        assert!(words.is_sorted(), "keep the list in order");
        words.sort_unstable();
        assert_eq!(words, files);
    }

    #[test]
    fn every_effect_has_a_line_stages_and_an_example_that_reads() {
        for word in Effect::WORDS {
            assert!(!Effect::about(word).unwrap().is_empty(), "{word}");
            assert!(!Effect::stages(word).is_empty(), "{word}");
            let example = Effect::example(word).unwrap();
            let scenario = crate::scenario::read(&format!("rules:\n  - {example}\n"), word);
            let rules = scenario.unwrap_or_else(|e| panic!("{word}: {e}")).rules;
            assert!(rules[0].steps.0.iter().any(|s| s.effect.word() == *word), "{word}");
        }
    }
}
