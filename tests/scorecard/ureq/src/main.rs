use std::{env, error::Error, time::Duration};

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

fn get() -> Result<String, Box<dyn Error>> {
    let timeout = match env::args().nth(2) {
        Some(seconds) => Some(Duration::from_secs_f64(seconds.parse()?)),
        None => None,
    };
    // Its own roots are the default; these are the system's, or those in SSL_CERT_FILE.
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let agent: Agent = Agent::config_builder().tls_config(tls).timeout_global(timeout).build().into();
    let target = env::args().nth(1).ok_or("no target")?;
    Ok(agent.get(target).call()?.body_mut().read_to_string()?)
}

fn main() {
    match get() {
        Ok(body) => println!("{body}"),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}
