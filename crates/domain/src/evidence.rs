//! Evidence: what was run and what it showed. Everything here was measured by Fixpoint, nothing was claimed by an engine.

use serde::{Deserialize, Serialize};

/// A test in the form in which its framework selects it, `tests/test_cart.py::test_total[two items]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TestId(String);

impl TestId {
    /// Wraps the framework's own name of a test.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The framework's own name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for TestId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// Where the effective test command came from, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandSource {
    /// The operator's settings, or `--test`.
    Setting,
    /// `.fixpoint.toml` on the default branch.
    RepositoryFile,
    /// The failing step's `run:`.
    WorkflowStep,
    /// What the repository's files suggest.
    Detected,
}

/// What decides whether the problem is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oracle {
    /// Tests of the repository that failed.
    FailingTests,
    /// A test written from an alert: the same call no longer raises. Weak: such a fix is at most a draft.
    NoLongerRaises,
}

/// The failing command, seen failing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reproduction {
    /// Exit code of the command; a signal counts as 128 + its number.
    pub exit_code: i32,
    /// The tests that failed.
    pub failed: Vec<TestId>,
    /// A test that Fixpoint wrote from an alert: its path and text.
    pub written_test: Option<WrittenTest>,
}

/// A test written from an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenTest {
    /// Where it was put, inside the checkout.
    pub path: String,
    /// Its text.
    pub content: String,
    /// Names of the values that could be rebuilt from the event.
    pub rebuilt: Vec<String>,
    /// Names of the values that could not, with the reason after a colon.
    pub not_rebuilt: Vec<String>,
}

/// The whole suite after the fix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// Exit code of the command.
    pub exit_code: i32,
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed. Those that failed before for another reason are counted in [`Evidence::known_failures`].
    pub failed: u32,
    /// Tests that were skipped; skipped is not passed.
    pub skipped: u32,
}

/// One command that was run for the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRun {
    /// What it was for, in words: `suite before`, `failing tests after, 2 of 4`.
    pub purpose: String,
    /// The command as run in the sandbox.
    pub command: String,
    /// The tree that it ran on.
    pub tree: String,
    /// Exit code; a signal counts as 128 + its number.
    pub exit_code: i32,
    /// Tests that passed, failed and were skipped.
    pub passed: u32,
    /// See `passed`.
    pub failed: u32,
    /// See `passed`.
    pub skipped: u32,
    /// Wall time in milliseconds.
    pub wall_ms: u64,
}

/// A test that passed before and gave both answers since: it is told, and does not veto.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlakyTest {
    /// Which.
    pub test: TestId,
    /// How often it failed …
    pub failed: u32,
    /// … in how many runs, on the tree without the fix.
    pub runs: u32,
}

/// What was run and what it showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The command that decides.
    pub command: String,
    /// Where it came from.
    pub command_source: CommandSource,
    /// What decides whether the problem is gone.
    pub oracle: Oracle,
    /// Before the fix.
    pub reproduction: Reproduction,
    /// After the fix; `None` when no fix got that far.
    pub after: Option<After>,
    /// How often the failing tests were run again: before and after, together.
    pub reruns: u32,
    /// Git's hash of the tree before.
    pub tree_before: String,
    /// Git's hash of the tree after; `None` when there is no fix.
    pub tree_after: Option<String>,
    /// Everything that was run, in order.
    pub runs: Vec<CommandRun>,
    /// Tests that gave both answers.
    pub flaky: Vec<FlakyTest>,
    /// Tests that failed before and still do, for reasons that this fix is not about.
    pub known_failures: Vec<TestId>,
}

/// How many times must failing tests be seen failing (`before`) and passing (`after`) so that no test that answers by
/// chance, whatever its rate, gives this picture with a probability of `limit` or more? `before` is at least 2.
///
/// A test that fails with rate `p` gives it with `p^a (1-p)^b`, largest at `p = a / (a + b)`.
#[must_use]
pub fn runs_needed(limit: f64) -> (u32, u32) {
    for total in 4..=40u32 {
        let before = total / 2;
        let after = total - before;
        let p = f64::from(before) / f64::from(total);
        let chance = p.powi(i32::try_from(before).unwrap_or(i32::MAX))
            * (1.0 - p).powi(i32::try_from(after).unwrap_or(i32::MAX));
        if chance < limit {
            return (before, after);
        }
    }
    (20, 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_and_four_passes_leave_less_than_one_percent() {
        assert_eq!(runs_needed(0.01), (3, 4));
        let (before, after) = runs_needed(0.001);
        assert!(before + after >= 10);
    }
}
