//! What stands in the body of a function: uses of names, attributes, elements, conditions, results, numbers.
use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::Node;

use super::Scope;
use super::kind::{Guess, guess_method, is_common};
use crate::search::syntax::{is_expression, named, role, visit, visit_own};

impl<'p> Scope<'p> {
    pub(super) fn read_body(&mut self, root: Node<'p>) {
        let source = self.source;
        let mut seen = BTreeSet::new();
        let mut valued_return = false;
        let mut bare_return = false;
        visit_own(root, &mut |node| {
            let text = source.text(node);
            match node.kind() {
                "identifier" => self.occurrences.push((text.to_owned(), node.start_byte())),
                "attribute" if !text.contains(['(', '[', '\n', '"']) => {
                    let called = node
                        .parent()
                        .is_some_and(|parent| parent.kind() == "call" && role(node) == "function");
                    if !called && seen.insert(text.to_owned()) {
                        self.attributes.push(text.to_owned());
                    }
                    let object = source.field(node, "object");
                    if !object.contains('.')
                        && !matches!(object, "self" | "cls")
                        && guess_method(source.field(node, "attribute")).is_none()
                        && !is_common(source.field(node, "attribute"))
                    {
                        self.guesses
                            .entry(object.to_owned())
                            .and_modify(|guess| {
                                if *guess == Guess::Unknown {
                                    *guess = Guess::Object
                                }
                            })
                            .or_insert(Guess::Object);
                    }
                    if called && let Some(guess) = guess_method(source.field(node, "attribute")) {
                        self.guesses
                            .entry(source.field(node, "object").to_owned())
                            .and_modify(|old| {
                                if *old == Guess::Unknown {
                                    *old = guess
                                }
                            })
                            .or_insert(guess);
                    }
                }
                "subscript"
                    if text.len() < 30
                        && text.ends_with(']')
                        && is_expression(node)
                        && node
                            .child_by_field_name("subscript")
                            .is_some_and(|key| matches!(key.kind(), "integer" | "string"))
                        && seen.insert(text.to_owned()) =>
                {
                    self.elements.push(text.to_owned());
                }
                "binary_operator" if matches!(source.field(node, "operator"), "-" | "*" | "/" | "//" | "**") => {
                    self.numeric(node)
                }
                "comparison_operator"
                    if named(node)
                        .iter()
                        .any(|side| matches!(side.kind(), "integer" | "float")) =>
                {
                    self.numeric(node)
                }
                "augmented_assignment" if matches!(source.field(node, "operator"), "-=" | "*=" | "/=" | "//=") => {
                    self.numeric(node)
                }
                "if_statement" | "while_statement" | "elif_clause" => {
                    let condition = source.field(node, "condition");
                    if !self.conditions.iter().any(|known| known == condition) {
                        self.conditions.push(condition.to_owned());
                    }
                }
                "return_statement" => {
                    if let Some(value) = named(node).first() {
                        valued_return = true;
                        let value = source.text(*value).to_owned();
                        if !self.returns.contains(&value) {
                            self.returns.push(value);
                        }
                    } else {
                        bare_return = true;
                    }
                }
                "yield" => self.is_generator = true,
                _ => {}
            }
            if is_expression(node) && text.len() <= 80 && !text.contains('\n') && seen.insert(format!("e {text}")) {
                self.expressions.push((text.to_owned(), node.kind()));
            }
        });
        self.returns_nothing = !valued_return || bare_return;
    }

    /// Operands of arithmetic are numbers, unless one is a sequence that is repeated or a set that is reduced.
    fn numeric(&mut self, node: Node<'p>) {
        let sides = named(node);
        if sides.iter().any(|side| {
            matches!(side.kind(), "string" | "list" | "tuple" | "set" | "dictionary")
                || side.kind() == "call" && self.source.text(*side).starts_with("set(")
        }) {
            return;
        }
        for side in sides
            .into_iter()
            .filter(|side| matches!(side.kind(), "identifier" | "attribute"))
        {
            self.guesses
                .entry(self.source.text(side).to_owned())
                .and_modify(|old| {
                    if *old == Guess::Unknown {
                        *old = Guess::Number
                    }
                })
                .or_insert(Guess::Number);
        }
    }

    pub(super) fn read_numbers(&mut self) {
        let source = self.source;
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        visit(source.tree.root_node(), &mut |node| {
            if matches!(node.kind(), "integer" | "float") {
                *counts.entry(source.text(node).to_owned()).or_default() += 1;
            }
        });
        let mut numbers: Vec<(String, u32)> = counts.into_iter().collect();
        numbers.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        self.numbers = numbers.into_iter().map(|(text, _)| text).take(12).collect();
    }
}
