//! Playing a rule: its steps in order, on what the stage offers.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::answer::Answer;
use super::flow::{Ended, Flow, Passed, Until, on_the_proxy};
use super::hang::HALF_CLOSED;
use super::headers::Edit;
use super::{After, Direction, Effect};
use crate::cert::Flavour;
use crate::clock::Clock;
use crate::conn::Conn;
use crate::event::{How, Side, What, Who};
use crate::plan::Facts;
use crate::proxy::socks;
use crate::rng::Rng;
use crate::stage::Stage;
use crate::tls::hello::{self, Hello};
use crate::wire::{BoxWire, End, linger, linger_hearing};

/// What effects that only choose have chosen.
#[derive(Debug, Default)]
pub struct Choice {
    /// The certificate that the origin shows.
    pub cert: Option<Flavour>,
    /// The method that a SOCKS5 client is told, offered or not.
    pub socks_method: Option<u8>,
    /// The status that a SOCKS5 client's user and password get.
    pub socks_status: Option<u8>,
    /// What the TLS handshake is like.
    pub tls: crate::tls::Plan,
    /// What is changed in requests on their way to the target.
    pub request: Option<Edit>,
    /// What the HTTP/2 connection is like.
    pub h2: super::h2::H2,
    /// What the name server says.
    pub answer: Option<Box<Answer>>,
}

/// How often, at least, a client is looked after that nobody reads of.
const WATCH: Duration = Duration::from_millis(100);
/// What a client may have sent ahead while it waits. More stays in its wire.
const EARLY: usize = 64 << 10;

/// What a fault may touch. `'f` is the life of the stage's flow.
pub struct Cx<'a, 'f> {
    /// The stage it happens at.
    pub stage: Stage,
    /// The connection.
    pub conn: &'a Conn,
    /// What is known of the attempt.
    pub facts: &'a Facts,
    /// The wire, and the bytes that pass.
    pub flow: &'a mut Flow<'f>,
    /// Bytes that the client has sent and nobody has used yet.
    pub inbox: &'a mut BytesMut,
    /// What has been chosen so far.
    pub choice: &'a mut Choice,
    /// The rule's own dice.
    pub rng: Rng,
    /// Whether the next step is `close`.
    pub then_close: bool,
    direction: Option<Direction>,
    rule: usize,
    effect: &'static str,
    condition: bool,
    over: bool,
}

/// Plays the rule that this attempt meets at `stage`, if there is one.
///
/// An error of the wire ends the connection: it is written down, and [`After::Stop`] comes back.
pub async fn play(
    stage: Stage,
    conn: &Conn,
    facts: &mut Facts,
    flow: &mut Flow<'_>,
    inbox: &mut BytesMut,
    choice: &mut Choice,
) -> After {
    let Some(rule) = conn.pick(stage, facts) else { return After::Go };
    let purpose = format!("effect {rule} at {stage} request {}", facts.request);
    let mut cx = Cx {
        stage,
        conn,
        facts,
        flow,
        inbox,
        choice,
        rng: facts.dice(conn.shared.seed, &purpose),
        then_close: false,
        direction: conn.scenario.rules[rule].when().direction,
        rule,
        effect: "",
        condition: false,
        over: false,
    };
    // Boxed: the futures of all effects together are large, and most connections play none.
    match Box::pin(cx.steps()).await {
        Ok(after) => after,
        Err(_) => {
            cx.closed(Who::Client, How::Rst);
            After::Stop
        }
    }
}

impl<'f> Cx<'_, 'f> {
    async fn steps(&mut self) -> io::Result<After> {
        let conn = self.conn;
        let steps = &conn.scenario.rules[self.rule].steps.0;
        let mut after = After::Go;
        for (index, step) in steps.iter().enumerate() {
            self.effect = step.effect.word();
            self.condition = step.effect.is_condition();
            // A stream of HTTP/2 is not the connection, and has no header line for its end.
            self.then_close = conn.stream.is_none()
                && matches!(steps.get(index + 1), Some(s) if matches!(s.effect, Effect::Close(_)));
            after = after.max(step.effect.act(self).await?);
            if after == After::Stop || self.over {
                break;
            }
        }
        Ok(after)
    }

    /// The number of the rule, from 1.
    pub fn rule(&self) -> usize {
        self.rule + 1
    }

    /// Whether an answer is the last one on this connection. A stream of HTTP/2 has no line for that.
    pub fn closing(&self) -> bool {
        self.then_close || (self.facts.closes && self.conn.stream.is_none())
    }

    /// The wire to the client.
    pub fn wire(&mut self) -> &mut BoxWire {
        self.flow.client()
    }

    /// The direction of an effect on passing bytes: its own, or the rule's, or downstream.
    pub fn direction(&self, own: Option<Direction>) -> Direction {
        own.or(self.direction).unwrap_or_default()
    }

    /// The direction that was asked for, by the effect or by the rule.
    pub fn asked(&self, own: Option<Direction>) -> Option<Direction> {
        own.or(self.direction)
    }

    /// Writes down that the effect has happened. `audible`: the client can notice it.
    pub fn did(&self, did: impl Into<String>, audible: bool) {
        if self.condition {
            return self.passed(did);
        }
        let (rule, at, effect, did) = (self.rule + 1, self.stage, self.effect, did.into());
        self.conn.note(What::Fault { rule, at, effect, did, audible });
    }

    /// What writes down that the effect has happened, once it has.
    pub fn later(&self, did: &str, audible: bool) -> impl FnOnce() + Send + use<> {
        let (rule, at, effect, did) = (self.rule + 1, self.stage, self.effect, did.into());
        let (log, conn) = (self.conn.log().clone(), self.conn.id);
        move || log.note(Some(conn), What::Fault { rule, at, effect, did, audible })
    }

    /// Writes down that a step of HTTP/2 has nothing to act on: it is not a fault.
    pub fn not_http2(&mut self) -> After {
        self.step_over("the client does not speak HTTP/2 here: nothing was done", true);
        After::Go
    }

    /// Whether the client speaks SOCKS5; where not, a step of SOCKS5 has nothing to act on, which is
    /// written down.
    pub fn socks5(&self) -> bool {
        let speaks = socks::version(&self.facts.method) == Some(socks::message::V5);
        if !speaks {
            self.step_over("the client does not speak SOCKS5: nothing was done", true);
        }
        speaks
    }

    /// Writes down that a step is over.
    pub fn passed(&self, did: impl Into<String>) {
        self.step_over(did, false);
    }

    fn step_over(&self, did: impl Into<String>, unspoken: bool) {
        let (rule, at, effect, did) = (self.rule + 1, self.stage, self.effect, did.into());
        self.conn.note(What::StepPassed { rule, at, effect, did, unspoken });
    }

    /// Sends bytes to the client as they stand, in one write.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let wire = self.flow.client();
        wire.write_all(bytes).await?;
        wire.flush().await
    }

    /// Reads on until the client closes or resets, and throws away what it reads: how much.
    pub async fn linger(&mut self) -> (End, u64) {
        let mut bytes = 0;
        let end = linger_hearing(self.flow.client(), |some| bytes += some.len() as u64).await;
        (end, bytes)
    }

    /// The connection has ended, where the wire is the client's own. What the origin sent before
    /// it ended a tunnel has yet to pass the proxy.
    pub fn closed(&mut self, by: Who, how: How) {
        let own = on_the_proxy(self.stage)
            || self.conn.side != Side::Client
            || self.flow.client().http2().is_some();
        if own { self.conn.closed(by, how) } else { self.conn.closing(by, how) }
    }

    /// Lets the stage's bytes pass until the condition holds. An error: the flow has ended by
    /// itself, so that the rest of the rule is never met; the effect returns what is in it.
    pub async fn pass(&mut self, until: Until) -> Result<(), After> {
        self.flow.take_inbox(self.inbox);
        let passed = self.flow.pass(self.conn, self.stage, until).await;
        let ended = match passed {
            Passed::Met => return Ok(()),
            Passed::Ended(ended) => ended,
        };
        self.over = true;
        match (ended, &*self.flow) {
            // The stage has sent all it had: a healthy end.
            (Ended::Finished, Flow::Wire(_) | Flow::Out { .. }) => Err(After::Go),
            _ => {
                finish(self.conn, self.flow, ended).await;
                Err(After::Stop)
            }
        }
    }

    /// Reads until at least `bytes` of the client's are in the inbox. False: it closed before.
    pub async fn await_bytes(&mut self, bytes: usize) -> io::Result<bool> {
        while self.inbox.len() < bytes {
            let wire = self.flow.client();
            let n = wire.read_buf(self.inbox).await?;
            if n == 0 {
                self.closed(Who::Client, How::Fin);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits that long; a client that goes meanwhile is written down, and nothing is read.
    pub async fn wait_watching(&mut self, time: Duration) {
        let wait = self.conn.clock().sleep(time);
        tokio::pin!(wait);
        // In a tunnel, and behind one, whoever passes the bytes on sees how the client ends.
        let watches = matches!(self.flow, Flow::Wire(_) | Flow::Out { .. })
            && self.conn.side == Side::Client
            && self.conn.stream.is_none()
            && (Stage::Accept..=Stage::Reply).contains(&self.stage);
        let begun = Instant::now();
        let mut over = false;
        while watches && !over {
            // In the simulation a day passes at once.
            let most = if self.conn.clock() == Clock::Real { WATCH } else { time };
            let step = (begun.elapsed() / 20).min(most).max(Duration::from_millis(10));
            over = tokio::select! {
                biased;
                () = &mut wait => true,
                // To wait for the poller would take the news of bytes from whoever reads later.
                () = tokio::time::sleep(step) => false,
            };
            match self.flow.client().gone() {
                Some(End::Fin) => self.conn.goes(How::Fin),
                Some(End::Reset) => self.conn.goes(How::Rst),
                None => continue,
            }
            break;
        }
        if !over {
            wait.await;
        }
    }

    /// Waits that long, and hears meanwhile how the client ends its side. After a FIN it may still read.
    pub async fn wait_hearing(&mut self, time: Duration) -> io::Result<()> {
        let wait = self.conn.clock().sleep(time);
        tokio::pin!(wait);
        while self.inbox.len() < EARLY {
            let wire = self.flow.client();
            let read = tokio::select! {
                biased;
                () = &mut wait => return Ok(()),
                read = wire.read_buf(self.inbox) => read?,
            };
            if read == 0 {
                self.closed(Who::Client, How::Fin);
                break;
            }
        }
        wait.await;
        Ok(())
    }

    /// Waits for the whole TLS ClientHello, however many segments it comes in. What cannot be one
    /// is not waited for, and a hello has a ceiling. False: the client has closed first.
    pub async fn await_hello(&mut self) -> io::Result<bool> {
        while matches!(hello::parse(self.inbox), Hello::More) && self.inbox.len() <= hello::MOST {
            if !self.await_bytes(self.inbox.len() + 1).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Writes down how a flow ended by itself, and passes a reset on: a healthy proxy does.
pub async fn finish(conn: &Conn, flow: &mut Flow<'_>, ended: Ended) {
    let lost = matches!(flow, Flow::Tunnel { down, .. } if down.swallow && !down.patient);
    let (by, how) = match ended {
        // The client hears nothing of the target any more, its end neither.
        Ended::Finished | Ended::Gone(Who::Upstream, _) if lost => {
            let how = match linger(flow.client()).await {
                End::Fin => How::Fin,
                End::Reset => How::Rst,
            };
            conn.relayed(Who::Client, how);
            if how == How::Fin {
                conn.clock().sleep(HALF_CLOSED).await;
            }
            return;
        }
        Ended::Finished => match flow {
            // The FIN of a rule has come before all others.
            Flow::Tunnel { down, .. } if down.patient && down.swallow => (Who::Us, How::Fin),
            Flow::Tunnel { down, .. } if down.first => (Who::Upstream, How::Fin),
            Flow::Tunnel { .. } => (Who::Client, How::Fin),
            _ => return,
        },
        Ended::Gone(Who::Client, End::Reset) => {
            if let Some(upstream) = flow.upstream() {
                upstream.arm_reset();
            }
            match flow {
                // It answers a FIN that was there before.
                Flow::Tunnel { down, .. } if down.first && !down.swallow => {
                    (Who::Upstream, How::Fin)
                }
                _ => (Who::Client, How::Rst),
            }
        }
        Ended::Gone(who, End::Reset) => {
            conn.settle(flow.client()).await;
            flow.client().arm_reset();
            (who, How::Rst)
        }
        Ended::Gone(who, End::Fin) => (who, How::Fin),
    };
    conn.relayed(by, how);
}
