//! What an engine is told: the code, the failing tests, where it hurts and what it may spend.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A path relative to the root of the checkout, with forward slashes.
pub type RelPath = String;

/// The identifier of a test as its runner prints it, for example `tests/test_cart.py::test_total[two]`.
pub type TestId = String;

/// One frame of a stack trace that lies inside the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// File of the frame, relative to the root of the checkout.
    pub file: RelPath,
    /// Line, counted from 1.
    pub line: u32,
    /// Name of the function, `<module>` for code outside one.
    pub function: String,
}

/// How one test failed. Frames are in call order: the last one is where the exception was raised.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    /// The test that failed; empty when the failure comes from an alert only.
    pub test: TestId,
    /// Exception class without module, for example `KeyError`.
    pub exception: String,
    /// The message of the exception, or the text of the failed assertion.
    pub message: String,
    /// Project frames, outermost first.
    pub frames: Vec<Frame>,
}

/// How much an engine may spend on one brief.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Wall-clock time from the first call to the answer.
    pub wall: Duration,
    /// Largest number of candidates that are tried.
    pub candidates: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(120),
            candidates: 20_000,
        }
    }
}

/// Says whether a path may not be changed. The rules themselves are the caller's.
#[derive(Clone)]
pub struct Blocked(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Blocked {
    /// Paths for which `rule` says true are blocked.
    pub fn when(rule: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// No path is blocked.
    #[must_use]
    pub fn nothing() -> Self {
        Self::when(|_| false)
    }

    /// Whether `path` is blocked.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        (self.0)(path)
    }
}

impl std::fmt::Debug for Blocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Blocked(rule)")
    }
}

/// Everything that an engine knows about one incident.
#[derive(Clone, Debug)]
pub struct Brief {
    /// The project's Python files by path. Test files may be among them: they are read, never changed.
    pub sources: BTreeMap<RelPath, String>,
    /// Paths of `sources` that belong to the oracle, beyond those that `is_oracle` recognises by name.
    pub oracle: BTreeSet<RelPath>,
    /// Tests that fail and have to pass.
    pub failing: Vec<TestId>,
    /// How they fail, as far as known.
    pub failures: Vec<Failure>,
    /// Tests that pass and have to keep passing.
    pub passing: Vec<TestId>,
    /// Frames of the alert, outermost first. They count more than anything measured.
    pub suspects: Vec<Frame>,
    /// Lines changed since the last commit that was green.
    pub changed: BTreeMap<RelPath, BTreeSet<u32>>,
    /// The failing test only checks that nothing is raised any more.
    pub weak_oracle: bool,
    /// Paths that a fix may not touch.
    pub blocked: Blocked,
    /// Limits of this search.
    pub budget: Budget,
    /// Breaks ties; equal seeds give equal searches.
    pub seed: u64,
}

impl Brief {
    /// A brief with code and failing tests, everything else empty or default.
    #[must_use]
    pub fn new(sources: BTreeMap<RelPath, String>, failing: Vec<TestId>, passing: Vec<TestId>) -> Self {
        Self {
            sources,
            oracle: BTreeSet::new(),
            failing,
            failures: Vec::new(),
            passing,
            suspects: Vec::new(),
            changed: BTreeMap::new(),
            weak_oracle: false,
            blocked: Blocked::nothing(),
            budget: Budget::default(),
            seed: 0,
        }
    }
}

/// Whether a path belongs to the oracle by its name: tests, fixtures and what steers the test runner.
#[must_use]
pub fn is_oracle(path: &str) -> bool {
    let lower = path.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    name == "conftest.py"
        || name == "sitecustomize.py"
        || name == "usercustomize.py"
        || name == "setup.py"
        || name == "noxfile.py"
        || (name.starts_with("test_") && name.ends_with(".py"))
        || name.ends_with("_test.py")
        || name == "tests.py"
        || lower
            .split('/')
            .rev()
            .skip(1)
            .any(|part| part == "tests" || part == "test" || part == "testing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oracle_is_recognised_by_name() {
        for path in [
            "tests/test_a.py",
            "conftest.py",
            "src/shop/conftest.py",
            "pkg/tests/factory.py",
            "a/b_test.py",
            "Tests/x.py",
        ] {
            assert!(is_oracle(path), "{path}");
        }
        for path in [
            "src/shop/cart.py",
            "src/contest.py",
            "src/latest.py",
            "src/testimony.py",
        ] {
            assert!(!is_oracle(path), "{path}");
        }
    }
}
