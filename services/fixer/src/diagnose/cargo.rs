//! `cargo test` (libtest) and nextest.
use std::collections::HashMap;

use super::reading::{Counts, FailedTest, Frame, Framework, ParsedRun};
use super::{MAX_TESTS, Reader};

#[derive(Default)]
pub(super) struct Cargo {
    failed: Vec<FailedTest>,
    names: HashMap<String, usize>,
    /// Index of the test whose `---- name stdout ----` section is being read.
    inside: Option<usize>,
    message: Vec<String>,
    running: bool,
    nextest: bool,
    /// nextest repeats the failures below its summary.
    summarised: bool,
    step: usize,
}

impl Reader for Cargo {
    fn line(&mut self, line: &str, step: usize, runs: &mut Vec<ParsedRun>) {
        if line.starts_with("running ") && (line.ends_with(" tests") || line.ends_with(" test")) {
            (self.running, self.step) = (true, step);
        } else if let Some(rest) = line.strip_prefix("test ").filter(|_| self.running) {
            if let Some(name) = rest
                .strip_suffix(" ... FAILED")
                .or_else(|| rest.split_once(" ... FAILED").map(|(name, _)| name))
            {
                // `name - should panic` and `src/lib.rs - f (line 3)` of documentation tests are names as they stand.
                self.at(name.trim_end_matches(" - should panic"));
            } else if let Some(counts) = rest.strip_prefix("result: ").and_then(totals) {
                self.close(counts, step, runs);
            }
        } else if let Some(name) = section(line) {
            self.end_block();
            self.inside = Some(self.at(name));
        } else if line.starts_with("failures:") || line.starts_with("successes:") {
            self.end_block();
        } else if self.inside.is_some() {
            self.body(line);
        }
        self.nextest_line(line, step, runs);
    }

    fn finish(&mut self, runs: &mut Vec<ParsedRun>) {
        if (self.running || self.nextest) && !self.failed.is_empty() {
            self.end_block();
            let failed = std::mem::take(&mut self.failed);
            let counts = Counts {
                run: failed.len() as u64,
                failed: failed.len() as u64,
                ..Counts::default()
            };
            runs.push(ParsedRun {
                framework: Framework::Cargo,
                counts,
                failed,
                complete: false,
                step: self.step,
            });
        }
        *self = Self::default();
    }
}

impl Cargo {
    /// The index of the test of this name, new or known.
    fn at(&mut self, name: &str) -> usize {
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        if self.failed.len() < MAX_TESTS {
            self.names.insert(name.to_owned(), self.failed.len());
            let short = if name.contains(' ') {
                name
            } else {
                name.rsplit("::").next().unwrap_or(name)
            };
            self.failed.push(FailedTest {
                id: name.to_owned(),
                name: short.to_owned(),
                ..FailedTest::default()
            });
            return self.failed.len() - 1;
        }
        usize::MAX
    }

    fn body(&mut self, line: &str) {
        let Some(test) = self.inside.and_then(|at| self.failed.get_mut(at)) else {
            return;
        };
        if let Some((_, place)) = line
            .strip_prefix("thread '")
            .and_then(|rest| rest.split_once("panicked at "))
        {
            test.error_type = Some("panic".to_owned());
            // Since 1.73 the place stands on this line and the message below; before that the message came first, in quotes.
            let place = match place.rsplit_once("', ") {
                Some((message, place)) => {
                    self.message.push(message.trim_start_matches('\'').to_owned());
                    place
                }
                None => place,
            };
            let mut parts = place.trim_end_matches(':').rsplitn(3, ':');
            let (_, number, file) = (parts.next(), parts.next(), parts.next());
            if let (Some(file), Some(number)) = (file, number.and_then(|number| number.parse().ok())) {
                test.frames.push(Frame::new(file, number, None));
            }
        } else if !line.starts_with("note: ") && !line.starts_with("stack backtrace:") && self.message.len() < 60 {
            self.message.push(line.to_owned());
        }
    }

    fn end_block(&mut self) {
        let message = std::mem::take(&mut self.message).join("\n").trim().to_owned();
        if let Some(test) = self.inside.take().and_then(|at| self.failed.get_mut(at)) {
            if !message.is_empty() {
                test.message = Some(message);
            }
            test.locate();
        }
    }

    fn close(&mut self, counts: Counts, step: usize, runs: &mut Vec<ParsedRun>) {
        self.end_block();
        let failed = std::mem::take(&mut self.failed);
        runs.push(ParsedRun {
            framework: Framework::Cargo,
            counts,
            failed,
            complete: true,
            step,
        });
        *self = Self {
            nextest: self.nextest,
            ..Self::default()
        };
    }

    /// `        FAIL [   0.005s] crate module::test` and the summary line.
    fn nextest_line(&mut self, line: &str, step: usize, runs: &mut Vec<ParsedRun>) {
        let text = line.trim_start();
        if let Some(summary) = text.strip_prefix("Summary [") {
            if let Some(counts) = summary.split_once("] ").and_then(|(_, text)| nextest_totals(text)) {
                self.close(counts, step, runs);
                self.summarised = true;
            }
            return;
        }
        if text.starts_with("Starting ") {
            self.summarised = false;
        }
        let Some(rest) = ["FAIL [", "SIGABRT [", "SIGSEGV [", "TIMEOUT ["]
            .iter()
            .find_map(|start| text.strip_prefix(start))
        else {
            return;
        };
        if line.len() == text.len() || self.summarised {
            return;
        }
        let Some((_, rest)) = rest.split_once("s] ") else {
            return;
        };
        // Newer versions put a position in brackets before the crate: `( 3/10) crate name`.
        let rest = rest.trim_start();
        let rest = rest
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(") "))
            .map_or(rest, |(_, rest)| rest);
        if let Some((_, name)) = rest.trim().rsplit_once(' ') {
            (self.nextest, self.step) = (true, step);
            self.at(name);
        }
    }
}

/// The name in `---- name stdout ----`.
fn section(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?
        .strip_suffix(" stdout ----")
        .or_else(|| line.strip_prefix("---- ")?.strip_suffix(" stderr ----"))
}

/// `FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s`.
fn totals(text: &str) -> Option<Counts> {
    let (_, text) = text.split_once(". ")?;
    let mut counts = Counts::default();
    for part in text.split(';') {
        let Some((number, word)) = part.trim().split_once(' ') else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else { continue };
        match word {
            "passed" => counts.passed = number,
            "failed" => counts.failed = number,
            "ignored" => counts.skipped = number,
            _ => {}
        }
    }
    counts.run = counts.passed + counts.failed;
    Some(counts)
}

/// `10 tests run: 9 passed (1 slow), 1 failed, 2 skipped`.
fn nextest_totals(text: &str) -> Option<Counts> {
    let (run, parts) = text.split_once(": ")?;
    let mut counts = Counts {
        run: run.split(['/', ' ']).next()?.parse().ok()?,
        ..Counts::default()
    };
    for part in parts.split(", ") {
        let mut words = part.split_whitespace();
        let (Some(number), Some(word)) = (words.next().and_then(|number| number.parse().ok()), words.next()) else {
            continue;
        };
        match word {
            "passed" => counts.passed = number,
            "failed" | "timed" => counts.failed = counts.failed.saturating_add(number),
            "skipped" => counts.skipped = number,
            _ => {}
        }
    }
    Some(counts)
}
