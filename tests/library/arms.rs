//! Both arms agree: every scenario of the catalogue that exists in both is played to the same plain
//! client through [`World`], over sockets and in memory, and gives the same conduct, the same verdict
//! and the same events, times apart.

use std::io;
use std::time::Duration;

use badproxy::event::{Event, What};
use badproxy::verdict::Word;
use badproxy::{Outcome, Scenario, Setup, World, catalogue};
use tokio::time::sleep;

use crate::late::{LATE, lateness};
use crate::plain::fetch;
use crate::side_by_side::side_by_side;

/// Of a second of virtual time on sockets, unless the scenario has a scale of its own.
const SCALE: f64 = 0.01;

/// Which world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arm {
    Sockets,
    Memory,
}

impl Arm {
    async fn start(self, scenario: &Scenario) -> World {
        let mut setup = Setup::new().seed(7);
        if self == Arm::Memory {
            return scenario.simulate_with(&setup).unwrap();
        }
        setup.scale = scenario.scale.is_none().then_some(SCALE);
        scenario.start_with(&setup).await.unwrap()
    }

    /// So many seconds of the scenario's.
    fn seconds(self, scenario: &Scenario, seconds: f64) -> Duration {
        let scaled = self == Arm::Sockets || scenario.scale.is_some();
        Duration::from_secs_f64(if scaled { seconds * SCALE } else { seconds })
    }
}

/// What the play in memory tells the one on sockets, so that no real second decides where none has to.
#[derive(Debug, Clone, Copy)]
struct Due {
    /// The client has met silence.
    silence: bool,
    /// All connections have ended soon after the client.
    end: bool,
}

/// Up to two attempts, each with patience enough for whatever is late and not silent. What happens
/// renews it: a busy machine takes its time for each step.
async fn client(world: &World, scenario: &Scenario, arm: Arm, due: Due) -> io::Result<String> {
    let patience = match arm {
        Arm::Sockets if !due.silence => Duration::from_secs(60),
        _ => arm.seconds(scenario, 300.0),
    };
    let mut last = Err(io::Error::other("no attempt"));
    for attempt in 0..scenario.expect.attempts.most().clamp(1, 2) {
        if attempt > 0 {
            // What a header line asks for is not scaled.
            let asked = scenario.expect.gap.map_or(Duration::ZERO, |gap| gap.min.0);
            sleep(arm.seconds(scenario, 10.0).max(asked.mul_f64(1.1))).await;
        }
        let mut events = world.events();
        let fetch = fetch(world);
        tokio::pin!(fetch);
        last = loop {
            tokio::select! {
                biased;
                result = &mut fetch => break result,
                Some(_) = events.next() => {}
                () = in_short_waits(patience) => break Err(io::ErrorKind::TimedOut.into()),
            }
        };
        if last.is_ok() {
            break;
        }
    }
    last
}

/// On a busy machine each wait is as late as the world's tasks, which have their turn between them.
async fn in_short_waits(patience: Duration) {
    const WAITS: u32 = 30;
    for _ in 0..WAITS {
        sleep(patience / WAITS).await;
    }
}

/// What is compared.
fn seen(result: &io::Result<String>, outcome: &Outcome) -> Vec<String> {
    let (conduct, findings) = (&outcome.conduct, &outcome.verdict.findings);
    let mut ends = conduct.ends.clone();
    ends.sort_by_key(|end| format!("{end:?}"));
    let sights: Vec<_> = conduct.sights.iter().map(|s| (s.secret, s.spot, s.times)).collect();
    // SLOW is about seconds, which are scaled on sockets.
    let findings: Vec<_> =
        findings.iter().filter(|f| f.word != Word::Slow).map(|f| (f.word, f.rule)).collect();
    let mut lines = vec![
        match result {
            Ok(status) => format!("client: {status}"),
            Err(error) => format!("client: {:?}", error.kind()),
        },
        format!("verdict: {findings:?}"),
        format!("attempts: {}, accepted: {}", conduct.attempts, conduct.accepted),
        format!("requests: {}, bad: {}", conduct.requests, conduct.bad_requests),
        format!("replies: {:?}, reached: {:?}", conduct.replies, conduct.reached),
        format!("ends: {ends:?}"),
        format!("faults: {:?}, passed: {:?}", conduct.faults, conduct.passed),
        format!("origin: {:?}, nonces: {:?}", conduct.origin, conduct.nonces),
        format!("sights: {sights:?}, bad data: {:?}", conduct.bad_data.keys()),
    ];
    // Each connection in its own order: two at once may go either way.
    let mut events: Vec<&Event> = outcome.events.iter().collect();
    events.sort_by_key(|event| event.conn.unwrap_or(0));
    lines.extend(events.into_iter().filter_map(shown));
    lines
}

fn shown(event: &Event) -> Option<String> {
    let conn = event.conn.unwrap_or(0);
    Some(match &event.what {
        // A watch on the kernel's table, and the second port of the PAC file: not in memory.
        What::SynSeen { .. } | What::Listening { .. } => return None,
        What::Finding { .. } | What::RunEnded { .. } => return None,
        What::Closed { side, by, how, .. } => format!("#{conn} closed {side:?} {by:?} {how:?}"),
        What::Fault { rule, at, effect, .. } => format!("#{conn} {effect} of rule {rule} at {at}"),
        what => format!("#{conn} {}", what.name()),
    })
}

/// Plays it; what is compared, what it met, and how late this thread was.
fn play(scenario: &Scenario, arm: Arm, due: Due) -> (Vec<String>, Due, Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(arm == Arm::Memory)
        .build()
        .unwrap();
    let play = async {
        let world = arm.start(scenario).await;
        let result = client(&world, scenario, arm, due).await;
        let silence = result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
        world.client_ended(result.as_ref().map_err(|error| error.kind()));
        // What the proxy does on its own after the client has gone.
        let most = if arm == Arm::Sockets && due.end { 6000 } else { 60 };
        for _ in 0..most {
            sleep(arm.seconds(scenario, 1.0)).await;
            if world.conduct().all_ended() {
                break;
            }
        }
        let end = world.conduct().all_ended();
        sleep(arm.seconds(scenario, 5.0)).await;
        (seen(&result, &world.finish().await), Due { silence, end })
    };
    let ((seen, due), late) = match arm {
        Arm::Sockets => runtime.block_on(lateness(play)),
        Arm::Memory => (runtime.block_on(play), Duration::ZERO),
    };
    (seen, due, late)
}

/// How many scenarios are played at a time on sockets, where most of the time is waited for.
const AT_A_TIME: usize = 32;

#[test]
fn both_arms_agree() {
    let scenarios: Vec<Scenario> = catalogue::CATALOGUE
        .iter()
        .map(|entry| entry.scenario().unwrap())
        .filter(|scenario| scenario.needs() == 0)
        .collect();
    assert!(scenarios.len() > 100);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let any = Due { silence: true, end: false };
    let memory =
        side_by_side(scenarios.len(), processors, |n| play(&scenarios[n], Arm::Memory, any));
    let sockets = side_by_side(scenarios.len(), AT_A_TIME, |n| {
        let mut plays = 5;
        loop {
            let (seen, _, late) = play(&scenarios[n], Arm::Sockets, memory[n].1);
            plays -= 1;
            if seen == memory[n].0 || plays == 0 || late < LATE {
                return seen;
            }
        }
    });
    let mut wrong = Vec::new();
    for (scenario, ((memory, ..), sockets)) in scenarios.iter().zip(memory.iter().zip(&sockets)) {
        if memory != sockets {
            let (memory, sockets) = (memory.join("\n"), sockets.join("\n"));
            let name = &scenario.name;
            wrong.push(format!("{name}\n--- in memory\n{memory}\n--- on sockets\n{sockets}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}
