//! The one line at the bottom of a terminal that says what is going on.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::board::{Board, Playing};
use crate::report::text::{Look, cut};

/// Between two drawings.
const PAUSE: Duration = Duration::from_millis(100);
const SPIN: [&str; 8] = ["⠋", "⠙", "⠸", "⢰", "⣠", "⣄", "⡆", "⠇"];
/// Back to the start of the line, which is emptied.
const CLEAR: &str = "\r\x1b[K";

/// The line. All clones are the same one.
#[derive(Clone, Default)]
pub struct Live {
    /// How wide the terminal is; None where there is none.
    width: Option<usize>,
    drawn: Arc<AtomicBool>,
}

impl Live {
    /// On standard error, a terminal of this width. Without one there is no line.
    pub fn new(width: Option<usize>) -> Self {
        Live { width, drawn: Arc::default() }
    }

    /// Takes the line away, so that others can be written. It comes again by itself.
    pub fn clear(&self) {
        if self.drawn.swap(false, Ordering::Relaxed) {
            write(CLEAR);
        }
    }

    /// Draws it until it is dropped.
    pub(super) async fn run(self, board: Arc<Board>) {
        let Some(width) = self.width else { return };
        let start = Instant::now();
        for turn in 0.. {
            let (playing, done, total) = board.look();
            let line = line(&playing, done, total, start.elapsed(), SPIN[turn % SPIN.len()]);
            let line = Look { colour: false, ascii: false }.safe(&line);
            write(&format!("{CLEAR}{}", cut(&line, width.saturating_sub(1))));
            self.drawn.store(true, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn write(text: &str) {
    let mut err = std::io::stderr();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// `⠸ 17/42 reply/hang  silent at reply for 3.1 s, 3.2 s of 15.0 s  +1  eta 0:41`
fn line(playing: &[Playing], done: usize, total: usize, ran: Duration, spin: &str) -> String {
    let mut line = format!("{spin} {done}/{total}");
    // The one that has been running longest is the one that people wonder about.
    if let Some(longest) = playing.iter().min_by_key(|playing| playing.since) {
        line += &format!(" {}", longest.short());
        if playing.len() > 1 {
            line += &format!("  +{}", playing.len() - 1);
        }
    }
    let left = total.saturating_sub(done);
    if done > 2 && left > 0 {
        let eta = (ran.as_secs_f64() / done as f64 * left as f64).ceil() as u64;
        line += &format!("  eta {}:{:02}", eta / 60, eta % 60);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::board::Seat;

    #[tokio::test(start_paused = true)]
    async fn it_says_what_is_going_on() {
        let board = Board::default();
        board.expect(42);
        let seat = |scenario: &str| Seat {
            client: "curl".to_owned(),
            scenario: scenario.to_owned(),
            deadline: Duration::from_secs(15),
        };
        let numbers: Vec<u64> = (0..9).map(|_| board.sit(seat("reply/204"))).collect();
        let first = board.sit(seat("reply/hang"));
        for number in numbers {
            board.leave(number);
        }
        tokio::time::advance(Duration::from_secs(3)).await;
        board.sit(seat("reply/reset"));
        let (playing, done, total) = board.look();
        assert_eq!(
            line(&playing, done, total, Duration::from_secs(9), "*"),
            "* 9/42 reply/hang  is prepared, 3.0 s of 15.0 s  +1  eta 0:33"
        );
        board.leave(first);
        let (playing, done, total) = board.look();
        let text = line(&playing, done, total, Duration::from_secs(100), "*");
        assert!(text.starts_with("* 10/42 reply/reset") && text.ends_with("eta 5:20"), "{text}");
        assert_eq!(line(&[], 42, 42, Duration::ZERO, "*"), "* 42/42");
    }
}
