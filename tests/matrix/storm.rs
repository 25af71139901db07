//! A client that makes 5,000 connections a second, and those beside it. It is this program: started
//! again, it plays that client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::{GOOD, Matrix, badproxy};

/// Connections that it begins each second, as far as the machine lets it.
const RATE: u32 = 5000;
/// Of how many at a time.
const THREADS: u32 = 16;
/// So many it makes, if it can; badproxy takes 10,000 of them.
const SECONDS: u32 = 2;

const VARIABLE: &str = "BADPROXY_TEST_STORM";

/// No test, but the client; where nobody asks for it, nothing.
#[test]
fn client() {
    if std::env::var_os(VARIABLE).is_none() {
        return;
    }
    let proxy = std::env::var("BADPROXY_PROXY").unwrap();
    let proxy = proxy.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let proxy = &proxy;
            scope.spawn(move || {
                for n in (thread..RATE * SECONDS).step_by(THREADS as usize) {
                    let due = Duration::from_secs(1) * n / RATE;
                    std::thread::sleep(due.saturating_sub(begun.elapsed()));
                    let Ok(mut stream) = TcpStream::connect(proxy) else { continue };
                    let _ = stream.write_all(b"CONNECT target.badproxy.test:443 HTTP/1.1\r\n\r\n");
                    let _ = stream.read(&mut [0; 64]);
                }
            });
        }
    });
    std::process::exit(1);
}

/// Behind proxies that end or refuse each connection at once; each of the others has one of its own.
#[test]
fn nobody_beside_it_suffers() {
    let _one = crate::whole_machine();
    let out = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let storm = format!(
        "storm=sh -c 'case $BADPROXY_SCENARIO in reply/fin-before-reply) exec env {VARIABLE}=1 \
         {} --exact storm::client --nocapture;; esac; exec curl -sS {{target}}'",
        this.display()
    );
    let good = format!("good={GOOD}");
    let path = out.path().to_str().unwrap();
    let args = ["matrix", "--client", &storm, "--client", &good, "--jobs", "6", "--out", path];
    let scenarios =
        ["reply/fin*", "reply/2*", "reply/4*", "reply/5*", "reply/split", "tls/expired"];
    let asked = scenarios.iter().flat_map(|name| ["--scenario", name]);
    let played = badproxy(args.into_iter().chain(asked)).play();
    let matrix = Matrix::new(played, out).ends(1);
    for (name, word) in &matrix.words() {
        let wanted = if name == "storm reply/fin-before-reply" { "STORM" } else { "PASS" };
        assert_eq!(word, wanted, "{name}\n{}", matrix.played.out());
    }
    let mut cells = matrix.summary["cells"].as_array().unwrap().iter();
    let cell = cells.find(|cell| cell["verdict"] == "STORM").unwrap();
    let attempts = cell["attempts"].as_u64().unwrap();
    assert!(attempts > 1000, "{cell}");
    let rate = attempts as f64 * 1e3 / cell["ms"].as_f64().unwrap();
    eprintln!("{attempts} attempts, {rate:.0} a second; {}", cell["lag_max_ms"]);
}
