//! What a test answered, read from the report that the runner wrote or, failing that, from what it printed.

use crate::diagnose::LogReading;
use domain::diagnosis::CodeFrame;
use domain::evidence::TestId;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a test can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It ran and held.
    Passed,
    /// It ran and did not hold.
    Failed,
    /// It could not run: set-up, collection or tear-down broke.
    Error,
    /// It was not run. Skipped is not passed.
    Skipped,
    /// It failed as its author expected.
    Xfailed,
}

impl Answer {
    /// Whether it counts as failing.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }
}

/// An answer and, for failures, how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestAnswer {
    /// The answer.
    pub answer: Answer,
    /// Class of the exception.
    pub error_type: Option<String>,
    /// Its message.
    pub message: Option<String>,
    /// Frames inside the checkout, callers first.
    pub frames: Vec<CodeFrame>,
    /// Whether the test's file could not even be collected.
    pub collecting: bool,
    /// Whether the exception is one of those with which tests say that something does not hold.
    pub assertion: bool,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    answer: Answer,
    #[serde(rename = "type")]
    error_type: Option<String>,
    message: Option<String>,
    #[serde(default)]
    frames: Vec<(String, i64, String)>,
    #[serde(default)]
    collect: bool,
    #[serde(default)]
    assertion: bool,
}

/// Reads the report's lines. A later failure of the same test wins, since tear-down comes after the call.
pub fn parse(lines: &str) -> BTreeMap<TestId, TestAnswer> {
    let mut tests = BTreeMap::new();
    for line in lines.lines() {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            continue;
        };
        let frames = line
            .frames
            .into_iter()
            .map(|(file, at, function)| CodeFrame {
                file,
                line: u32::try_from(at).unwrap_or(0),
                function,
            })
            .collect();
        let answer = TestAnswer {
            answer: line.answer,
            error_type: line.error_type,
            message: line.message,
            frames,
            collecting: line.collect,
            assertion: line.assertion,
        };
        let id = TestId::new(line.id);
        let keep_old = tests
            .get(&id)
            .is_some_and(|old: &TestAnswer| old.answer.is_failure() && !answer.answer.is_failure());
        if !keep_old {
            tests.insert(id, answer);
        }
    }
    tests
}

/// What can be known from printed output: the tests that failed.
pub fn from_log(reading: &LogReading) -> BTreeMap<TestId, TestAnswer> {
    let failed = |test: &crate::diagnose::FailedTest| {
        let frames = test
            .frames
            .iter()
            .map(|f| CodeFrame {
                file: f.file.clone(),
                line: f.line,
                function: f.function.clone().unwrap_or_default(),
            })
            .collect();
        TestAnswer {
            answer: Answer::Failed,
            error_type: test.error_type.clone(),
            message: test.message.clone(),
            frames,
            collecting: false,
            assertion: test
                .error_type
                .as_deref()
                .is_some_and(|kind| kind.ends_with("AssertionError")),
        }
    };
    reading
        .failed
        .iter()
        .map(|test| (TestId::new(test.id.clone()), failed(test)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_tear_down_outweighs_a_passed_call() {
        let lines = r#"{"id":"a","answer":"passed"}
garbage
{"id":"a","answer":"error","type":"OSError","message":"x","frames":[["src/a.py",3,"f"]]}
{"id":"b","answer":"failed"}
{"id":"b","answer":"passed"}"#;
        let tests = parse(lines);
        assert_eq!(tests.len(), 2);
        assert!(tests.values().all(|test| test.answer.is_failure()));
        assert_eq!(tests[&TestId::new("a")].frames[0].line, 3);
    }
}
