//! What came of it: conduct, verdict, events, and the report for whoever's test fails.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::catalogue;
use crate::clock::Clock;
use crate::conduct::Conduct;
use crate::event::{Event, What};
use crate::report::Human;
use crate::scenario::Scenario;
use crate::start::Running;
use crate::verdict::{Class, Syns, Terms, Verdict, Word, judge};

/// Why a client with sockets never came.
const UNREACHED: &str = "simulated: nothing listens on a socket here, so a client that opens sockets of its own cannot \
     come (and never meets the fault): `start()` plays it on sockets; `World::dialler` and `World::connector` reach this one";
/// The width of the report.
const WIDTH: usize = 100;

/// What came of a world. By itself it makes no test fail: [`Outcome::assert_expectations`] does, or
/// what a test asserts of the verdict and the conduct.
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// async fn forgotten(world: badproxy::World) {
///     world.finish().await;
/// }
/// ```
///
/// ```
/// #![deny(unused_must_use)]
/// async fn asserted(world: badproxy::World) {
///     world.finish().await.assert_expectations();
/// }
/// ```
#[must_use = "nothing is asserted yet: call `.assert_expectations()`, or look at its `verdict`"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outcome {
    /// What the client did.
    pub conduct: Conduct,
    /// What that is worth, held against what the scenario expects.
    pub verdict: Verdict,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
    /// The seed of all dice.
    pub seed: u64,
    scenario: Arc<Scenario>,
}

/// Judges what happened so far.
pub(super) fn of(running: &Running, lag_max_ms: f64) -> Outcome {
    let (log, scenario) = (&running.shared.log, running.scenario());
    let mut conduct = log.conduct();
    conduct.process.absent = true;
    let none = Duration::MAX;
    let terms = Terms {
        timeout: none,
        hang: none,
        lag_max_ms,
        bypass_observable: false,
        no_timeout: true,
        syns: Syns::None,
    };
    let mut verdict = judge(&scenario, &conduct, &terms);
    if verdict.word == Word::NotExercised && running.shared.clock == Clock::Virtual {
        verdict.notes.push(UNREACHED.to_owned());
    }
    for finding in &verdict.findings {
        log.note(None, finding.event());
    }
    let findings = verdict.findings.iter().map(|finding| finding.word.to_string()).collect();
    let (word, events_dropped) = (verdict.word.to_string(), log.dropped());
    let notes = verdict.notes.clone();
    log.note(None, What::RunEnded { verdict: word, findings, notes, lag_max_ms, events_dropped });
    let events = log.events().0;
    Outcome { conduct, verdict, events, seed: running.shared.seed, scenario }
}

impl Outcome {
    /// Whether the client kept to what the scenario expects: the verdict is PASS or a warning. A
    /// fault that was armed and never met is no pass.
    pub fn is_pass(&self) -> bool {
        matches!(self.verdict.word.class(), Class::Pass | Class::Warning)
    }

    /// The verdict for people: the word, what the proxy did, what the client did, what a good
    /// client does, and how to play it again.
    pub fn report(&self) -> String {
        let text = Text::default();
        let mut human = Human::new(Box::new(text.clone()), false, WIDTH, true);
        human.verdict(&self.verdict, &self.again());
        let mut report = text.take();
        if !self.is_shipped() {
            report += "\n";
            report += &self.scenario.to_yaml();
        }
        report
    }

    /// Panics with the [report](Outcome::report) unless the client [kept](Outcome::is_pass) to
    /// what the scenario expects.
    ///
    /// # Panics
    ///
    /// As above.
    #[track_caller]
    pub fn assert_expectations(&self) {
        assert!(self.is_pass(), "{}: {}\n{}", self.scenario.name, self.verdict.word, self.report());
    }

    fn is_shipped(&self) -> bool {
        let shipped = catalogue::find(&self.scenario.name).map(catalogue::Entry::scenario);
        shipped.is_some_and(|shipped| shipped.is_ok_and(|shipped| shipped == *self.scenario))
    }

    fn again(&self) -> String {
        let (name, seed) = (&self.scenario.name, self.seed);
        match self.is_shipped() {
            true => format!("badproxy serve {name} --seed {seed}"),
            false => format!("badproxy serve FILE --seed {seed}, with this in FILE:"),
        }
    }
}

/// Text that is written by one and read by another.
#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Text {
    fn take(&self) -> String {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&std::mem::take(&mut *bytes)).into_owned()
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
