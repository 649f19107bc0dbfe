//! Vitest: ` FAIL  file > describe > name`, `❯ file:line:column`, the summary.

use super::Reader;
use super::javascript::Failures;
use super::reading::{Counts, Frame, Framework, ParsedRun, repository_path};

#[derive(Default)]
pub(super) struct Vitest {
    failures: Failures,
    started: bool,
    step: usize,
}

impl Reader for Vitest {
    fn line(&mut self, line: &str, step: usize, runs: &mut Vec<ParsedRun>) {
        let text = line.trim_start();
        if text.starts_with("RUN  v") || text.starts_with("DEV  v") {
            (self.started, self.step) = (true, step);
        } else if !self.started {
        } else if let Some(rest) = text.strip_prefix("FAIL  ") {
            self.title(rest.trim());
        } else if let Some(counts) = text.strip_prefix("Tests  ").and_then(totals) {
            self.close(Some(counts), runs);
        } else if text.starts_with("⎯⎯") || text.starts_with("Test Files  ") {
            self.failures.end();
        } else if self.failures.is_inside() {
            self.body(text);
        }
    }

    fn finish(&mut self, runs: &mut Vec<ParsedRun>) {
        if self.started {
            self.close(None, runs);
        }
    }
}

impl Vitest {
    fn title(&mut self, title: &str) {
        // With a workspace the project's name stands before the file: ` FAIL  |web| src/a.test.ts > name`.
        let title = title
            .strip_prefix('|')
            .and_then(|rest| rest.split_once("| "))
            .map_or(title, |(_, rest)| rest);
        let (file, id) = match title.split_once(" > ") {
            Some((file, id)) => (file, id.to_owned()),
            None => {
                let file = title.split(" [").next().unwrap_or(title);
                (file, file.to_owned())
            }
        };
        let name = id.rsplit(" > ").next().unwrap_or(&id).to_owned();
        let broken = !title.contains(" > ");
        self.failures.begin(Some(repository_path(file)), id, &name, broken);
    }

    fn body(&mut self, text: &str) {
        match text.strip_prefix("❯ ") {
            Some(place) => {
                if let Some(frame) = place_of(place) {
                    self.failures.frame(frame);
                }
            }
            None => self.failures.message(text),
        }
    }

    fn close(&mut self, counts: Option<Counts>, runs: &mut Vec<ParsedRun>) {
        runs.push(self.failures.close(Framework::Vitest, counts, self.step));
        *self = Self::default();
    }
}

/// `function file:1:2` or `file:1:2`.
fn place_of(text: &str) -> Option<Frame> {
    let (function, place) = text
        .rsplit_once(' ')
        .map_or((None, text), |(function, place)| (Some(function), place));
    let (rest, column) = place.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    column.parse::<u32>().ok()?;
    Some(Frame::new(file, line.parse().ok()?, function))
}

/// `2 failed | 1 passed | 3 skipped (6)`.
fn totals(text: &str) -> Option<Counts> {
    let (text, _) = text.trim().rsplit_once(" (")?;
    let mut counts = Counts::default();
    for part in text.split(" | ") {
        let (number, word) = part.trim().split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match word {
            "failed" => counts.failed = number,
            "passed" => counts.passed = number,
            "skipped" | "todo" => counts.skipped += number,
            "expected fail" => counts.run += number,
            _ => return None,
        }
    }
    counts.run += counts.failed + counts.passed;
    Some(counts)
}
