//! Regular expressions.
use crate::search::template::Site;

/// Small repairs of regular expressions.
pub(super) fn pattern(site: &Site<'_>, inner: &str, put: &mut impl FnMut(&str, &'static str, f64)) {
    let raw = site.own().starts_with(['r', 'R']);
    if !raw || inner.is_empty() {
        return;
    }
    if !inner.ends_with('$') {
        put(&format!("{inner}$"), "T06.pattern", 1.8);
    } else {
        put(inner.trim_end_matches('$'), "T06.pattern", 2.0);
    }
    if !inner.starts_with('^') {
        put(&format!("^{inner}"), "T06.pattern", 1.9);
    }
    for (from, to) in [
        ("+", "*"),
        ("*", "+"),
        ("\\d", "\\w"),
        ("\\w", "\\d"),
        ("\\w", "[\\w.-]"),
        ("\\w", "[\\w-]"),
        (".", "\\."),
        ("\\s+", "\\s*"),
        ("\\s*", "\\s+"),
        ("a-z", "a-zA-Z"),
        ("a-z", "a-z0-9"),
        (".*", ".*?"),
        (".+", ".+?"),
        ("\\S", "\\s"),
        ("[^", "["),
    ] {
        for (at, _) in inner.match_indices(from).take(4) {
            if let (Some(before), Some(after)) = (inner.get(..at), inner.get(at + from.len()..)) {
                put(&format!("{before}{to}{after}"), "T06.pattern", 1.9);
            }
        }
    }
}
