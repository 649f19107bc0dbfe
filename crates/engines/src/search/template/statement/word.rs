//! The free names of a line of code.

/// Identifiers of a line with their offsets, calls and attributes left out.
pub(super) fn words(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = None;
    for (index, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let part = c.is_alphanumeric() || c == '_';
        match (part, start) {
            (true, None) => start = Some(index),
            (false, Some(from)) => {
                let before = text.get(..from).and_then(|head| head.chars().last());
                if let (Some(word), false) = (
                    text.get(from..index),
                    before == Some('.') || c == '(' || before == Some('"') || before == Some('\''),
                ) && !matches!(
                    word,
                    "return"
                        | "raise"
                        | "del"
                        | "if"
                        | "else"
                        | "not"
                        | "and"
                        | "or"
                        | "in"
                        | "for"
                        | "self"
                        | "None"
                        | "True"
                        | "False"
                        | "is"
                        | "lambda"
                        | "await"
                ) && !word.starts_with(|c: char| c.is_ascii_digit())
                {
                    found.push((from, word));
                }
                start = None;
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_of_a_line_are_its_free_names() {
        assert_eq!(
            words("a.b(c, d) + e")
                .into_iter()
                .map(|(_, word)| word)
                .collect::<Vec<_>>(),
            ["a", "c", "d", "e"]
        );
    }
}
