//! What the two sides of a failed comparison tell.
use super::Symptom;
use super::pattern::{COMPARED, UNITTEST, groups};

/// Compares the two sides of a failed equality as far as the message shows them.
pub(super) fn compared(message: &str, found: &mut Vec<Symptom>) {
    let sides = groups(&COMPARED, message).or_else(|| groups(&UNITTEST, message));
    let Some([left, right]) = sides.as_deref() else {
        if message.contains("assert False")
            || message.contains("assert not True")
            || message.contains("False is not true")
            || message.contains("True is not false")
        {
            found.push(Symptom::WrongTruth);
        }
        if message.contains("assert None") || message.contains("None is not") {
            found.push(Symptom::NothingReturned);
        }
        return;
    };
    let (actual, expected) = (left.trim(), right.trim());
    if actual == "None" {
        found.push(Symptom::NothingReturned);
    }
    if matches!((actual, expected), ("True", "False") | ("False", "True")) {
        found.push(Symptom::WrongTruth);
    }
    let number = |text: &str| {
        text.trim_start_matches("Decimal('")
            .trim_end_matches("')")
            .parse::<f64>()
            .ok()
    };
    match (number(actual), number(expected)) {
        (Some(a), Some(b)) => numbers(a, b, actual, expected, found),
        (Some(_), None) | (None, Some(_)) => found.push(Symptom::WrongType),
        (None, None) => texts(actual, expected, found),
    }
}

fn numbers(a: f64, b: f64, actual: &str, expected: &str, found: &mut Vec<Symptom>) {
    let gap = (a - b).abs();
    if (gap - 1.0).abs() < 1e-9 {
        found.push(Symptom::OffByOne);
    }
    if a != 0.0 && (a + b).abs() < 1e-9 {
        found.push(Symptom::Sign);
    }
    if gap > 0.0 && gap < 1.0 {
        found.push(Symptom::Rounding);
    }
    if a != 0.0 && b != 0.0 {
        let power = (a / b).abs().log10();
        if power.abs() > 0.5 && (power - power.round()).abs() < 1e-9 {
            found.push(Symptom::Scale);
        }
    }
    if gap == 0.0 && actual.contains('.') != expected.contains('.') {
        found.push(Symptom::WrongType);
    }
    if a < 0.0 && b >= 0.0 {
        found.push(Symptom::Negative);
    }
    found.push(if a > b { Symptom::Above } else { Symptom::Below });
    if actual.parse::<f64>().is_ok() && expected.parse::<f64>().is_ok() {
        found.push(Symptom::Instead(actual.to_owned(), expected.to_owned()));
    }
    if expected.parse::<f64>().is_ok() {
        found.push(Symptom::Expected(expected.to_owned()));
    }
}

fn texts(actual: &str, expected: &str, found: &mut Vec<Symptom>) {
    let quoted = |text: &str| {
        text.len() > 1
            && (text.starts_with('\'') && text.ends_with('\'') || text.starts_with('"') && text.ends_with('"'))
    };
    if quoted(actual) && quoted(expected) {
        if actual.to_lowercase() == expected.to_lowercase() {
            found.push(Symptom::Case);
        }
        let tight = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        if tight(actual) == tight(expected) {
            found.push(Symptom::Space);
        }
        found.push(Symptom::Expected(expected.to_owned()));
        found.push(Symptom::Instead(actual.to_owned(), expected.to_owned()));
    }
    let bracketed = |text: &str| text.starts_with(['[', '(', '{']);
    if bracketed(actual) && bracketed(expected) {
        let mut a: Vec<char> = actual.chars().collect();
        let mut b: Vec<char> = expected.chars().collect();
        a.sort_unstable();
        b.sort_unstable();
        if a == b {
            found.push(Symptom::Order);
        } else if actual.matches(',').count() != expected.matches(',').count() {
            found.push(Symptom::Length);
        }
        if actual.chars().next() != expected.chars().next() {
            found.push(Symptom::WrongType);
        }
    }
}
