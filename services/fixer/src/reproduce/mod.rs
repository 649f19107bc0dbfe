//! Sees the failure fail: the failing command of a CI run, or a test written from an alert.

mod alert;
mod broken;
mod call;
pub mod class;
pub mod command;
mod detect;
mod failing;
pub mod frame;
mod oracle;
mod request;
pub mod value;
pub mod written;

use crate::diagnose::LogReading;
use crate::suite::{Bench, Suite, SuiteError, SuiteRun};
use domain::attempt::Outcome;
use domain::diagnosis::{CodeFrame, Diagnosis, FailureClass};
use domain::evidence::{CommandRun, Oracle, TestId, WrittenTest, runs_needed};
use domain::signal::ErrorAlert;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The chance that a flake may fool the proof.
pub const FLAKE_LIMIT: f64 = 0.01;

/// What is known of the failure before anything was run.
pub enum Symptom {
    /// An alert with what its SDK recorded.
    Alert(Box<ErrorAlert>),
    /// A log.
    Log(Box<LogReading>),
    /// Nothing: whatever fails is meant.
    Unknown,
}

/// The failure, seen.
pub struct Reproduced {
    /// The first run of the whole suite.
    pub first: SuiteRun,
    /// The tests that a fix has to turn green.
    pub failing: Vec<TestId>,
    /// Tests that passed, which a fix must leave passing.
    pub passing: Vec<TestId>,
    /// Tests that fail as well and are not meant.
    pub known_failures: Vec<TestId>,
    /// Tests that failed and then passed on the same code: a fix must not make them worse.
    pub unstable: Vec<TestId>,
    /// Files that are laid over every checkout.
    pub extra: Vec<(String, String)>,
    /// The test that was written, where one was.
    pub written: Option<WrittenTest>,
    /// What decides whether the problem is gone.
    pub oracle: Oracle,
    /// Files that were seen to decide, whatever their names say.
    pub oracle_files: BTreeSet<String>,
    /// What failed.
    pub diagnosis: Diagnosis,
    /// Everything that was run.
    pub runs: Vec<CommandRun>,
    /// Runs of the failing tests after the first.
    pub reruns: u32,
    /// Sandboxed time so far.
    pub spent: Spent,
}

/// Time that sandboxed commands took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// By the clock.
    pub wall: Duration,
    /// Processor time.
    pub cpu: Duration,
}

impl Spent {
    /// Adds a run.
    pub fn add(&mut self, run: &SuiteRun) {
        self.wall += run.wall;
        self.cpu += run.cpu;
    }
}

/// The failure was not seen, and this is how the attempt ends.
pub struct NotSeen {
    /// The outcome.
    pub outcome: Outcome,
    /// For people.
    pub message: String,
    /// What is known all the same.
    pub diagnosis: Diagnosis,
    /// Everything that was run.
    pub runs: Vec<CommandRun>,
    /// Sandboxed time.
    pub spent: Spent,
}

/// One of both, or no answer at all.
pub type Answer = Result<Result<Box<Reproduced>, Box<NotSeen>>, SuiteError>;

/// What a reproduction works on.
pub struct Scene<'a> {
    /// Where commands run.
    pub bench: &'a Bench,
    /// The command that decides.
    pub suite: &'a Suite,
    /// The tree under repair.
    pub tree: &'a str,
    /// The tree of the release that raised, where the repository has it.
    pub release_tree: Option<&'a str>,
    /// The repository's Python files.
    pub sources: &'a BTreeMap<String, String>,
    /// Whether the suite is pytest's.
    pub pytest: bool,
}

struct Log {
    runs: Vec<CommandRun>,
    spent: Spent,
}

impl Scene<'_> {
    /// Reproduces the failure.
    ///
    /// # Errors
    /// When a run could not be made; everything that a run showed is an answer.
    pub async fn reproduce(&self, symptom: &Symptom) -> Answer {
        let mut log = Log {
            runs: Vec::new(),
            spent: Spent::default(),
        };
        match symptom {
            Symptom::Alert(alert) => self.rebuild_alert(alert, &mut log).await,
            Symptom::Log(reading) => {
                let named: Vec<String> = reading.failed.iter().map(|test| test.id.clone()).collect();
                self.run_suite(&named, reading.failure_class, &mut log).await
            }
            Symptom::Unknown => self.run_suite(&[], FailureClass::Unknown, &mut log).await,
        }
    }

    async fn run(
        &self,
        purpose: &str,
        tree: &str,
        extra: &[(String, String)],
        only: Option<&[TestId]>,
        log: &mut Log,
    ) -> Result<SuiteRun, SuiteError> {
        let run = self.bench.run(self.suite, tree, extra, only).await?;
        log.spent.add(&run);
        log.runs.push(run.as_evidence(purpose, &self.suite.command, tree));
        Ok(run)
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one answer, all different")]
    async fn seen(
        &self,
        first: SuiteRun,
        mut failing: Vec<TestId>,
        extra: Vec<(String, String)>,
        written: Option<WrittenTest>,
        oracle: Oracle,
        class: FailureClass,
        log: &mut Log,
    ) -> Answer {
        let (before, _) = runs_needed(FLAKE_LIMIT);
        let mut reruns = 0;
        let mut unstable = Vec::new();
        for again in 1..before {
            if failing.is_empty() {
                break;
            }
            let run = self
                .run(
                    &format!("failing tests before, {} of {before}", again + 1),
                    self.tree,
                    &extra,
                    Some(&failing),
                    log,
                )
                .await?;
            reruns += 1;
            let (still, gone): (Vec<TestId>, Vec<TestId>) = failing.into_iter().partition(|test| !run.passed(test));
            if still.is_empty() {
                let message = format!("`{}` failed, then passed on the same code: it comes and goes", gone[0]);
                return not_seen(Outcome::Flaky, message, diagnosis_of(&first, &gone, class), log);
            }
            failing = still;
            unstable.extend(gone);
        }
        let passing = first.passing().cloned().collect();
        let known_failures = first
            .failing()
            .filter(|test| !failing.contains(test) && !unstable.contains(test))
            .cloned()
            .collect();
        let diagnosis = diagnosis_of(&first, &failing, class);
        let oracle_files = oracle::files(&first, self.sources);
        let runs = std::mem::take(&mut log.runs);
        Ok(Ok(Box::new(Reproduced {
            first,
            failing,
            passing,
            known_failures,
            unstable,
            extra,
            written,
            oracle,
            oracle_files,
            diagnosis,
            runs,
            reruns,
            spent: log.spent,
        })))
    }
}

fn not_seen(outcome: Outcome, message: String, diagnosis: Diagnosis, log: &mut Log) -> Answer {
    Ok(Err(Box::new(NotSeen {
        outcome,
        message,
        diagnosis,
        runs: std::mem::take(&mut log.runs),
        spent: log.spent,
    })))
}

fn last_line(text: &str) -> String {
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("")
        .chars()
        .take(300)
        .collect()
}

/// What a run says about the failing tests.
fn diagnosis_of(run: &SuiteRun, failing: &[TestId], class: FailureClass) -> Diagnosis {
    let first = failing.iter().find_map(|test| run.tests.get(test));
    let frames: Vec<CodeFrame> = first.map(|test| test.frames.clone()).unwrap_or_default();
    let headline = match failing {
        [] => last_line(&run.output),
        [one] => one.to_string(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    };
    Diagnosis {
        class: if failing.is_empty() {
            class
        } else {
            FailureClass::TestFailure
        },
        headline,
        failing_tests: failing.to_vec(),
        error_type: first.and_then(|test| test.error_type.clone()),
        message: first.and_then(|test| test.message.clone()),
        frames,
    }
}
