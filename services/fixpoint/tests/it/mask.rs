//! What differs from run to run, taken out of what people read.

use regex::Regex;
use std::sync::LazyLock;

static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let masks = [
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "<uuid>",
        ),
        (r"127\.0\.0\.1:\d+", "<host>"),
        (r"(ci|sentry)-[0-9a-f]{6,}-g", "$1-<cause>-g"),
        (r"\b[0-9a-f]{40}\b", "<sha>"),
        (r"\b[0-9a-f]{32}\b", "<id>"),
        (r"\b[0-9a-f]{12}\b", "<short>"),
        (r"(/runs/|Tests #)\u{200b}?\d+", "$1<run>"),
        (r"(?m)^(\|(?: [^|]* \|){6}) \d+ \|$", "$1 <ms> |"),
        (r"\d+(\.\d+)? ?(ms|s)\b", "<time>"),
        (r"\b\d+ candidates", "<n> candidates"),
        (r"\b\d+ different fixes", "<n> different fixes"),
        (r"confidence \d+ %", "confidence <c> %"),
        (r"event_[0-9a-f]{8}", "event_<tag>"),
        (r"(?i)fixpoint_[0-9a-f]{8}", "fixpoint_<tag>"),
    ];
    masks
        .into_iter()
        .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
        .collect()
});

/// A text with everything volatile replaced.
pub fn mask(text: &str) -> String {
    MASKS.iter().fold(text.to_owned(), |text, (pattern, with)| {
        pattern.replace_all(&text, *with).into_owned()
    })
}
