use std::{env, error::Error, time::Duration};

async fn get() -> Result<String, Box<dyn Error>> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut client = reqwest::Client::builder();
    if let Some(seconds) = env::args().nth(2) {
        client = client.timeout(Duration::from_secs_f64(seconds.parse()?));
    }
    let target = env::args().nth(1).ok_or("no target")?;
    let response = client.build()?.get(target).send().await?.error_for_status()?;
    Ok(response.text().await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    match get().await {
        Ok(body) => println!("{body}"),
        Err(error) => {
            eprint!("{error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            std::process::exit(1);
        }
    }
}
