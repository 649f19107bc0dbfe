//! The verdict on one candidate: failing tests first, then the passing tests that run the changed lines, then all others.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::bench::{Ran, Trial, run_on};
use crate::brief::{RelPath, TestId};
use crate::error::EngineError;
use crate::runner::{Lines, Runner};

/// A limit for one test is never shorter than this.
const SHORTEST: Duration = Duration::from_millis(400);
/// Passing tests that run together with the failing ones in the first round.
const FIRST_ROUND: usize = 24;

/// What a candidate is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every test passes.
    Plausible,
    /// These failing tests pass now, others still fail, and no passing test broke.
    Partial(BTreeSet<TestId>),
    /// A test ran out of time; a longer limit might save it.
    TooSlow,
    /// Some test fails.
    Killed,
}

/// Knows the order of tests that kills fastest.
pub struct Judge {
    failing: Vec<TestId>,
    passing: Vec<TestId>,
    coverage: BTreeMap<TestId, Lines>,
    limit: Duration,
    /// Failing tests are quick enough to be run all, so that partial progress is seen.
    together: bool,
}

impl Judge {
    /// `durations` are those of the unchanged program; they set order and limits.
    pub fn new(
        failing: Vec<TestId>,
        passing: Vec<TestId>,
        coverage: BTreeMap<TestId, Lines>,
        durations: &BTreeMap<TestId, Duration>,
    ) -> Self {
        let time = |test: &TestId| durations.get(test).copied().unwrap_or_default();
        let slowest = passing.iter().map(time).max().unwrap_or_default();
        let (mut failing, mut passing) = (failing, passing);
        failing.sort_by_key(time);
        passing.sort_by_key(time);
        let sum: Duration = failing.iter().map(time).sum();
        let together = failing.len() > 1 && failing.len() <= 12 && sum < Duration::from_millis(60);
        Self {
            failing,
            passing,
            coverage,
            limit: SHORTEST.max(slowest * 10),
            together,
        }
    }

    /// Tests that have to turn green.
    pub fn failing(&self) -> &[TestId] {
        &self.failing
    }

    /// Remembers who killed: it goes first next time.
    pub fn note(&mut self, killer: &TestId) {
        for tests in [&mut self.failing, &mut self.passing] {
            if let Some(at) = tests.iter().position(|known| known == killer) {
                let killer = tests.remove(at);
                tests.insert(0, killer);
            }
        }
    }

    /// Judges the program with `files` replaced, and says which test killed it. `path` and `lines` are what changed; `patience`
    /// stretches the limits.
    ///
    /// # Errors
    /// When the runner is gone for good.
    pub async fn verdict(
        &self,
        lane: &mut Runner,
        files: &BTreeMap<RelPath, String>,
        path: &str,
        lines: (u32, u32),
        patience: u32,
    ) -> Result<(Verdict, Option<TestId>), EngineError> {
        let limit = self.limit * patience;
        let ran = run_on(lane, &trial(files, self.failing.clone(), !self.together, limit)).await?;
        let green: BTreeSet<TestId> = ran
            .tests
            .iter()
            .filter(|test| test.passed)
            .map(|test| test.id.clone())
            .collect();
        let all = green.len() == self.failing.len();
        if green.is_empty() {
            return Ok(ended(&ran));
        }
        if !all && !self.together {
            let (_, killer) = ended(&ran);
            return Ok((Verdict::Partial(green), killer));
        }
        let (near, far) = self.split(path, lines);
        for (round, tests) in [near, far].into_iter().enumerate() {
            if tests.is_empty() || (round == 1 && !all) {
                continue;
            }
            let expected = tests.len();
            let ran = run_on(lane, &trial(files, tests, true, limit)).await?;
            if ran.tests.iter().filter(|test| test.passed).count() < expected {
                return Ok(ended(&ran));
            }
        }
        Ok((
            if all {
                Verdict::Plausible
            } else {
                Verdict::Partial(green)
            },
            None,
        ))
    }

    /// Passing tests that run the changed lines, or were not measured, and the rest.
    fn split(&self, path: &str, lines: (u32, u32)) -> (Vec<TestId>, Vec<TestId>) {
        let touches = |test: &TestId| {
            self.coverage.get(test).is_none_or(|files| {
                files
                    .get(path)
                    .is_some_and(|covered| covered.iter().any(|line| (lines.0..=lines.1).contains(line)))
            })
        };
        let (near, far): (Vec<TestId>, Vec<TestId>) = self.passing.iter().cloned().partition(touches);
        // A few killers from elsewhere join the first round, it costs next to nothing.
        let room = FIRST_ROUND.saturating_sub(near.len()).min(4);
        let (joined, far): (Vec<TestId>, Vec<TestId>) = (
            far.iter().take(room).cloned().collect(),
            far.into_iter().skip(room).collect(),
        );
        (near.into_iter().chain(joined).collect(), far)
    }
}

fn trial(files: &BTreeMap<RelPath, String>, tests: Vec<TestId>, stop_at_first_failure: bool, limit: Duration) -> Trial {
    #[expect(clippy::cast_possible_truncation, reason = "the number of tests is far below 2^32")]
    let wall = (limit * 2 + Duration::from_secs(2))
        .max(limit * (tests.len().min(30) as u32))
        .min(Duration::from_secs(120));
    Trial {
        files: files.clone(),
        tests,
        stop_at_first_failure,
        coverage: false,
        per_test: limit,
        wall,
    }
}

/// Killed or out of time, and by whom.
fn ended(ran: &Ran) -> (Verdict, Option<TestId>) {
    let slow = ran.hung || ran.tests.iter().any(|test| test.timed_out);
    let killer = ran.tests.iter().find(|test| !test.passed).map(|test| test.id.clone());
    (if slow { Verdict::TooSlow } else { Verdict::Killed }, killer)
}
