//! What the unchanged program does: who fails how, who passes, which lines each test runs.
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::bench::{Bench, Trial};
use crate::brief::{Failure, RelPath, TestId};
use crate::error::EngineError;
use crate::runner::Lines;

/// Most tests that hang before the rest is given up.
const HANGING: usize = 6;
/// Longest time of one test that fails, and of one that passes.
const FAILING_WALL: Duration = Duration::from_secs(10);
const PASSING_WALL: Duration = Duration::from_secs(30);
/// No run is begun with less time than this.
const LEAST: Duration = Duration::from_millis(100);

/// The program before any candidate.
#[derive(Default)]
pub struct Baseline {
    /// Tests that do fail.
    pub failing: Vec<TestId>,
    /// Tests that do pass.
    pub passing: Vec<TestId>,
    /// How they fail.
    pub failures: Vec<Failure>,
    /// Lines by file by test.
    pub coverage: BTreeMap<TestId, Lines>,
    /// Time of each test.
    pub durations: BTreeMap<TestId, Duration>,
    /// Whether the time ended before each failing test had been run.
    pub cut_short: bool,
}

impl Baseline {
    /// Runs everything once with coverage, as far as the time goes. Tests that hang are set aside and the others run again
    /// without them.
    pub async fn measure(
        bench: &mut Bench,
        files: &BTreeMap<RelPath, String>,
        failing: &[TestId],
        passing: &[TestId],
        deadline: Instant,
    ) -> Result<Self, EngineError> {
        let mut found = Self::default();
        // The failing tests come first, since nothing can be done without them; one that never ends must not eat the budget.
        let left = found.run(bench, files, failing, FAILING_WALL, deadline).await?;
        found.cut_short = left > 0 && Instant::now() + LEAST >= deadline;
        // Tests that pass are only a guide to the search, and the proof runs all of them: they get half of what is left.
        let half = Instant::now() + deadline.saturating_duration_since(Instant::now()) / 2;
        found.run(bench, files, passing, PASSING_WALL, half).await?;
        let wanted: BTreeSet<&TestId> = failing.iter().collect();
        found.failing.retain(|test| wanted.contains(test));
        Ok(found)
    }

    /// Runs these tests; how many of them have no answer.
    async fn run(
        &mut self,
        bench: &mut Bench,
        files: &BTreeMap<RelPath, String>,
        tests: &[TestId],
        per_test: Duration,
        deadline: Instant,
    ) -> Result<usize, EngineError> {
        let mut left: Vec<TestId> = tests.to_vec();
        for _ in 0..HANGING {
            let wall = deadline
                .saturating_duration_since(Instant::now())
                .min(Duration::from_secs(180));
            if left.is_empty() || wall < LEAST {
                break;
            }
            let ran = bench
                .run(&Trial {
                    files: files.clone(),
                    tests: left.clone(),
                    stop_at_first_failure: false,
                    coverage: true,
                    per_test,
                    wall,
                })
                .await?;
            let before = left.len();
            let mut hung = None;
            for test in ran.tests {
                if test.timed_out {
                    hung = Some(test.id.clone());
                }
                left.retain(|id| *id != test.id);
                self.durations.insert(test.id.clone(), test.duration);
                if test.passed {
                    self.passing.push(test.id);
                } else {
                    self.failures.push(test.failure.unwrap_or_default());
                    if let (Some(failure), Some(id)) = (self.failures.last_mut(), hung.as_ref())
                        && failure.test == *id
                        && failure.exception.is_empty()
                    {
                        failure.exception = "Timeout".to_owned();
                    }
                    self.failing.push(test.id);
                }
            }
            self.coverage.extend(ran.coverage);
            if hung.is_none() || left.len() == before {
                break;
            }
        }
        Ok(left.len())
    }
}
