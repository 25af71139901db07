//! `badproxy serve SCENARIO`

use std::io::Write;
use std::net::SocketAddr;

use clap::Args;
use serde_json::json;

use super::run::{factor, time};
use super::signals::{Hangup, interrupted};
use super::{Colour, print, runtime, scenario};
use crate::report::human::Human;
use crate::report::jsonl;
use crate::run::Format;
use crate::run::environment::settings;
use crate::run::trust::Trust;
use crate::scenario::{Length, Scenario};
use crate::start::{Running, Setup, start};

/// Plays a scenario until Ctrl-C, for clients started by somebody else
///
/// Prints the proxy URL, the CA file and what each client needs. With `--format jsonl` the first
/// line on standard output is one JSON object with `proxy`, `ca`, `target` and more, printed once
/// connections are taken; events follow, one a line. SIGHUP rereads the file.
#[derive(Debug, Args)]
pub struct Serve {
    /// A name of `badproxy list`, or a YAML file
    scenario: String,
    /// Where the proxy listens; with port 0 the system chooses one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where the origin listens for connections around the proxy
    #[arg(long, value_name = "ADDRESS")]
    origin: Option<SocketAddr>,
    /// The form of what is printed
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// The seed of all dice, secrets and the nonce
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Multiply every time of the scenario by this
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    scale: Option<f64>,
    /// What clients are told as BADPROXY_TIMEOUT
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    timeout: Length,
    /// Answer for this name, too; `*.corp` for all of a domain (repeatable)
    #[arg(long, value_name = "HOST")]
    name: Vec<String>,
    /// Really connect to targets that the built-in origin does not answer for
    #[arg(long)]
    forward: bool,
    /// Print nothing but how to reach the proxy
    #[arg(long, short)]
    quiet: bool,
    /// When there are colours
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<i32> {
        match scenario(&self.scenario) {
            Ok(scenario) => runtime()?.block_on(self.serve(scenario)),
            Err(problems) => {
                print(&problems, self.color);
                Ok(2)
            }
        }
    }

    async fn serve(self, first: Scenario) -> anyhow::Result<i32> {
        let setup = Setup {
            listen: self.listen,
            direct: self.origin,
            seed: self.seed,
            scale: self.scale,
            forward: self.forward,
            names: self.name.clone(),
            keep: 0,
            ceilings: false,
        };
        let running = match start(first, &setup).await {
            Ok(running) => running,
            Err(error) => {
                eprintln!("badproxy: cannot listen on {}: {error:#}", self.listen);
                return Ok(3);
            }
        };
        // Connections are taken while the CA files are written.
        let shared = std::sync::Arc::clone(&running.shared);
        let files = tokio::task::spawn_blocking(move || Trust::write(&shared.authority)).await??;
        if !self.listen.ip().is_loopback() {
            eprintln!("badproxy: listening beyond loopback: whoever reaches this port can use it");
        }
        if self.forward {
            eprintln!("badproxy: --forward: real targets are connected to");
        }
        self.announce(&running, &files)?;
        let mut hangup = Hangup::new();
        let stop = interrupted();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                biased;
                _ = &mut stop => break,
                () = hangup.next() => self.reread(&running),
            }
        }
        if self.format == Format::Human {
            eprintln!("badproxy: stopped");
        }
        Ok(0)
    }

    fn reread(&self, running: &Running) {
        match scenario(&self.scenario) {
            Ok(scenario) => {
                eprintln!("badproxy: {} read again: new connections play it", self.scenario);
                running.replace(scenario, self.scale);
            }
            Err(problems) => {
                print(&problems, self.color);
                eprintln!("badproxy: the scenario stays as it was");
            }
        }
    }

    /// Says how to reach the proxy, then what happens.
    fn announce(&self, running: &Running, files: &Trust) -> anyhow::Result<()> {
        let log = &running.shared.log;
        let target = running.scenario().target().to_owned();
        let env = settings(running, files, true, &target, self.timeout.0);
        let mut out = std::io::stdout();
        if self.format == Format::Jsonl {
            let set: serde_json::Map<String, serde_json::Value> =
                env.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            let line = json!({
                "ready": true,
                "badproxy": env!("CARGO_PKG_VERSION"),
                "pid": std::process::id(),
                "scenario": running.scenario().name,
                "seed": running.shared.seed,
                "proxy": running.proxy_url(),
                "address": running.address.to_string(),
                "ca": files.ca(),
                "ca_bundle": files.bundle(),
                "target": target,
                "origin": running.direct.map(|at| at.to_string()),
                "env": set,
            });
            writeln!(out, "{line}")?;
            out.flush()?;
            if !self.quiet {
                log.listen(Box::new(move |event| {
                    let _ = writeln!(out, "{}", jsonl::line(event)).and_then(|()| out.flush());
                }));
            }
            return Ok(());
        }
        let ca = files.ca().display().to_string();
        let bundle = files.bundle().display().to_string();
        let proxy = running.proxy_url();
        write!(
            out,
            "scenario  {}   seed {}\nproxy     {proxy}\ntarget    {target}\nca        {ca}\n\n\
             For most clients:\n  export http_proxy={proxy} https_proxy={proxy} HTTP_PROXY={proxy} HTTPS_PROXY={proxy}\n  \
             export SSL_CERT_FILE={bundle} CURL_CA_BUNDLE={bundle} REQUESTS_CA_BUNDLE={bundle} NODE_EXTRA_CA_CERTS={bundle}\n  \
             unset no_proxy NO_PROXY\nFor Node 24: export NODE_USE_ENV_PROXY=1\nFor Java:    export JAVA_TOOL_OPTIONS='{}'\n\
             For curl:    curl -x {proxy} --cacert {ca} {target}\n\nCtrl-C stops it, SIGHUP rereads the scenario.\n",
            running.scenario().name,
            running.shared.seed,
            env.iter()
                .find(|(name, _)| *name == "JAVA_TOOL_OPTIONS")
                .and_then(|(_, value)| value.clone())
                .unwrap_or_default(),
        )?;
        out.flush()?;
        if !self.quiet {
            let colour = self.color.on(&std::io::stderr());
            let err = Box::new(std::io::stderr());
            let mut human = Human::new(err, colour, super::width(), false);
            log.listen(Box::new(move |event| human.event(event)));
        }
        Ok(())
    }
}
