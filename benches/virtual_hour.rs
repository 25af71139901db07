//! A simulated hour of 3,600 waits, on one core, in wall time: the goal is 5 ms.
//!
//! `cargo bench --bench virtual_hour`

use std::time::{Duration, Instant};

use badproxy::clock::Clock;

const ROUNDS: usize = 101;

fn main() {
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| hour()).collect();
    times.sort_unstable();
    let ms = |t: Duration| t.as_secs_f64() * 1e3;
    let (median, worst) = (ms(times[ROUNDS / 2]), ms(times[ROUNDS - 1]));
    let word = if median <= 5.0 { "met" } else { "missed" };
    println!(
        "virtual hour of 3,600 waits: median {median:.2} ms, worst {worst:.2} ms of {ROUNDS}  <= 5 {word}"
    );
}

fn hour() -> Duration {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime: {error}"),
    };
    let wall = Instant::now();
    runtime.block_on(async {
        let start = tokio::time::Instant::now();
        for _ in 0..3600 {
            Clock::Virtual.sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(3600));
    });
    wall.elapsed()
}
