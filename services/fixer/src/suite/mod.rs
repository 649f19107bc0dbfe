//! Runs the project's test command in the sandbox on a fresh copy of a tree, and says what each test answered.

mod answer;
pub(crate) mod discovery;

pub use answer::{Answer, TestAnswer};

use crate::diagnose;
use crate::prepare::{Environment, REPORT_HOOK, REPORT_INSIDE};
use crate::workspace::git::{Git, GitError};
use domain::evidence::{CommandRun, TestId};
use sandbox::{Command, Exit, Limits, Mount, Sandbox, SandboxError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where the checkout is inside the sandbox.
pub const WORK: &str = "/work";
const REPORT: &str = REPORT_INSIDE;
/// Minor versions of Python 3 that a system may have.
const PYTHON_MINORS: std::ops::RangeInclusive<u32> = 8..=20;
const OUT: &str = "/opt/fixpoint-out";
const PLUGIN: &str = include_str!("fixpoint_report.py");
const SITE: &str = include_str!("fixpoint_site.py");

/// The shell of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    /// `sh -e`
    #[default]
    Sh,
    /// `bash -e`, as for a step that names no shell.
    Bash,
    /// `bash -eo pipefail`, as for a step with `shell: bash`.
    BashPipefail,
}

impl Shell {
    fn argv(self) -> &'static [&'static str] {
        match self {
            Self::Sh => &["/bin/sh", "-e", "-c"],
            Self::Bash => &["/bin/bash", "-e", "-c"],
            Self::BashPipefail => &["/bin/bash", "-eo", "pipefail", "-c"],
        }
    }
}

/// A test command and where it runs.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Shell text.
    pub command: String,
    /// Who reads it.
    pub shell: Shell,
    /// Working directory relative to the checkout, empty for its root.
    pub working_directory: String,
    /// Variables that the workflow's step names literally.
    pub env: Vec<(String, String)>,
}

/// Everything that running a suite needs.
#[derive(Clone)]
pub struct Bench {
    /// Where it runs.
    pub sandbox: Arc<dyn Sandbox>,
    /// What the prepare stage built.
    pub environment: Environment,
    /// The repository's objects.
    pub git: Git,
    /// A folder for this attempt's checkouts; removed by its owner.
    pub scratch: PathBuf,
    /// Limits of each run.
    pub limits: Limits,
}

/// What one run showed.
#[derive(Clone, Debug)]
pub struct SuiteRun {
    /// Exit code; a signal counts as 128 + its number, running out of time as 124.
    pub exit_code: i32,
    /// What each test answered.
    pub tests: BTreeMap<TestId, TestAnswer>,
    /// Whether the answers come from the test runner itself rather than from what it printed.
    pub reported: bool,
    /// The end of what it printed.
    pub output: String,
    /// Whether it ran out of time.
    pub timed_out: bool,
    /// Wall time.
    pub wall: Duration,
    /// CPU time of all its processes.
    pub cpu: Duration,
}

/// Why a run could not be made at all.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The tree could not be written out.
    #[error("cannot write the checkout")]
    Checkout(#[from] GitError),
    /// The sandbox could not start it.
    #[error("cannot run the test command")]
    Sandbox(#[from] SandboxError),
    /// The files around it could not be written.
    #[error("cannot write the report plugin")]
    Io(#[from] std::io::Error),
}

impl SuiteRun {
    /// Tests with an answer that counts as failing.
    pub fn failing(&self) -> impl Iterator<Item = &TestId> {
        self.tests
            .iter()
            .filter(|(_, test)| test.answer.is_failure())
            .map(|(id, _)| id)
    }

    /// Tests that passed.
    pub fn passing(&self) -> impl Iterator<Item = &TestId> {
        self.tests
            .iter()
            .filter(|(_, test)| test.answer == Answer::Passed)
            .map(|(id, _)| id)
    }

    /// Whether this test passed. A test without an answer did not.
    #[must_use]
    pub fn passed(&self, test: &TestId) -> bool {
        self.tests.get(test).is_some_and(|test| test.answer == Answer::Passed)
    }

    /// How many tests gave this answer.
    #[must_use]
    pub fn count(&self, wanted: impl Fn(Answer) -> bool) -> u32 {
        u32::try_from(self.tests.values().filter(|test| wanted(test.answer)).count()).unwrap_or(u32::MAX)
    }

    /// The run as evidence.
    #[must_use]
    pub fn as_evidence(&self, purpose: &str, command: &str, tree: &str) -> CommandRun {
        CommandRun {
            purpose: purpose.to_owned(),
            command: command.to_owned(),
            tree: tree.to_owned(),
            exit_code: self.exit_code,
            passed: self.count(|a| a == Answer::Passed),
            failed: self.count(Answer::is_failure),
            skipped: self.count(|a| a == Answer::Skipped),
            wall_ms: u64::try_from(self.wall.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl Bench {
    /// Runs `suite` on a fresh copy of `tree` with `extra` files laid over it; only the tests in `only`, where the runner
    /// can be told.
    ///
    /// # Errors
    /// When the run could not be made; a run that failed is a [`SuiteRun`].
    pub async fn run(
        &self,
        suite: &Suite,
        tree: &str,
        extra: &[(String, String)],
        only: Option<&[TestId]>,
    ) -> Result<SuiteRun, SuiteError> {
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&self.scratch)?;
        let (work, report, out) = (
            folder.path().join("work"),
            folder.path().join("report"),
            folder.path().join("out"),
        );
        self.git.write_out(tree, &work).await?;
        for (path, content) in extra {
            write_inside(&work, path, content)?;
        }
        std::fs::create_dir_all(&report)?;
        std::fs::create_dir_all(&out)?;
        std::fs::write(report.join("fixpoint_report.py"), PLUGIN)?;
        std::fs::write(report.join("fixpoint_site.py"), SITE)?;
        std::fs::write(report.join("sitecustomize.py"), "import fixpoint_site\n")?;
        if self.environment.layer.is_none() {
            // The system's Python has no folder of ours, and reads one of the user's.
            for minor in PYTHON_MINORS {
                let folder = report.join(format!("user/lib/python3.{minor}/site-packages"));
                std::fs::create_dir_all(&folder)?;
                std::fs::write(folder.join("fixpoint_report.pth"), REPORT_HOOK)?;
            }
        }
        if let Some(python) = &self.environment.python {
            // A system's Python is often called `python3` alone; commands say `python`.
            std::fs::create_dir_all(report.join("bin"))?;
            std::os::unix::fs::symlink(python, report.join("bin/python"))?;
        }
        let command = self.command(suite, &work, &report, &out, only)?;
        let finished = self.sandbox.run(&command).await?;
        let mut output = format!("{}\n{}", finished.stdout.text, finished.stderr.text);
        let (exit_code, timed_out) = match finished.exit {
            Exit::Code(code) => (code, false),
            Exit::Signal(signal) => (128 + signal, false),
            Exit::TimedOut => (124, true),
            killed => {
                output.push_str(&format!("\nthe test command was killed: {killed}"));
                (137, false)
            }
        };
        let lines = read_bounded(&out.join("report.jsonl"))?;
        let mut tests = answer::parse(&lines);
        let reported = !tests.is_empty();
        if !reported {
            tests = answer::from_log(&diagnose::read(output.as_bytes()));
        }
        Ok(SuiteRun {
            exit_code,
            tests,
            reported,
            output,
            timed_out,
            wall: finished.wall,
            cpu: finished.cpu,
        })
    }

    fn command(
        &self,
        suite: &Suite,
        work: &Path,
        report: &Path,
        out: &Path,
        only: Option<&[TestId]>,
    ) -> Result<Command, SuiteError> {
        let mut command =
            Command::new(suite.shell.argv().iter().copied().chain([suite.command.as_str()])).limits(self.limits);
        command = command.cwd(Path::new(WORK).join(&suite.working_directory));
        command = command
            .mount(Mount::read_write(work, WORK))
            .mount(Mount::read_only(report, REPORT))
            .mount(Mount::read_write(out, OUT));
        command = command.mounts(self.environment.mounts.iter().cloned());
        let mut python_path = vec![REPORT.to_owned()];
        for (name, value) in self.environment.env.iter().chain(&suite.env) {
            if name == "PYTHONPATH" {
                python_path.push(value.clone());
            } else if name == "PATH" {
                command = command.env(name, format!("{value}:{REPORT}/bin"));
            } else {
                command = command.env(name, value);
            }
        }
        command = command
            .env("PYTHONPATH", python_path.join(":"))
            .env("PYTHONUSERBASE", format!("{REPORT}/user"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTEST_ADDOPTS", "-p fixpoint_report -p no:cacheprovider --maxfail=0")
            .env("FIXPOINT_REPORT", format!("{OUT}/report.jsonl"))
            .env("FIXPOINT_ROOT", WORK)
            .env("CI", "true");
        if let Some(only) = only {
            let list: String = only.iter().map(|test| format!("{test}\n")).collect();
            std::fs::write(out.join("only.txt"), list)?;
            command = command.env("FIXPOINT_ONLY", format!("{OUT}/only.txt"));
        }
        Ok(command)
    }
}

/// Writes a file below `root`, refusing to go through links that the repository brought along.
pub(crate) fn write_inside(root: &Path, path: &str, content: &str) -> std::io::Result<()> {
    let refuse = || {
        std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            format!("{path} leads out of the checkout"),
        )
    };
    let relative = domain::path::RepoPath::parse(path).map_err(|_| refuse())?;
    let mut at = root.to_owned();
    for part in relative.as_str().split('/') {
        at.push(part);
        if at.symlink_metadata().is_ok_and(|found| found.file_type().is_symlink()) {
            return Err(refuse());
        }
    }
    if let Some(parent) = at.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(at, content)
}

/// Reads a file that untrusted code wrote: never through a link, never more than 64 MiB.
fn read_bounded(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    match path.symlink_metadata() {
        Ok(found) if found.is_file() => {}
        _ => return Ok(String::new()),
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(64 << 20).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
