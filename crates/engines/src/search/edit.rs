//! A candidate: a few byte splices in one file, and how it is applied and checked.
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use tree_sitter::{InputEdit, Node, Parser, Point, Tree};

use super::syntax::{Source, count_errors};

/// One replaced byte range of the original text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// Bytes of the original text; empty for an insertion.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

/// One candidate change.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Index of the file in the project.
    pub file: usize,
    /// Disjoint splices.
    pub splices: Vec<Splice>,
    /// Template, for example `T01.relational`.
    pub template: &'static str,
    /// Cost before priors and suspiciousness.
    pub cost: f64,
    /// One English sentence.
    pub why: String,
    /// Line of the site, from 1.
    pub line: u32,
}

/// A checked candidate.
pub struct Applied {
    /// Whole new text of the file.
    pub text: String,
    /// Equal for texts that differ in layout and comments only.
    pub fingerprint: u64,
    /// Changed tokens, a measure of size.
    pub size: usize,
}

impl Edit {
    /// The text of the file with the splices made; `None` when they overlap or leave the text.
    pub fn splice(&self, text: &str) -> Option<String> {
        let mut sorted: Vec<&Splice> = self.splices.iter().collect();
        sorted.sort_by_key(|splice| (splice.range.start, splice.range.end));
        let mut out = String::with_capacity(text.len() + 64);
        let mut at = 0;
        for splice in sorted {
            out.push_str(text.get(at..splice.range.start)?);
            out.push_str(&splice.text);
            at = splice.range.end;
        }
        out.push_str(text.get(at..)?);
        Some(out)
    }

    /// Applies and checks: the result parses at least as well as the original and differs in more than layout.
    pub fn apply(&self, source: &Source, parser: &mut Parser) -> Option<Applied> {
        let text = self.splice(&source.text)?;
        let start = self.splices.iter().map(|splice| splice.range.start).min()?;
        let end = self.splices.iter().map(|splice| splice.range.end).max()?;
        let new_end = (end + text.len()).checked_sub(source.text.len())?;
        let mut old = source.tree.clone();
        old.edit(&InputEdit {
            start_byte: start,
            old_end_byte: end,
            new_end_byte: new_end,
            start_position: point(&source.text, start),
            old_end_position: point(&source.text, end),
            new_end_position: point(&text, new_end),
        });
        let tree = parser.parse(&text, Some(&old))?;
        if tree.root_node().has_error() && count_errors(tree.root_node()) > source.errors {
            return None;
        }
        let before = fingerprint(&source.tree, &source.text, &(start..end));
        let after = fingerprint(&tree, &text, &(start..new_end));
        if before == after {
            return None;
        }
        let size = self
            .splices
            .iter()
            .map(|splice| tokens(&splice.text) + tokens(source.text.get(splice.range.clone()).unwrap_or("")))
            .sum();
        let mut hasher = DefaultHasher::new();
        (self.file, start_of_block(&source.tree, start), after).hash(&mut hasher);
        Some(Applied {
            text,
            fingerprint: hasher.finish(),
            size,
        })
    }
}

/// A rough number of tokens of a piece of code.
fn tokens(text: &str) -> usize {
    let mut count = 0;
    let mut word = false;
    for c in text.chars() {
        let part = c.is_alphanumeric() || c == '_';
        if (part && !word) || (!part && !c.is_whitespace()) {
            count += 1;
        }
        word = part;
    }
    count
}

fn point(text: &str, byte: usize) -> Point {
    let before = text.get(..byte).unwrap_or(text);
    let row = before.bytes().filter(|b| *b == b'\n').count();
    let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
    Point { row, column }
}

/// Start of the top-level statement that holds `byte`: it does not move when the edit lies behind it.
fn start_of_block(tree: &Tree, byte: usize) -> usize {
    let root = tree.root_node();
    let mut cursor = root.walk();
    root.children(&mut cursor)
        .filter(|child| child.start_byte() <= byte)
        .last()
        .map_or(0, |child| child.start_byte())
}

/// Hash of structure and tokens of the top-level statements that touch `range`, without comments.
fn fingerprint(tree: &Tree, text: &str, range: &Range<usize>) -> u64 {
    let root = tree.root_node();
    let mut hasher = DefaultHasher::new();
    let mut cursor = root.walk();
    for child in root.children(&mut cursor) {
        if super::syntax::overlaps(&child.byte_range(), range) {
            hash_node(child, text, &mut hasher);
        }
    }
    hasher.finish()
}

fn hash_node(node: Node<'_>, text: &str, hasher: &mut DefaultHasher) {
    if node.kind() == "comment" {
        return;
    }
    node.kind_id().hash(hasher);
    let mut cursor = node.walk();
    // Some nodes, such as the content of a string with an escape in it, hold text that no child covers.
    let verbatim = matches!(node.kind(), "string_content" | "format_specifier");
    let mut at = node.start_byte();
    let gap = |range: Range<usize>, hasher: &mut DefaultHasher| {
        let text = text.get(range).unwrap_or("");
        let text = if verbatim { text } else { text.trim() };
        if !text.is_empty() {
            text.hash(hasher);
        }
    };
    for child in node.children(&mut cursor) {
        gap(at..child.start_byte(), hasher);
        at = child.end_byte();
        hash_node(child, text, hasher);
    }
    gap(at..node.end_byte(), hasher);
    0xff_u8.hash(hasher);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn edit(range: Range<usize>, text: &str) -> Edit {
        Edit {
            file: 0,
            splices: vec![Splice {
                range,
                text: text.to_owned(),
            }],
            template: "T",
            cost: 1.0,
            why: String::new(),
            line: 1,
        }
    }

    #[test]
    fn what_does_not_parse_or_changes_layout_only_is_refused() {
        let source = Source::parse("a.py", "def f(a):\n    return a + 1  # é\n").unwrap();
        let mut parser = super::super::syntax::parser().unwrap();
        let plus = source.text.find('+').unwrap();
        assert_eq!(
            edit(plus..plus + 1, "-").apply(&source, &mut parser).unwrap().text,
            "def f(a):\n    return a - 1  # é\n"
        );
        assert!(
            edit(plus..plus + 1, "+ )").apply(&source, &mut parser).is_none(),
            "does not parse"
        );
        assert!(
            edit(plus..plus + 1, " + ").apply(&source, &mut parser).is_none(),
            "layout only"
        );
        let source = Source::parse("a.py", "x = 'a\\n  b'\n").unwrap();
        let at = source.text.find("  b").unwrap();
        assert!(
            edit(at..at + 3, " b").apply(&source, &mut parser).is_some(),
            "text beside an escape counts"
        );
    }

    #[test]
    fn indentation_is_structure() {
        let source = Source::parse("a.py", "for x in y:\n    a()\n    b()\n").unwrap();
        let at = source.text.find("    b").unwrap();
        let mut parser = super::super::syntax::parser().unwrap();
        assert!(edit(at..at + 4, "").apply(&source, &mut parser).is_some());
    }
}
