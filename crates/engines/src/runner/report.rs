//! What is asked of the runner, and what it found.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use sandbox::{Limits, Mount};
use serde::Deserialize;

/// A test's id as pytest writes it: `tests/test_cart.py::TestCart::test_total[2]`. Tests of unittest get ids of the same shape.
pub type TestId = String;

/// Lines by file, both relative to the checkout.
pub type Lines = BTreeMap<String, Vec<u32>>;

/// Which tests are run, and how Python is started for them.
#[derive(Debug, Clone)]
pub struct RunnerSpec {
    /// The source tree on the host. It is copied, so it is never changed; `.git` is left out.
    pub checkout: PathBuf,
    /// Where the tests are started, relative to the checkout. Empty for its top.
    pub cwd: String,
    /// The interpreter inside.
    pub python: PathBuf,
    /// What Python needs besides the checkout: toolchain and installed packages.
    pub mounts: Vec<Mount>,
    /// Variables for the tests.
    pub env: Vec<(String, String)>,
    /// Who runs the tests.
    pub framework: Framework,
    /// Folders relative to the checkout that come first on the import path. `python -m pytest` means `[""]` in addition.
    pub pythonpath: Vec<String>,
    /// What the worker may use in its whole life.
    pub limits: Limits,
    /// How long the first collection of all tests may take.
    pub collect_within: Duration,
    /// Whether candidates that change nothing but the insides of functions are judged in forks of a process that has imported the
    /// project already. It costs a fraction, and its reports are the same; off is for comparing.
    pub live: bool,
    /// How unittest finds its tests; pytest has settings of its own.
    pub discover: Discover,
}

/// The options of `python -m unittest discover`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discover {
    /// `-s`: where to begin, relative to `cwd`.
    pub start: String,
    /// `-p`: names of test files.
    pub pattern: String,
    /// `-t`: the top of the packages; empty when nothing was said.
    pub top: String,
}

impl Default for Discover {
    fn default() -> Self {
        Self {
            start: ".".to_owned(),
            pattern: "test*.py".to_owned(),
            top: String::new(),
        }
    }
}

impl RunnerSpec {
    /// Tests at the top of a checkout, with limits that suit a worker that lives for up to two hours.
    pub fn new(checkout: impl Into<PathBuf>, python: impl Into<PathBuf>) -> Self {
        let life = Duration::from_secs(2 * 3600);
        Self {
            checkout: checkout.into(),
            cwd: String::new(),
            python: python.into(),
            mounts: Vec::new(),
            env: Vec::new(),
            framework: Framework::Auto,
            pythonpath: Vec::new(),
            limits: Limits {
                wall: life,
                cpu: life,
                ..Limits::default()
            },
            collect_within: Duration::from_secs(120),
            live: true,
            discover: Discover::default(),
        }
    }
}

/// Who runs the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framework {
    /// pytest.
    Pytest,
    /// unittest of the standard library.
    Unittest,
    /// pytest when the interpreter has it, else unittest.
    #[default]
    Auto,
}

impl Framework {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pytest => "pytest",
            Self::Unittest => "unittest",
            Self::Auto => "auto",
        }
    }
}

/// One candidate and the tests to judge it by.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The candidate: whole files by path relative to the checkout; `None` deletes. Empty for the checkout as it is.
    pub files: BTreeMap<String, Option<String>>,
    /// The tests, in the order in which they are to run, or all in their own order.
    pub tests: Option<Vec<TestId>>,
    /// End at the first test that fails.
    pub stop_at_first_failure: bool,
    /// Note which lines each test runs. Costs time.
    pub coverage: bool,
    /// How long one test may take by the clock.
    pub per_test: Duration,
    /// How long all may take by the clock, collection included.
    pub wall: Duration,
    /// Processor time of the process that runs the tests, rounded up to seconds.
    pub cpu: Option<Duration>,
    /// Memory of the process that runs the tests, besides the limit on the whole worker.
    pub memory_bytes: Option<u64>,
    /// Plugins of pytest that are switched off, by the names that `-p no:` takes.
    pub plugins_off: Vec<String>,
}

impl Default for RunRequest {
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            tests: None,
            stop_at_first_failure: false,
            coverage: false,
            per_test: Duration::from_secs(30),
            wall: Duration::from_secs(300),
            cpu: None,
            memory_bytes: None,
            plugins_off: Vec::new(),
        }
    }
}

/// What running the tests showed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunReport {
    /// Results in the order in which they came. A test that hung or killed its process is among them as an error.
    pub tests: Vec<TestResult>,
    /// Files that could not be collected. pytest then runs nothing.
    pub collection_errors: Vec<CollectionError>,
    /// Tests that were asked for and do not exist.
    pub missing: Vec<TestId>,
    /// Lines outside of test files by test, when asked for.
    pub coverage: Option<BTreeMap<TestId, Lines>>,
    /// Lines that ran while modules were imported, when coverage was asked for.
    pub import_coverage: Lines,
    /// The test that took longer than it may; those after it were not run.
    pub hung: Option<TestId>,
    /// Why the run ended before its end, for another reason than a test that hung: what killed the process or the worker.
    pub crashed: Option<String>,
    /// Time by the clock.
    pub wall: Duration,
    /// Processor time of the process that ran the tests and of the processes it waited for.
    pub cpu: Duration,
    /// Whether this was judged in a fork of a process that had imported the project already.
    pub live: bool,
}

impl RunReport {
    /// The result of a test.
    #[must_use]
    pub fn result(&self, id: &str) -> Option<&TestResult> {
        self.tests.iter().find(|test| test.id == id)
    }

    /// The ids of tests that failed or could not be run to their end.
    pub fn failed(&self) -> impl Iterator<Item = &TestId> {
        self.tests
            .iter()
            .filter(|test| matches!(test.outcome, Outcome::Failed | Outcome::Error))
            .map(|test| &test.id)
    }

    /// Whether the run went to its end and every test of it passed. Skipped is not passed, and no tests is not passed.
    #[must_use]
    pub fn all_passed(&self) -> bool {
        !self.tests.is_empty()
            && self.collection_errors.is_empty()
            && self.missing.is_empty()
            && self.hung.is_none()
            && self.crashed.is_none()
            && self.tests.iter().all(|test| test.outcome == Outcome::Passed)
    }
}

/// The tests of a checkout.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collected {
    /// Ids in the order in which they would run.
    pub tests: Vec<TestId>,
    /// Files that could not be collected.
    pub errors: Vec<CollectionError>,
    /// Why collection ended before its end.
    pub crashed: Option<String>,
    /// Time by the clock.
    pub wall: Duration,
}

/// The result of one test.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TestResult {
    /// Which test.
    pub id: TestId,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took with its fixtures.
    #[serde(rename = "seconds", deserialize_with = "seconds")]
    pub duration: Duration,
    /// The name of the exception's type.
    pub exception: Option<String>,
    /// The exception's text, at most 2 kB.
    pub message: Option<String>,
    /// Where it came from, outermost first, without the frames of the test framework.
    pub frames: Vec<Frame>,
    /// The end of what it printed, at most 4 kB, when it failed.
    pub captured: String,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It passed, also when it was expected to fail and nobody is strict about that.
    Passed,
    /// It failed.
    Failed,
    /// Its set-up or tear-down failed, it hung, or its process ended.
    Error,
    /// It was skipped.
    Skipped,
    /// It failed as it was expected to.
    Xfailed,
}

/// One frame of a traceback.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "(String, u32, String)")]
pub struct Frame {
    /// Relative to the checkout, or absolute outside of it.
    pub file: String,
    /// Counted from one.
    pub line: u32,
    /// The function's name.
    pub function: String,
}

impl From<(String, u32, String)> for Frame {
    fn from((file, line, function): (String, u32, String)) -> Self {
        Self { file, line, function }
    }
}

/// Something that could not be collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionError {
    /// The file, class or module.
    pub at: String,
    /// The end of the error, at most 2 kB.
    pub message: String,
}

fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    f64::deserialize(deserializer).map(duration)
}

/// A duration from seconds that a worker reported: never negative, never absurd.
pub(super) fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}
