//! What a log says: the types of a reading.
use serde::{Deserialize, Serialize};

use super::{FailureClass, MAX_FRAMES, MAX_MESSAGE};

/// What was read out of one log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogReading {
    /// The framework whose run failed, or the one with the most tests.
    pub framework: Option<Framework>,
    /// Every run of a test framework in the log, in order.
    pub runs: Vec<TestRun>,
    /// The failed tests of that framework's runs, each id once, at most [`super::MAX_TESTS`].
    pub failed: Vec<FailedTest>,
    /// Sum over that framework's runs.
    pub counts: Counts,
    /// The step that failed, when the log shows steps.
    pub failing_step: Option<Step>,
    /// Exit code of the failing step.
    pub exit_code: Option<i32>,
    /// How it ended.
    pub status: Status,
    /// What sort of failure it is.
    pub failure_class: FailureClass,
    /// One line for titles, at most 140 characters, redacted.
    pub headline: String,
    /// The lines that a person wants to see, at most 6,000 bytes, redacted.
    pub excerpt: String,
}

/// One invocation of a test framework.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRun {
    /// Whose output it is.
    pub framework: Framework,
    /// Its own counts.
    pub counts: Counts,
    /// Whether it printed its summary; a run without one crashed or was killed.
    pub complete: bool,
}

impl From<&ParsedRun> for TestRun {
    fn from(run: &ParsedRun) -> Self {
        Self {
            framework: run.framework,
            counts: run.counts,
            complete: run.complete,
        }
    }
}

/// A run with its failed tests and the step that it belongs to.
#[derive(Clone, Debug)]
pub(super) struct ParsedRun {
    pub framework: Framework,
    pub counts: Counts,
    pub failed: Vec<FailedTest>,
    pub complete: bool,
    pub step: usize,
}

/// Who printed the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framework {
    /// pytest; ids are node ids.
    Pytest,
    /// Python's unittest, Django's runner and nose; ids are dotted names.
    Unittest,
    /// Jest; ids are `describe › name`.
    Jest,
    /// Vitest; ids are `describe > name`.
    Vitest,
    /// Mocha; ids are full titles.
    Mocha,
    /// `go test`; ids are `package/TestName/sub`.
    Go,
    /// libtest by `cargo test` or nextest; ids are `module::test`.
    Cargo,
    /// A JUnit XML file of an unknown runner.
    Junit,
    /// Maven's surefire; ids are `Class.method`.
    Surefire,
    /// Gradle's test task; ids are `Class.method`.
    Gradle,
}

impl Framework {
    /// Its name as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pytest => "pytest",
            Self::Unittest => "unittest",
            Self::Jest => "jest",
            Self::Vitest => "vitest",
            Self::Mocha => "mocha",
            Self::Go => "go test",
            Self::Cargo => "cargo test",
            Self::Junit => "JUnit",
            Self::Surefire => "maven",
            Self::Gradle => "gradle",
        }
    }
}

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Tests that were run: all but the skipped ones; expected failures are among them.
    pub run: u64,
    /// Passed.
    pub passed: u64,
    /// Failed on an assertion, or in any way where the framework does not tell failures from errors.
    pub failed: u64,
    /// Could not be run or collected, or ended with an unexpected exception where the framework tells the difference.
    pub errors: u64,
    /// Skipped, pending, ignored.
    pub skipped: u64,
}

impl Counts {
    /// Failures and errors.
    pub fn bad(&self) -> u64 {
        self.failed.saturating_add(self.errors)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.run = self.run.saturating_add(other.run);
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.errors = self.errors.saturating_add(other.errors);
        self.skipped = self.skipped.saturating_add(other.skipped);
    }
}

/// One failed test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedTest {
    /// In the form in which the framework selects it.
    pub id: String,
    /// The file that it is in, relative to the repository where the log tells.
    pub file: Option<String>,
    /// A line in that file: the failing one, else the test's.
    pub line: Option<u32>,
    /// Its name without file and class.
    pub name: String,
    /// `TypeError`, `AssertionError`, …
    pub error_type: Option<String>,
    /// What the failure says, at most [`super::MAX_MESSAGE`] bytes.
    pub message: Option<String>,
    /// Outermost first, at most [`super::MAX_FRAMES`].
    pub frames: Vec<Frame>,
}

impl FailedTest {
    /// Cuts what is too long, keeping the innermost frames.
    pub(super) fn bound(&mut self) {
        if self.frames.len() > MAX_FRAMES {
            self.frames.drain(..self.frames.len() - MAX_FRAMES);
        }
        for text in [Some(&mut self.id), Some(&mut self.name), self.message.as_mut()]
            .into_iter()
            .flatten()
        {
            cut(text, MAX_MESSAGE);
        }
    }

    /// Takes file and line from the frames: the innermost frame in the test's own file, else the innermost in the repository.
    pub(super) fn locate(&mut self) {
        let own = self.file.clone();
        let frame = self
            .frames
            .iter()
            .rev()
            .find(|frame| own.as_ref().is_some_and(|own| &frame.file == own))
            .or_else(|| {
                if own.is_none() {
                    self.frames.iter().rev().find(|frame| frame.is_own())
                } else {
                    None
                }
            });
        if let Some(frame) = frame {
            self.line = self.line.or(Some(frame.line));
            self.file = Some(frame.file.clone());
        }
    }
}

/// One place of a stack trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Path as the log has it, relative to the repository where that could be told.
    pub file: String,
    /// One-based.
    pub line: u32,
    /// Function, when the log names it.
    pub function: Option<String>,
}

impl Frame {
    pub(super) fn new(file: &str, line: u32, function: Option<&str>) -> Self {
        Self {
            file: repository_path(file),
            line,
            function: function.map(str::to_owned),
        }
    }

    /// Whether it is the repository's own code, as far as its path tells.
    pub fn is_own(&self) -> bool {
        const FOREIGN: [&str; 6] = [
            "site-packages/",
            "node_modules/",
            "/lib/python",
            "/.cargo/",
            "/rustc/",
            "node:",
        ];
        !self.file.starts_with(['/', '<', '~'])
            && !self.file.starts_with("..")
            && !FOREIGN.iter().any(|part| self.file.contains(part))
    }
}

/// How a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Tests ran and nothing failed.
    Passed,
    /// Tests ran, and a test or a later command failed.
    Failed,
    /// A command failed before any test had a result.
    Broken,
    /// The log does not say.
    Unknown,
}

/// A step of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name where the log has it, else the first line of what it ran.
    pub name: String,
    /// The `run:` text; `None` for an action.
    pub command: Option<String>,
    /// `working-directory`, as written.
    pub working_directory: Option<String>,
    /// The shell's command line, as the runner printed it.
    pub shell: Option<String>,
    /// Names of its environment variables; values stay out.
    pub env: Vec<String>,
}

/// Cuts a text to at most `max` bytes at a character's edge.
pub(super) fn cut(text: &mut String, max: usize) {
    if text.len() > max {
        let mut end = max;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
}

/// Takes the CI's workspace directory off a path.
pub(super) fn repository_path(path: &str) -> String {
    let slashed = path.replace('\\', "/");
    let path = slashed.trim_start_matches("./");
    for (root, depth) in [
        ("/home/runner/work/", 2),
        ("/__w/", 2),
        ("/Users/runner/work/", 2),
        ("/github/workspace/", 0),
    ] {
        if let Some(rest) = path.strip_prefix(root) {
            return skip_parts(rest, depth).unwrap_or(path).to_owned();
        }
    }
    // D:/a/repository/repository/… on Windows runners.
    if path.get(1..5) == Some(":/a/") {
        return skip_parts(&path[5..], 2).unwrap_or(path).to_owned();
    }
    path.to_owned()
}

fn skip_parts(path: &str, parts: usize) -> Option<&str> {
    path.splitn(parts + 1, '/').nth(parts).filter(|rest| !rest.is_empty())
}
