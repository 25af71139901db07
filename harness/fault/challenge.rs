//! `challenge`: 407.

use std::io;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::{After, Cx, Fault, respond::Respond};
use crate::scenario::{Problem, Scheme, seen};
use crate::stage::Stage;

/// Answers 407 with a challenge, whatever credentials came.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// The scheme offered.
    pub scheme: Scheme,
    /// The realm. Default: the proxy's.
    #[serde(default)]
    pub realm: Option<String>,
}

/// The body of a 407, left in the stream for the client to read past.
const BODY: &str = "<html><body><h1>407 Proxy Authentication Required</h1></body></html>\n";

/// A 407 as a response.
pub(crate) fn response(scheme: Scheme, realm: &str) -> Respond {
    let offer = match scheme {
        Scheme::Basic => format!("Proxy-Authenticate: Basic realm=\"{realm}\""),
    };
    Respond {
        status: 407,
        headers: vec![offer, "Content-Type: text/html".to_owned()],
        body: BODY.to_owned(),
        ..Respond::default()
    }
}

impl Fault for Challenge {
    const AT: &'static [Stage] = &[Stage::Auth];
    const ABOUT: &'static str = "Answers 407 with a challenge, whatever credentials came";
    const EXAMPLE: &'static str =
        "{at: auth, when: {attempt: 1-2}, do: {challenge: basic, then: close}}";

    fn from_word(word: &str) -> Result<Self, Problem> {
        match word {
            "basic" => Ok(Challenge { scheme: Scheme::Basic, realm: None }),
            _ => Err(Problem::new(format!("there is no scheme {}", seen(word)))
                .known("there is", word, &["basic"])
                .help("for others write the response: `respond: {status: 407, headers: [...]}`")),
        }
    }

    fn word_schema(with: &mut SchemaGenerator) -> Option<Schema> {
        Some(with.subschema_for::<Scheme>())
    }

    async fn act(&self, cx: &mut Cx<'_, '_>) -> io::Result<After> {
        let auth = cx.conn.scenario.proxy.auth.as_ref();
        let own = auth.map_or("badproxy", |a| a.realm.as_str());
        let bytes =
            response(self.scheme, self.realm.as_deref().unwrap_or(own)).bytes(cx.then_close);
        let result = cx.send(&bytes).await;
        cx.did("answered 407 with a Basic challenge", true);
        result.map(|()| After::Answered)
    }
}
