//! Half characters. JavaScript cuts texts between the two halves of a character and writes `\ud83d` for what is left; that is
//! JSON by its grammar, and no text.

const REPLACEMENT: &[u8] = b"\\ufffd";
/// The length of `\ud83d`.
const ESCAPE: usize = REPLACEMENT.len();

/// The body with a replacement character for every half that stands alone; `None` where there is none.
pub(super) fn mended(body: &[u8]) -> Option<Vec<u8>> {
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = backslash(body, at) {
        at = found
            + match (escape(body, found), escape(body, found + ESCAPE)) {
                // Whatever a backslash escapes, a second one among it, is no beginning of an escape.
                (None, _) => 2,
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 2 * ESCAPE,
                (Some(0xd800..=0xdfff), _) => {
                    let copy = mended.get_or_insert_with(|| body.to_vec());
                    if let Some(half) = copy.get_mut(found..found + ESCAPE) {
                        half.copy_from_slice(REPLACEMENT);
                    }
                    ESCAPE
                }
                (Some(_), _) => ESCAPE,
            };
    }
    mended
}

fn backslash(body: &[u8], from: usize) -> Option<usize> {
    let rest = body.get(from..)?;
    rest.iter().position(|byte| *byte == b'\\').map(|at| from + at)
}

/// The number of the escape `\uXXXX` that stands here.
fn escape(body: &[u8], at: usize) -> Option<u16> {
    let digits = body.get(at..at + ESCAPE)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |number: u16, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some((number << 4) | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_halves_that_stand_alone_are_replaced() {
        for (text, expected) in [
            (r#""cut \ud83d""#, Some(r#""cut \ufffd""#)),
            (r#""\uD83D cut""#, Some(r#""\ufffd cut""#)),
            (r#""\udE00 cut""#, Some(r#""\ufffd cut""#)),
            (r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\ude00\ud83d""#, Some(r#""\ufffd\ufffd""#)),
            (r#""\ud83d\n\ude00""#, Some(r#""\ufffd\n\ufffd""#)),
            (r#""\ud83d\\ude00""#, Some(r#""\ufffd\\ude00""#)),
            (r#""\\\ud800""#, Some(r#""\\\ufffd""#)),
            (r#"{"\udc00": 1}"#, Some(r#"{"\ufffd": 1}"#)),
            (r#""\ud83d\ude00 \uD83D\uDE00""#, None),
            (r#""\\ud800""#, None),
            (r#""\\\\ud800""#, None),
            (r#""\u0041 \ud7ff \ue000 \"""#, None),
            ("no escape", None),
            (r"\ud8", None),
            (r"\ud8zz\", None),
            ("\\", None),
        ] {
            let mended = mended(text.as_bytes());
            assert_eq!(mended.as_deref(), expected.map(str::as_bytes), "{text}");
        }
    }
}
