//! JSON Lines: the header, then one event a line.

use serde::Serialize;

use crate::event::{Event, Header};

/// The first line of an event file, without its line end.
pub fn header(header: &Header) -> String {
    json(header)
}

/// One event, without its line end.
pub fn line(event: &Event) -> String {
    json(event)
}

fn json(value: &impl Serialize) -> String {
    // Only a map with keys that are not strings can fail, and there is none in an event. A line
    // is written all the same: a reader that counts lines stays right.
    serde_json::to_string(value).unwrap_or_else(|error| {
        let text = format!("an event could not be written: {error}");
        serde_json::json!({"time": null, "name": "run:note", "data": {"text": text}}).to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{SCHEMA, Side, What};
    use crate::stage::Stage;

    #[test]
    fn events_are_one_line_each() {
        let what = What::Fault {
            rule: 1,
            at: Stage::Reply,
            effect: "send",
            did: "sent 3 bytes: \"\r\n\u{2028}\u{1b}\"".into(),
            audible: true,
        };
        let line = line(&Event { time: 184.25, conn: Some(1), what });
        assert_eq!(
            line,
            "{\"time\":184.25,\"group_id\":1,\"name\":\"fault:applied\",\"data\":{\"rule\":1,\
             \"at\":\"reply\",\"effect\":\"send\",\"did\":\"sent 3 bytes: \\\"\\r\\n\u{2028}\\u001b\\\"\",\
             \"audible\":true}}"
        );
        let what = What::Accepted { side: Side::Direct, src: "x".into(), attempt: None };
        let line = super::line(&Event { time: f64::NAN, conn: None, what });
        assert_eq!(
            line,
            "{\"time\":null,\"name\":\"tcp:accepted\",\"data\":{\"side\":\"direct\",\"src\":\"x\",\
             \"attempt\":null}}"
        );
    }

    #[test]
    fn the_header_names_its_schema_first() {
        let line = header(&Header {
            schema: SCHEMA,
            badproxy: "0.1.0",
            scenario: "reply/close".into(),
            seed: 91,
            host: serde_json::json!({}),
            reference_time: serde_json::json!({}),
            limits: serde_json::json!({}),
            observable: serde_json::json!({}),
        });
        assert!(line.starts_with("{\"schema\":\"badproxy.events/1\",\"badproxy\":\"0.1.0\""));
        assert!(!line.contains('\n'));
    }
}
