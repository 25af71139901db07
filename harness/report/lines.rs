//! One event as one line: who, and what they did.

use super::text::shell;
use crate::event::{How, Side, Via, What, Who};
use crate::proxy::socks::message::{METHODS, REPLIES};
use crate::scenario::name_of;
use crate::stage::Stage;
use crate::verdict::words::{count, many, ms, signal};

/// A number of SOCKS with its name, where it has one.
fn named(names: &[(&str, u8)], number: u8) -> String {
    match name_of(names, number) {
        Some(name) => format!("{name} ({number})"),
        None => number.to_string(),
    }
}

/// Who a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    Client,
    Proxy,
    Origin,
    Pac,
    Name,
    Badproxy,
}

impl Actor {
    /// Who breaks at a stage.
    fn at(stage: Stage) -> Actor {
        match stage {
            Stage::Pac => Actor::Pac,
            Stage::Dns => Actor::Name,
            _ => Actor::Proxy,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Actor::Client => "client",
            Actor::Proxy => "proxy",
            Actor::Origin => "origin",
            Actor::Pac => "pac",
            Actor::Name => "dns",
            Actor::Badproxy => "badproxy",
        }
    }
}

/// A line that is still to be made to fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub actor: Actor,
    /// Something is wrong here: by the proxy on purpose, or by the client.
    pub marked: bool,
    pub text: String,
}

/// What is known of a connection that is shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Requests read on it.
    pub requests: u64,
    /// The event before was a fault, which has told what follows from it.
    pub after_fault: bool,
    /// Since when it is silent.
    pub silent: Option<f64>,
}

/// The line for an event at `time`, when it has one. `pause`: since the connection before.
pub(super) fn line(what: &What, time: f64, seen: &mut Seen, pause: Option<f64>) -> Option<Line> {
    let after_fault = std::mem::replace(&mut seen.after_fault, matches!(what, What::Fault { .. }));
    let client = |text: String| Some(Line { actor: Actor::Client, marked: false, text });
    let proxy = |text: String| Some(Line { actor: Actor::Proxy, marked: false, text });
    let bad = |actor, text: String| Some(Line { actor, marked: true, text });
    match what {
        What::Spawned { pid, argv, .. } => client(format!("{} (pid {pid})", shell(argv))),
        What::Killed { after_ms, interrupted: true } => {
            client(format!("is ended after {}, by the interrupt", ms(*after_ms)))
        }
        What::Killed { after_ms, .. } => {
            let after = ms(*after_ms);
            bad(Actor::Client, format!("is still running after {after}, and is killed"))
        }
        // Its death has been said.
        What::Exited { killed_by_us: true, .. } => None,
        What::Exited { code, signal: number, .. } => match (number, code) {
            (Some(n), _) => bad(Actor::Client, format!("is ended by {}", signal(*n))),
            (_, Some(code)) => client(format!("exits {code}")),
            _ => client("ends".to_owned()),
        },
        What::Leftover {} => client("has left processes behind, which are ended".to_owned()),
        What::ClientEnded { success: true, .. } => client("reports success".to_owned()),
        What::ClientEnded { text, .. } => client(format!("reports a failure: {text}")),
        What::SynSeen { listener: "dns", .. } => {
            client("sends a SYN to the name server".to_owned())
        }
        What::SynSeen { listener: "dead", .. } => {
            client("sends a SYN to the dead proxy: RST".to_owned())
        }
        What::SynSeen { .. } => client("sends a SYN".to_owned()),
        What::PacRequest { method, path, attempt, .. } => {
            let again =
                if *attempt > 1 { "asks again for the PAC file" } else { "asks for the PAC file" };
            client(format!("{again}: {method} {path}"))
        }
        What::PacReply { status, bytes } => {
            let text = format!("answers {status} ({})", many(*bytes, "byte"));
            Some(Line { actor: Actor::Pac, marked: false, text })
        }
        What::PacBadRequest { reason } => {
            client(format!("sends no request for the PAC file: {reason}"))
        }
        What::DnsQuery { name, kind, transport, attempt, .. } => {
            let again = if *attempt > 1 { "again " } else { "" };
            client(format!("asks {again}for {name} {kind} over {}", transport.word()))
        }
        What::DnsAnswer { rcode, addrs, truncated, .. } => {
            let what = match addrs.split_first() {
                Some((first, [])) => first.clone(),
                Some((first, more)) => format!("{first} and {} more", count(more.len() as u64)),
                None if *truncated => "TC".to_owned(),
                None => "no address".to_owned(),
            };
            Some(Line {
                actor: Actor::Name,
                marked: false,
                text: format!("answers {}, {what}", rcode.shown()),
            })
        }
        What::DnsBadQuery { reason, transport, .. } => {
            client(format!("sends no DNS query over {}: {reason}", transport.word()))
        }
        What::Accepted { side: Side::Direct, .. } => {
            bad(Actor::Client, "connects to the origin, around the proxy".to_owned())
        }
        What::Accepted { side: Side::Client, .. } => match pause {
            Some(pause) => client(format!("connects again, {} later", ms(pause))),
            None => client("connects".to_owned()),
        },
        What::Egress { proto, dst, likely } => {
            bad(Actor::Client, format!("sends {proto} to {dst}, around the proxy ({likely})"))
        }
        What::Connected { side: Side::Upstream, dst } => match dst.as_str() {
            // A healthy proxy's work on the way to the built-in origin says nothing.
            "origin" => None,
            dst => proxy(format!("connects to {dst}")),
        },
        What::ProxyHello { to_plain_port: true, .. } => {
            client("TLS ClientHello, on a port that speaks plain HTTP".to_owned())
        }
        What::ProxyHello { sni, alpn, .. } => client(format!("{}, to the proxy", hello(sni, alpn))),
        What::ProxyEstablished { version, alpn, cert, .. } => {
            client(format!("{}, with the proxy", established(version, alpn, cert)))
        }
        What::ProxyTlsFailed { reason, alert, by, .. } => {
            let actor = if *by == Who::Client { Actor::Client } else { Actor::Proxy };
            let text = format!("TLS with the proxy failed: {reason}{}", shown(alert, reason));
            Some(Line { actor, marked: false, text })
        }
        What::Request { method, target, version, headers, .. } => {
            seen.requests += 1;
            let again = if seen.requests > 1 { "again on this connection: " } else { "" };
            let old = if version == "HTTP/1.1" { "" } else { version };
            let auth = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("proxy-authorization"));
            let auth = match auth {
                Some((_, value)) => {
                    format!("   Proxy-Authorization: {}", value.split(' ').next().unwrap_or(""))
                }
                None => "   no Proxy-Authorization".to_owned(),
            };
            client(format!("{again}{method} {target} {old}").trim_end().to_owned() + &auth)
        }
        What::SocksGreeting { version, methods } => {
            let methods: Vec<String> = methods.iter().map(|m| named(METHODS, *m)).collect();
            client(format!("SOCKS{version} greeting: offers {}", methods.join(", ")))
        }
        What::SocksMethod { method } => proxy(format!("chooses {}", named(METHODS, *method))),
        What::SocksAuth { right, .. } => {
            client(format!("sends user and password, {}", if *right { "right" } else { "wrong" }))
        }
        What::SocksStatus { status } => proxy(format!("answers status {status}")),
        What::SocksRequest { version, command, atyp, target, .. } => {
            let command = match command {
                1 => "CONNECT".to_owned(),
                2 => "BIND".to_owned(),
                3 => "UDP ASSOCIATE".to_owned(),
                other => format!("command {other}"),
            };
            client(format!("SOCKS{version} {command} {target} ({atyp})"))
        }
        What::SocksReply { code, .. } => proxy(format!("answers {}", named(REPLIES, *code))),
        What::BadRequest { reason, .. } => client(format!("sends no request: {reason}")),
        What::Reply { status, bytes, .. } => {
            proxy(format!("answers {status} ({})", many(*bytes, "byte")))
        }
        What::AuthLeg { scheme, leg, credentials, why, .. } => {
            match (*credentials, scheme.as_str()) {
                ("begun", _) => proxy(format!("takes {scheme} {leg}: a handshake begins")),
                ("right", "Basic") => None,
                ("right", _) => proxy(format!("finds the {scheme} {leg} right")),
                ("stale", _) => proxy(format!("finds the {scheme} answer right, but {why}")),
                _ => proxy(format!("finds the {scheme} {leg} wrong: {why}")),
            }
        }
        What::Resolved { result, .. } if result == "the built-in origin" => None,
        What::Resolved { host, result } => proxy(format!("looks up {host}: {result}")),
        What::ClientHello { sni, alpn, .. } => client(hello(sni, alpn)),
        What::Established { version, alpn, cert, .. } => client(established(version, alpn, cert)),
        What::TlsFailed { reason, alert, by } => {
            let actor = if *by == Who::Client { Actor::Client } else { Actor::Origin };
            let text = format!("TLS failed: {reason}{}", shown(alert, reason));
            Some(Line { actor, marked: false, text })
        }
        What::AppData { cert, bytes } if cert != "good" && *bytes > 0 => {
            let s = if *bytes == 1 { "" } else { "s" };
            let text = format!(
                "sends {} byte{s} of data under a certificate that is {cert}",
                count(*bytes)
            );
            bad(Actor::Client, text)
        }
        What::Http2Failed { reason } => bad(Actor::Client, format!("sends {reason}")),
        What::Http2Error { stream, answered, code } => {
            let on = if *stream == 0 { String::new() } else { format!(" on stream {stream}") };
            bad(Actor::Client, format!("is answered {answered} {code}{on}, as HTTP/2 asks for"))
        }
        // The fault's own line has said it.
        What::StreamClosed { by: Who::Us, .. } if after_fault => None,
        What::StreamClosed { stream, by, how, .. } => {
            let how = if *how == How::Rst { "RST_STREAM" } else { "END_STREAM" };
            let text = format!("ends stream {stream} with {how}");
            let actor = if *by == Who::Client { Actor::Client } else { Actor::Proxy };
            Some(Line { actor, marked: false, text })
        }
        What::HttpRequest { via, method, path, version, .. } => {
            let how = match via {
                Via::Tunnel => "in the tunnel",
                Via::Forward => "forwarded",
                Via::Direct => "around the proxy",
            };
            client(format!("{method} {path} {version}, {how}"))
        }
        What::HttpResponse { status, bytes, .. } => {
            let text = format!("answers {status} ({})", many(*bytes, "byte"));
            Some(Line { actor: Actor::Origin, marked: false, text })
        }
        What::Fault { at, effect, did, .. } => {
            bad(Actor::at(*at), format!("{effect} at {at}: {did}"))
        }
        What::StepPassed { at, effect, did, .. } => {
            let text = format!("{effect} at {at}: {did}");
            Some(Line { actor: Actor::at(*at), marked: false, text })
        }
        What::Silence { who, at, .. } => {
            seen.silent = Some(time);
            let who = if *who == Who::Client { Actor::Client } else { Actor::at(*at) };
            let text = format!("is silent at {at}");
            (!after_fault).then_some(Line { actor: who, marked: false, text })
        }
        What::SilenceEnded { bytes } => seen.silent.take().and_then(|since| {
            let meanwhile = many(*bytes, "byte");
            client(format!("ends the silence after {}, {meanwhile} meanwhile", ms(time - since)))
        }),
        // The fault's own line has said it.
        What::Closed { by: Who::Us, .. } if after_fault => None,
        What::Closed { side, by, how, .. } => {
            let actor = match (by, side) {
                (Who::Client, _) => Actor::Client,
                (Who::Upstream, _) | (_, Side::Direct) => Actor::Origin,
                (_, Side::Pac) => Actor::Pac,
                _ => Actor::Proxy,
            };
            let text = match how {
                How::Fin => "closes with FIN",
                How::Rst => "closes with RST",
                How::Timeout => "gives the connection up: a ceiling was reached",
            };
            Some(Line { actor, marked: false, text: text.to_owned() })
        }
        What::Ceiling { limit, value } => {
            bad(Actor::Badproxy, format!("the ceiling on {limit} is reached: {}", count(*value)))
        }
        What::Trouble { text } => bad(Actor::Badproxy, text.clone()),
        What::Note { text } => {
            Some(Line { actor: Actor::Badproxy, marked: false, text: text.clone() })
        }
        // The command's output is passed on and stands beside this report; the rest is said in the
        // header or in the verdict.
        _ => None,
    }
}

fn hello(sni: &Option<String>, alpn: &[String]) -> String {
    let sni = sni.as_deref().map_or("no SNI".to_owned(), |name| format!("SNI {name}"));
    let alpn = if alpn.is_empty() { "no ALPN".to_owned() } else { alpn.join(" ") };
    format!("TLS ClientHello: {sni}, {alpn}")
}

fn established(version: &str, alpn: &Option<String>, cert: &str) -> String {
    let alpn = alpn.as_deref().unwrap_or("no ALPN");
    format!("TLS established: {version}, {alpn}, certificate {cert}")
}

/// The alert, where the reason does not name it already.
fn shown(alert: &Option<String>, reason: &str) -> String {
    let alert = alert.as_deref().filter(|alert| !reason.contains(alert));
    alert.map(|alert| format!(" (alert {alert})")).unwrap_or_default()
}
