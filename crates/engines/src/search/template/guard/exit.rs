//! Guards as statements of their own: leave first, or do something under a condition only.
use tree_sitter::Node;

use super::condition::tests;
use crate::search::scope::negate;
use crate::search::syntax::{enclosing, in_loop};
use crate::search::template::{Emit, Site, brief};

/// Guards as statements of their own.
pub(super) fn statement(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let scope = site.scope;
    let exits = exits(site);
    for (test, template, base) in tests(site).into_iter().take(26) {
        // A round whose own element lacks something is skipped.
        let element = enclosing(node, &["for_statement"]).map_or("", |outer| scope.source.field(outer, "left"));
        let about_element = !element.is_empty()
            && test
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .any(|word| element.split([',', ' ', '(', ')']).any(|name| name == word))
            && template == "T09.none-exit";
        for (rank, exit) in exits.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "at most six")]
            let cost = base + 0.1 * rank as f64 - if about_element && exit == "continue" { 0.6 } else { 0.0 };
            guard(site, node, &test, exit, template, cost, emit);
        }
        if !matches!(node.kind(), "return_statement" | "if_statement") {
            wrap(site, &test, emit);
        }
    }
}

/// How control can leave: by `continue` in a loop, by `return` with a default.
fn exits(site: &Site<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if in_loop(site.node) {
        found.push("continue".to_owned());
    }
    if !site.scope.is_generator {
        for default in site.scope.defaults.iter().take(4) {
            found.push(if default.is_empty() {
                "return".to_owned()
            } else {
                format!("return {default}")
            });
        }
    } else {
        found.push("return".to_owned());
    }
    if in_loop(site.node) {
        found.push("break".to_owned());
    }
    found
}

fn guard(
    site: &Site<'_>,
    node: Node<'_>,
    test: &str,
    exit: &str,
    template: &'static str,
    cost: f64,
    emit: &mut Emit<'_>,
) {
    let unit = &site.scope.source.unit;
    if let Some(splices) = site.before(node, &[format!("if {test}:"), format!("{unit}{exit}")]) {
        emit(site.edit(splices, template, cost, format!("`{exit}` first if `{}`", brief(test))));
    }
}

fn wrap(site: &Site<'_>, test: &str, emit: &mut Emit<'_>) {
    let source = site.scope.source;
    let node = site.node;
    if !source.starts_line(node) || !source.ends_line(node) {
        return;
    }
    if let Some(inner) = site.shifted(node, true) {
        let positive = negate(test);
        let text = format!(
            "if {positive}:{}{}{}{inner}",
            source.newline,
            source.indent(node),
            source.unit
        );
        emit(site.splice(
            node.byte_range(),
            text,
            "T09.wrap",
            3.4,
            format!("do this only if `{}`", brief(&positive)),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::search::template::probe::reaches;

    #[test]
    fn guards_keep_line_endings_and_one_line_blocks() {
        let none = Some(("AttributeError", "'NoneType' object has no attribute 'a'"));
        reaches(
            "def f(x):\r\n    for y in x:\r\n        print(y.a)\r\n",
            none,
            &[
                "def f(x):\r\n    for y in x:\r\n        if y is None:\r\n            continue\r\n        print(y.a)\r\n",
            ],
        );
        reaches(
            "def f(x, y):\n    if y: print(x.a)\n",
            none,
            &["def f(x, y):\n    if y:\n        if x is None:\n            return\n        print(x.a)\n"],
        );
    }
}
