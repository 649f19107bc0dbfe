//! T11: variables that a loop reads and never updates.
use std::collections::BTreeSet;

use crate::search::scope::Guess;
use crate::search::syntax::{named, role, visit_own};
use crate::search::template::{Emit, Site};

/// A variable that is set before a loop and read in it, but that the loop never updates.
pub(super) fn update(site: &Site<'_>, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let Some(block) = site
        .node
        .parent()
        .filter(|block| named(*block).last().is_some_and(|last| last.id() == site.node.id()))
    else {
        return;
    };
    let Some(parent) = block
        .parent()
        .filter(|parent| matches!(parent.kind(), "for_statement" | "while_statement"))
    else {
        return;
    };
    let mut read = BTreeSet::new();
    let mut written = BTreeSet::new();
    visit_own(parent, &mut |node| {
        if node.kind() == "identifier" {
            let target = node.parent().is_some_and(|parent| {
                matches!(parent.kind(), "assignment" | "augmented_assignment" | "for_statement") && role(node) == "left"
            });
            if target {
                written.insert(site.text(node));
            } else {
                read.insert(site.text(node));
            }
        }
    });
    let loop_names: Vec<&str> = scope
        .source
        .field(parent, "left")
        .split([',', ' ', '(', ')'])
        .filter(|name| !name.is_empty())
        .collect();
    for stale in read
        .iter()
        .filter(|name| !written.contains(*name) && !scope.params.iter().any(|param| param == *name))
    {
        if scope.bound_at(stale).is_none_or(|byte| byte >= parent.start_byte()) {
            continue;
        }
        let mut values: Vec<String> = loop_names
            .iter()
            .map(|name| (*name).to_owned())
            .filter(|name| name != stale)
            .collect();
        if scope.guess(stale) == Guess::Number {
            values.insert(0, format!("{stale} + 1"));
        }
        for value in values.into_iter().take(3) {
            let line = value
                .strip_prefix(&format!("{stale} + "))
                .map_or_else(|| format!("{stale} = {value}"), |step| format!("{stale} += {step}"));
            if let Some(splices) = site.after(site.node, std::slice::from_ref(&line)) {
                emit(site.edit(splices, "T11.update", 2.0, format!("then `{line}` in each round")));
            }
        }
    }
}
