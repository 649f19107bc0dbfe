//! unittest, Django's test runner and nose.
use super::reading::{Counts, FailedTest, Framework, ParsedRun};
use super::{MAX_FRAMES, MAX_TESTS, Reader, python};

#[derive(Default)]
pub(super) struct Unittest {
    after_rule: bool,
    failed: Vec<FailedTest>,
    state: State,
    message: Vec<String>,
    ran: Option<u64>,
    since_ran: u32,
    step: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    /// Between the name and the line of dashes: the test's first doc line.
    Title,
    Trace,
    Message,
    Rest,
}

impl Reader for Unittest {
    fn line(&mut self, line: &str, step: usize, runs: &mut Vec<ParsedRun>) {
        let after_rule = std::mem::replace(&mut self.after_rule, is_rule(line, b'='));
        if self.after_rule {
            self.end_block();
            return;
        }
        if after_rule && let Some(test) = name(line) {
            self.state = State::Title;
            if self.failed.len() < MAX_TESTS {
                self.failed.push(test);
            }
            return;
        }
        if let Some(ran) = line.strip_prefix("Ran ").and_then(ran) {
            self.end_block();
            self.ran = Some(ran);
            self.since_ran = 0;
            self.step = step;
            return;
        }
        if let Some(ran) = self.ran {
            self.since_ran += 1;
            if let Some(counts) = verdict(line, ran) {
                let failed = std::mem::take(&mut self.failed);
                runs.push(ParsedRun {
                    framework: Framework::Unittest,
                    counts,
                    failed,
                    complete: true,
                    step: self.step,
                });
                *self = Self::default();
            } else if self.since_ran > 50 {
                self.finish(runs);
            }
            return;
        }
        self.block(line);
    }

    fn finish(&mut self, runs: &mut Vec<ParsedRun>) {
        self.end_block();
        if let Some(ran) = self.ran {
            let failed = std::mem::take(&mut self.failed);
            let bad = failed.len() as u64;
            let counts = Counts {
                run: ran,
                passed: ran.saturating_sub(bad),
                failed: bad,
                ..Counts::default()
            };
            runs.push(ParsedRun {
                framework: Framework::Unittest,
                counts,
                failed,
                complete: false,
                step: self.step,
            });
        }
        *self = Self::default();
    }
}

impl Unittest {
    fn block(&mut self, line: &str) {
        let Some(test) = self.failed.last_mut().filter(|_| self.state != State::Outside) else {
            return;
        };
        match self.state {
            State::Title if is_rule(line, b'-') => self.state = State::Trace,
            State::Title | State::Outside | State::Rest => {}
            State::Trace => {
                if let Some(frame) = python::frame(line) {
                    if test.frames.len() < MAX_FRAMES * 4 {
                        test.frames.push(frame);
                    }
                } else if !line.starts_with([' ', '\t'])
                    && !line.is_empty()
                    && !line.starts_with("Traceback (")
                    && python::exception(line).is_some()
                {
                    self.message.push(line.to_owned());
                    self.state = State::Message;
                }
            }
            State::Message => {
                if line.starts_with("During handling of the above")
                    || line.starts_with("The above exception was the direct")
                {
                    // A chained exception: the last one is the one that was raised.
                    self.message.clear();
                    test.frames.clear();
                    self.state = State::Trace;
                } else if line.starts_with("Stdout:")
                    || line.starts_with("Stderr:")
                    || line.contains(" >> begin captured")
                    || is_rule(line, b'-')
                {
                    self.state = State::Rest;
                } else if self.message.len() < 60 {
                    self.message.push(line.to_owned());
                }
            }
        }
    }

    fn end_block(&mut self) {
        if self.state != State::Outside
            && let Some(test) = self.failed.last_mut()
        {
            python::describe(test, &std::mem::take(&mut self.message), None);
            test.locate();
        }
        self.message.clear();
        self.state = State::Outside;
    }
}

fn is_rule(line: &str, of: u8) -> bool {
    line.len() >= 60 && line.bytes().all(|byte| byte == of)
}

/// `FAIL: test_x (pkg.mod.Class.test_x) (i=1)`; Python before 3.11 leaves the method out of the brackets, nose prints a dotted name only.
fn name(line: &str) -> Option<FailedTest> {
    let rest = ["FAIL: ", "ERROR: ", "UNEXPECTED SUCCESS: "]
        .iter()
        .find_map(|start| line.strip_prefix(start))?;
    let (name, of) = match rest.split_once(" (") {
        Some((name, of)) if !name.contains(' ') => (name, of.split(')').next().unwrap_or(of)),
        _ => (rest, ""),
    };
    let dotted = |text: &str| !text.is_empty() && !text.contains(' ');
    let id = if name.starts_with("Failure: ") || !dotted(name) || of.starts_with("unittest.loader._FailedTest") {
        name.to_owned()
    } else if matches!(name, "setUpClass" | "tearDownClass" | "setUpModule" | "tearDownModule") {
        of.to_owned()
    } else if !dotted(of) {
        name.to_owned()
    } else if of.ends_with(&format!(".{name}")) {
        of.to_owned()
    } else {
        format!("{of}.{name}")
    };
    let short = if dotted(name) {
        name.rsplit('.').next().unwrap_or(name)
    } else {
        name
    };
    Some(FailedTest {
        name: short.to_owned(),
        id,
        ..FailedTest::default()
    })
}

fn ran(rest: &str) -> Option<u64> {
    let (number, rest) = rest.split_once(' ')?;
    (rest.starts_with("test in ") || rest.starts_with("tests in ")).then(|| number.parse().ok())?
}

fn verdict(line: &str, ran: u64) -> Option<Counts> {
    let details = if line == "OK" || line == "FAILED" || line.starts_with("NO TESTS RAN") {
        ""
    } else {
        line.strip_prefix("FAILED (")
            .or_else(|| line.strip_prefix("OK ("))?
            .strip_suffix(')')?
    };
    let mut counts = Counts::default();
    let mut other = 0;
    for part in details.split(", ").filter(|part| !part.is_empty()) {
        let (word, number) = part.split_once('=')?;
        let number: u64 = number.parse().ok()?;
        match word {
            "failures" | "unexpected successes" => counts.failed += number,
            "errors" => counts.errors += number,
            "skipped" | "SKIP" => counts.skipped += number,
            _ => other += number,
        }
    }
    counts.run = ran.saturating_sub(counts.skipped);
    counts.passed = counts.run.saturating_sub(counts.bad() + other);
    Some(counts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_of_all_versions_become_dotted_ids() {
        for (line, id) in [
            ("FAIL: test_x (pkg.mod.Case)", "pkg.mod.Case.test_x"),
            ("FAIL: test_x (pkg.mod.Case.test_x)", "pkg.mod.Case.test_x"),
            ("ERROR: test_x (pkg.mod.Case.test_x) (i=1)", "pkg.mod.Case.test_x"),
            ("FAIL: test.mod.test_x", "test.mod.test_x"),
            ("ERROR: setUpClass (pkg.mod.Case)", "pkg.mod.Case"),
            (
                "ERROR: pkg.test_mod (unittest.loader._FailedTest.pkg.test_mod)",
                "pkg.test_mod",
            ),
        ] {
            assert_eq!(name(line).unwrap().id, id, "{line}");
        }
        assert!(name("ERROR:inventree:nothing").is_none());
    }

    #[test]
    fn skipped_tests_were_not_run() {
        let counts = verdict("FAILED (failures=1, errors=2, skipped=3)", 10).unwrap();
        assert_eq!(
            (counts.run, counts.passed, counts.failed, counts.errors, counts.skipped),
            (7, 4, 1, 2, 3)
        );
    }
}
