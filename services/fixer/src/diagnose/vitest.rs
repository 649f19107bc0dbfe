//! Vitest: ` FAIL  file > describe > name`, `❯ file:line:column`, the summary.
use std::collections::HashSet;

use super::reading::{Counts, FailedTest, Frame, Framework, ParsedRun, repository_path};
use super::{MAX_FRAMES, MAX_TESTS, Reader, jest};

#[derive(Default)]
pub(super) struct Vitest {
    failed: Vec<FailedTest>,
    seen: HashSet<(Option<String>, String)>,
    inside: bool,
    message: Vec<String>,
    suites_broken: u64,
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
            self.end_block();
        } else if self.inside {
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
        self.end_block();
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
        let file = Some(repository_path(file));
        if self.failed.len() < MAX_TESTS && self.seen.insert((file.clone(), id.clone())) {
            self.suites_broken += u64::from(!title.contains(" > "));
            let name = id.rsplit(" > ").next().unwrap_or(&id).to_owned();
            self.failed.push(FailedTest {
                id,
                name,
                file,
                ..FailedTest::default()
            });
            self.inside = true;
        }
    }

    fn body(&mut self, text: &str) {
        let Some(test) = self.failed.last_mut() else { return };
        if let Some(place) = text.strip_prefix("❯ ") {
            if let Some(frame) = place_of(place)
                && test.frames.len() < MAX_FRAMES
            {
                test.frames.insert(0, frame);
            }
        } else if test.frames.is_empty() && self.message.len() < 60 {
            self.message.push(text.to_owned());
        }
    }

    fn end_block(&mut self) {
        if std::mem::take(&mut self.inside)
            && let Some(test) = self.failed.last_mut()
        {
            jest::describe(test, &std::mem::take(&mut self.message));
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
            framework: Framework::Vitest,
            counts,
            failed,
            complete,
            step: self.step,
        });
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
