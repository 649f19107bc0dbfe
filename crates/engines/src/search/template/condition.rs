//! T07 and T08: off by one, and stronger, weaker or other conditions.
use tree_sitter::Node;

use super::{Emit, Site};
use crate::search::scope::{Guess, negate};
use crate::search::syntax::{is_expression, named, operand, role};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    off_by_one(site, emit);
    if is_condition(site.node) {
        condition(site, emit);
    }
    match site.node.kind() {
        "boolean_operator" => {
            for side in ["left", "right"].iter().filter_map(|side| site.field(side)) {
                emit(site.splice(
                    site.node.byte_range(),
                    site.text(side),
                    "T08.drop",
                    1.7,
                    format!("test only `{}`", super::brief(site.text(side))),
                ));
            }
        }
        "if_clause" => {
            let before = site
                .scope
                .source
                .text
                .get(..site.node.start_byte())
                .map_or(site.node.start_byte(), |text| text.trim_end().len());
            emit(site.splice(before..site.node.end_byte(), "", "T08.filter", 2.3, "drop the filter"));
        }
        "for_in_clause" => filter(site, emit),
        _ => {}
    }
}

/// Whether a node decides something.
pub fn is_condition(node: Node<'_>) -> bool {
    let Some(parent) = node.parent() else { return false };
    if !is_expression(node) {
        return false;
    }
    match parent.kind() {
        "if_statement" | "while_statement" | "elif_clause" => role(node) == "condition",
        "if_clause" => true,
        "conditional_expression" => named(parent).get(1).is_some_and(|middle| middle.id() == node.id()),
        "return_statement" => matches!(node.kind(), "comparison_operator" | "boolean_operator" | "not_operator"),
        _ => false,
    }
}

fn condition(site: &Site<'_>, emit: &mut Emit<'_>) {
    let own = site.own();
    let node = site.node;
    let keep = |text: &str| {
        if node.kind() == "boolean_operator" {
            format!("({text})")
        } else {
            text.to_owned()
        }
    };
    #[expect(clippy::cast_precision_loss, reason = "at most 48 atoms")]
    for (rank, atom) in site.scope.atoms(node).into_iter().enumerate() {
        if atom == own || negate(&atom) == own {
            continue;
        }
        let late = 0.012 * rank as f64;
        let part = if atom.contains(" or ") || atom.contains(" and ") {
            format!("({atom})")
        } else {
            atom.clone()
        };
        let own_and = if own.contains(" or ") {
            keep(own)
        } else {
            own.to_owned()
        };
        emit(site.replace(node, format!("{own_and} and {part}"), "T08.and", 2.0 + late));
        emit(site.replace(node, format!("{part} and {own_and}"), "T08.and", 2.2 + late));
        emit(site.replace(node, format!("{own} or {part}"), "T08.or", 2.1 + late));
        emit(site.replace(node, format!("{part} or {own}"), "T08.or", 2.4 + late));
        emit(site.replace(node, atom, "T08.replace", 2.5 + late));
    }
    match node.kind() {
        // `if x:` that means `if x is not None:`, and back.
        "identifier" | "attribute" | "call" | "subscript" => {
            emit(site.replace(node, format!("{own} is not None"), "T08.none", 1.4));
            if site.scope.guess(own) != Guess::Mapping {
                emit(site.replace(node, format!("{own} > 0"), "T08.positive", 2.0));
            }
        }
        "not_operator" => {
            if let Some(argument) = node.child_by_field_name("argument") {
                emit(site.replace(node, format!("{} is None", site.text(argument)), "T08.none", 1.4));
            }
        }
        "comparison_operator" => {
            let text = own.trim();
            if let Some(value) = text.strip_suffix(" is not None") {
                emit(site.replace(node, value, "T08.none", 1.5));
            }
            if let Some(value) = text.strip_suffix(" is None") {
                emit(site.replace(node, format!("not {value}"), "T08.none", 1.3));
            }
            // `a < b` that should be bounded on both sides.
            if let ([a, b], false) = (named(node).as_slice(), text.contains(" in ") || text.contains(" is ")) {
                for name in ["0"]
                    .into_iter()
                    .map(str::to_owned)
                    .chain(site.scope.names_at(node).into_iter().take(3))
                {
                    if site.text(*a) != name && site.text(*b) != name && (text.contains(" < ") || text.contains(" <= "))
                    {
                        emit(site.replace(node, format!("{name} <= {text}"), "T08.chain", 2.0));
                        emit(site.replace(node, format!("{name} < {text}"), "T08.chain", 2.1));
                    }
                }
            }
        }
        _ => {}
    }
}

/// A new filter of a comprehension.
fn filter(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(parent) = node.parent() else { return };
    if named(parent).iter().any(|child| child.kind() == "if_clause")
        || named(parent).last().is_none_or(|last| last.id() != node.id())
    {
        return;
    }
    let Some(left) = site.field("left") else { return };
    let mut atoms: Vec<String> = Vec::new();
    for name in named(left)
        .into_iter()
        .chain([left])
        .filter(|child| child.kind() == "identifier")
        .map(|child| site.text(child))
    {
        atoms.extend([
            name.to_owned(),
            format!("{name} is not None"),
            format!("{name} > 0"),
            format!("not {name}"),
        ]);
        for method in site.scope.predicates(name) {
            atoms.extend([format!("{name}.{method}()"), format!("not {name}.{method}()")]);
        }
        for attribute in site.scope.project.attributes_of(name).into_iter().take(5) {
            atoms.extend([
                format!("{name}.{attribute}"),
                format!("not {name}.{attribute}"),
                format!("{name}.{attribute} is not None"),
            ]);
        }
        for other in site.scope.names_at(node).iter().filter(|other| *other != name).take(3) {
            atoms.extend([
                format!("{name} != {other}"),
                format!("{name} not in {other}"),
                format!("{name} in {other}"),
            ]);
        }
    }
    for atom in atoms.into_iter().take(24) {
        emit(site.splice(
            node.end_byte()..node.end_byte(),
            format!(" if {atom}"),
            "T08.filter",
            2.2,
            format!("keep only what fulfils `{atom}`"),
        ));
    }
}

fn off_by_one(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(parent) = node.parent() else { return };
    if !is_expression(node)
        || !matches!(
            node.kind(),
            "identifier" | "attribute" | "call" | "binary_operator" | "subscript" | "parenthesized_expression"
        )
    {
        return;
    }
    let callee = parent
        .parent()
        .filter(|_| parent.kind() == "argument_list")
        .and_then(|call| call.child_by_field_name("function"))
        .map_or("", |function| site.text(function));
    let cost = match parent.kind() {
        "subscript" if role(node) == "subscript" => 1.5,
        "slice" => 1.6,
        "argument_list" if callee == "range" => 1.2,
        "argument_list"
            if site.scope.guess(site.own()) == Guess::Number
                || callee.ends_with("timedelta")
                || callee.ends_with("min")
                || callee.ends_with("max") =>
        {
            1.9
        }
        "argument_list" | "keyword_argument" => 2.4,
        "comparison_operator" if matches!(site.scope.guess(site.own()), Guess::Number) => 1.5,
        "comparison_operator" => 1.9,
        "return_statement" => 2.0,
        "assignment" if role(node) == "right" => 2.1,
        "binary_operator" if site.scope.guess(site.own()) == Guess::Number => 2.0,
        "binary_operator" => 2.3,
        "parenthesized_expression" => 2.3,
        _ => return,
    };
    if matches!(
        site.scope.guess(site.own()),
        Guess::Text | Guess::Sequence | Guess::Mapping | Guess::Truth | Guess::Object
    ) {
        return;
    }
    let own = site.own();
    let tight = if node.kind() == "binary_operator" && !own.contains([' ']) {
        (own.to_owned() + "+1", own.to_owned() + "-1")
    } else {
        (format!("{own} + 1"), format!("{own} - 1"))
    };
    let wrap = |text: String| {
        if matches!(parent.kind(), "binary_operator") && role(node) == "right" {
            operand(&text)
        } else {
            text
        }
    };
    let wrap_left = |text: String| {
        if parent.kind() == "binary_operator"
            && role(node) == "left"
            && !matches!(
                parent.child_by_field_name("operator").map(|op| site.text(op)),
                Some("+" | "-")
            )
        {
            format!("({text})")
        } else {
            text
        }
    };
    for text in [tight.0, tight.1] {
        emit(site.replace(node, wrap_left(wrap(text)), "T07.step", cost));
    }
    if callee == "range" && named(parent).len() == 1 {
        emit(site.splice(
            node.start_byte()..node.start_byte(),
            "1, ",
            "T07.start",
            1.6,
            "start at 1",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::turns;

    #[test]
    fn conditions_get_stronger_weaker_and_bounded() {
        turns(
            "def f(a, b):\n    if a < b:\n        return a\n",
            None,
            "a < b",
            &["a < b and a", "a < b or b", "0 <= a < b", "b"],
        );
        turns(
            "def f(a, b):\n    if a or b:\n        return a\n",
            None,
            "a or b",
            &["a", "b", "(a or b) and not a"],
        );
        turns(
            "def f(a, b):\n    if not a:\n        return b\n",
            None,
            "not a",
            &["a is None"],
        );
        let text = "class Loan:\n    def is_open(self):\n        return True\ndef g(loan):\n    return loan.is_open()\ndef f(loans, who):\n    return [loan for loan in loans if loan.member == who]\n";
        turns(
            text,
            None,
            "if loan.member == who",
            &[
                "if loan.member == who and loan.is_open()",
                "if loan.is_open() and loan.member == who",
            ],
        );
        turns(
            "def f(a):\n    return [x for x in a]\n",
            None,
            "x in a]",
            &["x in a if x]", "x in a if x is not None]"],
        );
        turns("def f(a):\n    return [x for x in a if x]\n", None, " if x]", &["]"]);
    }

    #[test]
    fn bounds_move_by_one() {
        turns(
            "def f(a, n):\n    for i in range(n):\n        print(a[i])\n",
            None,
            "range(n)",
            &["range(n + 1)", "range(n - 1)", "range(1, n)"],
        );
        turns(
            "def f(a, i):\n    return a[i]\n",
            None,
            "a[i]",
            &["a[i + 1]", "a[i - 1]"],
        );
        turns(
            "def f(a, b):\n    return a * b\n",
            None,
            "a * b",
            &["(a + 1) * b", "a * (b - 1)"],
        );
    }
}
