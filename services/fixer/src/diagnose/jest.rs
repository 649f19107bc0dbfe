//! Jest: `FAIL file`, `● describe › name`, the summary.
use std::collections::HashSet;

use super::reading::{Counts, FailedTest, Frame, Framework, ParsedRun, repository_path};
use super::{MAX_FRAMES, MAX_TESTS, Reader, python};

#[derive(Default)]
pub(super) struct Jest {
    file: Option<String>,
    failing_file: bool,
    failed: Vec<FailedTest>,
    seen: HashSet<(Option<String>, String)>,
    /// Whether lines belong to the last failed test.
    inside: bool,
    message: Vec<String>,
    suites_broken: u64,
    started: bool,
    step: usize,
}

impl Reader for Jest {
    fn line(&mut self, line: &str, step: usize, runs: &mut Vec<ParsedRun>) {
        if let Some((fail, file)) = suite(line) {
            self.end_block();
            (self.failing_file, self.file) = (fail, Some(file));
            (self.started, self.step) = (true, step);
        } else if let Some(title) = line.strip_prefix("  ● ").filter(|_| self.failing_file) {
            self.title(title.trim());
        } else if let Some(counts) = line.strip_prefix("Tests:").and_then(totals) {
            self.step = step;
            self.close(Some(counts), runs);
        } else if line.starts_with("Test Suites:") || line.starts_with("Snapshot Summary") || line.starts_with("---") {
            self.end_block();
        } else if self.inside {
            self.body(line);
        }
    }

    fn finish(&mut self, runs: &mut Vec<ParsedRun>) {
        if self.started && !self.failed.is_empty() {
            self.close(None, runs);
        }
    }
}

impl Jest {
    fn title(&mut self, title: &str) {
        self.end_block();
        if title == "Console"
            || title.starts_with("process.exit called")
            || title.starts_with("Cannot log after")
            || title.contains("obsolete")
        {
            return;
        }
        let broken = title == "Test suite failed to run";
        let id = if broken {
            self.file.clone().unwrap_or_else(|| title.to_owned())
        } else {
            title.to_owned()
        };
        // The failures are printed twice: with their file, and again in the summary.
        if self.failed.len() < MAX_TESTS && self.seen.insert((self.file.clone(), id.clone())) {
            self.suites_broken += u64::from(broken);
            let name = title.rsplit(" › ").next().unwrap_or(title).to_owned();
            self.failed.push(FailedTest {
                id,
                name,
                file: self.file.clone(),
                ..FailedTest::default()
            });
            self.inside = true;
        }
    }

    fn body(&mut self, line: &str) {
        let Some(test) = self.failed.last_mut() else { return };
        let text = line.trim_start();
        if let Some(frame) = text.strip_prefix("at ").and_then(frame) {
            if test.frames.len() < MAX_FRAMES {
                // Innermost first in JavaScript; a reading has it last.
                test.frames.insert(0, frame);
            }
        } else if test.frames.is_empty() && self.message.len() < 60 && !is_code(text) {
            self.message.push(text.to_owned());
        }
    }

    fn end_block(&mut self) {
        if std::mem::take(&mut self.inside)
            && let Some(test) = self.failed.last_mut()
        {
            describe(test, &std::mem::take(&mut self.message));
        }
        self.message.clear();
    }

    fn close(&mut self, counts: Option<Counts>, runs: &mut Vec<ParsedRun>) {
        self.end_block();
        let complete = counts.is_some();
        let mut counts = counts.unwrap_or_default();
        counts.errors = self.suites_broken;
        let failed = std::mem::take(&mut self.failed);
        runs.push(ParsedRun {
            framework: Framework::Jest,
            counts,
            failed,
            complete,
            step: self.step,
        });
        *self = Self::default();
    }
}

/// Type, message and place of a JavaScript failure.
pub(super) fn describe(test: &mut FailedTest, lines: &[String]) {
    let text = lines.join("\n").trim().to_owned();
    let first = text.lines().next().unwrap_or_default();
    test.error_type = match python::exception(first) {
        Some((kind, _)) => Some(kind.to_owned()),
        None if first.starts_with("expect(") => Some("AssertionError".to_owned()),
        None => None,
    };
    if !text.is_empty() {
        test.message = Some(text);
    }
    test.locate();
}

/// `fn (file:1:2)`, `file:1:2`.
pub(super) fn frame(text: &str) -> Option<Frame> {
    let (function, place) = match text.strip_suffix(')').and_then(|text| text.rsplit_once(" (")) {
        Some((function, place)) => (Some(function), place),
        None => (None, text.trim_start_matches("async ")),
    };
    let (rest, column) = place.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    column.parse::<u32>().ok()?;
    let file = file.strip_prefix("file://").unwrap_or(file);
    (!file.is_empty()).then_some(())?;
    Some(Frame::new(file, line.parse().ok()?, function))
}

/// A line of the quoted source: `> 85 | …`, `   | ^`.
fn is_code(text: &str) -> bool {
    let text = text.trim_start_matches("> ").trim_start();
    text.trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start()
        .starts_with('|')
}

/// `FAIL project path (1.2 s)`: whether it failed, and the path.
fn suite(line: &str) -> Option<(bool, String)> {
    let text = line.trim_start();
    if line.len() - text.len() > 1 {
        return None;
    }
    let (fail, rest) = match text.strip_prefix("FAIL ") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("PASS ")?),
    };
    let rest = rest.trim();
    let rest = if rest.ends_with(')') {
        rest.rsplit_once(" (").map_or(rest, |(path, _)| path)
    } else {
        rest
    };
    if rest.contains(" > ") {
        return None;
    }
    let path = rest.rsplit(' ').next().unwrap_or(rest);
    path.contains('.').then(|| (fail, repository_path(path)))
}

/// `1 failed, 7 skipped, 834 passed, 842 total`.
fn totals(text: &str) -> Option<Counts> {
    let mut counts = Counts::default();
    let mut total = false;
    for part in text.trim().split(", ") {
        let (number, word) = part.split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match word {
            "failed" => counts.failed = number,
            "passed" => counts.passed = number,
            "skipped" | "todo" | "pending" => counts.skipped += number,
            "total" => total = true,
            _ => return None,
        }
    }
    counts.run = counts.failed + counts.passed;
    total.then_some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_name_and_a_duration_are_not_the_path() {
        assert_eq!(
            suite("FAIL  e2e  lerna/a.spec.ts (40.1 s)"),
            Some((true, "lerna/a.spec.ts".to_owned()))
        );
        assert_eq!(suite("PASS src/a.test.js"), Some((false, "src/a.test.js".to_owned())));
        assert_eq!(suite(" FAIL  b.spec.mjs > gcd > bad"), None);
        assert_eq!(suite("FAIL to do it"), None);
    }

    #[test]
    fn frames_with_and_without_a_function() {
        assert_eq!(
            frame("Object.<anonymous> (test/a.js:8:4)").map(|frame| (frame.file, frame.line)),
            Some(("test/a.js".to_owned(), 8))
        );
        assert_eq!(
            frame("file:///home/runner/work/a/b/x.mjs:8:4").map(|frame| frame.file),
            Some("x.mjs".to_owned())
        );
        assert!(frame("processTicks (native)").is_none());
    }
}
