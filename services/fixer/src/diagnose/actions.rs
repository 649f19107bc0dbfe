//! The envelope of a GitHub Actions log: timestamps, colours, groups, steps and their exit codes.
use std::borrow::Cow;
use std::collections::VecDeque;

use super::reading::{Step, cut};

/// Longest line that parsers see, in bytes.
const MAX_LINE: usize = 16 << 10;
/// Lines kept of each step's end.
const TAIL_LINES: usize = 200;
/// Steps that are told apart; what comes later counts to the last.
const MAX_STEPS: usize = 200;
/// Longest command kept, in bytes.
const MAX_COMMAND: usize = 16 << 10;

/// Splits bytes into clean lines: UTF-8 repaired, colours and control characters gone, only what a carriage return left visible.
pub(super) fn lines(log: &[u8], mut each: impl FnMut(&str)) {
    let mut clean = String::new();
    for raw in log.split(|&byte| byte == b'\n') {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let raw = &raw[..raw.len().min(MAX_LINE)];
        let text = String::from_utf8_lossy(raw);
        clean.clear();
        plain(&text, &mut clean);
        each(&clean);
    }
}

/// Appends `text` without escape sequences and control characters. Colour that marks a script's echo becomes [`ECHO`].
fn plain(text: &str, out: &mut String) {
    if !text.bytes().any(|byte| byte < 0x20) {
        out.push_str(text.trim_end());
        return;
    }
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some((_, '[')) => {
                    if text[at..].starts_with(ECHO_COLOUR) {
                        out.push(ECHO);
                    }
                    for (_, c) in chars.by_ref() {
                        if ('@'..='~').contains(&c) {
                            break;
                        }
                    }
                }
                Some((_, ']')) => {
                    for (_, c) in chars.by_ref() {
                        if c == '\u{7}' || c == '\\' {
                            break;
                        }
                    }
                }
                _ => {}
            },
            '\r' => {
                // A progress bar overwrites itself: what stands before is gone, except for the runner's timestamp.
                let keep = timestamp(out).map_or(0, |rest| out.len() - rest.len());
                if chars.peek().is_some() {
                    out.truncate(keep);
                }
            }
            '\t' => out.push('\t'),
            c if c < ' ' => {}
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
}

/// The colour in which the runner echoes a step's script.
const ECHO_COLOUR: &str = "\u{1b}[36;1m";
/// Stands for that colour; a private-use character that `plain` alone writes.
const ECHO: char = '\u{f8ff}';

/// The rest of a line after `2024-07-16T20:33:23.0572170Z `.
fn timestamp(line: &str) -> Option<&str> {
    let bytes = line.as_bytes();
    let digits =
        |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    if bytes.len() < 21 || !digits(0..4) || bytes[4] != b'-' || !digits(5..7) || bytes[10] != b'T' || !digits(11..13) {
        return None;
    }
    let end = bytes[..bytes.len().min(36)].iter().position(|&byte| byte == b'Z')?;
    let rest = &line[end + 1..];
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

#[derive(Default)]
struct Seen {
    step: Step,
    exit_code: Option<i32>,
    failed: bool,
    tail: VecDeque<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Header {
    #[default]
    No,
    Script,
    Inputs,
    Env,
}

/// Follows the steps of a log. Step 0 is everything before the first one, and all of a log without an envelope.
#[derive(Default)]
pub(super) struct Envelope {
    steps: Vec<Seen>,
    header: Header,
    column: String,
    scratch: String,
    outside: bool,
}

impl Envelope {
    /// Takes a clean line; returns what the step printed, and the step's number, or `None` for a line of the runner itself.
    pub(super) fn take<'a>(&'a mut self, raw: &'a str) -> Option<(&'a str, usize)> {
        if self.steps.is_empty() {
            self.steps.push(Seen::default());
        }
        let mut line = raw.trim_start_matches('\u{feff}');
        // `gh run view --log` puts job and step before the timestamp, separated by tabs.
        if let Some((job, step, rest)) = columns(line) {
            if self.column != format!("{job}\t{step}") {
                self.column = format!("{job}\t{step}");
                let name = step.to_owned();
                self.open(Step {
                    name,
                    ..Step::default()
                });
            }
            line = rest.trim_start_matches('\u{feff}');
        }
        line = timestamp(line).unwrap_or(line);
        let line: Cow<'_, str> = if line.contains(ECHO) && self.header == Header::No {
            Cow::Owned(line.replace(ECHO, ""))
        } else {
            Cow::Borrowed(line)
        };
        if self.marker(&line) {
            return None;
        }
        self.scratch.clear();
        self.scratch.push_str(&line);
        let step = self.steps.len() - 1;
        if let Some(seen) = self.steps.last_mut()
            && !self.scratch.is_empty()
        {
            if seen.tail.len() == TAIL_LINES {
                seen.tail.pop_front();
            }
            let mut kept = self.scratch.clone();
            cut(&mut kept, 1_000);
            seen.tail.push_back(kept);
        }
        Some((&self.scratch, step))
    }

    fn open(&mut self, step: Step) {
        if self.steps.len() < MAX_STEPS {
            self.steps.push(Seen {
                step,
                ..Seen::default()
            });
        }
    }

    /// Handles what the runner itself prints; true if the line was that.
    fn marker(&mut self, line: &str) -> bool {
        if let Some(group) = line.strip_prefix("##[group]") {
            if let Some(run) = group.strip_prefix("Run ") {
                self.start(run);
            }
            return true;
        }
        if line.starts_with("##[endgroup]") {
            self.header = Header::No;
            return true;
        }
        if line.starts_with("Post job cleanup.") {
            self.header = Header::No;
            self.open(Step {
                name: "Post job cleanup".to_owned(),
                ..Step::default()
            });
            return true;
        }
        if let Some(error) = line.strip_prefix("##[error]") {
            self.error(error);
            return true;
        }
        if self.header == Header::No {
            return false;
        }
        self.header_line(line);
        true
    }

    fn start(&mut self, run: &str) {
        self.header = Header::Script;
        let run = run.replace(ECHO, "");
        // With columns the step is open already, and its name is better than the command.
        match self.steps.last_mut().filter(|_| !self.column.is_empty()) {
            Some(seen) if seen.step.command.is_none() => {}
            _ => self.open(Step {
                name: run,
                ..Step::default()
            }),
        }
    }

    fn header_line(&mut self, line: &str) {
        let Some(Seen { step, .. }) = self.steps.last_mut() else {
            return;
        };
        if let Some(script) = line.strip_prefix(ECHO) {
            let command = step.command.get_or_insert_default();
            if command.len() + script.len() < MAX_COMMAND {
                if !command.is_empty() {
                    command.push('\n');
                }
                command.push_str(&script.replace(ECHO, ""));
            }
        } else if let Some(shell) = line.strip_prefix("shell: ") {
            step.shell = Some(shell.to_owned());
        } else if let Some(directory) = line.strip_prefix("working-directory: ") {
            step.working_directory = Some(directory.to_owned());
        } else if line == "with:" {
            self.header = Header::Inputs;
        } else if line == "env:" {
            self.header = Header::Env;
        } else if self.header == Header::Env
            && let Some((name, _)) = line.strip_prefix("  ").and_then(|pair| pair.split_once(':'))
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && step.env.len() < 200
        {
            step.env.push(name.to_owned());
        }
    }

    fn error(&mut self, error: &str) {
        const FATAL: [&str; 5] = [
            "The operation was canceled",
            "The runner has received a shutdown signal",
            "The hosted runner",
            "The self-hosted runner",
            "The job running on runner",
        ];
        let code = error.strip_prefix("Process completed with exit code ").or_else(|| {
            error
                .strip_prefix("The process '")
                .and_then(|rest| rest.split_once("' failed with exit code "))
                .map(|(_, code)| code)
        });
        let code = code.and_then(|code| code.trim_end_matches('.').parse().ok());
        let fatal = code.is_some()
            || FATAL.iter().any(|start| error.starts_with(start))
            || error.contains("has exceeded the maximum execution time");
        self.outside |= fatal && self.steps.len() <= 1;
        if let Some(seen) = self.steps.last_mut() {
            seen.failed |= fatal;
            seen.exit_code = seen.exit_code.or(code);
            if seen.tail.len() == TAIL_LINES {
                seen.tail.pop_front();
            }
            let mut kept = error.to_owned();
            cut(&mut kept, 1_000);
            seen.tail.push_back(kept);
        }
    }

    /// The step that failed: the one whose tests failed if it failed, else the first that did.
    pub(super) fn failing(&self, of_tests: Option<usize>) -> Option<usize> {
        let failed = |at: &usize| self.steps.get(*at).is_some_and(|seen| seen.failed);
        of_tests
            .filter(failed)
            .or_else(|| (1..self.steps.len()).find(failed))
            .or_else(|| of_tests.filter(|&at| at > 0))
    }

    /// Whether something fatal was said before any step.
    pub(super) fn failed_outside_steps(&self) -> bool {
        self.outside
    }

    pub(super) fn exit_code(&self, step: usize) -> Option<i32> {
        self.steps.get(step).and_then(|seen| seen.exit_code)
    }

    pub(super) fn step(&mut self, at: usize) -> Option<Step> {
        let step = &self.steps.get(at)?.step;
        (!step.name.is_empty()).then(|| step.clone())
    }

    /// The last lines of a step, or of the whole log when no step failed.
    pub(super) fn tail(&self, step: Option<usize>) -> &VecDeque<String> {
        static NONE: VecDeque<String> = VecDeque::new();
        match step {
            Some(at) => self.steps.get(at).map_or(&NONE, |seen| &seen.tail),
            None => self
                .steps
                .iter()
                .rev()
                .find(|seen| !seen.step.name.starts_with("Post job"))
                .map_or(&NONE, |seen| &seen.tail),
        }
    }
}

fn columns(line: &str) -> Option<(&str, &str, &str)> {
    let (job, rest) = line.split_once('\t')?;
    let (step, rest) = rest.split_once('\t')?;
    timestamp(rest.trim_start_matches('\u{feff}')).map(|_| (job, step, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn through(log: &str) -> (Envelope, Vec<String>) {
        let mut envelope = Envelope::default();
        let mut seen = Vec::new();
        lines(log.as_bytes(), |raw| {
            if let Some((line, step)) = envelope.take(raw) {
                seen.push(format!("{step}:{line}"));
            }
        });
        (envelope, seen)
    }

    #[test]
    fn a_step_has_its_command_and_environment_names() {
        let log = "2024-07-16T20:33:23.0572170Z ##[group]Run cd app\n\
            2024-07-16T20:33:23.0572170Z \u{1b}[36;1mcd app\u{1b}[0m\n\
            2024-07-16T20:33:23.0572170Z \u{1b}[36;1mmake test\u{1b}[0m\n\
            2024-07-16T20:33:23.0572170Z shell: /usr/bin/bash -e {0}\n\
            2024-07-16T20:33:23.0572170Z env:\n\
            2024-07-16T20:33:23.0572170Z   TOKEN: ***\n\
            2024-07-16T20:33:23.0572170Z ##[endgroup]\n\
            2024-07-16T20:33:24.0572170Z \u{1b}[31mboom\u{1b}[0m\n\
            2024-07-16T20:33:24.0572170Z ##[error]Process completed with exit code 2.\n\
            2024-07-16T20:33:25.0572170Z Post job cleanup.\n";
        let (mut envelope, seen) = through(log);
        assert_eq!(seen, ["1:boom", "2:"]);
        let at = envelope.failing(None).unwrap();
        assert_eq!(envelope.exit_code(at), Some(2));
        let step = envelope.step(at).unwrap();
        assert_eq!(step.command.as_deref(), Some("cd app\nmake test"));
        assert_eq!(step.shell.as_deref(), Some("/usr/bin/bash -e {0}"));
        assert_eq!(step.env, ["TOKEN"]);
    }

    #[test]
    fn an_error_annotation_is_not_the_end_of_a_step() {
        let (envelope, _) = through("##[group]Run x\n##[endgroup]\n##[error]TypeError: no\nfine\n");
        assert_eq!(envelope.failing(None), None);
    }

    #[test]
    fn columns_of_the_command_line_client_name_the_step() {
        let (mut envelope, seen) = through(
            "build\tUnit tests\t2024-07-16T20:33:23.0572170Z hello\nbuild\tUnit tests\t2024-07-16T20:33:23.0572170Z ##[error]Process completed with exit code 1.\n",
        );
        assert_eq!(seen[0], "1:hello");
        let at = envelope.failing(None).unwrap();
        assert_eq!(envelope.step(at).unwrap().name, "Unit tests");
    }

    #[test]
    fn a_progress_bar_shows_its_last_state() {
        let (_, seen) = through("2024-07-16T20:33:23.0572170Z 1%\r2%\rdone\n");
        assert_eq!(seen[0], "0:done");
    }
}
