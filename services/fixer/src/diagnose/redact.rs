//! Takes secrets out of text that is shown or sent.
use std::sync::LazyLock;

use regex::Regex;

/// What stands where a secret stood.
const MARK: &str = "***";

static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // Tokens that tell their kind by their beginning.
        r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}|sk-[\w-]{20,}|AKIA[A-Z0-9]{12,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{20,})",
        // JSON web tokens.
        r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*",
        // Private keys, as far as they are on one line.
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*",
        // user:password@ of a URL.
        r"(?P<keep>\b[a-z][a-z0-9+.-]{1,20}://)[^\s/@:]*:[^\s/@]+@",
        r"(?i)(?P<keep>\b(?:authorization|proxy-authorization)\s*[:=]\s*(?:basic|bearer|token)?\s*)[^\s'\x22,]{6,}",
        r"(?i)(?P<keep>\b[\w-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key)['\x22]?\s*[:=]\s*['\x22]?)[^\s'\x22,;)&]{4,}",
        // E-mail addresses of people.
        r"\b[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+\b",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// Replaces tokens, passwords, credentials of URLs and e-mail addresses.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut text = text.to_owned();
    for pattern in PATTERNS.iter() {
        if pattern.is_match(&text) {
            let keep = if pattern.capture_names().any(|name| name == Some("keep")) {
                format!("${{keep}}{MARK}")
            } else {
                MARK.to_owned()
            };
            text = pattern.replace_all(&text, keep.as_str()).into_owned();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_valid() {
        assert_eq!(PATTERNS.len(), 7);
    }

    #[test]
    fn secrets_go_and_words_stay() {
        for (text, clean) in [
            ("token ghp_abcdefghijklmnopqrstuvwxyz012345", "token ***"),
            ("clone https://u:secret@host/x", "clone https://***host/x"),
            ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
            ("DB_PASSWORD=hunter2hunter", "DB_PASSWORD=***"),
            ("mail ann.b@example.org now", "mail *** now"),
            ("TypeError: token is None", "TypeError: token is None"),
        ] {
            assert_eq!(redact(text), clean);
        }
    }
}
