//! Standard output and standard error, each written by a thread of its own: who stops reading them
//! (a pager, a test that reads the first line alone) must not stop the proxy, nor its deadline.

use std::fmt::Display;
use std::io::{ErrorKind, LineWriter, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

/// How much of the reports may wait to be written. What comes then is lost.
const REPORTS: usize = 64 << 20;
/// How much of the command's output may wait. Then the command waits, too.
const PASSED: usize = 256 << 10;

enum Job {
    Report(Vec<u8>),
    Passed(Vec<u8>),
    Flush(oneshot::Sender<()>),
}

/// A stream of ours. All clones are the same one.
#[derive(Clone)]
pub struct Out {
    /// None: nowhere.
    to: Option<mpsc::UnboundedSender<Job>>,
    waiting: Arc<AtomicUsize>,
    room: Arc<Semaphore>,
    lost: Arc<Lost>,
}

/// Why something could not be written, though somebody is there to read it.
#[derive(Default)]
struct Lost {
    why: OnceLock<std::io::Error>,
    told: Notify,
}

impl Out {
    /// Standard output.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn stdout() -> std::io::Result<Out> {
        Out::new("stdout", std::io::stdout())
    }

    /// Standard error.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn stderr() -> std::io::Result<Out> {
        Out::new("stderr", std::io::stderr())
    }

    fn new(name: &str, stream: impl Write + Send + 'static) -> std::io::Result<Out> {
        let (to, jobs) = mpsc::unbounded_channel();
        let (waiting, room) = (Arc::default(), Arc::new(Semaphore::new(PASSED)));
        let (left, free) = (Arc::clone(&waiting), Arc::clone(&room));
        let lost = Arc::<Lost>::default();
        let loss = Arc::clone(&lost);
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(move || write(stream, jobs, &left, &free, &loss))?;
        Ok(Out { to: Some(to), waiting, room, lost })
    }

    /// Nobody reads it.
    pub(crate) fn nowhere() -> Out {
        let room = Arc::new(Semaphore::new(0));
        Out { to: None, waiting: Arc::default(), room, lost: Arc::default() }
    }

    /// For reports: passes whole lines on.
    pub fn lines(&self) -> LineWriter<Out> {
        LineWriter::new(self.clone())
    }

    /// A line for people, of this program's own.
    pub fn say(&self, text: impl Display) {
        let _ = writeln!(self.lines(), "badproxy: {text}");
    }

    /// Passes on what the command has written; waits while too much of it waits already.
    pub async fn pass(&self, bytes: &[u8]) {
        let Some(to) = &self.to else { return };
        for part in bytes.chunks(PASSED) {
            // Never closed.
            if let Ok(room) = self.room.acquire_many(part.len() as u32).await {
                room.forget();
                let _ = to.send(Job::Passed(part.to_vec()));
            }
        }
    }

    /// Why some of it could not be written. That nobody reads it is no such reason.
    pub fn lost(&self) -> Option<&std::io::Error> {
        self.lost.why.get()
    }

    /// Waits until some of it could not be written.
    pub async fn loses(&self) -> &std::io::Error {
        loop {
            let told = self.lost.told.notified();
            if let Some(why) = self.lost() {
                return why;
            }
            told.await;
        }
    }

    /// Waits until all of it is written.
    pub async fn written(&self) {
        let Some(to) = &self.to else { return };
        let (done, wait) = oneshot::channel();
        let _ = to.send(Job::Flush(done));
        let _ = wait.await;
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let Some(to) = &self.to else { return Ok(bytes.len()) };
        if self.waiting.fetch_add(bytes.len(), Ordering::Relaxed) > REPORTS {
            self.waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
        } else {
            let _ = to.send(Job::Report(bytes.to_vec()));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The thread. When nobody is there to read any more, the rest is thrown away.
fn write(
    mut stream: impl Write,
    mut jobs: mpsc::UnboundedReceiver<Job>,
    waiting: &AtomicUsize,
    room: &Semaphore,
    lost: &Lost,
) {
    let mut gone = false;
    let failed = |result: std::io::Result<()>| {
        let Err(error) = result else { return false };
        if error.kind() != ErrorKind::BrokenPipe && lost.why.set(error).is_ok() {
            lost.told.notify_waiters();
        }
        true
    };
    while let Some(job) = jobs.blocking_recv() {
        match job {
            Job::Report(bytes) => {
                gone = gone || failed(stream.write_all(&bytes));
                waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
            }
            Job::Passed(bytes) => {
                gone = gone || failed(stream.write_all(&bytes));
                room.add_permits(bytes.len());
            }
            Job::Flush(done) => {
                gone = gone || failed(stream.flush());
                let _ = done.send(());
            }
        }
        if jobs.is_empty() {
            gone = gone || failed(stream.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn who_does_not_read_stops_the_command_and_no_report() {
        let (mut read, write) = std::io::pipe().unwrap();
        let out = Out::new("test", write).unwrap();
        let command = out.clone();
        let passed = tokio::spawn(async move { command.pass(&[b'x'; 1 << 20]).await });
        for _ in 0..1000 {
            writeln!(out.lines(), "{}", "y".repeat(999)).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!passed.is_finished());
        let all = std::thread::spawn(move || {
            let mut all = Vec::new();
            read.read_to_end(&mut all).unwrap();
            all
        });
        passed.await.unwrap();
        out.written().await;
        drop(out);
        let all = all.join().unwrap();
        assert_eq!(all.iter().filter(|b| **b == b'x').count(), 1 << 20);
        assert_eq!(all.iter().filter(|b| **b == b'y').count(), 999_000);
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_known() {
        let out = Out::new("test", Full).unwrap();
        assert!(out.lost().is_none());
        out.say("this is lost");
        assert_eq!(out.loses().await.kind(), ErrorKind::StorageFull);
        out.written().await;
        assert!(out.lost().is_some());
    }

    #[tokio::test]
    async fn who_has_gone_stops_nothing() {
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let out = Out::new("test", write).unwrap();
        out.pass(&[b'x'; 1 << 20]).await;
        out.say("nobody hears this");
        out.written().await;
        assert!(out.lost().is_none());
    }
}
