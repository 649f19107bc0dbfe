//! Which nodes can be replaced by any expression, and where parentheses are needed.
use tree_sitter::Node;

use super::ancestor::role;

/// Whether `node` is an expression that can be replaced by any other expression.
pub fn is_expression(node: Node<'_>) -> bool {
    let composed = matches!(
        node.kind(),
        "binary_operator"
            | "boolean_operator"
            | "comparison_operator"
            | "not_operator"
            | "unary_operator"
            | "concatenated_string"
            | "generator_expression"
            | "conditional_expression"
            | "await"
            | "lambda"
    );
    if !composed && !is_atomic(node.kind()) {
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

#[cfg(test)]
mod tests {
    use super::operand;

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
}
