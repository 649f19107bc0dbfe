//! Mocha's spec-like reporters: `N passing`, `N failing`, and the numbered failures.
use super::reading::{Counts, FailedTest, Framework, ParsedRun};
use super::{MAX_FRAMES, MAX_TESTS, Reader, javascript};

#[derive(Default)]
pub(super) struct Mocha {
    counts: Option<Counts>,
    failed: Vec<FailedTest>,
    /// Indentation of the last title line, while a title is being read.
    title: Option<usize>,
    message: Vec<String>,
    quiet: u32,
    step: usize,
}

impl Reader for Mocha {
    fn line(&mut self, line: &str, step: usize, runs: &mut Vec<ParsedRun>) {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if indent > 0
            && let Some((number, word)) = count(text)
        {
            if word == "passing" {
                self.finish(runs);
                self.counts = Some(Counts {
                    run: number,
                    passed: number,
                    ..Counts::default()
                });
                self.step = step;
                return;
            }
            if let Some(counts) = &mut self.counts {
                match word {
                    "pending" => counts.skipped = number,
                    _ => {
                        counts.failed = number;
                        counts.run = counts.run.saturating_add(number);
                    }
                }
                return;
            }
        }
        if self.counts.is_none_or(|counts| counts.failed == 0) {
            return;
        }
        if let Some(first) = numbered(text)
            .filter(|_| indent <= 3 && (self.failed.len() as u64) < self.counts.map_or(0, |counts| counts.failed))
        {
            self.end_block();
            if self.failed.len() < MAX_TESTS {
                self.failed.push(FailedTest::default());
                self.title = Some(indent);
                self.add_title(first, indent);
            }
        } else if let Some(last) = self.title {
            // Each level of the title is indented further than the one before; the error stands to their left.
            if !text.is_empty() && indent > last.max(5) {
                self.add_title(text, indent);
            } else {
                self.title = None;
                self.body(text);
            }
        } else if !self.failed.is_empty() {
            self.body(text);
            // What follows the report is not part of the last failure.
            self.quiet = if text.is_empty() { self.quiet + 1 } else { 0 };
            if self.quiet >= 3 && self.failed.len() as u64 == self.counts.map_or(0, |counts| counts.failed) {
                self.finish(runs);
            }
        }
    }

    fn finish(&mut self, runs: &mut Vec<ParsedRun>) {
        self.end_block();
        if let Some(counts) = self.counts {
            let failed = std::mem::take(&mut self.failed);
            runs.push(ParsedRun {
                framework: Framework::Mocha,
                counts,
                failed,
                complete: true,
                step: self.step,
            });
        }
        *self = Self::default();
    }
}

impl Mocha {
    fn add_title(&mut self, text: &str, indent: usize) {
        self.title = Some(indent);
        if let Some(test) = self.failed.last_mut()
            && test.id.len() < 2_000
        {
            if !test.id.is_empty() {
                test.id.push(' ');
            }
            test.id.push_str(text);
            test.name = text.to_owned();
        }
    }

    fn body(&mut self, text: &str) {
        let Some(test) = self.failed.last_mut() else { return };
        if let Some(frame) = text.strip_prefix("at ").and_then(javascript::frame) {
            if test.frames.len() < MAX_FRAMES {
                test.frames.insert(0, frame);
            }
        } else if test.frames.is_empty() && self.message.len() < 60 {
            self.message.push(text.to_owned());
        }
    }

    fn end_block(&mut self) {
        self.title = None;
        if let Some(test) = self.failed.last_mut() {
            for text in [&mut test.id, &mut test.name] {
                if text.ends_with(':') {
                    text.pop();
                }
            }
            if !self.message.is_empty() {
                javascript::describe(test, &std::mem::take(&mut self.message));
            } else {
                test.locate();
            }
        }
        self.message.clear();
        self.quiet = 0;
    }
}

/// `12 passing (3s)`, `1 failing`; a custom reporter's "6 failing as expected" is neither.
fn count(text: &str) -> Option<(u64, &str)> {
    let (number, rest) = text.split_once(' ')?;
    let word = if rest.starts_with("passing") { "passing" } else { rest };
    let rest = rest.strip_prefix("passing").map_or("", str::trim_start);
    let known = matches!(word, "passing" | "failing" | "pending") && (rest.is_empty() || rest.starts_with('('));
    known.then(|| number.parse().ok().map(|number| (number, word)))?
}

fn numbered(text: &str) -> Option<&str> {
    let (number, title) = text.split_once(") ")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(title)
}
