//! Takes credentials out of text before it is logged, stored or shown.

/// Beginnings of GitHub's tokens. `ghs_` also begins the long form `ghs_<app>_<jwt>`, which has dots.
const PREFIXES: [&str; 6] = ["github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"];
const MARK: &str = "[redacted]";

/// The text with every GitHub token, JWT and password in an address replaced by `[redacted]`. Prefixes stay, so that a reader sees what it was.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let fresh = !out.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if fresh && let Some((shown, length)) = token(rest).or_else(|| jwt(rest)) {
            out.push_str(shown);
            out.push_str(MARK);
            rest = &rest[length..];
        } else if let Some(length) = credential_in_address(rest) {
            out.push_str("://");
            out.push_str(MARK);
            rest = &rest[length..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

fn run(text: &str) -> usize {
    let length = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .unwrap_or(text.len());
    // A dot at the end is the sentence's, not the token's.
    text[..length].trim_end_matches('.').len()
}

/// A token at the beginning: its prefix and its length.
fn token(text: &str) -> Option<(&'static str, usize)> {
    let prefix = PREFIXES.iter().find(|prefix| text.starts_with(**prefix))?;
    let length = run(text);
    (length > prefix.len()).then_some((*prefix, length))
}

/// A JWT at the beginning: three parts, the first of which is a JSON object.
fn jwt(text: &str) -> Option<(&'static str, usize)> {
    let length = text.starts_with("eyJ").then(|| run(text))?;
    (text[..length].matches('.').count() >= 2).then_some(("", length))
}

/// `://user:password` or `://user` before an `@` of an address, at the beginning: its length.
fn credential_in_address(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("://")?;
    let end = inner
        .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\''))
        .unwrap_or(inner.len());
    inner[..end].rfind('@').map(|at| 3 + at)
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn tokens_of_every_form_go_and_words_stay() {
        for (text, expected) in [
            ("token ghp_abcDEF123 is bad", "token ghp_[redacted] is bad"),
            ("ghs_12345_eyJhbGci.eyJpc3Mi.c2ln-_x.", "ghs_[redacted]."),
            ("github_pat_11AA_bb", "github_pat_[redacted]"),
            ("Bearer eyJhbGciOi.eyJpc3MiOi.AbC-d_e, ok", "Bearer [redacted], ok"),
            (
                "https://x-access-token:ghs_abc@host/a/b.git",
                "https://[redacted]@host/a/b.git",
            ),
            ("https://user:p@ss@host", "https://[redacted]@host"),
            (
                "mail ada@example.com at http://host/a@b",
                "mail ada@example.com at http://host/a@b",
            ),
            ("ghp_ eyJust highs_and ghs_", "ghp_ eyJust highs_and ghs_"),
            ("ünï ghp_ä", "ünï ghp_ä"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }
}
