//! T11: statements of other methods of the class, or of other functions of the file.
use std::collections::BTreeSet;

use super::word::words;
use super::{put, simple};
use crate::search::syntax::{class_of, function_of, is_statement, last_line_of, line_of, visit};
use crate::search::template::{Emit, Site};

/// Statements of the other methods of the class (of the file, outside one) whose names are all known here.
pub(super) fn siblings(site: &Site<'_>, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let Some(function) = scope.function else { return };
    let own: BTreeSet<String> = simple(site).into_iter().collect();
    let mut seen = BTreeSet::new();
    let mut found: Vec<(f64, String)> = Vec::new();
    let range = class_of(function).map_or_else(
        || scope.source.tree.root_node().byte_range(),
        |class| class.byte_range(),
    );
    visit(scope.source.tree.root_node(), &mut |node| {
        if !(range.contains(&node.start_byte()) && is_statement(node)) {
            return;
        }
        let elsewhere = function_of(node).is_some_and(|other| other.id() != function.id());
        if !elsewhere
            || line_of(node) != last_line_of(node)
            || !matches!(node.kind(), "expression_statement" | "raise_statement")
        {
            return;
        }
        let text = site.text(node);
        if text.starts_with(['"', '\'']) || text.len() > 100 || own.contains(text) || !seen.insert(text.to_owned()) {
            return;
        }
        let known = words(text).iter().all(|(_, word)| scope.knows(word) || *word == "self");
        if known {
            found.push((if text.starts_with("self.") { 3.0 } else { 3.3 }, text.to_owned()));
        }
    });
    for (cost, text) in found.into_iter().take(12) {
        put(site, &text, "T11.sibling", cost, emit);
    }
}
