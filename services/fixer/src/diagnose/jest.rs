//! Jest: `FAIL file`, `● describe › name`, the summary.

use super::Reader;
use super::javascript::{Failures, frame};
use super::reading::{Counts, Framework, ParsedRun, repository_path};

#[derive(Default)]
pub(super) struct Jest {
    file: Option<String>,
    failing_file: bool,
    failures: Failures,
    started: bool,
    step: usize,
}

impl Reader for Jest {
    fn line(&mut self, line: &str, step: usize, runs: &mut Vec<ParsedRun>) {
        if let Some((fail, file)) = suite(line) {
            self.failures.end();
            (self.failing_file, self.file) = (fail, Some(file));
            (self.started, self.step) = (true, step);
        } else if let Some(title) = line.strip_prefix("  ● ").filter(|_| self.failing_file) {
            self.title(title.trim());
        } else if let Some(counts) = line.strip_prefix("Tests:").and_then(totals) {
            self.step = step;
            self.close(Some(counts), runs);
        } else if line.starts_with("Test Suites:") || line.starts_with("Snapshot Summary") || line.starts_with("---") {
            self.failures.end();
        } else if self.failures.is_inside() {
            self.body(line);
        }
    }

    fn finish(&mut self, runs: &mut Vec<ParsedRun>) {
        if self.started && !self.failures.is_empty() {
            self.close(None, runs);
        }
    }
}

impl Jest {
    fn title(&mut self, title: &str) {
        self.failures.end();
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
        let name = title.rsplit(" › ").next().unwrap_or(title);
        self.failures.begin(self.file.clone(), id, name, broken);
    }

    fn body(&mut self, line: &str) {
        let text = line.trim_start();
        if let Some(frame) = text.strip_prefix("at ").and_then(frame) {
            self.failures.frame(frame);
        } else if !is_code(text) {
            self.failures.message(text);
        }
    }

    fn close(&mut self, counts: Option<Counts>, runs: &mut Vec<ParsedRun>) {
        runs.push(self.failures.close(Framework::Jest, counts, self.step));
        *self = Self::default();
    }
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
}
