//! Where an engine tries candidates: the project's own tests on a patched tree, in warm runners, several side by side.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sandbox::Sandbox;

use crate::brief::{Failure, Frame, RelPath, TestId};
use crate::error::EngineError;
use crate::runner::{Lines, Outcome, RunReport, RunRequest, Runner, RunnerError, RunnerSpec};

/// One run of tests that is asked for.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Whole new contents of changed files.
    pub files: BTreeMap<RelPath, String>,
    /// Tests in the order in which they run. A path without `::` means a file that could not even be collected.
    pub tests: Vec<TestId>,
    /// The first failure ends the run.
    pub stop_at_first_failure: bool,
    /// Lines per test are wanted.
    pub coverage: bool,
    /// Limit for each test.
    pub per_test: Duration,
    /// Limit for the whole run.
    pub wall: Duration,
}

/// What became of one test.
#[derive(Clone, Debug)]
pub struct RanTest {
    /// Its id.
    pub id: TestId,
    /// It ran and passed; skipped is not passed.
    pub passed: bool,
    /// It ran out of time.
    pub timed_out: bool,
    /// Time it took.
    pub duration: Duration,
    /// How it failed.
    pub failure: Option<Failure>,
}

/// What a trial showed.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// Results in the order asked for; tests that did not run are left out, tests that do not exist count as failed.
    pub tests: Vec<RanTest>,
    /// Lines by file by test, when asked for.
    pub coverage: BTreeMap<TestId, Lines>,
    /// The run ended because something took too long.
    pub hung: bool,
}

/// One or more warm runners of the same checkout.
pub struct Bench {
    lanes: Vec<Runner>,
}

impl Bench {
    /// A bench over runners of the same checkout; with none of them every trial fails.
    #[must_use]
    pub fn new(lanes: Vec<Runner>) -> Self {
        Self { lanes }
    }

    /// Starts `lanes` runners (at least one).
    ///
    /// # Errors
    /// When a runner does not start.
    pub async fn start(sandbox: Arc<dyn Sandbox>, spec: &RunnerSpec, lanes: usize) -> Result<Self, RunnerError> {
        let mut started = Vec::new();
        for _ in 0..lanes.max(1) {
            started.push(Runner::start(Arc::clone(&sandbox), spec.clone()).await?);
        }
        Ok(Self::new(started))
    }

    /// The runners, each of which can run one trial at a time.
    pub fn lanes(&mut self) -> &mut [Runner] {
        &mut self.lanes
    }

    /// Runs a trial on the first lane.
    ///
    /// # Errors
    /// When the runner is gone for good.
    pub async fn run(&mut self, trial: &Trial) -> Result<Ran, EngineError> {
        let lane = self
            .lanes
            .first_mut()
            .ok_or_else(|| EngineError::Runner("the bench has no runner".into()))?;
        run_on(lane, trial).await
    }

    /// Ends all runners and returns the processor time of all that ran in them.
    pub async fn stop(self) -> Duration {
        let mut spent = Duration::ZERO;
        for lane in self.lanes {
            spent += lane.stop().await;
        }
        spent
    }
}

/// Runs a trial on one runner.
///
/// # Errors
/// When the runner is gone for good.
pub async fn run_on(lane: &mut Runner, trial: &Trial) -> Result<Ran, EngineError> {
    let whole_files = trial.tests.iter().any(|test| !test.contains("::"));
    let request = RunRequest {
        files: trial
            .files
            .iter()
            .map(|(path, text)| (path.clone(), Some(text.clone())))
            .collect(),
        // What a file that cannot be collected holds is known only once it can.
        tests: (!whole_files).then(|| trial.tests.clone()),
        stop_at_first_failure: trial.stop_at_first_failure && !whole_files,
        coverage: trial.coverage,
        per_test: trial.per_test,
        wall: trial.wall,
        ..RunRequest::default()
    };
    let report = lane
        .run(&request)
        .await
        .map_err(|error| EngineError::Runner(Box::new(error)))?;
    Ok(read(&trial.tests, report))
}

fn read(asked: &[TestId], report: RunReport) -> Ran {
    let mut ran = Ran {
        hung: report.hung.is_some(),
        ..Ran::default()
    };
    for id in asked {
        if let Some(test) = report.result(id) {
            let passed = test.outcome == Outcome::Passed;
            ran.tests.push(RanTest {
                id: id.clone(),
                passed,
                timed_out: report.hung.as_ref() == Some(id),
                duration: test.duration,
                failure: (!passed).then(|| Failure {
                    test: id.clone(),
                    exception: test.exception.clone().unwrap_or_default(),
                    message: test.message.clone().unwrap_or_default(),
                    frames: test
                        .frames
                        .iter()
                        .map(|frame| Frame {
                            file: frame.file.clone(),
                            line: frame.line,
                            function: frame.function.clone(),
                        })
                        .collect(),
                }),
            });
        } else if !id.contains("::") {
            let mine: Vec<_> = report
                .tests
                .iter()
                .filter(|test| test.id.starts_with(&format!("{id}::")))
                .collect();
            let passed = !mine.is_empty()
                && mine
                    .iter()
                    .all(|test| matches!(test.outcome, Outcome::Passed | Outcome::Skipped | Outcome::Xfailed));
            let broken = report
                .collection_errors
                .iter()
                .find(|error| error.at.starts_with(id.as_str()));
            let failure = broken.map(|error| uncollected(id, &error.message));
            ran.tests.push(RanTest {
                id: id.clone(),
                passed,
                timed_out: false,
                duration: Duration::ZERO,
                failure,
            });
        } else if let Some(error) = report.collection_errors.first() {
            let failure = Some(uncollected(id, &error.message));
            ran.tests.push(RanTest {
                id: id.clone(),
                passed: false,
                timed_out: false,
                duration: Duration::ZERO,
                failure,
            });
        } else if report.missing.contains(id)
            || report.crashed.is_some() && report.hung.is_none() && ran.tests.iter().all(|test| test.passed)
        {
            ran.tests.push(RanTest {
                id: id.clone(),
                passed: false,
                timed_out: false,
                duration: Duration::ZERO,
                failure: None,
            });
        }
    }
    ran.coverage = report.coverage.unwrap_or_default();
    // A module's own lines run at import, for whichever test comes first.
    if !report.import_coverage.is_empty() {
        ran.coverage.insert(String::new(), report.import_coverage);
    }
    ran
}

/// Reads exception, message and frames out of the text of an error at collection.
fn uncollected(test: &str, text: &str) -> Failure {
    let mut failure = Failure {
        test: test.to_owned(),
        ..Failure::default()
    };
    for line in text.lines() {
        let bare = line.trim_start_matches("E ").trim();
        if let Some((name, message)) = bare.split_once(": ")
            && (name.ends_with("Error") || name.ends_with("Exception"))
            && !name.contains(' ')
        {
            failure.exception = name.rsplit('.').next().unwrap_or(name).to_owned();
            failure.message = message.to_owned();
        }
        if let Some((file, rest)) = line
            .trim()
            .strip_prefix("File \"")
            .and_then(|rest| rest.split_once("\", line "))
        {
            let number = rest.split([',', ' ']).next().and_then(|number| number.parse().ok());
            if let Some(line) = number
                .filter(|_| !file.contains("site-packages") && !file.contains("/lib/python") && !file.starts_with('<'))
            {
                failure.frames.push(Frame {
                    file: file.to_owned(),
                    line,
                    function: "<module>".to_owned(),
                });
            }
            continue;
        }
        let mut parts = line.trim().splitn(3, ':');
        if let (Some(file), Some(Ok(number))) = (
            parts.next().filter(|file| file.ends_with(".py") && !file.contains(' ')),
            parts.next().map(str::parse),
        ) {
            failure.frames.push(Frame {
                file: file.to_owned(),
                line: number,
                function: "<module>".to_owned(),
            });
        }
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_at_collection_are_read() {
        let text = "ImportError while importing test module 'tests/test_a.py'.\nTraceback:\ntests/test_a.py:3: in <module>\n    from shop.cart import Cart\nsrc/shop/cart.py:9: in <module>\n    RATE = Decima(1)\nE   NameError: name 'Decima' is not defined";
        let failure = uncollected("tests/test_a.py", text);
        assert_eq!(
            (failure.exception.as_str(), failure.message.as_str()),
            ("NameError", "name 'Decima' is not defined")
        );
        assert_eq!(
            failure.frames.last().map(|frame| (frame.file.as_str(), frame.line)),
            Some(("src/shop/cart.py", 9))
        );
        let text = "  File \"/usr/lib/python3.11/importlib/__init__.py\", line 126, in import_module\n  File \"/x/tree/src/shop/cart.py\", line 9, in <module>\nNameError: name 'D' is not defined";
        let failure = uncollected("tests/test_a.py", text);
        assert_eq!(
            failure
                .frames
                .iter()
                .map(|frame| (frame.file.as_str(), frame.line))
                .collect::<Vec<_>>(),
            [("/x/tree/src/shop/cart.py", 9)]
        );
    }
}
