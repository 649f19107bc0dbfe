//! Reproduces failing tests: runs the command, and finds the tests that a log names.

use super::broken::{broken_environment, lacks_modules};
use super::{Answer, Log, Scene, diagnosis_of, last_line, not_seen};
use crate::suite::SuiteRun;
use domain::attempt::Outcome;
use domain::diagnosis::FailureClass;
use domain::evidence::{Oracle, TestId};

impl Scene<'_> {
    pub(super) async fn run_suite(&self, named: &[String], class: FailureClass, log: &mut Log) -> Answer {
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
        if first.exit_code == 0
            && let Some(test) = failing.first()
        {
            let message =
                format!("the command ends with 0 although `{test}` fails in it: what cannot fail proves nothing");
            return not_seen(
                Outcome::NotReproduced,
                message,
                diagnosis_of(&first, &failing, class),
                log,
            );
        }
        if let Some(message) = lacks_modules(&first, &failing, self.sources) {
            return not_seen(
                Outcome::Environment,
                message,
                diagnosis_of(&first, &failing, class),
                log,
            );
        }
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
            (0, _) if first.exit_code != 0 => format!(
                "no test fails, and the command ends with {} all the same: {}",
                first.exit_code,
                last_line(&first.output)
            ),
            (0, _) => "no test fails".to_owned(),
            (count, _) if known.is_empty() => {
                format!(
                    "none of the {count} tests that the log names was run here: is it a log of this repository and command?"
                )
            }
            (_, Some(other)) => format!("the named tests pass here; `{other}` fails, which the log does not name"),
            (1, None) => "the test that failed there passes here".to_owned(),
            (count, None) => format!("the {count} tests that failed there pass here"),
        };
        let mut diagnosis = diagnosis_of(first, &known, class);
        diagnosis.failing_tests = named.iter().map(TestId::new).collect();
        not_seen(Outcome::NotReproduced, message, diagnosis, log)
    }
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
