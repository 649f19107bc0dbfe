//! The headline and the lines of a log that a person wants to see.
use std::collections::VecDeque;

use super::reading::{Counts, FailedTest, Framework, Status, Step, cut};
use super::{FailureClass, redact};

/// Longest headline, in characters.
const MAX_HEADLINE: usize = 140;
/// Longest excerpt, in bytes.
const MAX_EXCERPT: usize = 6_000;
/// Failed tests that the excerpt describes.
const SHOWN: usize = 5;
/// Lines of the failing step's end, when no test failed.
const TAIL: usize = 40;

/// One line for titles.
pub(super) fn headline(
    status: Status,
    framework: Option<Framework>,
    counts: &Counts,
    failed: &[FailedTest],
    step: Option<&Step>,
    class: FailureClass,
    tail: &VecDeque<String>,
) -> String {
    let runner = framework.map_or("the run", Framework::name);
    let line = match (status, failed) {
        (Status::Passed, _) => format!("{} tests passed in {runner}", counts.passed),
        (Status::Unknown, _) => "no result of a test could be read".to_owned(),
        (_, [only]) => format!("{}{}", only.id, says(only)),
        (_, [first, ..]) => {
            let more = counts.bad().max(failed.len() as u64) - 1;
            format!(
                "{}{} and {more} more",
                first.id,
                first
                    .error_type
                    .as_deref()
                    .map(|kind| format!(" ({kind})"))
                    .unwrap_or_default()
            )
        }
        _ => {
            let step = step.map_or_else(|| runner.to_owned(), |step| step.name.clone());
            let line = telling(tail).map(|line| format!(": {line}")).unwrap_or_default();
            format!("{} in {step}{line}", word(class))
        }
    };
    let line = redact(&line);
    let line: Vec<&str> = line.split_whitespace().collect();
    let line = line.join(" ");
    if line.chars().count() <= MAX_HEADLINE {
        return line;
    }
    line.chars().take(MAX_HEADLINE - 1).chain(['…']).collect()
}

fn says(test: &FailedTest) -> String {
    let mut lines = test
        .message
        .iter()
        .flat_map(|message| message.lines())
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let mut first = lines.next().unwrap_or_default().to_owned();
    if first.ends_with(':')
        && let Some(next) = lines.next()
    {
        first = format!("{first} {next}");
    }
    match test.error_type.as_deref() {
        _ if first.is_empty() => String::new(),
        Some(kind) if !first.starts_with(kind) => format!(": {kind}: {first}"),
        _ => format!(": {first}"),
    }
}

fn word(class: FailureClass) -> &'static str {
    match class {
        FailureClass::TestFailure => "tests failed",
        FailureClass::Lint => "lint failed",
        FailureClass::Format => "format check failed",
        FailureClass::Build => "build failed",
        FailureClass::TypeCheck => "type check failed",
        FailureClass::Dependency => "a dependency is missing",
        FailureClass::Timeout => "timed out",
        FailureClass::Infrastructure => "the CI itself failed",
        FailureClass::RuntimeError => "an exception was raised",
        FailureClass::Unknown => "failed",
    }
}

/// The line that most likely says why: the first of the end that names an error.
fn telling(tail: &VecDeque<String>) -> Option<&str> {
    tail.iter().rev().take(TAIL).rev().map(|line| line.trim()).find(|line| {
        let lower = line.to_ascii_lowercase();
        (lower.contains("error") || lower.contains("failed"))
            && !lower.starts_with("process completed")
            && line.len() > 8
    })
}

/// What happened, in the log's own words.
pub(super) fn excerpt(failed: &[FailedTest], tail: &VecDeque<String>, class: FailureClass) -> String {
    let mut text = String::new();
    for test in failed.iter().take(SHOWN) {
        text.push_str(&test.id);
        text.push('\n');
        let mut message = test.message.clone().unwrap_or_default();
        cut(&mut message, MAX_EXCERPT / SHOWN / 2);
        for line in message.lines().take(12) {
            text.push_str("    ");
            text.push_str(line);
            text.push('\n');
        }
        let own: Vec<_> = test.frames.iter().filter(|frame| frame.is_own()).collect();
        for frame in own.iter().rev().take(4).rev() {
            let function = frame
                .function
                .as_deref()
                .map(|name| format!(" in {name}"))
                .unwrap_or_default();
            text.push_str(&format!("    at {}:{}{function}\n", frame.file, frame.line));
        }
    }
    if failed.len() > SHOWN {
        text.push_str(&format!("… and {} more\n", failed.len() - SHOWN));
    }
    if failed.is_empty() || class != FailureClass::TestFailure {
        for line in tail.iter().skip(tail.len().saturating_sub(TAIL)) {
            text.push_str(line);
            text.push('\n');
        }
    }
    let mut text = redact(text.trim_end());
    if text.len() > MAX_EXCERPT && failed.is_empty() {
        // The end of a log says more than its beginning.
        let mut from = text.len() - MAX_EXCERPT;
        while !text.is_char_boundary(from) {
            from += 1;
        }
        text = format!("…{}", &text[from..]);
    } else {
        cut(&mut text, MAX_EXCERPT);
    }
    text
}
