//! T12: a statement, its condition or its alternative goes.
use crate::search::syntax::named;
use crate::search::template::{Emit, Site, brief};

pub(super) fn delete(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    if let Some(splices) = site.without(node) {
        let cost = if matches!(node.kind(), "return_statement" | "raise_statement" | "if_statement") {
            3.4
        } else {
            3.0
        };
        emit(site.edit(splices, "T12.delete", cost, format!("drop `{}`", brief(site.own()))));
    }
    // `if c: body` → `body`.
    if matches!(node.kind(), "if_statement" | "while_statement")
        && site.scope.source.starts_line(node)
        && let Some(body) = node
            .child_by_field_name("consequence")
            .or_else(|| node.child_by_field_name("body"))
            .filter(|body| site.scope.source.starts_line(*body))
        && let Some(text) = site.shifted(body, false)
    {
        emit(site.splice(node.byte_range(), text, "T12.unwrap", 3.1, "do it without condition"));
    }
    for clause in named(node)
        .into_iter()
        .filter(|child| matches!(child.kind(), "else_clause" | "elif_clause"))
    {
        let start = site
            .scope
            .source
            .text
            .get(..clause.start_byte())
            .map_or(clause.start_byte(), |text| text.trim_end().len());
        emit(site.splice(start..clause.end_byte(), "", "T12.else", 3.2, "drop the alternative"));
    }
}
