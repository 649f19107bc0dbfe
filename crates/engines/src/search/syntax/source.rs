//! A parsed Python file: its text by node and by line.
use tree_sitter::{Node, Parser, Tree};

use super::node::{count_errors, last_line_of, line_of, named, visit};

/// A Python file with its tree.
pub struct Source {
    /// Path relative to the root of the checkout.
    pub path: String,
    /// Full text.
    pub text: String,
    /// Its syntax tree.
    pub tree: Tree,
    /// The line ending that the file uses.
    pub newline: &'static str,
    /// One level of indentation.
    pub unit: String,
    /// Number of error and missing nodes of the unchanged file: a candidate may not have more.
    pub errors: usize,
}

/// A parser for Python.
pub fn parser() -> Option<Parser> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).ok()?;
    Some(parser)
}

impl Source {
    /// Parses `text`. `None` when the grammar cannot be loaded.
    pub fn parse(path: &str, text: &str) -> Option<Self> {
        let tree = parser()?.parse(text, None)?;
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let errors = count_errors(tree.root_node());
        let unit = indent_unit(tree.root_node(), text);
        Some(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tree,
            newline,
            unit,
            errors,
        })
    }

    /// Text of a node.
    pub fn text(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    /// Text of the field `name` of a node, empty when there is none.
    pub fn field(&self, node: Node<'_>, name: &str) -> &str {
        node.child_by_field_name(name).map_or("", |child| self.text(child))
    }

    /// Byte offset of the start of the line that holds `byte`.
    pub fn line_start(&self, byte: usize) -> usize {
        self.text
            .get(..byte)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |at| at + 1)
    }

    /// Byte offset of the end of the line that holds `byte`, before its line ending.
    pub fn line_end(&self, byte: usize) -> usize {
        let end = self
            .text
            .get(byte..)
            .and_then(|rest| rest.find('\n'))
            .map_or(self.text.len(), |at| byte + at);
        if end > byte && self.text.as_bytes().get(end - 1) == Some(&b'\r') {
            end - 1
        } else {
            end
        }
    }

    /// White space in front of the line that holds `node`.
    pub fn indent(&self, node: Node<'_>) -> &str {
        let start = self.line_start(node.start_byte());
        let line = self.text.get(start..).unwrap_or("");
        let width = line.len() - line.trim_start_matches([' ', '\t']).len();
        self.text.get(start..start + width).unwrap_or("")
    }

    /// Whether `node` is the first thing on its line.
    pub fn starts_line(&self, node: Node<'_>) -> bool {
        let start = self.line_start(node.start_byte());
        self.text
            .get(start..node.start_byte())
            .is_some_and(|before| before.chars().all(|c| c == ' ' || c == '\t'))
    }

    /// Whether nothing but white space or a comment follows `node` on its last line.
    pub fn ends_line(&self, node: Node<'_>) -> bool {
        let rest = self
            .text
            .get(node.end_byte()..self.line_end(node.end_byte()))
            .unwrap_or("")
            .trim_start();
        rest.is_empty() || rest.starts_with('#')
    }

    /// Named nodes that start on `line` (from 1), in source order.
    pub fn nodes_on(&self, line: u32) -> Vec<Node<'_>> {
        let mut found = Vec::new();
        collect_line(self.tree.root_node(), line, &mut found);
        found
    }
}

fn collect_line<'t>(node: Node<'t>, line: u32, found: &mut Vec<Node<'t>>) {
    for child in named(node) {
        if line_of(child) > line {
            break;
        }
        if last_line_of(child) < line {
            continue;
        }
        if line_of(child) == line {
            found.push(child);
        }
        collect_line(child, line, found);
    }
}

fn indent_unit(root: Node<'_>, text: &str) -> String {
    let mut unit = None;
    visit(root, &mut |node| {
        if unit.is_none() && node.kind() == "block" {
            let width = |byte: usize| {
                let start = text
                    .get(..byte)
                    .and_then(|before| before.rfind('\n'))
                    .map_or(0, |at| at + 1);
                let line = text.get(start..).unwrap_or("");
                line.get(..line.len() - line.trim_start_matches([' ', '\t']).len())
                    .unwrap_or("")
            };
            if let Some(parent) = node.parent() {
                let (outer, inner) = (width(parent.start_byte()), width(node.start_byte()));
                unit = inner
                    .strip_prefix(outer)
                    .filter(|rest| !rest.is_empty())
                    .map(str::to_owned);
            }
        }
    });
    unit.unwrap_or_else(|| "    ".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn indentation_and_line_endings_are_those_of_the_file() {
        let source = Source::parse("a.py", "def f():\r\n\treturn 1\r\n").unwrap();
        assert_eq!((source.newline, source.unit.as_str()), ("\r\n", "\t"));
        let two = Source::parse("a.py", "class A:\n  def f(self):\n    return 1\n").unwrap();
        assert_eq!(two.unit, "  ");
    }
}
