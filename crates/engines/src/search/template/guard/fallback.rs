//! `or`: a default for values that may be missing.
use super::is_read;
use crate::search::syntax::operand;
use crate::search::template::{Emit, Site};

/// `x` → `x or default` for values that may be missing.
pub(super) fn fallback(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(parent) = node.parent() else { return };
    if !is_read(node)
        || site.own().len() > 60
        || matches!(site.own(), "self" | "cls")
        || site.scope.callables.iter().any(|name| name == site.own())
    {
        return;
    }
    let place = parent.kind();
    if !matches!(
        place,
        "argument_list"
            | "assignment"
            | "for_statement"
            | "for_in_clause"
            | "binary_operator"
            | "return_statement"
            | "keyword_argument"
            | "augmented_assignment"
    ) {
        return;
    }
    if place == "argument_list"
        && node.kind() == "call"
        && parent.parent().is_none_or(|call| {
            !matches!(
                site.scope.source.field(call, "function"),
                "int" | "float" | "Decimal" | "len" | "sum" | "list" | "sorted" | "str"
            )
        })
    {
        return;
    }
    let callee = parent
        .parent()
        .filter(|_| place == "argument_list")
        .map_or("", |call| site.scope.source.field(call, "function"));
    let defaults: &[&str] = match (place, callee) {
        ("for_statement" | "for_in_clause", _)
        | (_, "len" | "list" | "sorted" | "sum" | "set" | "tuple" | "enumerate") => &["[]", "()"],
        ("binary_operator" | "augmented_assignment", _) | (_, "int" | "float" | "Decimal" | "round" | "abs") => {
            &["0", "\"\""]
        }
        ("argument_list", _) => &["\"\"", "[]", "0"],
        _ => &["0", "[]", "\"\"", "{}"],
    };
    if matches!(
        place,
        "assignment" | "return_statement" | "argument_list" | "keyword_argument"
    ) {
        let mut pool: Vec<String> = site.scope.names_at(node).into_iter().take(4).collect();
        if let (Some(class), true) = (
            site.scope.class.as_deref(),
            site.scope.params.first().is_some_and(|first| first == "self"),
        ) {
            let optional = |name: &String| {
                site.scope
                    .project
                    .attribute_kinds
                    .get(name)
                    .is_some_and(|kind| kind.contains("None") || kind.contains("Optional"))
            };
            pool.extend(
                site.scope
                    .project
                    .members(class)
                    .into_iter()
                    .filter(optional)
                    .map(|name| format!("self.{name}")),
            );
        }
        for other in pool
            .into_iter()
            .filter(|other| other != site.own() && site.scope.compatible(site.own(), other))
        {
            let optional = other.starts_with("self.");
            emit(site.replace(
                node,
                format!("{other} or {}", operand(site.own())),
                "T16a.or",
                if optional { 2.2 } else { 2.8 },
            ));
            emit(site.replace(node, format!("{} or {other}", operand(site.own())), "T16a.or", 2.7));
        }
    }
    for default in defaults {
        let text = format!("{} or {default}", operand(site.own()));
        let text = if matches!(place, "binary_operator") {
            format!("({text})")
        } else {
            text
        };
        let cost = if place == "return_statement" { 2.5 } else { 2.1 };
        emit(site.replace(node, text, "T09.or", cost));
    }
}
