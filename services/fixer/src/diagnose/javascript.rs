//! What the readers of JavaScript test runners share: the failures so far, and the one whose lines are being read.

use super::reading::{Counts, FailedTest, Frame, Framework, ParsedRun};
use super::{MAX_FRAMES, MAX_TESTS, python};
use std::collections::HashSet;

/// Lines of a failure's message that are kept.
const MAX_LINES: usize = 60;

#[derive(Default)]
pub(super) struct Failures {
    failed: Vec<FailedTest>,
    seen: HashSet<(Option<String>, String)>,
    /// Whether lines belong to the last failed test.
    inside: bool,
    message: Vec<String>,
    suites_broken: u64,
}

impl Failures {
    pub(super) fn is_empty(&self) -> bool {
        self.failed.is_empty()
    }

    /// Whether the lines now belong to a failed test.
    pub(super) fn is_inside(&self) -> bool {
        self.inside
    }

    /// Begins a failed test. Runners print failures again in a summary; those are passed over.
    pub(super) fn begin(&mut self, file: Option<String>, id: String, name: &str, suite_broken: bool) {
        self.end();
        if self.failed.len() < MAX_TESTS && self.seen.insert((file.clone(), id.clone())) {
            self.suites_broken += u64::from(suite_broken);
            self.failed.push(FailedTest {
                id,
                name: name.to_owned(),
                file,
                ..FailedTest::default()
            });
            self.inside = true;
        }
    }

    /// A frame of the failed test. JavaScript prints the innermost first; a reading has it last.
    pub(super) fn frame(&mut self, frame: Frame) {
        if let Some(test) = self.failed.last_mut()
            && test.frames.len() < MAX_FRAMES
        {
            test.frames.insert(0, frame);
        }
    }

    /// A line of the failed test's message, which ends where its frames begin.
    pub(super) fn message(&mut self, line: &str) {
        let framed = self.failed.last().is_none_or(|test| !test.frames.is_empty());
        if !framed && self.message.len() < MAX_LINES {
            self.message.push(line.to_owned());
        }
    }

    /// The lines that follow belong to no test.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.inside)
            && let Some(test) = self.failed.last_mut()
        {
            describe(test, &self.message);
        }
        self.message.clear();
    }

    /// The run that the failures make up; without counts the log ended before its summary.
    pub(super) fn close(&mut self, framework: Framework, counts: Option<Counts>, step: usize) -> ParsedRun {
        self.end();
        let complete = counts.is_some();
        let mut counts = counts.unwrap_or_default();
        counts.errors = self.suites_broken;
        let failed = std::mem::take(self).failed;
        ParsedRun {
            framework,
            counts,
            failed,
            complete,
            step,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

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
