//! `go test`, as text and as a JSON stream.
use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::reading::{Counts, FailedTest, Frame, Framework, ParsedRun};
use super::{MAX_FRAMES, MAX_TESTS, Reader};

/// Lines of output kept for each test.
const KEPT: usize = 60;

#[derive(Default)]
pub(super) struct Go {
    pending: Vec<FailedTest>,
    done: Vec<FailedTest>,
    counts: Counts,
    /// What a verbose run printed since the last result.
    output: HashMap<String, Vec<String>>,
    running: String,
    panic: Vec<String>,
    panicking: bool,
    /// What a failed test printed goes here: the index in `pending` and how far its `---` line is indented.
    current: Option<(usize, usize)>,
    seen: bool,
    /// Packages with a failed test.
    failing: HashSet<String>,
    json: bool,
    step: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    #[serde(default)]
    test: String,
    #[serde(default)]
    output: String,
}

impl Reader for Go {
    fn line(&mut self, line: &str, step: usize, _: &mut Vec<ParsedRun>) {
        if line.starts_with('{') && line.contains("\"Action\"") {
            if let Ok(event) = serde_json::from_str::<Event>(line) {
                self.json = true;
                self.step = step;
                self.event(event);
            }
            return;
        }
        let text = line.trim_start();
        if let Some(rest) = text.strip_prefix("--- ") {
            self.result(rest, line.len() - text.len(), step);
        } else if let Some(name) = text
            .strip_prefix("=== RUN   ")
            .or_else(|| text.strip_prefix("=== NAME  "))
            .or_else(|| text.strip_prefix("=== CONT  "))
        {
            self.running = name.to_owned();
            self.current = None;
        } else if let Some(rest) = line.strip_prefix("FAIL\t") {
            self.package_failed(rest, step);
        } else if line.starts_with("ok  \t") {
            (self.seen, self.step) = (true, step);
            self.end_package(line.split('\t').nth(1).unwrap_or_default());
        } else {
            self.output_line(line, text);
        }
    }

    fn finish(&mut self, runs: &mut Vec<ParsedRun>) {
        self.end_package("");
        if self.seen || self.counts.run > 0 {
            let failed = std::mem::take(&mut self.done);
            self.counts.failed = self
                .counts
                .failed
                .max(failed.len() as u64 - self.counts.errors.min(failed.len() as u64));
            self.counts.run = self.counts.run.max(self.counts.bad() + self.counts.passed);
            runs.push(ParsedRun {
                framework: Framework::Go,
                counts: self.counts,
                failed,
                complete: true,
                step: self.step,
            });
        }
        *self = Self::default();
    }
}

impl Go {
    /// `FAIL: TestX/sub (0.00s)` after the dashes.
    fn result(&mut self, rest: &str, indent: usize, step: usize) {
        let Some((verdict, rest)) = rest.split_once(": ") else {
            return;
        };
        let Some(name) = rest
            .rsplit_once(" (")
            .filter(|(_, time)| time.ends_with("s)"))
            .map(|(name, _)| name)
        else {
            return;
        };
        self.current = None;
        match verdict {
            "PASS" => self.counts.passed += 1,
            "SKIP" => self.counts.skipped += 1,
            "FAIL" => {
                self.counts.failed += 1;
                if self.pending.len() + self.done.len() < MAX_TESTS {
                    let mut test = FailedTest {
                        name: name.to_owned(),
                        ..FailedTest::default()
                    };
                    for line in self.output.remove(name).unwrap_or_default() {
                        add_output(&mut test, &line);
                    }
                    self.current = Some((self.pending.len(), indent));
                    self.pending.push(test);
                }
            }
            _ => return,
        }
        if verdict != "SKIP" {
            self.counts.run += 1;
        }
        self.output.remove(name);
        self.step = step;
        self.seen = true;
    }

    fn output_line(&mut self, line: &str, text: &str) {
        if line.starts_with("panic: ") || line.starts_with("fatal error: ") || line.starts_with("WARNING: DATA RACE") {
            self.panicking = true;
        }
        if self.panicking {
            if self.panic.len() < KEPT {
                self.panic.push(line.to_owned());
            }
        } else if let Some((at, indent)) = self.current {
            if line.len() - text.len() > indent {
                if let Some(test) = self.pending.get_mut(at) {
                    add_output(test, text);
                }
            } else {
                self.current = None;
            }
        } else if !self.running.is_empty() && line.starts_with("    ") {
            if self.output.len() > MAX_TESTS {
                self.output.clear();
            }
            let kept = self.output.entry(self.running.clone()).or_default();
            if kept.len() < KEPT {
                kept.push(text.to_owned());
            }
        }
    }

    /// `pkg\t0.01s` or `pkg [build failed]`.
    fn package_failed(&mut self, rest: &str, step: usize) {
        (self.seen, self.step) = (true, step);
        let package = rest.split(['\t', ' ']).next().unwrap_or(rest);
        if rest.contains("[build failed]") || rest.contains("[setup failed]") {
            self.counts.errors += 1;
            self.push(FailedTest {
                id: package.to_owned(),
                name: package.to_owned(),
                message: Some(rest.to_owned()),
                ..FailedTest::default()
            });
        } else if self.pending.is_empty() {
            // The package failed outside its tests: in TestMain, init, or by a panic in a goroutine.
            self.counts.errors += 1;
            self.pending.push(FailedTest::default());
        }
        self.end_package(package);
    }

    fn end_package(&mut self, package: &str) {
        let panic = std::mem::take(&mut self.panic);
        let mut pending = std::mem::take(&mut self.pending);
        if let Some(test) = pending
            .iter_mut()
            .rev()
            .find(|test| test.message.is_none())
            .filter(|_| !panic.is_empty())
        {
            for line in &panic {
                add_output(test, line);
            }
        }
        for mut test in pending {
            let parts: Vec<&str> = [package, &test.name]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect();
            test.id = parts.join("/");
            if test.name.is_empty() {
                test.name = package.to_owned();
            }
            self.push(test);
        }
        (self.panicking, self.current) = (false, None);
        self.running.clear();
        self.output.clear();
    }

    fn push(&mut self, mut test: FailedTest) {
        if self.done.len() < MAX_TESTS {
            test.locate();
            self.done.push(test);
        }
    }

    fn event(&mut self, event: Event) {
        let key = format!("{}/{}", event.package, event.test);
        match event.action.as_str() {
            "output" => {
                let text = event.output.trim_end();
                if self.output.len() <= MAX_TESTS * 5 {
                    let kept = self.output.entry(key).or_default();
                    if kept.len() < KEPT
                        && !text.trim_start().starts_with("===")
                        && !text.trim_start().starts_with("---")
                    {
                        kept.push(text.trim_start().to_owned());
                    }
                }
            }
            "pass" | "fail" | "skip" if !event.test.is_empty() => {
                let kept = self.output.remove(&key).unwrap_or_default();
                match event.action.as_str() {
                    "pass" => self.counts.passed += 1,
                    "skip" => self.counts.skipped += 1,
                    _ => {
                        self.counts.failed += 1;
                        if self.failing.len() < MAX_TESTS {
                            self.failing.insert(event.package);
                        }
                        let mut test = FailedTest {
                            id: key,
                            name: event.test,
                            ..FailedTest::default()
                        };
                        for line in kept {
                            add_output(&mut test, &line);
                        }
                        self.push(test);
                    }
                }
                if event.action != "skip" {
                    self.counts.run += 1;
                }
                self.seen = true;
            }
            "fail" => {
                self.seen = true;
                let prefix = format!("{}/", event.package);
                if !self.failing.contains(&event.package) {
                    self.counts.errors += 1;
                    let mut test = FailedTest {
                        id: event.package.clone(),
                        name: event.package,
                        ..FailedTest::default()
                    };
                    for line in self.output.remove(&prefix).unwrap_or_default() {
                        add_output(&mut test, &line);
                    }
                    self.push(test);
                }
            }
            "pass" => self.seen = true,
            _ => {}
        }
    }
}

/// Adds a line of a test's output to its message, and a `file.go:12` to its frames.
fn add_output(test: &mut FailedTest, line: &str) {
    let text = line.trim();
    if text.is_empty() {
        return;
    }
    let place = text.split_once(".go:").and_then(|(file, rest)| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        Some((
            format!("{file}.go"),
            rest[..digits].parse::<u32>().ok()?,
            rest[digits..].starts_with(':'),
        ))
    });
    if let Some((file, number, says)) = place
        && !file.contains(' ')
        && test.frames.len() < MAX_FRAMES
    {
        // A panic's trace is innermost first.
        if says {
            test.frames.push(Frame::new(&file, number, None));
        } else {
            test.frames.insert(0, Frame::new(&file, number, None));
        }
    }
    if text.starts_with("panic: ") && test.error_type.is_none() {
        test.error_type = Some("panic".to_owned());
    }
    let message = test.message.get_or_insert_default();
    if message.len() < super::MAX_MESSAGE {
        if !message.is_empty() {
            message.push('\n');
        }
        message.push_str(text);
    }
}
