//! `badproxy serve SCENARIO`

use std::io::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::sync::Notify;

use super::run::{factor, seed, time};
use super::signals::{Ends, Told};
use super::{Colour, print, runtime, say, scenario, served};
use crate::report::human::Human;
use crate::report::jsonl;
use crate::run::environment::settings;
use crate::run::out::Out;
use crate::run::trust::Trust;
use crate::run::{Format, target};
use crate::scenario::{Length, Scenario};
use crate::stage::Stage;
use crate::start::{Running, Setup, reachable, start};

/// Plays a scenario until Ctrl-C, for clients started by somebody else
///
/// Prints the proxy URL, the CA file and what each client needs. With `--format jsonl` the first
/// line on standard output is one JSON object with `proxy`, `ca`, `target` and more, printed once
/// connections are taken; events follow, one a line. SIGHUP rereads the file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  badproxy serve reply/reset
  badproxy serve my-bug.yaml --listen 127.0.0.1:3128

To be stopped (Ctrl-C, SIGTERM, --until-eof) is its end: exit code 0.")]
pub struct Serve {
    /// A name of `badproxy list`, or a YAML file
    scenario: String,
    /// Where the proxy listens; with port 0 the system chooses one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = address)]
    listen: SocketAddr,
    /// Where the origin listens for connections around the proxy
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    origin: Option<SocketAddr>,
    /// Where the name server listens, over UDP and TCP; without it, it is there if the scenario asks
    /// for one, on a port that the system chooses
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    dns: Option<SocketAddr>,
    /// The form of what is printed: on standard output how to reach the proxy, then what happens, for
    /// people on standard error
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// The seed of all dice, secrets and the nonce
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = seed)]
    seed: Option<u64>,
    /// Multiply every time of the scenario by this, `scale` included; not what a header line says
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
    /// End when standard input ends: whoever holds its other end takes the proxy down, also by dying
    #[arg(long)]
    until_eof: bool,
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
        // Whoever reads that we are ready may signal at once.
        let (mut ends, mut hangup) = (Ends::new(), Told::hangup());
        let (out, err) = (Out::stdout()?, Out::stderr()?);
        let setup = Setup {
            listen: self.listen,
            direct: self.origin,
            seed: self.seed,
            scale: self.scale,
            forward: self.forward,
            names: self.name.clone(),
            keep: 0,
            dns: self.dns,
            ceilings: false,
        };
        if first.needs() > 0 {
            say(format_args!(
                "{} needs the sandbox, which `badproxy run --isolate` has: it cannot be served",
                first.name
            ));
            return Ok(3);
        }
        let running = match start(first, &setup).await {
            Ok(running) => running,
            Err(error) => {
                let origin = self.origin.map(|at| format!(" or, for the origin, on {at}"));
                let origin = origin.unwrap_or_default();
                say(format_args!("cannot listen on {}{origin}: {error:#}", self.listen));
                return Ok(3);
            }
        };
        // Connections are taken while the CA files are written.
        let shared = Arc::clone(&running.shared);
        let files =
            match tokio::task::spawn_blocking(move || Trust::write(&shared.authority)).await? {
                Ok(files) => files,
                Err(error) => {
                    say(format_args!("cannot write the CA files: {error}"));
                    return Ok(3);
                }
            };
        for warning in self.warnings() {
            err.say(warning);
        }
        self.announce(&running, &files, (&out, &err))?;
        let eof = self.until_eof.then(end_of_input).transpose()?;
        let eof = async { eof.unwrap_or_default().notified().await };
        tokio::pin!(eof);
        let mut code = 0;
        loop {
            tokio::select! {
                biased;
                _ = ends.next() => break,
                why = out.loses() => {
                    err.say(format_args!("{}: {why}", super::UNWRITTEN));
                    code = 3;
                    break;
                }
                () = &mut eof => break,
                () = hangup.next() => self.reread(&running, &err),
            }
        }
        running.shared.log.hang_up();
        if self.format == Format::Human {
            err.say("stopped");
        }
        // Who has not read it by then will not.
        let written = async { tokio::join!(out.written(), err.written()) };
        let _ = tokio::time::timeout(Duration::from_secs(1), written).await;
        Ok(code)
    }

    /// What whoever opens ports to others has to know.
    fn warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        let ports =
            [("--listen", Some(self.listen)), ("--origin", self.origin), ("--dns", self.dns)];
        for (option, at) in ports {
            let Some(ip) = at.map(|at| at.ip()).filter(|ip| !ip.is_loopback()) else { continue };
            out.push(format!(
                "{option}: listening beyond loopback: whoever reaches this port can use it"
            ));
            if ip.is_unspecified() {
                let own = own_address(ip).map(|own| format!(", e.g. {own}")).unwrap_or_default();
                out.push(format!(
                    "{option}: {ip} stands for all addresses of this machine; others write one of them{own}"
                ));
            }
        }
        if self.forward && !self.listen.ip().is_loopback() {
            out.push(
                "--forward beyond loopback: this is an open proxy: whoever reaches it gets to whatever this \
                 machine reaches"
                    .to_owned(),
            );
        } else if self.forward {
            out.push("--forward: real targets are connected to".to_owned());
        }
        out
    }

    fn reread(&self, running: &Running, err: &Out) {
        match scenario(&self.scenario) {
            Ok(scenario) if scenario.needs() > 0 => {
                err.say("it needs the sandbox now, and cannot be served: it stays as it was");
            }
            Ok(scenario) => {
                let fixed = fixed(&running.scenario(), &scenario);
                running.replace(scenario, self.scale);
                err.say(format_args!("{} read again: new connections play it", self.scenario));
                if !fixed.is_empty() {
                    err.say(format_args!("but for a new {}, start anew", fixed.join(" or ")));
                }
            }
            Err(problems) => {
                let colour = self.color.on(&std::io::stderr());
                let _ = writeln!(err.lines(), "{}", problems.render(colour));
                err.say("the scenario stays as it was");
            }
        }
    }

    /// Says how to reach the proxy, then what happens.
    fn announce(
        &self,
        running: &Running,
        files: &Trust,
        (out, err): (&Out, &Out),
    ) -> anyhow::Result<()> {
        let log = &running.shared.log;
        let target = target(running);
        let env = settings(running, files, true, &target, Some(self.timeout.0));
        let mut out = out.lines();
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
                "pac": running.pac.as_ref().map(|pac| pac.url()),
                "dns": running.dns.as_ref().map(|dns| reachable(dns.address).to_string()),
                "doh": running.dns.as_ref().map(|dns| dns.doh_url()),
                "env": set,
            });
            writeln!(out, "{line}")?;
            if !self.quiet {
                log.listen(Box::new(move |event| {
                    let _ = writeln!(out, "{}", jsonl::line(event));
                }));
            }
            return Ok(());
        }
        out.write_all(served::text(running, files, &target, &env).as_bytes())?;
        out.flush()?;
        if !self.quiet {
            let colour = self.color.on(&std::io::stderr());
            let human = Human::new(Box::new(err.lines()), colour, super::width(), false);
            let whole = !super::fits(&std::io::stderr());
            let mut human = human.whole_lines(whole).fold_after(usize::MAX);
            log.listen(Box::new(move |event| human.event(event)));
        }
        Ok(())
    }
}

/// Tells of the end of standard input. A thread of its own reads it: nothing else ends for it.
fn end_of_input() -> std::io::Result<Arc<Notify>> {
    let ended = Arc::<Notify>::default();
    let tell = Arc::clone(&ended);
    let thread = std::thread::Builder::new().name("stdin".to_owned());
    thread.spawn(move || {
        // What is written there says nothing, and what cannot be read has ended.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        tell.notify_one();
    })?;
    Ok(ended)
}

/// An address on the command line: not a name, and with a port.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let example = match (text.rsplit_once(':'), text.parse::<IpAddr>(), text.parse::<u16>()) {
        (_, Ok(ip), _) => SocketAddr::new(ip, 0).to_string(),
        (_, _, Ok(port)) => format!("127.0.0.1:{port}"),
        (Some((_, port)), ..) if port.parse::<u16>().is_ok() => format!("127.0.0.1:{port}"),
        _ => "127.0.0.1:3128".to_owned(),
    };
    Err(format!(
        "write an IP address and a port, e.g. {example}; with port 0 the system chooses one"
    ))
}

/// The address from which this machine would speak to others. Nothing is sent.
fn own_address(unspecified: IpAddr) -> Option<IpAddr> {
    // TEST-NET-1 and the documentation prefix: only the way there is looked up.
    let far = if unspecified.is_ipv4() { "192.0.2.1:9" } else { "[2001:db8::1]:9" };
    let socket = UdpSocket::bind((unspecified, 0)).ok()?;
    socket.connect(far).ok()?;
    socket.local_addr().ok().map(|at| at.ip()).filter(|ip| !ip.is_unspecified())
}

/// What differs between two scenarios and is settled when the first one starts.
fn fixed(old: &Scenario, new: &Scenario) -> Vec<&'static str> {
    let syn = old.touches(Stage::Syn) || new.touches(Stage::Syn);
    let login = |s: &Scenario| s.proxy.auth.as_ref().map(|a| (a.user.clone(), a.password.clone()));
    let given = |s: &Scenario| login(s).filter(|l| l.0.is_some() || l.1.is_some());
    [
        (syn, "rule at `syn`"),
        (given(old) != given(new), "user or password"),
        (old.origin.names != new.origin.names, "name in `origin.names`"),
        (!old.has_dns() && new.has_dns(), "name server"),
        (!old.has_pac() && new.has_pac(), "PAC file"),
        (old.seed != new.seed, "seed"),
        (old.limits.bytes != new.limits.bytes, "ceiling on bytes"),
    ]
    .into_iter()
    .filter_map(|(differs, what)| differs.then_some(what))
    .collect()
}
