//! Tracebacks of Python.
use super::reading::{FailedTest, Frame};

/// `  File "x.py", line 3, in f`.
pub(super) fn frame(line: &str) -> Option<Frame> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (file, rest) = rest.split_once("\", line ")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number = rest[..digits].parse().ok()?;
    Some(Frame::new(file, number, rest[digits..].strip_prefix(", in ")))
}

/// `package.Error: message` or `Error` alone: type and message.
pub(super) fn exception(line: &str) -> Option<(&str, &str)> {
    let (name, message) = line
        .split_once(": ")
        .unwrap_or_else(|| (line.strip_suffix(':').unwrap_or(line), ""));
    is_type(name).then_some((name, message))
}

/// Whether it reads like the name of an exception: a dotted name whose last part begins with a capital letter.
pub(super) fn is_type(name: &str) -> bool {
    name.len() < 120
        && name.split('.').all(|part| {
            part.bytes()
                .next()
                .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
        && name
            .rsplit('.')
            .next()
            .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// Sets type and message of a test from the lines of its error.
pub(super) fn describe(test: &mut FailedTest, lines: &[String], fallback: Option<&str>) {
    let first = lines.iter().find(|line| !line.is_empty());
    if let Some((kind, _)) = first.and_then(|line| exception(line)) {
        test.error_type = Some(kind.to_owned());
    } else if let Some(kind) = fallback.filter(|kind| is_type(kind)) {
        test.error_type = Some(kind.to_owned());
    } else if first.is_some_and(|line| line.starts_with("assert ")) {
        test.error_type = Some("AssertionError".to_owned());
    }
    let text = lines.join("\n").trim().to_owned();
    if !text.is_empty() {
        test.message = Some(text);
    }
}
