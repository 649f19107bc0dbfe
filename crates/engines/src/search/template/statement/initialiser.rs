//! T11: what `__init__` forgot to set.
use std::collections::BTreeSet;

use super::put;
use crate::search::syntax::{class_of, visit};
use crate::search::template::{Emit, Site};

/// `self.x = x` that `__init__` forgot, and attributes that the class uses but never sets.
pub(super) fn initialise(site: &Site<'_>, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let Some(function) = scope
        .function
        .filter(|function| scope.source.field(*function, "name") == "__init__")
    else {
        return;
    };
    let body = scope.source.text(function);
    for param in scope.params.iter().filter(|param| *param != "self") {
        if !body.contains(&format!("self.{param} ")) && !body.contains(&format!("self._{param} ")) {
            put(site, &format!("self.{param} = {param}"), "T11.init", 1.8, emit);
        }
    }
    if let Some(class) = class_of(function) {
        if class.child_by_field_name("superclasses").is_some() && !body.contains("super()") {
            put(site, "super().__init__()", "T11.super", 2.2, emit);
        }
        let members = scope.project.members(scope.source.field(class, "name"));
        let mut wanted = BTreeSet::new();
        visit(class, &mut |node| {
            if node.kind() == "attribute"
                && scope.source.field(node, "object") == "self"
                && !members.contains(scope.source.field(node, "attribute"))
            {
                wanted.insert(scope.source.field(node, "attribute").to_owned());
            }
        });
        for name in wanted.into_iter().take(4) {
            for value in ["None", "[]", "{}", "0", "set()", "\"\"", "False"] {
                put(site, &format!("self.{name} = {value}"), "T11.init", 2.0, emit);
            }
        }
    }
}
