//! Tunnels opened, used once and closed, per second.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::backend::{MESSAGE, PATIENCE, REQUEST};
use super::client::Route;

/// How many tunnels are under way at any moment.
const AT_A_TIME: usize = 16;

/// Tunnels per second over `time`. One failure fails the measure: a proxy that sheds load would
/// else look fast.
pub fn measure(route: Route, time: Duration) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = Rc::new(Cell::new(0_u64));
    let since = Instant::now();
    LocalSet::new().block_on(&runtime, async {
        let workers: Vec<_> = (0..AT_A_TIME)
            .map(|_| {
                let done = done.clone();
                tokio::task::spawn_local(async move {
                    while since.elapsed() < time {
                        let once = timeout(PATIENCE, once(route)).await;
                        once.context("a tunnel took too long")?
                            .with_context(|| format!("after {} tunnels", done.get()))?;
                        done.set(done.get() + 1);
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker.await??;
        }
        anyhow::Ok(())
    })?;
    Ok(done.get() as f64 / since.elapsed().as_secs_f64())
}

/// The backend closes after its reply; the end of the stream must come through, too, so that a
/// tunnel counts as done only when it is closed.
async fn once(route: Route) -> Result<()> {
    let mut stream = route.open_async(None).await?;
    stream.write_all(&[REQUEST; MESSAGE]).await?;
    let mut reply = [0; MESSAGE + 1];
    let mut len = 0;
    loop {
        match stream.read(&mut reply[len..]).await? {
            0 if len == MESSAGE => return Ok(()),
            0 => bail!("{len} of {MESSAGE} bytes came back"),
            n => len += n,
        }
    }
}
