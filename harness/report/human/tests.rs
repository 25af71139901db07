use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::event::{How, Via, Who};
use crate::scenario::read_named;
use crate::stage::Stage;
use crate::verdict::script::Script;
use crate::verdict::{Syns, Terms, judge};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const FIN: &str = "rules: [{at: reply, do: close}]\n\
                   good_client: gives up after 1-2 attempts, within 2 s, and names the proxy\n\
                   expect: {outcome: failure}\n";

/// The report on a run, and the verdict's part of it alone.
fn report(yaml: &str, script: &Script, change: impl FnOnce(Human) -> Human) -> (String, String) {
    let paper = Paper::default();
    let mut human = change(Human::new(Box::new(paper.clone()), false, 100, false));
    human.header("reply/fin-before-reply", "http://u:secret@127.0.0.1:41873", 91);
    script.events.iter().for_each(|event| human.event(event));
    let scenario = read_named(yaml, "test.yaml", "reply/fin-before-reply").unwrap();
    let conduct = script.conduct();
    let terms = Terms {
        timeout: Duration::from_secs(5),
        hang: Duration::from_secs(15),
        lag_max_ms: 0.0,
        bypass_observable: true,
        no_timeout: false,
        syns: Syns::Waiting,
    };
    let again = "badproxy run reply/fin-before-reply --seed 91 -- node app.mjs";
    human.verdict(&judge(&scenario, &conduct, &terms), again);
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    let text = text.replace(env!("CARGO_PKG_VERSION"), "V");
    let (before, after) = text.split_once("\n\n").unwrap();
    (before.to_owned() + "\n", after.to_owned())
}

fn plain(human: Human) -> Human {
    human
}

#[track_caller]
fn same(left: &str, right: &str) {
    assert!(left == right, "--- is\n{left}\n--- should be\n{right}");
}

fn storm(attempts: usize) -> Script {
    let script = Script::new("node app.mjs").wait(183.0);
    let script =
        (0..attempts).fold(script, |s, _| s.connect().wait(0.6).request(&[]).fin().wait(0.4));
    script.wait(1230.0).exits(8)
}

#[test]
fn a_storm_is_folded() {
    let (conversation, verdict) = report(FIN, &storm(3770), plain);
    same(
        &conversation,
        "badproxy V · reply/fin-before-reply · proxy http://u:****@127.0.0.1:41873 · seed 91
    ms  conn  who
     0        client   node app.mjs (pid 4411)
   183  #1    client   connects
   184  #1    client   CONNECT target.badproxy.test:443   no Proxy-Authorization
   184  #1    PROXY  ✖ close at reply: FIN   ← the fault
   184  #2    client   connects again, 1.0 ms later
   185  #2    client   CONNECT target.badproxy.test:443   no Proxy-Authorization
   185  #2    PROXY  ✖ close at reply: FIN
   185  #3    client   connects again, 1.0 ms later
   186  #3    client   CONNECT target.badproxy.test:443   no Proxy-Authorization
   186  #3    PROXY  ✖ close at reply: FIN
   186  #4    client   connects again, 1.0 ms later
   187  #4    client   CONNECT target.badproxy.test:443   no Proxy-Authorization
   187  #4    PROXY  ✖ close at reply: FIN
   187  #5    client   connects again, 1.0 ms later
   188  #5    client   CONNECT target.badproxy.test:443   no Proxy-Authorization
   188  #5    PROXY  ✖ close at reply: FIN
        #6-#3770  3,765 more like these, median gap 1.0 ms
  5183        client   exits 8
",
    );
    same(
        &verdict,
        "✖ STORM   3,770 attempts in 3.8 s, 5 allowed · no backoff
  proxy did      close at reply of connection #1: FIN; 3,770 faults in all
  client did     made 3,770 attempts, a median of 1.0 ms apart, and exited with 8 after 5.2 s
  a good client  gives up after 1-2 attempts, within 2 s, and names the proxy
  likely fix     looks like curl (User-Agent curl/7.88.1): `--retry` sets the number;
                 `--retry-delay` and `--retry-max-time` space them out [curl(1)]
  also           SLOW: failed 5.0 s after the fault, 2.0 s allowed
  again          badproxy run reply/fin-before-reply --seed 91 -- node app.mjs
",
    );
}

#[test]
fn a_good_run_is_short() {
    let script = Script::new("curl 'a b'").wait(20.0).connect().wait(1.0).fetch();
    let script = script.wait(2.0).closed(Who::Client, How::Fin).wait(1.0).exits(0);
    let (conversation, verdict) = report("expect: {outcome: success}\n", &script, plain);
    same(
        &conversation,
        "badproxy V · reply/fin-before-reply · proxy http://u:****@127.0.0.1:41873 · seed 91
    ms  conn  who
     0        client   curl ''\\''a' 'b'\\''' (pid 4411)
    20  #1    client   connects
    21  #1    client   CONNECT target.badproxy.test:443   no Proxy-Authorization
    21  #1    proxy    answers 200 (39 bytes)
    21  #1    client   TLS established: TLSv1.3, h2, certificate good
    21  #1    client   GET / HTTP/2, in the tunnel
    21  #1    origin   answers 200 (55 bytes)
    23  #1    client   closes with FIN
    24        client   exits 0
",
    );
    same(
        &verdict,
        "✔ PASS   works: the origin's answer after 24.0 ms, 1 attempt
  proxy did      nothing wrong: no rule, no fault
  client did     made 1 attempt, and exited with 0 after 24.0 ms
  a good client  gets the origin's answer with at most 5 attempts
  again          badproxy run reply/fin-before-reply --seed 91 -- node app.mjs
",
    );
}

#[test]
fn what_did_not_happen_is_drawn() {
    let script = Script::new("x").connect().request(&[]).hang().wait(5000.0);
    let script = script.here(What::SilenceEnded { bytes: 517 }).closed(Who::Client, How::Fin);
    let script = script.around().get(Via::Direct, &[]).answer(Via::Direct).exits(0);
    let (conversation, _) = report(FIN, &script, plain);
    let lines: Vec<&str> = conversation.lines().skip(3).collect();
    assert_eq!(
        lines,
        [
            "     0  #1    client   connects",
            "     0  #1    client   CONNECT target.badproxy.test:443   no Proxy-Authorization",
            "     0  #1    PROXY  ✖ hang at reply: silent, stops reading   ← the fault",
            "  5000  #1    client   ends the silence after 5.0 s, 517 bytes meanwhile",
            "  5000  #1    client   closes with FIN",
            "  5000  #2    client ✖ connects to the origin, around the proxy",
            "  5000  #2    client   GET / HTTP/2, around the proxy",
            "  5000  #2    origin   answers 200 (55 bytes)",
            "  5000        client   exits 0",
        ]
    );
}

#[test]
fn strangers_cannot_draw_on_the_report() {
    let evil = "GET\u{1b}[2J\r\n✖ PASS";
    let script = Script::new("x").connect().here(What::Request {
        attempt: 1,
        method: evil.into(),
        target: "t\u{202e}".repeat(100),
        version: "HTTP/1.1".into(),
        headers: vec![],
        raw: String::new(),
        secret_seen: vec![],
    });
    let (conversation, _) = report(FIN, &script, plain);
    let expected = "     0  #1    client   GET\\u{1b}[2J\\r\\n✖ PASS\n";
    let (_, rest) = conversation.split_once(expected).unwrap_or_else(|| panic!("{conversation}"));
    // A few lines of it, with its end.
    assert!(rest.starts_with(&format!("{:23}t\\u{{202e}}t\\u{{202e}}", "")), "{rest}");
    assert!(rest.ends_with("no Proxy-Authorization\n") && rest.lines().count() < 6, "{rest}");
    assert!(rest.contains("...") && rest.lines().all(|line| line.chars().count() <= 100), "{rest}");
}

/// What decides stands at the end of a line: it goes on below, or nothing is broken at all.
#[test]
fn long_lines_keep_their_end() {
    let script = Script::new("x").connect().here(What::AuthLeg {
        scheme: "NTLM".into(),
        leg: "type 3",
        credentials: "wrong",
        user: None,
        why: "wrong password: the answer is not that of `secret`".into(),
    });
    let narrow = |human: Human| Human { width: 60, ..human };
    let (conversation, _) = report(FIN, &script, narrow);
    let want = "     0  #1    proxy    finds the NTLM type 3 wrong: wrong
                       password: the answer is not that of
                       `secret`
";
    assert!(conversation.ends_with(want), "{conversation}");
    let (conversation, _) = report(FIN, &script, |human| narrow(human).whole_lines(true));
    let want = "wrong: wrong password: the answer is not that of `secret`\n";
    assert!(conversation.ends_with(want), "{conversation}");
}

#[test]
fn without_colour_there_is_no_escape_and_in_ascii_nothing_else() {
    let (conversation, verdict) = report(FIN, &storm(9), |human| human.ascii(true));
    assert!(
        (conversation + &verdict).chars().all(|c| c == '\n' || c.is_ascii_graphic() || c == ' ')
    );
    assert!(verdict.starts_with("x STORM   9 attempts in 8.0 ms, 5 allowed - no backoff\n"));
}

#[test]
fn with_colour_the_text_is_the_same() {
    let coloured = |human: Human| Human { look: Look { colour: true, ascii: false }, ..human };
    let (before, after) = report(FIN, &storm(9), coloured);
    assert!(before.contains("\u{1b}[1m\u{1b}[31m") && after.contains("\u{1b}["));
    let strip = |text: &str| {
        let mut out = String::new();
        for (index, part) in text.split("\u{1b}[").enumerate() {
            let rest = if index == 0 { part } else { part.split_once('m').map_or("", |(_, r)| r) };
            out.push_str(rest);
        }
        out
    };
    let (plain_before, plain_after) = report(FIN, &storm(9), plain);
    same(&strip(&before), &plain_before);
    same(&strip(&after), &plain_after);
}

#[test]
fn quiet_is_the_verdict_alone() {
    let paper = Paper::default();
    let mut human = Human::new(Box::new(paper.clone()), false, 100, true);
    human.header("x", "http://h", 1);
    let script = storm(9);
    script.events.iter().for_each(|event| human.event(event));
    let text = || String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text(), "");
    let verdict = Verdict {
        word: Word::Pass,
        summary: "works".into(),
        proxy_did: "p".into(),
        client_did: "c".into(),
        good_client: "g".into(),
        findings: vec![],
        notes: vec!["leftover: x".into()],
    };
    human.verdict(&verdict, "badproxy run x");
    same(
        &text(),
        "✔ PASS   works
  proxy did      p
  client did     c
  a good client  g
  note           leftover: x
  again          badproxy run x
",
    );
}

#[test]
fn a_served_proxy_shows_every_connection() {
    let (conversation, _) = report(FIN, &storm(30), |human| human.fold_after(usize::MAX));
    assert!(conversation.contains("  #30   PROXY") && !conversation.contains("more like"));
}

#[test]
fn syns_and_notes_are_folded_too() {
    let syn = What::SynSeen { listener: "proxy", state: "SYN-SENT" };
    let fault = What::Fault {
        rule: 1,
        at: Stage::Syn,
        effect: "blackhole",
        did: "leaves the SYN unanswered".into(),
        audible: false,
    };
    let script =
        (0..12).fold(Script::new("x"), |s, _| s.also(None, syn.clone()).also(None, fault.clone()));
    let (conversation, _) = report(FIN, &script, plain);
    assert_eq!(conversation.lines().count(), 3 + 20 + 2);
    assert!(
        conversation.contains("PROXY  ✖ blackhole at syn: leaves the SYN unanswered   ← the fault")
    );
    assert!(conversation.ends_with("        2 more SYNs\n        2 more faults\n"));
}

proptest! {
    #[test]
    fn nothing_panics_and_no_line_is_too_long(
        text in "\\PC{0,120}|[\\x00-\\xff]{0,40}",
        conn in any::<u64>(),
        time in any::<f64>(),
        width in 0usize..200,
    ) {
        let paper = Paper::default();
        let mut human = Human::new(Box::new(paper.clone()), false, width, false);
        for what in [
            What::Note { text: text.clone() },
            What::BadRequest { reason: text.clone(), raw: text.clone() },
            What::ClientHello {
                sni: Some(text.clone()),
                alpn: vec![text.clone()],
                versions: vec![text.clone()],
                bytes: 1,
                fingerprint: text.clone(),
            },
            What::Accepted { side: Side::Direct, src: text.clone(), attempt: None },
        ] {
            human.event(&Event { time: time % 1e6, conn: Some(conn), what });
        }
        let printed = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        for line in printed.lines() {
            prop_assert!(line.chars().count() <= width.max(60), "{}", line);
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
