//! T02: swap two things.
use tree_sitter::Node;

use super::{Emit, Site, brief};
use crate::search::edit::Splice;
use crate::search::syntax::named;

fn swap(site: &Site<'_>, a: Node<'_>, b: Node<'_>, cost: f64, what: &str, emit: &mut Emit<'_>) {
    if site.text(a) == site.text(b) {
        return;
    }
    let splices = vec![
        Splice {
            range: a.byte_range(),
            text: site.text(b).to_owned(),
        },
        Splice {
            range: b.byte_range(),
            text: site.text(a).to_owned(),
        },
    ];
    emit(site.edit(
        splices,
        "T02.swap",
        cost,
        format!(
            "swap the {what} `{}` and `{}`",
            brief(site.text(a)),
            brief(site.text(b))
        ),
    ));
}

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    match node.kind() {
        "binary_operator" => {
            let (Some(left), Some(right), Some(operator)) =
                (site.field("left"), site.field("right"), site.field("operator"))
            else {
                return;
            };
            let cost = match site.text(operator) {
                "-" | "/" | "//" | "%" | "**" | "<<" | ">>" => 1.3,
                "+" => 1.8,
                _ => return,
            };
            swap(site, left, right, cost, "operands", emit);
        }
        "comparison_operator" => {
            let operands = named(node);
            if let ([a, b], true) = (operands.as_slice(), site.own().contains(" in ")) {
                swap(site, *a, *b, 2.4, "operands", emit);
            }
        }
        "boolean_operator" => {
            if let (Some(left), Some(right)) = (site.field("left"), site.field("right")) {
                swap(site, left, right, 1.8, "operands", emit);
            }
        }
        "call" => {
            let Some(arguments) = site
                .field("arguments")
                .filter(|list| list.kind() == "argument_list")
                .map(named)
            else {
                return;
            };
            for (index, pair) in arguments.windows(2).enumerate() {
                if let [a, b] = pair {
                    if let (Some(x), Some(y)) = (
                        a.child_by_field_name("value")
                            .filter(|_| a.kind() == "keyword_argument"),
                        b.child_by_field_name("value")
                            .filter(|_| b.kind() == "keyword_argument"),
                    ) {
                        swap(site, x, y, 1.7, "values", emit);
                    } else if a.kind() != "keyword_argument" && b.kind() != "keyword_argument" {
                        swap(site, *a, *b, 1.4, "arguments", emit);
                    }
                }
                if let (Some(a), Some(b)) = (arguments.get(index), arguments.get(index + 2))
                    && a.kind() != "keyword_argument"
                    && b.kind() != "keyword_argument"
                {
                    swap(site, *a, *b, 2.0, "arguments", emit);
                }
            }
        }
        "tuple" | "expression_list" | "pattern_list" | "tuple_pattern" | "list" => {
            let elements = named(node);
            if elements.len() <= 4 {
                for pair in elements.windows(2) {
                    if let [a, b] = pair {
                        swap(
                            site,
                            *a,
                            *b,
                            if node.kind() == "list" { 2.0 } else { 1.5 },
                            "elements",
                            emit,
                        );
                    }
                }
            }
        }
        "pair" => {
            let inside = node
                .parent()
                .is_some_and(|parent| parent.kind() == "dictionary_comprehension");
            if let (Some(key), Some(value), true) = (site.field("key"), site.field("value"), inside) {
                swap(site, key, value, 1.6, "key and value", emit);
            }
        }
        "conditional_expression" => {
            if let [then, _, otherwise] = named(node).as_slice() {
                swap(site, *then, *otherwise, 1.5, "branches", emit);
            }
        }
        "slice" => {
            if let [a, b] = named(node).as_slice() {
                swap(site, *a, *b, 1.9, "bounds", emit);
            }
        }
        "assignment" => {
            let (Some(left), Some(right)) = (site.field("left"), site.field("right")) else {
                return;
            };
            let plain = |node: Node<'_>| matches!(node.kind(), "identifier" | "attribute" | "subscript");
            if plain(left) && plain(right) && site.field("type").is_none() {
                swap(site, left, right, 1.9, "sides", emit);
            }
        }
        "if_statement" => branches(site, emit),
        _ => {}
    }
}

/// Bodies of `if` and a lone `else`, when both start on their own lines.
fn branches(site: &Site<'_>, emit: &mut Emit<'_>) {
    let Some(then) = site.field("consequence") else { return };
    let alternatives: Vec<Node<'_>> = named(site.node)
        .into_iter()
        .filter(|child| matches!(child.kind(), "else_clause" | "elif_clause"))
        .collect();
    if let [only] = alternatives.as_slice()
        && let Some(otherwise) = only
            .child_by_field_name("body")
            .filter(|_| only.kind() == "else_clause")
        && site.scope.source.starts_line(then)
        && site.scope.source.starts_line(otherwise)
    {
        swap(site, then, otherwise, 1.8, "branches", emit);
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::turns;

    #[test]
    fn pairs_are_swapped() {
        turns("def f(a, b):\n    return a - b\n", None, "a - b", &["b - a"]);
        turns(
            "def f(a, b):\n    return g(a, b=b, c=a)\n",
            None,
            "b=b, c=a",
            &["b=a, c=b"],
        );
        turns(
            "def f(a, b):\n    return g(b, a, 1)\n",
            None,
            "g(b, a, 1)",
            &["g(a, b, 1)", "g(1, a, b)"],
        );
        turns(
            "def f(a, b):\n    return a if b else 0\n",
            None,
            "a if b else 0",
            &["0 if b else a"],
        );
        turns(
            "def f(a):\n    for v, k in a.items():\n        print(k)\n",
            None,
            "v, k in",
            &["k, v in"],
        );
        turns(
            "def f(a):\n    return {k: v for k, v in a}\n",
            None,
            "{k: v",
            &["{v: k"],
        );
        turns(
            "def f(a):\n    if a:\n        return 1\n    else:\n        return 2\n",
            None,
            "return 1\n    else:\n        return 2",
            &["return 2\n    else:\n        return 1"],
        );
    }
}
