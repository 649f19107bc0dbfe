//! Names that a template may use at one place, and what is known of each.
use std::collections::BTreeMap;

use tree_sitter::Node;

use super::Scope;
use super::kind::{Guess, guess_method};
use crate::search::syntax::{enclosing, statement_of};

impl<'p> Scope<'p> {
    /// Names that are visible at `node`, nearest use first, `self` and `cls` left out.
    pub fn names_at(&self, node: Node<'_>) -> Vec<String> {
        let here = node.start_byte();
        // What this very statement binds is not there yet, but in a loop it is from the second round on.
        let start = statement_of(node)
            .filter(|statement| {
                !matches!(
                    statement.kind(),
                    "for_statement"
                        | "with_statement"
                        | "function_definition"
                        | "if_statement"
                        | "while_statement"
                        | "try_statement"
                )
            })
            .map_or(here, |statement| statement.start_byte());
        let horizon = enclosing(
            node,
            &[
                "for_statement",
                "while_statement",
                "list_comprehension",
                "set_comprehension",
                "dictionary_comprehension",
                "generator_expression",
            ],
        )
        .map_or(start, |outer| outer.end_byte());
        let mut near: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, byte) in &self.occurrences {
            if let Some(first) = self.bound.get(name.as_str())
                && *first < horizon
                && self.visible(name, node)
            {
                let distance = byte.abs_diff(here);
                let entry = near.entry(name).or_insert(distance);
                if distance > 0 && (*entry == 0 || distance < *entry) {
                    *entry = distance;
                }
            }
        }
        for param in &self.params {
            near.entry(param)
                .or_insert_with(|| self.bound.get(param).map_or(0, |byte| byte.abs_diff(here)));
        }
        let mut names: Vec<(&str, usize)> = near
            .into_iter()
            .filter(|(name, _)| !matches!(*name, "self" | "cls" | "_"))
            .collect();
        names.sort_by_key(|(name, distance)| (*distance, *name));
        names.into_iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// Comprehension variables live in their comprehension only.
    fn visible(&self, name: &str, node: Node<'_>) -> bool {
        self.confined
            .get(name)
            .is_none_or(|range| range.start <= node.start_byte() && node.end_byte() <= range.end)
    }

    /// Methods without parameters that answer yes or no and were seen on a receiver of this name.
    pub fn predicates(&self, name: &str) -> Vec<&'p str> {
        let Some(seen) = self.project.receivers.get(name.rsplit('.').next().unwrap_or(name)) else {
            return Vec::new();
        };
        let telling = |name: &str| {
            ["is_", "has_", "can_", "should_", "in_"]
                .iter()
                .any(|start| name.starts_with(start))
        };
        self.project
            .functions
            .iter()
            .filter(|function| {
                function.class.is_some() && function.params.is_empty() && seen.contains_key(&function.name)
            })
            .filter(|function| {
                (function.returns.as_deref() == Some("bool") || telling(&function.name))
                    && !function
                        .decorators
                        .iter()
                        .any(|decorator| decorator.contains("property"))
            })
            .map(|function| function.name.as_str())
            .take(3)
            .collect()
    }

    /// Whether the name is bound in the function (parameters included).
    pub fn binds(&self, name: &str) -> bool {
        self.bound.contains_key(name)
    }

    /// Byte of the first binding.
    pub fn bound_at(&self, name: &str) -> Option<usize> {
        self.bound.get(name).copied()
    }

    /// Whether the name is known here at all.
    pub fn knows(&self, name: &str) -> bool {
        self.binds(name) || self.values.iter().chain(&self.callables).any(|known| known == name)
    }

    /// Whether the first name of a dotted text is known inside the function.
    pub fn root_is_bound(&self, dotted: &str) -> bool {
        dotted.split('.').next().is_some_and(|root| self.binds(root))
    }

    /// Parameters that the function never reads.
    pub fn ignored(&self) -> Vec<&str> {
        let body = self
            .function
            .and_then(|function| function.child_by_field_name("body"))
            .map_or(0, |body| body.start_byte());
        self.params
            .iter()
            .map(String::as_str)
            .filter(|param| {
                !matches!(*param, "self" | "cls" | "args" | "kwargs")
                    && !param.starts_with('_')
                    && !self
                        .occurrences
                        .iter()
                        .any(|(name, byte)| name == param && *byte >= body)
            })
            .collect()
    }

    /// Whether something of this name was seen with this attribute, or could have it.
    pub fn may_have(&self, dotted: &str, attribute: &str) -> bool {
        if !matches!(self.guess(dotted), Guess::Object | Guess::Unknown) {
            return guess_method(attribute).is_some();
        }
        let last = dotted.rsplit('.').next().unwrap_or(dotted);
        self.project
            .receivers
            .get(last)
            .is_none_or(|seen| seen.contains_key(attribute))
    }
}
