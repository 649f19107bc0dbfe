//! Where names get their values: constants of the module, parameters, assignments, loops.
use std::ops::Range;

use tree_sitter::Node;

use super::Scope;
use super::kind::{Guess, guess_annotation, guess_text};
use crate::search::project::params_of;
use crate::search::syntax::{named, visit, visit_own};

/// One place where a name gets a value.
struct Binding {
    name: String,
    byte: usize,
    /// Text of the value, when the name is all of the target.
    value: Option<String>,
    /// The comprehension that the name lives in.
    home: Option<Range<usize>>,
}

impl<'p> Scope<'p> {
    /// Kinds of module-level values, by what they are set to.
    pub(super) fn read_constants(&mut self) {
        let source = self.source;
        for statement in named(source.tree.root_node())
            .into_iter()
            .filter(|statement| statement.kind() == "expression_statement")
        {
            if let Some(assignment) = named(statement).first().filter(|child| child.kind() == "assignment") {
                let guess = guess_text(source.field(*assignment, "right"));
                if guess != Guess::Unknown {
                    self.guesses.insert(source.field(*assignment, "left").to_owned(), guess);
                }
            }
        }
    }

    pub(super) fn read_params(&mut self) {
        let Some(list) = self
            .function
            .and_then(|function| function.child_by_field_name("parameters"))
        else {
            return;
        };
        for param in params_of(self.source, list) {
            let guess = param.annotation.as_deref().map_or(Guess::Unknown, guess_annotation);
            let guess = if guess == Guess::Unknown {
                param.default.as_deref().map_or(guess, guess_text)
            } else {
                guess
            };
            self.guesses.insert(param.name.clone(), guess);
            self.bound.insert(param.name.clone(), list.start_byte());
            self.params.push(param.name);
        }
    }

    pub(super) fn read_bindings(&mut self, root: Node<'p>) {
        let source = self.source;
        let mut found: Vec<Binding> = Vec::new();
        let top = self.function.is_none();
        visit_own(root, &mut |node| {
            let target = match node.kind() {
                "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause" => {
                    node.child_by_field_name("left")
                }
                "named_expression" => node.child_by_field_name("name"),
                "as_pattern_target" => Some(node),
                _ => None,
            };
            if top && node.kind() != "for_in_clause" {
                return;
            }
            if let Some(target) = target {
                let value = (node.kind() == "assignment").then(|| source.field(node, "right").to_owned());
                visit(target, &mut |name| {
                    if name.kind() == "identifier"
                        && !matches!(
                            name.parent().map(|parent| parent.kind()),
                            Some("attribute" | "subscript")
                        )
                    {
                        let home = (node.kind() == "for_in_clause")
                            .then(|| node.parent().map(|parent| parent.byte_range()))
                            .flatten();
                        found.push(Binding {
                            name: source.text(name).to_owned(),
                            byte: name.start_byte(),
                            value: value.clone().filter(|_| target.kind() == "identifier"),
                            home,
                        });
                    }
                });
            }
        });
        for Binding {
            name,
            byte,
            value,
            home,
        } in found
        {
            match home {
                Some(range) if !self.bound.contains_key(&name) => {
                    self.confined.insert(name.clone(), range);
                }
                Some(_) => {}
                None => {
                    self.confined.remove(&name);
                }
            }
            let guess = value.as_deref().map_or(Guess::Unknown, guess_text);
            if guess != Guess::Unknown {
                self.guesses.entry(name.clone()).or_insert(guess);
            }
            let first = self.bound.entry(name).or_insert(byte);
            *first = (*first).min(byte);
        }
    }
}
