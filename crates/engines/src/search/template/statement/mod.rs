//! T11 to T14: insert, delete and move statements.
mod deletion;
mod initialiser;
mod insertion;
mod replacement;
mod shift;
mod sibling;
mod update;
mod word;

use std::collections::BTreeSet;

use super::{Emit, Site, brief};
use crate::search::syntax::{is_statement, last_line_of, line_of, named, visit_own};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    if !is_statement(node) {
        return;
    }
    if site.scope.function.is_none() {
        return;
    }
    if matches!(
        node.kind(),
        "function_definition"
            | "class_definition"
            | "decorated_definition"
            | "import_statement"
            | "import_from_statement"
    ) {
        return;
    }
    if node.kind() == "expression_statement" && named(node).first().is_some_and(|value| value.kind() == "string") {
        return;
    }
    insertion::insert(site, emit);
    update::update(site, emit);
    initialiser::initialise(site, emit);
    deletion::delete(site, emit);
    shift::shift(site, emit);
    replacement::replace(site, emit);
}

/// Simple statements of the function, texts without repetition.
fn simple(site: &Site<'_>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    if let Some(function) = site.scope.function {
        visit_own(function, &mut |node| {
            if is_statement(node)
                && matches!(
                    node.kind(),
                    "expression_statement" | "return_statement" | "raise_statement" | "delete_statement"
                )
                && line_of(node) == last_line_of(node)
            {
                let text = site.text(node);
                if !text.starts_with(['"', '\'']) && text.len() < 100 && seen.insert(text) {
                    found.push((node.start_byte().abs_diff(site.node.start_byte()), text.to_owned()));
                }
            }
        });
    }
    found.sort();
    found.into_iter().map(|(_, text)| text).take(10).collect()
}

fn put(site: &Site<'_>, line: &str, template: &'static str, cost: f64, emit: &mut Emit<'_>) {
    let line = [line.to_owned()];
    if let Some(splices) = site.before(site.node, &line) {
        emit(site.edit(splices, template, cost, format!("first `{}`", brief(&line[0]))));
    }
    // The next statement's `before` covers what lies between two statements.
    let ends = site
        .node
        .parent()
        .is_some_and(|parent| named(parent).last().is_some_and(|last| last.id() == site.node.id()));
    if ends
        && !matches!(
            site.node.kind(),
            "return_statement" | "raise_statement" | "break_statement" | "continue_statement"
        )
        && let Some(splices) = site.after(site.node, &line)
    {
        emit(site.edit(splices, template, cost, format!("then `{}`", brief(&line[0]))));
    }
}

#[cfg(test)]
mod tests {
    use crate::search::template::probe::reaches;

    #[test]
    fn missing_statements_come_from_the_function_its_class_and_its_parameters() {
        let text = "class A:\n    def __init__(self, a, b):\n        self.a = a\n    def g(self):\n        self.n = 0\n        self.check()\n    def h(self, x):\n        self.a = x\n";
        reaches(
            text,
            None,
            &[
                &text.replace("        self.a = a\n", "        self.a = a\n        self.b = b\n"),
                &text.replace("        self.a = x\n", "        self.check()\n        self.a = x\n"),
                &text.replace("        self.a = x\n", "        self.a = x\n        self.n = 0\n"),
            ],
        );
        reaches(
            "def f(a):\n    last = None\n    for x in a:\n        g(x, last)\n",
            None,
            &["def f(a):\n    last = None\n    for x in a:\n        g(x, last)\n        last = x\n"],
        );
        reaches(
            "def f(a):\n    n = 0\n    for x in a:\n        g(x)\n    return n\n",
            None,
            &["def f(a):\n    n = 0\n    for x in a:\n        g(x)\n        n += 1\n    return n\n"],
        );
    }
}
