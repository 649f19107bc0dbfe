//! A diagnosis: what failed, read from a log or an alert, precise enough to tell two problems apart.

use crate::evidence::TestId;
use crate::fingerprint::Fingerprint;
use crate::repo::RepoName;
use serde::{Deserialize, Serialize};

/// What kind of failure it is; decides which engines have a say and how confident past outcomes make us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// A test fails or errors.
    TestFailure,
    /// An exception in a running application, with no failing test.
    RuntimeError,
    /// A linter objects.
    Lint,
    /// A formatter objects.
    Format,
    /// A type checker objects.
    TypeCheck,
    /// It does not build.
    Build,
    /// A dependency cannot be had or resolved.
    Dependency,
    /// It ran out of time.
    Timeout,
    /// The machine or network failed, not the code.
    Infrastructure,
    /// Nothing of the above could be read.
    #[default]
    Unknown,
}

impl FailureClass {
    /// The word in tables, metrics and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TestFailure => "test_failure",
            Self::RuntimeError => "runtime_error",
            Self::Lint => "lint",
            Self::Format => "format",
            Self::TypeCheck => "type_check",
            Self::Build => "build",
            Self::Dependency => "dependency",
            Self::Timeout => "timeout",
            Self::Infrastructure => "infrastructure",
            Self::Unknown => "unknown",
        }
    }
}

/// A place in the repository's code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CodeFrame {
    /// Path inside the repository.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Function or method.
    pub function: String,
}

/// What failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The kind of failure.
    pub class: FailureClass,
    /// One line for titles.
    pub headline: String,
    /// Tests that failed, in the form in which the framework selects them.
    pub failing_tests: Vec<TestId>,
    /// Class of the exception, where one was raised.
    pub error_type: Option<String>,
    /// Its message.
    pub message: Option<String>,
    /// Callers first; the last one raised. Only the repository's own code.
    pub frames: Vec<CodeFrame>,
}

impl Diagnosis {
    /// The name of the problem: the failing tests where there are some, else the exception and where it was raised.
    /// Lines do not count, since they move with every commit.
    #[must_use]
    pub fn fingerprint(&self, repo: &RepoName) -> Fingerprint {
        let mut parts = vec![repo.as_str().to_ascii_lowercase()];
        if self.failing_tests.is_empty() {
            parts.push("error".into());
            parts.push(self.error_type.clone().unwrap_or_else(|| self.headline.clone()));
            parts.extend(
                self.frames
                    .iter()
                    .rev()
                    .take(3)
                    .map(|frame| format!("{}:{}", frame.file, frame.function)),
            );
        } else {
            parts.push("tests".into());
            let mut tests: Vec<_> = self.failing_tests.iter().map(|test| test.as_str().to_owned()).collect();
            tests.sort();
            tests.dedup();
            parts.extend(tests);
        }
        Fingerprint::of(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test")]
    fn order_and_lines_do_not_change_the_fingerprint() {
        let repo = RepoName::parse("acme/shop").unwrap();
        let of = |tests: &[&str]| {
            Diagnosis {
                failing_tests: tests.iter().map(|t| TestId::new(*t)).collect(),
                ..Diagnosis::default()
            }
            .fingerprint(&repo)
        };
        assert_eq!(of(&["a", "b"]), of(&["b", "a", "a"]));
        assert_ne!(of(&["a"]), of(&["a", "b"]));
        let at = |line| {
            let frame = CodeFrame {
                file: "a.py".into(),
                line,
                function: "f".into(),
            };
            Diagnosis {
                error_type: Some("KeyError".into()),
                frames: vec![frame],
                ..Diagnosis::default()
            }
            .fingerprint(&repo)
        };
        assert_eq!(at(1), at(99));
    }
}
