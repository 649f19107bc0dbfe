//! What one file adds to the index of the project.
use std::collections::BTreeMap;

use tree_sitter::Node;

use super::class::{Class, class};
use super::function::{Function, function};
use crate::search::syntax::{Source, class_of, function_of, named, string_parts, visit};

#[derive(Default)]
pub(super) struct Found {
    pub(super) functions: Vec<Function>,
    pub(super) classes: Vec<Class>,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) keys: Vec<String>,
    pub(super) fallbacks: Vec<String>,
    pub(super) attribute_kinds: Vec<(String, String)>,
    pub(super) tops: BTreeMap<String, bool>,
}

impl Found {
    pub(super) fn see(&mut self, source: &Source, file: usize, node: Node<'_>) {
        match node.kind() {
            "function_definition" => self.functions.push(function(source, file, node)),
            "class_definition" => self.classes.push(class(source, file, node)),
            "attribute" => {
                let object = source.field(node, "object");
                let receiver = object.rsplit('.').next().unwrap_or(object);
                if receiver.chars().all(|c| c.is_alphanumeric() || c == '_') {
                    self.attributes
                        .push((receiver.to_owned(), source.field(node, "attribute").to_owned()));
                }
            }
            "assignment" => {
                let left = source.field(node, "left");
                let name = left
                    .strip_prefix("self.")
                    .or_else(|| (class_of(node).is_some() && function_of(node).is_none()).then_some(left));
                if let Some(name) = name {
                    let kind = if node.child_by_field_name("type").is_some() {
                        format!(":{}", source.field(node, "type"))
                    } else {
                        source.field(node, "right").to_owned()
                    };
                    self.attribute_kinds.push((name.to_owned(), kind));
                }
            }
            "subscript" => {
                if let Some(key) = node.child_by_field_name("subscript") {
                    self.key(source, key);
                }
            }
            "pair" => {
                if let Some(key) = node.child_by_field_name("key") {
                    self.key(source, key);
                }
            }
            "call" => {
                let name = source.field(node, "function");
                if name.ends_with(".get") || name.ends_with(".pop") || name.ends_with(".setdefault") {
                    let arguments = node.child_by_field_name("arguments").map(named).unwrap_or_default();
                    if let Some(first) = arguments.first() {
                        self.key(source, *first);
                    }
                    if let (true, Some(second)) = (arguments.len() == 2, arguments.get(1)) {
                        self.fallbacks.push(source.text(*second).to_owned());
                    }
                }
            }
            _ => {}
        }
    }

    fn key(&mut self, source: &Source, node: Node<'_>) {
        if let ("string", Some((_, inner, _))) = (node.kind(), string_parts(source.text(node))) {
            self.keys.push(inner.to_owned());
        }
    }

    pub(super) fn top(&mut self, source: &Source, statement: Node<'_>) {
        match statement.kind() {
            "function_definition" | "class_definition" => {
                self.tops.insert(source.field(statement, "name").to_owned(), true);
            }
            "decorated_definition" => {
                if let Some(inner) = statement.child_by_field_name("definition") {
                    self.top(source, inner);
                }
            }
            "import_statement" | "import_from_statement" => {
                let module = statement.child_by_field_name("module_name").map(|node| node.id());
                for child in named(statement) {
                    if Some(child.id()) == module {
                        continue;
                    }
                    let name = match child.kind() {
                        "aliased_import" => source.field(child, "alias"),
                        _ => source.text(child).split('.').next().unwrap_or(""),
                    };
                    self.tops.insert(name.to_owned(), true);
                }
            }
            "expression_statement" => {
                for child in named(statement) {
                    if child.kind() == "assignment" {
                        let left = source.field(child, "left");
                        if left.chars().all(|c| c.is_alphanumeric() || c == '_') {
                            self.tops.insert(left.to_owned(), false);
                        }
                    }
                }
            }
            "if_statement" | "try_statement" => visit(statement, &mut |node| {
                if matches!(node.kind(), "import_statement" | "import_from_statement") {
                    self.top(source, node);
                }
            }),
            _ => {}
        }
    }
}
