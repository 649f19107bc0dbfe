//! T11 to T14: insert, delete and move statements.
use std::collections::BTreeSet;

use super::{Emit, Site, brief, likeness};
use crate::search::edit::Splice;
use crate::search::scope::Guess;
use crate::search::syntax::{function_of, in_loop, is_statement, line_of, named, visit_own};

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
    insert(site, emit);
    update(site, emit);
    initialise(site, emit);
    delete(site, emit);
    shift(site, emit);
    replace(site, emit);
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
                && line_of(node) == crate::search::syntax::last_line_of(node)
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

fn insert(site: &Site<'_>, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let own = site.own();
    for text in simple(site) {
        if text != own {
            put(site, &text, "T11.copy", 3.0, emit);
        }
        // A copy with one name exchanged.
        for (at, name) in words(&text).into_iter().take(6) {
            for other in scope
                .names_at(site.node)
                .iter()
                .filter(|other| other.as_str() != name)
                .take(3)
            {
                if let (Some(before), Some(after)) = (text.get(..at), text.get(at + name.len()..)) {
                    put(site, &format!("{before}{other}{after}"), "T11c.copy", 3.4, emit);
                }
            }
        }
    }
    let names = scope.names_at(site.node);
    for name in names.iter().take(5) {
        match scope.guess(name) {
            Guess::Number => {
                put(site, &format!("{name} += 1"), "T11.step", 3.0, emit);
                put(site, &format!("{name} -= 1"), "T11.step", 3.1, emit);
                put(site, &format!("{name} = 0"), "T11a.reset", 3.3, emit);
            }
            Guess::Sequence => {
                for other in names.iter().filter(|other| *other != name).take(4) {
                    put(site, &format!("{name}.append({other})"), "T11m.append", 3.0, emit);
                    put(site, &format!("{name}.add({other})"), "T11m.append", 3.3, emit);
                }
                put(site, &format!("{name}.sort()"), "T11m.method", 3.2, emit);
                put(site, &format!("{name}.reverse()"), "T11m.method", 3.4, emit);
                put(site, &format!("{name} = []"), "T11a.reset", 3.3, emit);
            }
            Guess::Text => {
                put(site, &format!("{name} = {name}.strip()"), "T15.strip", 2.6, emit);
                put(site, &format!("{name} = {name}.lower()"), "T15.case", 2.6, emit);
            }
            Guess::Mapping => {
                for other in names.iter().filter(|other| *other != name).take(3) {
                    for value in names.iter().filter(|value| *value != name).take(3) {
                        put(site, &format!("{name}[{other}] = {value}"), "T11m.append", 3.2, emit);
                    }
                }
            }
            _ => {}
        }
        for other in names.iter().filter(|other| *other != name).take(4) {
            put(
                site,
                &format!("{name} = {other}"),
                "T11a.assign",
                if likeness(name, other) >= 0.5 { 3.0 } else { 3.4 },
                emit,
            );
        }
    }
    for attribute in scope
        .attributes
        .iter()
        .filter(|attribute| {
            !attribute.starts_with("self.") && scope.root_is_bound(attribute) && scope.guess(attribute) == Guess::Number
        })
        .take(3)
    {
        put(site, &format!("{attribute} += 1"), "T11.step", 2.8, emit);
        put(site, &format!("{attribute} -= 1"), "T11.step", 3.0, emit);
    }
    for attribute in scope
        .attributes
        .iter()
        .filter(|attribute| attribute.starts_with("self."))
        .take(5)
    {
        for other in names.iter().take(3) {
            put(site, &format!("{attribute} = {other}"), "T11a.assign", 3.2, emit);
            put(site, &format!("{attribute} += {other}"), "T11a.assign", 3.4, emit);
        }
        put(site, &format!("{attribute} += 1"), "T11.step", 3.3, emit);
        put(site, &format!("{attribute} = None"), "T11a.reset", 3.3, emit);
        put(site, &format!("{attribute}.clear()"), "T11m.method", 3.4, emit);
    }
    if in_loop(site.node) {
        put(site, "break", "T11b.jump", 3.1, emit);
        put(site, "continue", "T11b.jump", 3.2, emit);
    }
    siblings(site, emit);
}

/// A variable that is set before a loop and read in it, but that the loop never updates.
fn update(site: &Site<'_>, emit: &mut Emit<'_>) {
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
                matches!(parent.kind(), "assignment" | "augmented_assignment" | "for_statement")
                    && crate::search::syntax::role(node) == "left"
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

/// Identifiers of a line with their offsets, calls and attributes left out.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = None;
    for (index, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let part = c.is_alphanumeric() || c == '_';
        match (part, start) {
            (true, None) => start = Some(index),
            (false, Some(from)) => {
                let before = text.get(..from).and_then(|head| head.chars().last());
                if let (Some(word), false) = (
                    text.get(from..index),
                    before == Some('.') || c == '(' || before == Some('"') || before == Some('\''),
                ) && !matches!(
                    word,
                    "return"
                        | "raise"
                        | "del"
                        | "if"
                        | "else"
                        | "not"
                        | "and"
                        | "or"
                        | "in"
                        | "for"
                        | "self"
                        | "None"
                        | "True"
                        | "False"
                        | "is"
                        | "lambda"
                        | "await"
                ) && !word.starts_with(|c: char| c.is_ascii_digit())
                {
                    found.push((from, word));
                }
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// Statements of the other methods of the class (of the file, outside one) whose names are all known here.
fn siblings(site: &Site<'_>, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let Some(function) = scope.function else { return };
    let own: BTreeSet<String> = simple(site).into_iter().collect();
    let mut seen = BTreeSet::new();
    let mut found: Vec<(f64, String)> = Vec::new();
    let range = super::super::syntax::class_of(function).map_or_else(
        || scope.source.tree.root_node().byte_range(),
        |class| class.byte_range(),
    );
    crate::search::syntax::visit(scope.source.tree.root_node(), &mut |node| {
        if !(range.contains(&node.start_byte()) && is_statement(node)) {
            return;
        }
        let elsewhere = function_of(node).is_some_and(|other| other.id() != function.id());
        if !elsewhere
            || line_of(node) != crate::search::syntax::last_line_of(node)
            || !matches!(node.kind(), "expression_statement" | "raise_statement")
        {
            return;
        }
        let text = site.text(node);
        if text.starts_with(['"', '\'']) || text.len() > 100 || own.contains(text) || !seen.insert(text.to_owned()) {
            return;
        }
        let known = words(text).iter().all(|(_, word)| scope.knows(word) || *word == "self");
        if known {
            found.push((if text.starts_with("self.") { 3.0 } else { 3.3 }, text.to_owned()));
        }
    });
    for (cost, text) in found.into_iter().take(12) {
        put(site, &text, "T11.sibling", cost, emit);
    }
}

/// `self.x = x` that `__init__` forgot, and attributes that the class uses but never sets.
fn initialise(site: &Site<'_>, emit: &mut Emit<'_>) {
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
    if let Some(class) = super::super::syntax::class_of(function) {
        if class.child_by_field_name("superclasses").is_some() && !body.contains("super()") {
            put(site, "super().__init__()", "T11.super", 2.2, emit);
        }
        let members = scope.project.members(scope.source.field(class, "name"));
        let mut wanted = BTreeSet::new();
        crate::search::syntax::visit(class, &mut |node| {
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

fn delete(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    if let Some(splices) = site.without(node) {
        let cost = if matches!(node.kind(), "return_statement" | "raise_statement" | "if_statement") {
            3.4
        } else {
            3.0
        };
        emit(site.edit(splices, "T12.delete", cost, format!("drop `{}`", brief(site.own()))));
    }
    // `if c: body` → `body`.
    if matches!(node.kind(), "if_statement" | "while_statement")
        && site.scope.source.starts_line(node)
        && let Some(body) = node
            .child_by_field_name("consequence")
            .or_else(|| node.child_by_field_name("body"))
            .filter(|body| site.scope.source.starts_line(*body))
        && let Some(text) = site.shifted(body, false)
    {
        emit(site.splice(node.byte_range(), text, "T12.unwrap", 3.1, "do it without condition"));
    }
    for clause in named(node)
        .into_iter()
        .filter(|child| matches!(child.kind(), "else_clause" | "elif_clause"))
    {
        let start = site
            .scope
            .source
            .text
            .get(..clause.start_byte())
            .map_or(clause.start_byte(), |text| text.trim_end().len());
        emit(site.splice(start..clause.end_byte(), "", "T12.else", 3.2, "drop the alternative"));
    }
}

/// T13: swap neighbours, move into and out of blocks.
fn shift(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let source = site.scope.source;
    let next = node.next_named_sibling().filter(|next| next.kind() != "comment");
    if let Some(next) = next.filter(|next| source.starts_line(*next) && source.starts_line(node)) {
        let splices = vec![
            Splice {
                range: node.byte_range(),
                text: site.text(next).to_owned(),
            },
            Splice {
                range: next.byte_range(),
                text: site.own().to_owned(),
            },
        ];
        emit(site.edit(splices, "T13.swap", 2.4, "change the order of two statements"));
    }
    let last = node
        .parent()
        .is_some_and(|parent| named(parent).last().is_some_and(|last| last.id() == node.id()));
    if !source.starts_line(node) || !source.ends_line(node) {
        return;
    }
    // Out of the block: the last statement of a block goes behind it.
    if let Some(owner) = node
        .parent()
        .filter(|block| block.kind() == "block")
        .and_then(|block| block.parent())
    {
        let outer = if matches!(owner.kind(), "else_clause" | "elif_clause" | "except_clause") {
            owner.parent()
        } else {
            Some(owner)
        };
        let several = node.parent().is_some_and(|block| named(block).len() > 1);
        let tail = outer.is_some_and(|outer| outer.end_byte() == node.end_byte());
        if let Some(outer) = outer.filter(|outer| {
            is_statement(*outer)
                && !matches!(outer.kind(), "function_definition" | "class_definition")
                && tail
                && last
                && several
        }) && let Some(text) = site.shifted(node, false)
        {
            let start = source.line_start(node.start_byte());
            let cost = if node.kind() == "return_statement" { 1.5 } else { 2.2 };
            emit(site.splice(
                start..node.end_byte(),
                format!("{}{text}", source.indent(outer)),
                "T13.out",
                cost,
                "move it out of the block",
            ));
        }
    }
    // Into the block: the statement behind a compound one becomes its last.
    if let Some(previous) = node.prev_named_sibling().filter(|previous| {
        matches!(
            previous.kind(),
            "for_statement" | "while_statement" | "if_statement" | "with_statement"
        )
    }) {
        let body = named(previous).into_iter().rev().find_map(|child| {
            if child.kind() == "block" {
                Some(child)
            } else {
                child.child_by_field_name("body")
            }
        });
        if let (Some(body), Some(text)) = (body.filter(|body| source.starts_line(*body)), site.shifted(node, true)) {
            let start = source.line_start(node.start_byte());
            emit(site.splice(
                start..node.end_byte(),
                format!("{}{text}", source.indent(body)),
                "T13.in",
                2.4,
                "move it into the block",
            ));
        }
    }
    // Before the block: the first statement of a loop runs once.
    let first = node
        .parent()
        .filter(|block| block.kind() == "block" && named(*block).len() > 1)
        .filter(|block| named(*block).first().is_some_and(|first| first.id() == node.id()));
    if let Some(owner) = first.and_then(|block| block.parent()).filter(|owner| {
        matches!(
            owner.kind(),
            "for_statement" | "while_statement" | "if_statement" | "with_statement"
        ) && source.starts_line(*owner)
    }) && let (Some(text), Some(mut splices)) = (site.shifted(node, false), site.without(node))
    {
        splices.push(Splice {
            range: owner.start_byte()..owner.start_byte(),
            text: format!("{text}{}{}", source.newline, source.indent(owner)),
        });
        emit(site.edit(splices, "T13.hoist", 2.3, "move it in front of the block"));
    }
    // After the initialisation: a reset moves into the loop that follows.
    if let Some(next) = next.filter(|next| {
        matches!(next.kind(), "for_statement" | "while_statement") && node.kind() == "expression_statement"
    }) && let (Some(body), Some(text), Some(mut splices)) = (
        next.child_by_field_name("body")
            .filter(|body| source.starts_line(*body)),
        site.shifted(node, true),
        site.without(node),
    ) {
        splices.push(Splice {
            range: body.start_byte()..body.start_byte(),
            text: format!("{text}{}{}", source.newline, source.indent(body)),
        });
        emit(site.edit(splices, "T13.sink", 2.4, "do it anew in each round"));
    }
}

/// T14s: another statement of the function in this place.
fn replace(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    if matches!(
        node.kind(),
        "expression_statement"
            | "return_statement"
            | "raise_statement"
            | "pass_statement"
            | "break_statement"
            | "continue_statement"
    ) {
        for text in simple(site).into_iter().filter(|text| text != site.own()).take(6) {
            emit(site.splice(
                node.byte_range(),
                text.clone(),
                "T14s.replace",
                3.3,
                format!("do `{}` instead", brief(&text)),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::reaches;
    use super::words;

    #[test]
    fn statements_move_in_and_out_of_blocks() {
        let text = "def f(a):\n    n = 0\n    for x in a:\n        n += x\n        return n\n";
        reaches(
            text,
            None,
            &[
                "def f(a):\n    n = 0\n    for x in a:\n        n += x\n    return n\n",
                "def f(a):\n    for x in a:\n        n = 0\n        n += x\n        return n\n",
                "def f(a):\n    n = 0\n    for x in a:\n        return n\n",
                "def f(a):\n    n = 0\n    n += x\n    for x in a:\n        return n\n",
            ],
        );
        reaches(
            "def f(a):\n    for x in a:\n        b = x\n    g(b)\n",
            None,
            &["def f(a):\n    for x in a:\n        b = x\n        g(b)\n"],
        );
    }

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

    #[test]
    fn words_of_a_line_are_its_free_names() {
        assert_eq!(
            words("a.b(c, d) + e")
                .into_iter()
                .map(|(_, word)| word)
                .collect::<Vec<_>>(),
            ["a", "c", "d", "e"]
        );
    }
}
