//! T10: return something else, or return at all.
use tree_sitter::Node;

use super::{Emit, Site, brief};
use crate::search::syntax::{is_statement, last_line_of, named, visit_own};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    match site.node.kind() {
        "return_statement" => returned(site, emit),
        "expression_statement" => lone(site, emit),
        _ => {}
    }
    if is_statement(site.node) {
        falls_off(site, emit);
    }
}

fn returned(site: &Site<'_>, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let values = named(site.node);
    let Some(value) = values.first().copied() else {
        for other in scope
            .names_at(site.node)
            .iter()
            .take(6)
            .chain(scope.returns.iter().take(4))
        {
            emit(site.splice(
                site.node.byte_range(),
                format!("return {other}"),
                "T10.missing",
                2.0,
                format!("return `{}`", brief(other)),
            ));
        }
        for default in scope.defaults.iter().filter(|text| !text.is_empty()).take(5) {
            emit(site.splice(
                site.node.byte_range(),
                format!("return {default}"),
                "T10.default",
                2.3,
                format!("return `{default}`"),
            ));
        }
        return;
    };
    let own = site.text(value);
    for other in scope.returns.iter().filter(|other| *other != own).take(6) {
        emit(site.replace(value, other.clone(), "T10.other", 2.2));
    }
    for other in scope.names_at(value).iter().filter(|other| *other != own).take(8) {
        let fits = if scope.compatible(own, other) { 0.0 } else { 0.5 };
        emit(site.replace(value, other.clone(), "T10.name", 2.0 + fits));
    }
    for other in scope
        .attributes
        .iter()
        .filter(|other| *other != own && scope.root_is_bound(other))
        .take(5)
    {
        emit(site.replace(value, other.clone(), "T10.name", 2.4));
    }
    for default in scope
        .defaults
        .iter()
        .filter(|text| !text.is_empty() && *text != own)
        .take(7)
    {
        emit(site.replace(value, default.clone(), "T10.default", 2.5));
    }
    if matches!(own, "True" | "False") || matches!(value.kind(), "comparison_operator" | "boolean_operator") {
        for atom in scope.atoms(value).into_iter().take(12) {
            emit(site.replace(value, atom, "T10.atom", 2.7));
        }
    }
}

/// `compute(x)` as a statement → `return compute(x)`, `x = x.strip()`.
fn lone(site: &Site<'_>, emit: &mut Emit<'_>) {
    let Some(value) = named(site.node).first().copied() else {
        return;
    };
    if value.kind() == "string" || site.scope.function.is_none() {
        return;
    }
    if matches!(
        value.kind(),
        "call"
            | "identifier"
            | "attribute"
            | "binary_operator"
            | "comparison_operator"
            | "subscript"
            | "list"
            | "list_comprehension"
            | "await"
    ) {
        let start = site.node.start_byte();
        emit(site.splice(
            start..start,
            "return ",
            "T19.return",
            1.7,
            format!("return `{}`", brief(site.own())),
        ));
    }
    let Some(function) = (value.kind() == "call")
        .then(|| value.child_by_field_name("function"))
        .flatten()
    else {
        return;
    };
    // Methods of immutable values, and functions that return what they made, called for nothing.
    if let Some(object) = function.child_by_field_name("object") {
        let method = site.scope.source.field(function, "attribute");
        let pure = matches!(
            method,
            "strip"
                | "lstrip"
                | "rstrip"
                | "lower"
                | "upper"
                | "title"
                | "replace"
                | "capitalize"
                | "union"
                | "difference"
                | "intersection"
                | "quantize"
                | "removeprefix"
                | "removesuffix"
                | "copy"
                | "astimezone"
                | "resolve"
                | "with_suffix"
                | "encode"
                | "decode"
                | "ljust"
                | "rjust"
                | "zfill"
                | "casefold"
        );
        if pure {
            let target = site.text(object);
            emit(site.splice(
                site.node.start_byte()..site.node.start_byte(),
                format!("{target} = "),
                "T19.assign",
                0.9,
                format!("keep the result in `{}`", brief(target)),
            ));
        }
    }
    if let Some(first) = value
        .child_by_field_name("arguments")
        .and_then(|list| named(list).first().copied())
        .filter(|first| matches!(first.kind(), "identifier" | "attribute"))
    {
        let target = site.text(first);
        let builtin = matches!(
            site.text(function),
            "sorted" | "list" | "set" | "round" | "reversed" | "abs"
        );
        emit(site.splice(
            site.node.start_byte()..site.node.start_byte(),
            format!("{target} = "),
            "T19.assign",
            if builtin { 0.9 } else { 2.2 },
            format!("keep the result in `{target}`"),
        ));
    }
    for name in site.scope.names_at(site.node).iter().take(4) {
        emit(site.splice(
            site.node.start_byte()..site.node.start_byte(),
            format!("{name} = "),
            "T19.assign",
            2.5,
            format!("keep the result in `{name}`"),
        ));
    }
}

/// The last statement of a function that returns nothing there.
fn falls_off(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(body) = site
        .scope
        .function
        .and_then(|function| function.child_by_field_name("body"))
    else {
        return;
    };
    let branch = node.parent().and_then(|block| block.parent()).is_some_and(|owner| {
        matches!(
            owner.kind(),
            "if_statement" | "elif_clause" | "else_clause" | "for_statement" | "except_clause"
        )
    });
    let ends = node
        .parent()
        .is_some_and(|block| named(block).last().is_some_and(|last| last.id() == node.id()));
    if branch && ends && matches!(node.kind(), "expression_statement") && !site.scope.is_generator {
        let mut values: Vec<String> = Vec::new();
        let own: Vec<&str> = site.own().split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        let known = site.scope.names_at(node);
        values.extend(
            own.iter()
                .filter(|word| known.iter().any(|name| name == *word))
                .map(|word| (*word).to_owned())
                .take(2),
        );
        values.extend(site.scope.names_at(node).into_iter().take(3));
        values.extend(site.scope.defaults.iter().take(3).cloned());
        for (rank, value) in values.into_iter().enumerate() {
            if let Some(splices) = site.after(node, &[format!("return {value}").trim_end().to_owned()]) {
                #[expect(clippy::cast_precision_loss, reason = "at most eight")]
                emit(site.edit(
                    splices,
                    "T11b.return",
                    2.4 + 0.08 * rank as f64,
                    format!("return `{value}` then"),
                ));
            }
        }
    }
    let last = node.parent().is_some_and(|parent| parent.id() == body.id())
        && named(body).last().is_some_and(|last| last.id() == node.id());
    if !last || matches!(node.kind(), "return_statement" | "raise_statement") || site.scope.is_generator {
        return;
    }
    let name = site
        .scope
        .function
        .map_or("", |function| site.scope.source.field(function, "name"));
    let mut values: Vec<(String, f64)> = Vec::new();
    for name in assigned_late(node, site) {
        values.push((name, 1.9));
    }
    values.extend(site.scope.names_at(node).into_iter().take(6).map(|name| (name, 2.1)));
    values.extend(
        site.scope
            .defaults
            .iter()
            .filter(|text| !text.is_empty())
            .take(4)
            .map(|text| (text.clone(), 2.6)),
    );
    values.extend(site.scope.attributes.iter().take(3).map(|text| (text.clone(), 2.6)));
    if site.scope.params.first().is_some_and(|first| first == "self") {
        values.push(("self".to_owned(), 2.6));
    }
    let init = if name == "__init__" { 2.0 } else { 0.0 };
    for (value, cost) in values {
        if let Some(splices) = site.after(node, &[format!("return {value}")]) {
            emit(site.edit(
                splices,
                "T10.missing",
                cost + init,
                format!("return `{value}` at the end"),
            ));
        }
    }
    if node.kind() == "expression_statement"
        && let Some(assignment) = named(node).first().filter(|child| child.kind() == "assignment")
        && let Some(right) = assignment.child_by_field_name("right")
    {
        emit(site.splice(
            node.start_byte()..right.start_byte(),
            "return ",
            "T19.return",
            2.2,
            "return the value",
        ));
    }
}

/// Names assigned inside the statement, latest first.
fn assigned_late(node: Node<'_>, site: &Site<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let end = last_line_of(node);
    visit_own(node, &mut |inner| {
        if matches!(inner.kind(), "assignment" | "augmented_assignment") && last_line_of(inner) <= end {
            let left = site.scope.source.field(inner, "left");
            if left.chars().all(|c| c.is_alphanumeric() || c == '_') && !left.is_empty() {
                found.insert(0, left.to_owned());
            }
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::super::probe::{reaches, turns};

    #[test]
    fn returns_change_and_appear() {
        turns(
            "def f(a, b):\n    if a:\n        return []\n    return a\n",
            None,
            "return a",
            &["return b", "return []", "return None"],
        );
        reaches(
            "def f(a):\n    out = []\n    for x in a:\n        out.append(x)\n",
            None,
            &["def f(a):\n    out = []\n    for x in a:\n        out.append(x)\n    return out\n"],
        );
        turns(
            "def f(a):\n    g(a)\n",
            None,
            "    g(a)",
            &["    return g(a)", "    a = g(a)"],
        );
        turns(
            "def f(a):\n    a.strip()\n    return a\n",
            None,
            "    a.strip()",
            &["    a = a.strip()"],
        );
    }
}
