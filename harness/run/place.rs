//! Where the command runs: beside this program, or in a sandbox.

use super::out::Out;
use super::{Order, child, environment};
use crate::log::Log;
use crate::start::{Running, Setup, start};

/// Why the scenario cannot be played as it was asked for; it is not run as something weaker.
pub(crate) fn unmet(order: &Order) -> Option<String> {
    let name = &order.scenario.name;
    match order.scenario.needs() {
        0 => None,
        1 if order.isolate => None,
        1 if cfg!(target_os = "linux") => Some(format!(
            "{name} needs the sandbox, and is not run as something weaker\n  what \
             helps: badproxy run --isolate {} -- ...",
            order.called
        )),
        1 => Some(format!(
            "{name} needs the sandbox, and is not run as something weaker\n{}",
            crate::sandbox::why::Refused::not_linux()
        )),
        _ => Some(format!(
            "{name} needs root (`requires: 2`), for which nothing is built here: it is not run as \
             something weaker"
        )),
    }
}

/// Where the command runs.
pub(super) struct Place {
    /// What sees packets, until they are dropped.
    _watchers: Vec<Watcher>,
    #[cfg(target_os = "linux")]
    inside: Option<(crate::sandbox::Inside, tokio::process::Child)>,
}

/// A task that ends when this is dropped.
struct Watcher(tokio::task::JoinHandle<()>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts the scenario, in a sandbox when one is asked for.
pub(super) async fn open(order: &Order, setup: &Setup) -> Result<(Running, Place), String> {
    let failed = |error: anyhow::Error| format!("cannot start the proxy: {error:#}");
    if order.isolate {
        #[cfg(target_os = "linux")]
        return match super::isolate::start(order, setup).await {
            Ok(super::isolate::Isolated { running, command, sights }) => {
                let eye = |sight| super::isolate::watch(sight, super::isolate::Eye::new(&running));
                let watch = |sight| Watcher(tokio::spawn(eye(sight)));
                let watchers = sights.into_iter().map(watch).collect();
                Ok((running, Place { _watchers: watchers, inside: Some(command) }))
            }
            Err(error) => Err(format!("{error:#}")),
        };
        #[cfg(not(target_os = "linux"))]
        return Err(crate::sandbox::why::Refused::not_linux().to_string());
    }
    let running = start(order.scenario.clone(), setup).await.map_err(failed)?;
    let place = Place {
        _watchers: Vec::new(),
        #[cfg(target_os = "linux")]
        inside: None,
    };
    Ok((running, place))
}

impl Place {
    /// Starts the command there. What watches it stays in this.
    pub(super) async fn spawn(
        &mut self,
        argv: &[String],
        settings: &[environment::Setting],
        to: (&Out, &Out),
        log: &Log,
        stdin: bool,
    ) -> std::io::Result<child::Wrapped> {
        #[cfg(target_os = "linux")]
        if let Some(inside) = self.inside.take() {
            return child::spawn_inside(inside, argv, settings, to, log, stdin).await;
        }
        child::spawn(argv, settings, to, log, stdin)
    }
}
