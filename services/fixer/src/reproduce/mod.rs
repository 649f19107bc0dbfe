//! Sees the failure fail: the failing command of a CI run, or a test written from an alert.

pub mod command;
pub mod frame;
pub mod value;
pub mod written;

use crate::diagnose::LogReading;
use crate::suite::{Bench, Suite, SuiteError, SuiteRun};
use domain::attempt::Outcome;
use domain::diagnosis::{CodeFrame, Diagnosis, FailureClass};
use domain::evidence::{CommandRun, Oracle, TestId, WrittenTest, runs_needed};
use domain::signal::ErrorAlert;
use std::collections::BTreeMap;
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
    /// Files that are laid over every checkout.
    pub extra: Vec<(String, String)>,
    /// The test that was written, where one was.
    pub written: Option<WrittenTest>,
    /// What decides whether the problem is gone.
    pub oracle: Oracle,
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

    async fn run_suite(&self, named: &[String], class: FailureClass, log: &mut Log) -> Answer {
        let first = self.run("suite before", self.tree, &[], None, log).await?;
        if let Some(message) = broken_environment(&first, self.sources) {
            return not_seen(Outcome::Environment, message, diagnosis_of(&first, &[], class), log);
        }
        let all: Vec<TestId> = first.failing().cloned().collect();
        let failing: Vec<TestId> = if named.is_empty() {
            all.clone()
        } else {
            all.iter()
                .filter(|test| named.iter().any(|name| same_test(test.as_str(), name)))
                .cloned()
                .collect()
        };
        if failing.is_empty() && first.exit_code != 0 && !first.reported {
            // The runner told nothing about single tests: the command itself is what has to pass.
            return self
                .seen(first, Vec::new(), Vec::new(), None, Oracle::FailingTests, class, log)
                .await;
        }
        if failing.is_empty() {
            return self.does_it_come_and_go(&first, named, &all, class, log).await;
        }
        self.seen(first, failing, Vec::new(), None, Oracle::FailingTests, class, log)
            .await
    }

    /// Named tests passed at once: run them a few times more before anybody says that nothing is wrong.
    async fn does_it_come_and_go(
        &self,
        first: &SuiteRun,
        named: &[String],
        others: &[TestId],
        class: FailureClass,
        log: &mut Log,
    ) -> Answer {
        let known: Vec<TestId> = first
            .tests
            .keys()
            .filter(|test| named.iter().any(|name| same_test(test.as_str(), name)))
            .cloned()
            .collect();
        for again in 0..2 {
            if known.is_empty() {
                break;
            }
            let run = self
                .run(
                    &format!("named tests again, {} of 2", again + 1),
                    self.tree,
                    &[],
                    Some(&known),
                    log,
                )
                .await?;
            if let Some(test) = run.failing().next() {
                let message = format!("`{test}` passed, then failed on the same code: it comes and goes");
                return not_seen(Outcome::Flaky, message, diagnosis_of(&run, &known, class), log);
            }
        }
        let message = match (named.len(), others.first()) {
            (0, _) => "no test fails".to_owned(),
            (_, Some(other)) => format!("the named tests pass here; `{other}` fails, which the log does not name"),
            (1, None) => "the test that failed there passes here".to_owned(),
            (count, None) => format!("the {count} tests that failed there pass here"),
        };
        let mut diagnosis = diagnosis_of(first, &known, class);
        diagnosis.failing_tests = named.iter().map(TestId::new).collect();
        not_seen(Outcome::NotReproduced, message, diagnosis, log)
    }

    async fn rebuild_alert(&self, alert: &ErrorAlert, log: &mut Log) -> Answer {
        let exception = alert.outermost().cloned().unwrap_or_default();
        let frames = frame::locate(&exception, self.sources);
        let crash = frames.last().map(|f| f.place.clone());
        let mut diagnosis = Diagnosis {
            class: FailureClass::RuntimeError,
            headline: crash.as_ref().map_or_else(
                || exception.kind.clone(),
                |at| format!("{} in {}", exception.kind, at.function),
            ),
            failing_tests: Vec::new(),
            error_type: Some(exception.kind.clone()),
            message: exception.value.clone(),
            frames: frames.iter().map(|f| f.place.clone()).collect(),
        };
        let Some(crash) = crash else {
            let message = "no frame of the alert is code of this repository as it is now".to_owned();
            return not_seen(
                if exception.frames.is_empty() {
                    Outcome::NotReproduced
                } else {
                    Outcome::AlreadyFixed
                },
                message,
                diagnosis,
                log,
            );
        };
        let folder = tests_folder(self.sources);
        let tag = domain::fingerprint::Fingerprint::of([&alert.issue_id, &alert.event_id]).as_str()[..8].to_owned();
        let style = written::Style {
            folder: &folder,
            pytest: self.pytest,
            tag: &tag,
        };
        let candidates = written::candidates(alert, &frames, self.sources, &style);
        if candidates.is_empty() {
            let why = written::obstacles(&frames, self.sources).join("; ");
            let message = format!("no call of the trace could be rebuilt from what was recorded: {why}");
            return not_seen(Outcome::NotReproduced, message, diagnosis, log);
        }
        let extra: Vec<(String, String)> = candidates
            .iter()
            .map(|c| (c.test.path.clone(), c.test.content.clone()))
            .collect();
        let first = self
            .run("calls rebuilt from the alert", self.tree, &extra, None, log)
            .await?;
        if let Some(message) = broken_environment(&first, self.sources) {
            return not_seen(Outcome::Environment, message, diagnosis, log);
        }
        let hit = |run: &SuiteRun| {
            candidates.iter().find_map(|candidate| {
                let test = written_id(run, candidate)?;
                let answer = &run.tests[&test];
                let same = answer.answer.is_failure() && answer.error_type.as_deref() == Some(exception.kind.as_str());
                let place = answer
                    .frames
                    .iter()
                    .rev()
                    .find(|f| self.sources.contains_key(&f.file))?;
                (same && place.file == crash.file && place.function == crash.function)
                    .then(|| (candidate.clone(), test.clone()))
            })
        };
        let Some((candidate, test)) = hit(&first) else {
            if let Some(release) = self.release_tree.filter(|release| *release != self.tree) {
                let old = self
                    .run("the same calls at the release that raised", release, &extra, None, log)
                    .await?;
                if hit(&old).is_some() {
                    return not_seen(
                        Outcome::AlreadyFixed,
                        format!("{} is raised at the release and no longer here", exception.kind),
                        diagnosis,
                        log,
                    );
                }
            }
            let message = format!(
                "{} rebuilt calls do not raise {} in `{}`",
                candidates.len(),
                exception.kind,
                crash.function
            );
            return not_seen(Outcome::NotReproduced, message, diagnosis, log);
        };
        // The other calls were only asked; from here on the one that raises is the oracle.
        let mut first = first;
        let asked: Vec<TestId> = candidates
            .iter()
            .filter(|other| other.test.path != candidate.test.path)
            .flat_map(|other| of_file(&first, &other.test.path))
            .collect();
        first.tests.retain(|id, _| !asked.contains(id));
        diagnosis.failing_tests = Vec::new();
        let kept = vec![(candidate.test.path.clone(), candidate.test.content.clone())];
        let answer = self
            .seen(
                first,
                vec![test],
                kept,
                Some(candidate.test),
                Oracle::NoLongerRaises,
                FailureClass::RuntimeError,
                log,
            )
            .await?;
        Ok(answer.map(|mut seen| {
            seen.diagnosis = diagnosis;
            seen
        }))
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
        }
        let passing = first.passing().cloned().collect();
        let known_failures = first
            .failing()
            .filter(|test| !failing.contains(test))
            .cloned()
            .collect();
        let diagnosis = diagnosis_of(&first, &failing, class);
        let runs = std::mem::take(&mut log.runs);
        Ok(Ok(Box::new(Reproduced {
            first,
            failing,
            passing,
            known_failures,
            extra,
            written,
            oracle,
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

fn of_file(run: &SuiteRun, path: &str) -> Vec<TestId> {
    let dotted = path
        .strip_suffix(".py")
        .unwrap_or(path)
        .rsplit('/')
        .next()
        .unwrap_or(path);
    let is_own = |id: &&TestId| id.as_str().starts_with(path) || id.as_str().split('.').any(|part| part == dotted);
    run.tests.keys().filter(is_own).cloned().collect()
}

/// The written test's identifier, as the runner that ran it says it.
fn written_id(run: &SuiteRun, candidate: &written::Candidate) -> Option<TestId> {
    of_file(run, &candidate.test.path)
        .into_iter()
        .find(|id| id.as_str().ends_with(&candidate.name))
}

/// Whether a runner's identifier and a log's name mean the same test: equal, or one ends with the other at a boundary.
fn same_test(id: &str, name: &str) -> bool {
    let ends = |long: &str, short: &str| {
        long.strip_suffix(short)
            .is_some_and(|head| head.is_empty() || head.ends_with(['/', '.', ':', ' ']))
    };
    // A file that cannot be collected fails as a whole.
    ends(id, name)
        || ends(name, id)
        || name
            .split_once("::")
            .is_some_and(|(file, _)| ends(id, file) || ends(file, id))
}

/// The folder with most of the project's tests, where a written one is at home.
fn tests_folder(sources: &BTreeMap<String, String>) -> String {
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    for path in sources.keys() {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.starts_with("test_") || name.ends_with("_test.py") {
            *folders.entry(folder).or_default() += 1;
        }
    }
    folders
        .into_iter()
        .max_by_key(|(folder, count)| (*count, std::cmp::Reverse(folder.len())))
        .map_or_else(String::new, |(folder, _)| folder.to_owned())
}

/// Why a run says nothing about the code: the command is absent, or a module that is not the project's own.
fn broken_environment(run: &SuiteRun, sources: &BTreeMap<String, String>) -> Option<String> {
    if run.timed_out {
        return Some("the test command ran out of time".into());
    }
    if matches!(run.exit_code, 126 | 127) {
        return Some(format!(
            "the test command could not be started: {}",
            last_line(&run.output)
        ));
    }
    let own = |module: &str| {
        let head = module.split('.').next().unwrap_or(module);
        sources.keys().any(|path| {
            path.split('/')
                .any(|part| part == head || part.strip_suffix(".py") == Some(head))
        })
    };
    let missing = |text: &str| {
        text.split_once("No module named ").map(|(_, rest)| {
            rest.trim_start_matches('\'')
                .split(['\'', '\n', ' '])
                .next()
                .unwrap_or("")
                .to_owned()
        })
    };
    let collected = run.tests.values().any(|test| !test.collecting);
    if !collected && run.exit_code != 0 {
        let said = run
            .tests
            .values()
            .filter_map(|test| test.message.as_deref())
            .find_map(missing)
            .or_else(|| missing(&run.output));
        if let Some(module) = said.filter(|module| !module.is_empty() && !own(module)) {
            return Some(format!(
                "the Python module `{module}` is not in the environment; add it to the project's requirements or set the setup command"
            ));
        }
    }
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_logs_and_runners_meet() {
        assert!(same_test("tests/test_a.py::test_x", "tests/test_a.py::test_x"));
        assert!(same_test("tests/test_a.py::test_x", "api/tests/test_a.py::test_x"));
        assert!(same_test("tests.test_a.T.test_x", "test_a.T.test_x"));
        assert!(same_test("tests/test_a.py", "tests/test_a.py::test_x"));
        assert!(!same_test("tests/test_a.py::test_x", "tests/test_a.py::test_xy"));
        assert!(!same_test("tests/test_a.py::test_x", "tests/best_a.py::test_x"));
    }
}
