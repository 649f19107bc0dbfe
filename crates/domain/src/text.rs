//! Text from outside that people read: the characters that hide or reorder what they see.

/// Whether `c` shows nothing and changes what is shown: control characters, zero-width characters, marks that set the
/// direction of writing, line separators, tags. What may stay, such as a line feed, the caller says.
///
/// Source: the invisible members of Unicode's default-ignorable and bidirectional classes.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_hidden() {
        for hidden in [
            '\0',
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{ad}',
            '\u{200b}',
            '\u{2028}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert!(is_hidden(hidden), "{hidden:?}");
        }
        for seen in ['a', ' ', 'é', '語', '🎉', '…', '\u{a0}'] {
            assert!(!is_hidden(seen), "{seen:?}");
        }
    }
}
