//! T14 and T16: another expression of the function; an operand less or more.
use super::{Emit, Site};
use crate::search::syntax::{is_expression, named, operand, role};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    if node.kind() == "assignment" {
        accumulate(site, emit);
    }
    if !is_expression(node) {
        return;
    }
    if node.kind() == "binary_operator" {
        for (side, cost) in [("left", 1.9), ("right", 2.0)] {
            if let Some(side) = site.field(side) {
                let literal = node
                    .child_by_field_name("right")
                    .is_some_and(|right| matches!(right.kind(), "integer" | "float"));
                emit(site.splice(
                    node.byte_range(),
                    site.text(side),
                    "T16.drop",
                    if literal { cost - 0.4 } else { cost },
                    format!("use only `{}`", super::brief(site.text(side))),
                ));
            }
        }
    }
    if node.kind() == "conditional_expression" {
        for (index, cost) in [(0, 2.4), (2, 2.5)] {
            if let Some(part) = named(node).get(index) {
                emit(site.splice(node.byte_range(), site.text(*part), "T16.drop", cost, "use one branch"));
            }
        }
    }
    add(site, emit);
    other(site, emit);
}

/// `d[k] = v` → `d[k] = d.get(k, 0) + v`.
fn accumulate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let (Some(left), Some(right)) = (
        site.field("left").filter(|left| left.kind() == "subscript"),
        site.field("right"),
    ) else {
        return;
    };
    let (Some(container), Some(key)) = (left.child_by_field_name("value"), left.child_by_field_name("subscript"))
    else {
        return;
    };
    let (container, key) = (site.text(container), site.text(key));
    if site.text(right).contains(&format!("{container}.get(")) || site.text(right).contains(&format!("{container}[")) {
        return;
    }
    for (zero, cost) in [("0", 2.2), ("[]", 2.6), ("\"\"", 2.8)] {
        emit(site.replace(
            right,
            format!("{container}.get({key}, {zero}) + {}", operand(site.text(right))),
            "T16a.accumulate",
            cost,
        ));
    }
}

fn add(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(parent) = node.parent() else { return };
    let place = matches!(
        parent.kind(),
        "return_statement" | "argument_list" | "keyword_argument" | "lambda"
    ) || matches!(parent.kind(), "assignment" | "augmented_assignment") && role(node) == "right";
    let own = site.own();
    if parent.kind() == "binary_operator"
        && matches!(node.kind(), "identifier" | "attribute" | "call")
        && site.scope.guess(own) == crate::search::scope::Guess::Number
    {
        for other in site
            .scope
            .names_at(node)
            .iter()
            .filter(|other| *other != own && site.scope.guess(other) == crate::search::scope::Guess::Number)
            .take(3)
        {
            for (operator, cost) in [("-", 2.4), ("+", 2.4), ("*", 2.8)] {
                emit(site.replace(node, format!("({own} {operator} {other})"), "T16a.add", cost));
            }
        }
    }
    if !place
        || !matches!(
            node.kind(),
            "identifier" | "attribute" | "call" | "binary_operator" | "subscript"
        )
    {
        return;
    }
    let names = site.scope.names_at(node);
    let pool = names.iter().take(4).cloned().chain(
        site.scope
            .attributes
            .iter()
            .filter(|name| site.scope.root_is_bound(name))
            .take(4)
            .cloned(),
    );
    for other in pool.filter(|other| other != own && site.scope.compatible(own, other)) {
        for (operator, cost) in [("+", 2.9), ("*", 2.9), ("-", 3.0), ("/", 3.2)] {
            let left = if matches!(operator, "*" | "/") {
                operand(own)
            } else {
                own.to_owned()
            };
            emit(site.replace(node, format!("{left} {operator} {other}"), "T16a.add", cost));
        }
    }
    for constant in site
        .scope
        .values
        .iter()
        .filter(|name| name.chars().all(|c| c.is_uppercase() || c == '_'))
        .take(4)
    {
        for operator in ["*", "+", "-", "/"] {
            emit(site.replace(node, format!("{} {operator} {constant}", operand(own)), "T16a.add", 3.0));
        }
    }
    if site.scope.guess(own) == crate::search::scope::Guess::Number {
        for (text, cost) in [
            (format!("{} / 100", operand(own)), 2.7),
            (format!("{} * 100", operand(own)), 2.7),
            (format!("1 - {}", operand(own)), 2.8),
            (format!("1 + {}", operand(own)), 2.8),
        ] {
            emit(site.replace(node, text, "T16.scale", cost));
        }
    }
}

/// Plastic surgery within the function: an expression of the same look.
fn other(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    if matches!(
        node.kind(),
        "identifier" | "attribute" | "integer" | "string" | "true" | "false" | "none" | "float"
    ) && !matches!(
        node.parent().map(|parent| parent.kind()),
        Some("return_statement" | "assignment")
    ) {
        return;
    }
    let own = site.own();
    let called = role(node) == "function";
    for (text, kind) in site
        .scope
        .expressions
        .iter()
        .filter(|(text, _)| text != own && !own.contains(text.as_str()) && !text.contains(own))
        .take(40)
    {
        if called || (*kind == "generator_expression") {
            continue;
        }
        let alike = *kind == node.kind();
        let fits = site.scope.compatible(own, text);
        let cost = 2.7 + if alike { 0.0 } else { 0.3 } + if fits { 0.0 } else { 0.4 };
        let loose = crate::search::syntax::is_loose(node);
        emit(site.replace(
            node,
            if loose { text.clone() } else { operand(text) },
            "T14.expression",
            cost,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::turns;

    #[test]
    fn operands_come_and_go() {
        turns(
            "def f(a, b):\n    return a + b - 1\n",
            None,
            "a + b - 1",
            &["a + b", "a - 1"],
        );
        turns("def f(d, k, v):\n    d[k] = v\n", None, "= v", &["= d.get(k, 0) + v"]);
        turns(
            "def f(a, b):\n    total = a\n    return total\n",
            None,
            "total = a",
            &["total = a * b", "total = a + b"],
        );
    }

    #[test]
    fn expressions_of_the_function_are_reused() {
        turns(
            "def f(a):\n    x = len(a)\n    y = a[0] * 2\n    return x\n",
            None,
            "return x",
            &["return len(a)", "return a[0] * 2"],
        );
    }
}
