//! T01: replace, drop or insert an operator; re-associate.
use tree_sitter::Node;

use super::{Emit, Site};
use crate::search::symptom::Symptom;
use crate::search::syntax::{all, is_atomic, is_expression, named, operand, role};

/// Replacements of an operator with their costs.
fn others(operator: &str) -> &'static [(&'static str, f64)] {
    match operator {
        "<" => &[("<=", 1.0), (">", 1.2), (">=", 1.2), ("!=", 1.8), ("==", 1.9)],
        "<=" => &[("<", 1.0), (">=", 1.2), (">", 1.2), ("==", 1.8), ("!=", 1.9)],
        ">" => &[(">=", 1.0), ("<", 1.2), ("<=", 1.2), ("!=", 1.8), ("==", 1.9)],
        ">=" => &[(">", 1.0), ("<=", 1.2), ("<", 1.2), ("==", 1.8), ("!=", 1.9)],
        "==" => &[
            ("!=", 1.1),
            ("<=", 1.5),
            (">=", 1.5),
            ("in", 1.9),
            ("<", 1.8),
            (">", 1.8),
            ("is", 2.4),
        ],
        "!=" => &[
            ("==", 1.1),
            ("<", 1.6),
            (">", 1.6),
            ("<=", 1.9),
            (">=", 1.9),
            ("not in", 2.0),
        ],
        "is" => &[("==", 1.2), ("is not", 1.0)],
        "is not" => &[("!=", 1.2), ("is", 1.0)],
        "in" => &[("not in", 1.1), ("==", 2.0)],
        "not in" => &[("in", 1.1), ("!=", 2.0)],
        "+" => &[("-", 1.1), ("*", 1.5), ("//", 2.4), ("/", 2.4)],
        "-" => &[("+", 1.1), ("*", 1.9), ("/", 2.2), ("%", 2.4)],
        "*" => &[("/", 1.3), ("+", 1.4), ("//", 1.7), ("**", 1.7), ("-", 2.0)],
        "/" => &[("//", 1.1), ("*", 1.3), ("%", 1.9), ("-", 2.2)],
        "//" => &[("/", 1.1), ("%", 1.4), ("*", 1.8)],
        "%" => &[("//", 1.3), ("/", 1.6), ("-", 2.2)],
        "**" => &[("*", 1.3)],
        "&" => &[("|", 1.2), ("^", 1.5), ("-", 1.8)],
        "|" => &[("&", 1.2), ("^", 1.5)],
        "^" => &[("&", 1.3), ("|", 1.3)],
        "<<" => &[(">>", 1.2)],
        ">>" => &[("<<", 1.2)],
        "and" => &[("or", 1.1)],
        "or" => &[("and", 1.1)],
        "+=" => &[("-=", 1.1), ("=", 1.4), ("*=", 1.9)],
        "-=" => &[("+=", 1.1), ("=", 1.5)],
        "*=" => &[("/=", 1.3), ("+=", 1.5), ("//=", 1.8), ("=", 1.8)],
        "/=" => &[("//=", 1.2), ("*=", 1.3), ("=", 1.8)],
        "//=" => &[("/=", 1.2), ("%=", 1.5)],
        "%=" => &[("//=", 1.4)],
        "|=" => &[("&=", 1.2), ("=", 1.6), ("-=", 1.8)],
        "&=" => &[("|=", 1.2), ("=", 1.6)],
        _ => &[],
    }
}

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    match node.kind() {
        "comparison_operator" => {
            for child in all(node)
                .into_iter()
                .filter(|child| !child.is_named() || matches!(child.kind(), "not in" | "is not"))
            {
                change(site, child, "T01.relational", emit);
            }
        }
        "binary_operator" => {
            let textual = [site.field("left"), site.field("right")]
                .into_iter()
                .flatten()
                .any(|side| {
                    matches!(
                        side.kind(),
                        "string" | "list" | "list_comprehension" | "concatenated_string"
                    )
                });
            if let Some(operator) = site.field("operator").filter(|_| !textual) {
                change(site, operator, "T01.arithmetic", emit);
            }
            associate(site, emit);
        }
        "boolean_operator" => {
            if let Some(operator) = site.field("operator") {
                change(site, operator, "T01.boolean", emit);
            }
            associate(site, emit);
        }
        "augmented_assignment" => {
            if let Some(operator) = site.field("operator") {
                change(site, operator, "T01.assign", emit);
            }
        }
        "assignment" => {
            let (Some(left), Some(right)) = (site.field("left"), site.field("right")) else {
                return;
            };
            if left.kind() != "pattern_list" && site.field("type").is_none() {
                let gap = left.end_byte()..right.start_byte();
                for (operator, cost) in [(" += ", 1.6), (" -= ", 2.2)] {
                    if right.kind() != "string" || operator == " += " {
                        emit(site.splice(
                            gap.clone(),
                            operator,
                            "T01.assign",
                            cost,
                            format!("assign with `{}`", operator.trim()),
                        ));
                    }
                }
            }
        }
        "not_operator" => {
            if let Some(argument) = site.field("argument") {
                emit(site.splice(
                    node.byte_range(),
                    site.text(argument),
                    "T01.not",
                    1.2,
                    "drop the negation",
                ));
            }
        }
        "unary_operator" => {
            if let Some(argument) = site.field("argument") {
                emit(site.splice(node.byte_range(), site.text(argument), "T01.sign", 1.4, "drop the sign"));
            }
        }
        "parenthesized_expression" => {
            if let (Some(inner), Some(parent)) = (named(node).first(), node.parent())
                && matches!(
                    inner.kind(),
                    "binary_operator" | "boolean_operator" | "comparison_operator"
                )
                && matches!(
                    parent.kind(),
                    "binary_operator" | "boolean_operator" | "not_operator" | "unary_operator"
                )
            {
                emit(site.splice(
                    node.byte_range(),
                    site.text(*inner),
                    "T01.associate",
                    1.7,
                    "drop the parentheses",
                ));
            }
        }
        _ => {}
    }
    insert_not(site, emit);
    insert_minus(site, emit);
}

fn change(site: &Site<'_>, operator: Node<'_>, template: &'static str, emit: &mut Emit<'_>) {
    let old = site.text(operator).split_whitespace().collect::<Vec<_>>().join(" ");
    for (new, cost) in others(&old) {
        let verb = match template {
            "T01.relational" => "compare with",
            "T01.boolean" => "combine with",
            _ => "use",
        };
        emit(site.splice(
            operator.byte_range(),
            *new,
            template,
            *cost,
            format!("{verb} `{new}` instead of `{old}`"),
        ));
    }
}

/// `a - b - c` → `a - (b - c)`, `a + b * c` → `(a + b) * c`, `a or b and c` → `(a or b) and c`.
fn associate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let (Some(left), Some(right), Some(operator)) = (site.field("left"), site.field("right"), site.field("operator"))
    else {
        return;
    };
    let op = site.text(operator);
    if left.kind() == node.kind()
        && let (Some(a), Some(b), Some(inner)) = (
            left.child_by_field_name("left"),
            left.child_by_field_name("right"),
            left.child_by_field_name("operator"),
        )
    {
        let inner_op = site.text(inner);
        if !(op == inner_op && matches!(op, "+" | "*" | "and" | "or" | "&" | "|")) {
            let text = format!(
                "{} {inner_op} ({} {op} {})",
                site.text(a),
                site.text(b),
                site.text(right)
            );
            emit(site.splice(
                node.byte_range(),
                text,
                "T01.associate",
                1.5,
                format!("group `{op}` first"),
            ));
        }
    }
    if right.kind() == node.kind()
        && let (Some(b), Some(c), Some(inner)) = (
            right.child_by_field_name("left"),
            right.child_by_field_name("right"),
            right.child_by_field_name("operator"),
        )
    {
        let text = format!(
            "({} {op} {}) {} {}",
            site.text(left),
            site.text(b),
            site.text(inner),
            site.text(c)
        );
        emit(site.splice(
            node.byte_range(),
            text,
            "T01.associate",
            1.4,
            format!("group `{op}` first"),
        ));
    }
    if left.kind() == "not_operator"
        && let Some(argument) = left.child_by_field_name("argument")
    {
        let text = format!("not ({} {op} {})", site.text(argument), site.text(right));
        emit(site.splice(
            node.byte_range(),
            text,
            "T01.associate",
            1.6,
            "negate the whole condition",
        ));
    }
}

fn insert_not(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(parent) = node.parent() else { return };
    let condition = matches!(parent.kind(), "if_statement" | "while_statement" | "elif_clause")
        && role(node) == "condition"
        || matches!(parent.kind(), "boolean_operator" | "if_clause" | "assert_statement")
        || parent.kind() == "conditional_expression"
            && named(parent).get(1).is_some_and(|middle| middle.id() == node.id());
    let returned = parent.kind() == "return_statement"
        && !matches!(
            node.kind(),
            "integer" | "float" | "string" | "list" | "dictionary" | "none" | "expression_list"
        );
    if (condition || returned) && is_expression(node) && !matches!(node.kind(), "not_operator" | "true" | "false") {
        let text = crate::search::scope::negate(site.own());
        let cost = if condition && is_atomic(node.kind()) {
            1.3
        } else if condition {
            1.7
        } else {
            1.9
        };
        if !text.is_empty() {
            emit(site.splice(node.byte_range(), text, "T01.not", cost, "negate the condition"));
        }
    }
}

fn insert_minus(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let place = node.parent().is_some_and(|parent| {
        matches!(
            parent.kind(),
            "return_statement" | "argument_list" | "lambda" | "tuple" | "expression_list"
        ) || matches!(parent.kind(), "assignment" | "augmented_assignment") && role(node) == "right"
            || parent.kind() == "lambda" && role(node) == "body"
    });
    if place
        && matches!(
            node.kind(),
            "identifier" | "attribute" | "subscript" | "integer" | "float" | "binary_operator"
        )
        && is_expression(node)
    {
        let cost = if site.shows(|symptom| matches!(symptom, Symptom::Sign)) {
            1.0
        } else {
            2.4
        };
        emit(site.splice(
            node.byte_range(),
            format!("-{}", operand(site.own())),
            "T01.sign",
            cost,
            "turn the sign",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::turns;

    #[test]
    fn operators_are_replaced_dropped_and_regrouped() {
        turns(
            "def f(a, b):\n    if a < b:\n        return a\n    return b\n",
            None,
            "a < b",
            &["a <= b", "a > b", "a >= b"],
        );
        turns(
            "def f(a, b):\n    return a / b  # é\n",
            None,
            "a / b",
            &["a // b", "a * b", "-(a / b)"],
        );
        turns("def f(a):\n    return a is not 'x'\n", None, "is not", &["!=", "is"]);
        turns(
            "def f(a, b, c):\n    return a or b and c\n",
            None,
            "a or b and c",
            &["(a or b) and c", "a and b and c", "a or b or c"],
        );
        turns(
            "def f(a, b, c):\n    return a - b - c\n",
            None,
            "a - b - c",
            &["a - (b - c)", "a + b - c"],
        );
        turns("def f(a):\n    if not a:\n        a += 1\n", None, "not a", &["a"]);
        turns(
            "def f(a):\n    if a:\n        a += 1\n",
            None,
            "a += 1",
            &["a -= 1", "a = 1"],
        );
        turns(
            "def f(a, b):\n    if a not in b:\n        return 1\n",
            None,
            "not in",
            &["in"],
        );
        turns(
            "def f(a, b, c):\n    return (a + b) * c\n",
            None,
            "(a + b) * c",
            &["a + b * c"],
        );
    }
}
