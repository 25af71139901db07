//! Signals and the command's end.

use super::*;

/// A signal for the call of this number.
struct At(u32);

impl Cancel for At {
    async fn next(&mut self) -> i32 {
        match self.0 {
            1 => 2,
            _ => {
                self.0 = self.0.saturating_sub(1);
                std::future::pending().await
            }
        }
    }
}

async fn played(shell: &str, mut cancel: At) -> Cell {
    let lag = Lag::new();
    let hands = Hands { to: (Out::nowhere(), Out::nowhere()), lag: &lag, permit: None };
    let order = Order {
        scenario: crate::scenario::read("name: ok/mine\n", "mine").unwrap(),
        called: "ok/mine".to_owned(),
        options: Vec::new(),
        setup: Setup::default(),
        command: ["sh", "-c", shell].map(str::to_owned).to_vec(),
        timeout: Duration::from_secs(60),
        no_timeout: false,
        trust: true,
        isolate: false,
        stdin: false,
    };
    cell(&order, &mut cancel, hands, |_| Ok(())).await.unwrap()
}

/// While late retries are waited for, the next one to ask for a signal is the end.
#[tokio::test]
async fn one_after_the_commands_end_takes_no_verdict() {
    let cell = played("exit 134", At(2)).await;
    assert_eq!(cell.end.map(|verdict| verdict.findings.len() > 1), Ok(true));
    assert_eq!(cell.late, Some(2));
    assert_eq!(cell.status.and_then(|status| status.code()), Some(134));
}

#[tokio::test]
async fn one_before_it_does() {
    let cell = played("exec sleep 100", At(1)).await;
    assert_eq!((cell.end.map(|verdict| verdict.word), cell.late), (Err(2), None));
}
