//! The parts of a string literal.

/// The inside of a plain string literal with its prefix and quotes, `None` for f-strings and byte strings.
pub fn string_parts(text: &str) -> Option<(&str, &str, &str)> {
    let quote_at = text.find(['"', '\''])?;
    let prefix = text.get(..quote_at)?;
    if prefix.chars().any(|c| matches!(c, 'f' | 'F' | 'b' | 'B')) {
        return None;
    }
    let rest = text.get(quote_at..)?;
    let width = if rest.len() >= 6 && (rest.starts_with("\"\"\"") || rest.starts_with("'''")) {
        3
    } else {
        1
    };
    let open = text.get(..quote_at + width)?;
    let close = text.get(text.len().checked_sub(width)?..)?;
    let inner = text.get(quote_at + width..text.len().checked_sub(width)?)?;
    Some((open, inner, close))
}

#[cfg(test)]
mod tests {
    use super::string_parts;

    #[test]
    fn string_literals_fall_into_parts() {
        assert_eq!(string_parts("r'a b'"), Some(("r'", "a b", "'")));
        assert_eq!(string_parts("\"\"\"doc\"\"\""), Some(("\"\"\"", "doc", "\"\"\"")));
        assert_eq!(string_parts("f'a'"), None);
    }
}
