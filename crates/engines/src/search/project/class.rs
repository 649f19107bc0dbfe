//! Classes and their members, as they are declared.
use std::collections::BTreeSet;

use tree_sitter::Node;

use crate::search::syntax::{Source, named, visit};

/// A class.
#[derive(Clone, Debug)]
pub struct Class {
    /// Index of its file.
    pub file: usize,
    /// Name.
    pub name: String,
    /// Base classes as written.
    pub bases: Vec<String>,
    /// Attributes and methods.
    pub members: BTreeSet<String>,
}

pub(super) fn class(source: &Source, file: usize, node: Node<'_>) -> Class {
    let bases = node
        .child_by_field_name("superclasses")
        .map(|list| {
            named(list)
                .into_iter()
                .filter(|base| base.kind() != "keyword_argument")
                .map(|base| source.text(base).to_owned())
                .collect()
        })
        .unwrap_or_default();
    let mut members = BTreeSet::new();
    if let Some(body) = node.child_by_field_name("body") {
        for statement in named(body) {
            let inner = if statement.kind() == "decorated_definition" {
                statement.child_by_field_name("definition").unwrap_or(statement)
            } else {
                statement
            };
            match inner.kind() {
                "function_definition" => {
                    members.insert(source.field(inner, "name").to_owned());
                }
                "expression_statement" => {
                    for child in named(inner).into_iter().filter(|child| child.kind() == "assignment") {
                        members.insert(source.field(child, "left").to_owned());
                    }
                }
                _ => {}
            }
        }
        visit(body, &mut |inner| {
            if inner.kind() == "assignment"
                && let Some(name) = source.field(inner, "left").strip_prefix("self.")
                && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            {
                members.insert(name.to_owned());
            }
        });
    }
    Class {
        file,
        name: source.field(node, "name").to_owned(),
        bases,
        members,
    }
}
