//! Fetches one URL with reqwest, which takes the proxy from the environment and the
//! trusted certificates from the system, or from SSL_CERT_FILE.

use std::{env, error::Error, io::Write, process::ExitCode, time::Duration};

async fn get(target: &str, timeout: Duration) -> Result<Vec<u8>, Box<dyn Error>> {
    let client = reqwest::Client::builder().timeout(timeout).build()?;
    let response = client.get(target).send().await?;
    if response.status().as_u16() >= 400 {
        return Err(format!("HTTP status {}", response.status().as_u16()).into());
    }
    Ok(response.bytes().await?.to_vec())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().expect("no other provider is set");
    let target =
        env::args().nth(1).or_else(|| env::var("BADPROXY_TARGET").ok()).unwrap_or_default();
    let seconds = env::var("BADPROXY_TIMEOUT").ok().and_then(|s| s.parse().ok()).unwrap_or(5.0);
    match get(&target, Duration::from_secs_f64(seconds)).await {
        Ok(body) => {
            std::io::stdout().write_all(&body).expect("stdout takes the body");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let mut said = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                said += &format!(" <- {error}");
                cause = error.source();
            }
            eprintln!("{said}");
            ExitCode::FAILURE
        }
    }
}
