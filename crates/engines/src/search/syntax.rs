//! A parsed Python file and the questions that templates ask of its tree.
use std::ops::Range;

use tree_sitter::{Node, Parser, Tree};

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

/// Named children without comments.
pub fn named<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| child.kind() != "comment")
        .collect()
}

/// All children, named or not, without comments.
pub fn all<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children(&mut cursor)
        .filter(|child| child.kind() != "comment")
        .collect()
}

/// Visits `node` and everything below it, parents first.
pub fn visit<'t>(node: Node<'t>, f: &mut impl FnMut(Node<'t>)) {
    f(node);
    for child in named(node) {
        visit(child, f);
    }
}

/// Like `visit`, without what lies inside nested functions, lambdas excepted, and classes.
pub fn visit_own<'t>(node: Node<'t>, f: &mut impl FnMut(Node<'t>)) {
    for child in named(node) {
        if matches!(child.kind(), "function_definition" | "class_definition") {
            continue;
        }
        f(child);
        visit_own(child, f);
    }
}

/// First line of a node, from 1.
pub fn line_of(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row + 1).unwrap_or(u32::MAX)
}

/// Last line of a node, from 1.
pub fn last_line_of(node: Node<'_>) -> u32 {
    u32::try_from(node.end_position().row + 1).unwrap_or(u32::MAX)
}

/// Whether the node is a statement, simple or compound.
pub fn is_statement(node: Node<'_>) -> bool {
    node.is_named()
        && node.kind() != "comment"
        && node
            .parent()
            .is_some_and(|parent| matches!(parent.kind(), "block" | "module"))
}

/// The innermost statement that holds `node`, possibly `node` itself.
pub fn statement_of(node: Node<'_>) -> Option<Node<'_>> {
    let mut at = Some(node);
    while let Some(here) = at {
        if is_statement(here) {
            return Some(here);
        }
        at = here.parent();
    }
    None
}

/// The innermost ancestor (without `node` itself) of one of `kinds`, not leaving a function.
pub fn enclosing<'t>(node: Node<'t>, kinds: &[&str]) -> Option<Node<'t>> {
    let mut at = node.parent();
    while let Some(here) = at {
        if kinds.contains(&here.kind()) {
            return Some(here);
        }
        if matches!(here.kind(), "function_definition" | "lambda" | "class_definition") {
            return None;
        }
        at = here.parent();
    }
    None
}

/// The innermost function definition that holds `node`.
pub fn function_of(node: Node<'_>) -> Option<Node<'_>> {
    ancestor(node, "function_definition")
}

/// The innermost class definition that holds `node`.
pub fn class_of(node: Node<'_>) -> Option<Node<'_>> {
    ancestor(node, "class_definition")
}

fn ancestor<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    let mut at = node.parent();
    while let Some(here) = at {
        if here.kind() == kind {
            return Some(here);
        }
        at = here.parent();
    }
    None
}

/// Whether the node is inside a loop of its own function.
pub fn in_loop(node: Node<'_>) -> bool {
    enclosing(node, &["for_statement", "while_statement"]).is_some()
}

/// The field under which `node` hangs on its parent.
pub fn role(node: Node<'_>) -> &'static str {
    let Some(parent) = node.parent() else { return "" };
    let mut cursor = parent.walk();
    if cursor.goto_first_child() {
        loop {
            if cursor.node().id() == node.id() {
                return cursor.field_name().map_or("", static_role);
            }
            if !cursor.goto_next_sibling() {
                break;
            }
        }
    }
    ""
}

/// Field names come with the life time of the tree; the ones that are asked for are few.
fn static_role(name: &str) -> &'static str {
    const KNOWN: [&str; 22] = [
        "left",
        "right",
        "name",
        "value",
        "key",
        "object",
        "attribute",
        "subscript",
        "function",
        "arguments",
        "condition",
        "body",
        "parameters",
        "return_type",
        "type",
        "consequence",
        "alternative",
        "operator",
        "argument",
        "operators",
        "module_name",
        "superclasses",
    ];
    KNOWN.iter().copied().find(|known| *known == name).unwrap_or("")
}

/// Whether `node` is an expression that can be replaced by any other expression.
pub fn is_expression(node: Node<'_>) -> bool {
    if !matches!(
        node.kind(),
        "identifier"
            | "attribute"
            | "subscript"
            | "call"
            | "binary_operator"
            | "boolean_operator"
            | "comparison_operator"
            | "not_operator"
            | "unary_operator"
            | "integer"
            | "float"
            | "string"
            | "concatenated_string"
            | "true"
            | "false"
            | "none"
            | "list"
            | "tuple"
            | "dictionary"
            | "set"
            | "list_comprehension"
            | "set_comprehension"
            | "dictionary_comprehension"
            | "generator_expression"
            | "conditional_expression"
            | "parenthesized_expression"
            | "await"
            | "lambda"
    ) {
        return false;
    }
    let Some(parent) = node.parent() else { return false };
    let role = role(node);
    match parent.kind() {
        // A docstring or a lone call is a statement, not a value.
        "expression_statement" => false,
        "attribute" => role == "object",
        "call" => role == "function" || node.kind() == "generator_expression",
        "keyword_argument" => role == "value",
        "assignment" => role == "right",
        "augmented_assignment" => role == "right",
        "default_parameter" | "typed_default_parameter" => role == "value",
        "for_statement" | "for_in_clause" => role == "right",
        "function_definition"
        | "class_definition"
        | "parameters"
        | "lambda_parameters"
        | "typed_parameter"
        | "dotted_name"
        | "aliased_import"
        | "import_statement"
        | "import_from_statement"
        | "global_statement"
        | "nonlocal_statement"
        | "type"
        | "decorator"
        | "pattern_list"
        | "tuple_pattern"
        | "list_pattern"
        | "as_pattern_target"
        | "delete_statement"
        | "concatenated_string"
        | "except_clause"
        | "as_pattern"
        | "case_pattern"
        | "dotted_pattern" => false,
        _ => true,
    }
}

/// Whether `text` of a node of `kind` needs parentheses when it becomes an operand.
pub fn is_atomic(kind: &str) -> bool {
    matches!(
        kind,
        "identifier"
            | "attribute"
            | "subscript"
            | "call"
            | "integer"
            | "float"
            | "string"
            | "true"
            | "false"
            | "none"
            | "list"
            | "tuple"
            | "dictionary"
            | "set"
            | "list_comprehension"
            | "set_comprehension"
            | "dictionary_comprehension"
            | "parenthesized_expression"
    )
}

/// Whether an expression at this place may be any expression without parentheses.
pub fn is_loose(node: Node<'_>) -> bool {
    node.parent().is_none_or(|parent| {
        matches!(
            parent.kind(),
            "argument_list"
                | "assignment"
                | "return_statement"
                | "parenthesized_expression"
                | "list"
                | "tuple"
                | "set"
                | "if_statement"
                | "while_statement"
                | "elif_clause"
                | "subscript"
                | "keyword_argument"
                | "pair"
                | "augmented_assignment"
                | "expression_list"
                | "slice"
                | "default_parameter"
                | "typed_default_parameter"
        )
    })
}

/// The text in parentheses unless it is obviously one operand.
pub fn operand(text: &str) -> String {
    let simple = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
        || (balanced_tail(text)
            && text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '(' | '[' | '{')));
    let quoted = text.len() > 1
        && (text.starts_with('"') && text.ends_with('"') && text.matches('"').count() == 2
            || text.starts_with('\'') && text.ends_with('\'') && text.matches('\'').count() == 2);
    if simple || quoted {
        text.to_owned()
    } else {
        format!("({text})")
    }
}

/// Whether all white space and operators of `text` lie inside brackets.
fn balanced_tail(text: &str) -> bool {
    let mut depth = 0_i32;
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '"' | '\'' if depth == 0 => return false,
            c if depth == 0 && !(c.is_alphanumeric() || matches!(c, '_' | '.')) => return false,
            _ => {}
        }
    }
    depth == 0
}

/// Error and missing nodes below `node`.
pub fn count_errors(node: Node<'_>) -> usize {
    if !node.has_error() {
        return 0;
    }
    let mut cursor = node.walk();
    let below: usize = node.children(&mut cursor).map(count_errors).sum();
    below + usize::from(node.is_error() || node.is_missing())
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

/// Whether two ranges share a byte or touch.
pub fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start <= b.end && b.start <= a.end
}

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
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn operands_get_parentheses_only_when_needed() {
        for (text, expected) in [
            ("a", "a"),
            ("a.b(c + d)", "a.b(c + d)"),
            ("a + b", "(a + b)"),
            ("\"x\"", "\"x\""),
            ("-1", "(-1)"),
            ("(a)(b)", "(a)(b)"),
            ("not a", "(not a)"),
        ] {
            assert_eq!(operand(text), expected);
        }
    }

    #[test]
    fn indentation_and_line_endings_are_those_of_the_file() {
        let source = Source::parse("a.py", "def f():\r\n\treturn 1\r\n").unwrap();
        assert_eq!((source.newline, source.unit.as_str()), ("\r\n", "\t"));
        let two = Source::parse("a.py", "class A:\n  def f(self):\n    return 1\n").unwrap();
        assert_eq!(two.unit, "  ");
    }

    #[test]
    fn string_literals_fall_into_parts() {
        assert_eq!(string_parts("r'a b'"), Some(("r'", "a b", "'")));
        assert_eq!(string_parts("\"\"\"doc\"\"\""), Some(("\"\"\"", "doc", "\"\"\"")));
        assert_eq!(string_parts("f'a'"), None);
    }
}
