//! What the unchanged program does: who fails how, who passes, which lines each test runs.
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::bench::{Bench, Trial};
use crate::brief::{Failure, RelPath, TestId};
use crate::engine::EngineError;
use crate::runner::Lines;

/// Most tests that hang before the rest is given up.
const HANGING: usize = 6;

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
}

impl Baseline {
    /// Runs everything once with coverage. Tests that hang are set aside and the others run again without them.
    pub async fn measure(
        bench: &mut Bench,
        files: &BTreeMap<RelPath, String>,
        failing: &[TestId],
        passing: &[TestId],
        deadline: Instant,
    ) -> Result<Self, EngineError> {
        let mut found = Self::default();
        found
            .run(bench, files, passing, Duration::from_secs(30), deadline)
            .await?;
        let slowest = found.durations.values().max().copied().unwrap_or_default();
        // A test that fails by never ending must not eat the budget.
        found
            .run(
                bench,
                files,
                failing,
                (slowest * 20).clamp(Duration::from_secs(2), Duration::from_secs(20)),
                deadline,
            )
            .await?;
        let wanted: BTreeSet<&TestId> = failing.iter().collect();
        found.failing.retain(|test| wanted.contains(test));
        Ok(found)
    }

    async fn run(
        &mut self,
        bench: &mut Bench,
        files: &BTreeMap<RelPath, String>,
        tests: &[TestId],
        per_test: Duration,
        deadline: Instant,
    ) -> Result<(), EngineError> {
        let mut left: Vec<TestId> = tests.to_vec();
        for _ in 0..HANGING {
            let wall = deadline
                .saturating_duration_since(Instant::now())
                .min(Duration::from_secs(180));
            if left.is_empty() || wall < Duration::from_millis(100) {
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
        Ok(())
    }
}
