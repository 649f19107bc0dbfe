//! Tests worth guarding a statement with.
use tree_sitter::Node;

use super::division::truth_of;
use crate::search::scope::{Guess, Scope};
use crate::search::syntax::{is_expression, is_statement, operand, visit, visit_own};
use crate::search::template::Site;

/// Tests worth guarding with, from what the statement uses.
pub(super) fn tests(site: &Site<'_>) -> Vec<(String, &'static str, f64)> {
    let scope = site.scope;
    let head = site
        .node
        .child_by_field_name("body")
        .or_else(|| site.node.child_by_field_name("consequence"))
        .map_or(site.node.end_byte(), |body| body.start_byte());
    let mut found: Vec<(String, &'static str, f64)> = Vec::new();
    let mut push = |test: String, template: &'static str, cost: f64| {
        if !found.iter().any(|(known, _, _)| *known == test) {
            found.push((test, template, cost));
        }
    };
    let usable = |text: &str| {
        !matches!(text, "self" | "cls")
            && text.len() < 50
            && !text.contains(['\n', '"', '\''])
            && scope.root_is_bound(text.split(['(', '[']).next().unwrap_or(text))
    };
    visit_own(site.node, &mut |node| {
        if node.start_byte() >= head {
            return;
        }
        match node.kind() {
            "attribute" | "call" | "subscript" => {
                let receiver = match node.kind() {
                    "attribute" => node.child_by_field_name("object"),
                    "subscript" => node.child_by_field_name("value"),
                    _ => None,
                };
                if let Some(text) = receiver
                    .map(|receiver| scope.source.text(receiver))
                    .filter(|text| usable(text) && !scope.source.text(node).is_empty())
                    && !inside_comprehension(scope, node)
                {
                    push(format!("{text} is None"), "T09.none-exit", 2.7);
                    if scope.guess(text) != Guess::Number {
                        push(format!("not {text}"), "T09.empty-exit", 2.8);
                    }
                }
                if node.kind() == "subscript"
                    && let (Some(value), Some(key)) =
                        (node.child_by_field_name("value"), node.child_by_field_name("subscript"))
                {
                    let (value, key_text) = (scope.source.text(value), scope.source.text(key));
                    if usable(value)
                        && !matches!(key.kind(), "slice" | "integer" | "unary_operator")
                        && !inside_comprehension(scope, node)
                    {
                        push(format!("{key_text} not in {value}"), "T09.member-exit", 2.6);
                    }
                    if usable(value)
                        && matches!(key.kind(), "identifier" | "binary_operator")
                        && !inside_comprehension(scope, node)
                    {
                        push(format!("{key_text} >= len({value})"), "T09.range-exit", 2.9);
                    }
                }
            }
            "binary_operator" if matches!(scope.source.field(node, "operator"), "/" | "//" | "%") => {
                if let Some(right) = node
                    .child_by_field_name("right")
                    .filter(|right| !matches!(right.kind(), "integer" | "float" | "string"))
                {
                    let divisor = scope.source.text(right);
                    let test = truth_of(divisor, divisor);
                    if !inside_comprehension(scope, node)
                        && test.len() < 50
                        && usable(test.split([' ', '(']).next().unwrap_or(""))
                    {
                        push(format!("not {}", operand(&test)), "T09.zero-exit", 2.4);
                        push(format!("{} == 0", operand(divisor)), "T09.zero-exit", 2.5);
                    }
                }
            }
            "identifier" if is_expression(node) => {
                let text = scope.source.text(node);
                if usable(text)
                    && !scope.callables.iter().any(|name| name == text)
                    && scope.bound_at(text).is_some_and(|byte| byte < site.node.start_byte())
                    && !inside_comprehension(scope, node)
                {
                    if scope.guess(text) != Guess::Number {
                        push(format!("not {text}"), "T09.empty-exit", 2.9);
                    }
                    push(format!("{text} is None"), "T09.none-exit", 2.9);
                }
            }
            _ => {}
        }
    });
    found.extend(
        scope
            .atoms(site.node)
            .into_iter()
            .take(14)
            .map(|atom| (atom, "T09.atom", 3.5)),
    );
    found
}

/// Names of comprehensions do not exist outside.
fn inside_comprehension(scope: &Scope<'_>, node: Node<'_>) -> bool {
    let text = scope.source.text(node).split(['.', '[', '(']).next().unwrap_or("");
    let mut at = node.parent();
    while let Some(here) = at {
        if here.kind().ends_with("comprehension") || matches!(here.kind(), "generator_expression" | "lambda") {
            let mut binds = false;
            visit(here, &mut |inner| {
                if matches!(inner.kind(), "for_in_clause" | "lambda_parameters") {
                    let left = if inner.kind() == "lambda_parameters" {
                        scope.source.text(inner)
                    } else {
                        scope.source.field(inner, "left")
                    };
                    binds |= left.split([',', ' ', '(', ')']).any(|name| name == text);
                }
            });
            if binds {
                return true;
            }
        }
        if is_statement(here) {
            return false;
        }
        at = here.parent();
    }
    false
}
