//! Runs a property, and keeps what breaks it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;

use proptest::strategy::Strategy;
use proptest::test_runner::{self, FileFailurePersistence, TestCaseError, TestError, TestRunner};

use super::Schedule;

/// How a property is run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The property's name: that of its files.
    pub name: String,
    /// How many schedules. Default: 256, or the variable `PROPTEST_CASES`.
    pub cases: u32,
    /// Where the seeds of failures and the smallest schedules are kept: `NAME.txt` and `NAME.yaml`.
    /// Default: `proptest-regressions` in the directory of the package that is tested.
    pub directory: PathBuf,
}

impl Config {
    /// With the defaults.
    pub fn new(name: &str) -> Self {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
        Config {
            name: name.to_owned(),
            cases: test_runner::Config::default().cases,
            directory: package.join("proptest-regressions"),
        }
    }

    /// So many schedules.
    #[must_use]
    pub fn cases(self, cases: u32) -> Self {
        Config { cases, ..self }
    }

    /// Where failures are kept.
    #[must_use]
    pub fn directory(self, directory: impl Into<PathBuf>) -> Self {
        Config { directory: directory.into(), ..self }
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.directory.join(format!("{}.{extension}", self.name))
    }
}

/// Holds a property against schedules: those that broke it before, then new ones. `property` says why
/// it does not hold; a panic in it counts the same.
///
/// # Panics
///
/// When it does not hold: with the smallest schedule as YAML, the file that it was written to, and
/// the command that plays it over real sockets.
pub fn hold(
    config: &Config,
    schedules: impl Strategy<Value = Schedule>,
    property: impl Fn(&Schedule) -> Result<(), String>,
) {
    let seeds = config.file("txt");
    // The type wants a path for ever; one for each property is not much.
    let path: &'static str = Box::leak(seeds.display().to_string().into_boxed_str());
    let mut runner = TestRunner::new(test_runner::Config {
        cases: config.cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(path))),
        ..test_runner::Config::default()
    });
    let outcome = runner.run(&schedules, |schedule| {
        match catch_unwind(AssertUnwindSafe(|| property(&schedule))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(TestCaseError::fail(why)),
            Err(panic) => match words(&*panic) {
                Some(why) => Err(TestCaseError::fail(why)),
                None => resume_unwind(panic),
            },
        }
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Abort(why)) => panic!("{}: given up: {why}", config.name),
        Err(TestError::Fail(why, smallest)) => {
            let yaml = smallest.to_yaml();
            let file = config.file("yaml");
            let kept = std::fs::create_dir_all(&config.directory)
                .and_then(|()| std::fs::write(&file, &yaml));
            let file = file.display();
            let replay = match kept {
                Ok(()) => {
                    format!("kept in {file}; over real sockets:\n  badproxy run {file} -- COMMAND")
                }
                Err(error) => format!("could not be kept in {file}: {error}"),
            };
            panic!("{}: {why}\n\nthe smallest schedule:\n{yaml}\n{replay}", config.name);
        }
    }
}

/// What a panic says.
fn words(panic: &(dyn std::any::Any + Send)) -> Option<String> {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
}
