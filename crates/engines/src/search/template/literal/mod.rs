//! T06: mutate a literal, take another literal of the file or a key of the project, put in a variable.
mod container;
mod format;
mod key;
mod number;
mod pattern;
mod text;

use super::{Emit, Site};
use crate::search::syntax::is_expression;

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    match node.kind() {
        "integer" | "float" => number::number(site, emit),
        "true" => emit(site.replace(node, "False", "T06.bool", 1.0)),
        "false" => emit(site.replace(node, "True", "T06.bool", 1.0)),
        "none" if is_expression(node) => {
            for (text, cost) in [
                ("0", 1.7),
                ("[]", 1.7),
                ("\"\"", 1.8),
                ("{}", 1.8),
                ("False", 1.8),
                ("True", 1.9),
            ] {
                emit(site.replace(node, text, "T06.default", cost));
            }
            variables(site, 1.9, emit);
        }
        "string" => text::text(site, emit),
        "list" | "tuple" | "set" | "dictionary" if is_expression(node) => container::container(site, emit),
        "format_specifier" => format::format(site, emit),
        "pair" => key::pair(site, emit),
        _ => {}
    }
}

/// A literal that should be a variable.
fn variables(site: &Site<'_>, cost: f64, emit: &mut Emit<'_>) {
    let node = site.node;
    if !is_expression(node) || site.scope.function.is_none() {
        return;
    }
    for name in site.scope.names_at(node).iter().take(5) {
        let fits = if site.scope.compatible(site.own(), name) {
            0.0
        } else {
            0.6
        };
        emit(site.replace(node, name.clone(), "T06.variable", cost + fits));
    }
    for name in site
        .scope
        .attributes
        .iter()
        .filter(|name| site.scope.root_is_bound(name))
        .take(5)
    {
        emit(site.replace(node, name.clone(), "T06.variable", cost + 0.3));
    }
}
