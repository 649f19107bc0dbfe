//! T21: state that is shared by accident: mutable defaults, aliases, in-place methods, late binding.
use tree_sitter::Node;

use super::{Emit, Site};
use crate::search::edit::Splice;
use crate::search::scope::Guess;
use crate::search::syntax::{class_of, is_expression, is_statement, named, role};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    match site.node.kind() {
        "default_parameter" | "typed_default_parameter" => default(site, emit),
        "identifier" | "attribute" | "subscript" | "call" if is_expression(site.node) => alias(site, emit),
        "expression_statement" => class_level(site, emit),
        "lambda" => late(site, emit),
        _ => {}
    }
}

/// `def f(x=[])` → `x=None` and a first statement.
fn default(site: &Site<'_>, emit: &mut Emit<'_>) {
    let (Some(name), Some(value)) = (site.field("name"), site.field("value")) else {
        return;
    };
    let text = site.text(value);
    let mutable = matches!(value.kind(), "list" | "dictionary" | "set")
        || matches!(text, "list()" | "dict()" | "set()")
        || value.kind() == "call";
    let Some(function) = site
        .node
        .parent()
        .and_then(|list| list.parent())
        .filter(|function| function.kind() == "function_definition")
    else {
        return;
    };
    let Some(body) = function.child_by_field_name("body") else {
        return;
    };
    if !mutable {
        return;
    }
    let documented = |node: &Node<'_>| {
        node.kind() == "expression_statement" && named(*node).first().is_some_and(|value| value.kind() == "string")
    };
    let Some(first) = named(body).into_iter().find(|node| !documented(node)) else {
        return;
    };
    let lines = [
        format!("if {} is None:", site.text(name)),
        format!("{}{} = {text}", site.scope.source.unit, site.text(name)),
    ];
    if let Some(mut splices) = site.before(first, &lines) {
        splices.push(Splice {
            range: value.byte_range(),
            text: "None".to_owned(),
        });
        emit(site.edit(
            splices,
            "T21.default",
            0.9,
            format!("make a new `{text}` for each call"),
        ));
    }
}

/// `x = y` → `x = list(y)` and friends.
fn alias(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(parent) = node.parent() else { return };
    let place = parent.kind() == "assignment" && role(node) == "right"
        || matches!(parent.kind(), "return_statement" | "pair" | "keyword_argument")
        || parent.kind() == "argument_list";
    let own = site.own();
    if !place || own.len() > 60 || matches!(own, "self" | "cls") || role(node) == "function" {
        return;
    }
    let base = if parent.kind() == "argument_list" { 0.4 } else { 0.0 };
    match site.scope.guess(own) {
        Guess::Sequence => {
            emit(site.replace(node, format!("{own}.copy()"), "T21.copy", 2.1 + base));
            emit(site.replace(node, format!("list({own})"), "T21.copy", 2.0 + base));
        }
        Guess::Mapping => {
            emit(site.replace(node, format!("dict({own})"), "T21.copy", 2.0 + base));
            emit(site.replace(node, format!("{own}.copy()"), "T21.copy", 2.1 + base));
        }
        Guess::Unknown => {
            emit(site.replace(node, format!("{own}.copy()"), "T21.copy", 2.4 + base));
            emit(site.replace(node, format!("dict({own})"), "T21.copy", 2.5 + base));
        }
        _ => return,
    }
    if node.kind() == "call"
        && !own.ends_with(".copy()")
        && !own.starts_with("list(")
        && !own.starts_with("dict(")
        && !own.starts_with("copy.copy(")
    {
        return;
    }
    let inner = own
        .strip_suffix(".copy()")
        .or_else(|| {
            ["list(", "dict(", "copy.copy("]
                .iter()
                .find_map(|head| own.strip_prefix(head))
                .and_then(|rest| rest.strip_suffix(')'))
        })
        .unwrap_or(own);
    let mut splices = vec![Splice {
        range: node.byte_range(),
        text: format!("copy.deepcopy({inner})"),
    }];
    if site.scope.knows("deepcopy") {
        splices = vec![Splice {
            range: node.byte_range(),
            text: format!("deepcopy({inner})"),
        }];
    } else if !site.scope.callables.iter().any(|name| name == "copy") {
        splices.extend(super::import::line(site, "import copy"));
    }
    emit(site.edit(splices, "T21.deepcopy", 2.4 + base, "copy what is inside too"));
}

/// A mutable attribute of a class moves to its instances.
fn class_level(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(assignment) = named(node)
        .first()
        .copied()
        .filter(|child| child.kind() == "assignment" && is_statement(node))
    else {
        return;
    };
    let Some(class) = class_of(node).filter(|class| {
        class
            .child_by_field_name("body")
            .is_some_and(|body| node.parent().is_some_and(|parent| parent.id() == body.id()))
    }) else {
        return;
    };
    let (Some(left), Some(right)) = (
        assignment.child_by_field_name("left"),
        assignment.child_by_field_name("right"),
    ) else {
        return;
    };
    let text = site.text(right);
    if !matches!(right.kind(), "list" | "dictionary" | "set") && !matches!(text, "list()" | "dict()" | "set()") {
        return;
    }
    let Some(body) = class.child_by_field_name("body") else {
        return;
    };
    let init = named(body)
        .into_iter()
        .find(|child| child.kind() == "function_definition" && site.scope.source.field(*child, "name") == "__init__");
    if let Some(last) = init
        .and_then(|init| init.child_by_field_name("body"))
        .and_then(|body| named(body).last().copied())
        && let (Some(mut splices), Some(removed)) = (
            site.after(last, &[format!("self.{} = {text}", site.text(left))]),
            site.without(node),
        )
    {
        splices.extend(removed);
        emit(site.edit(
            splices,
            "T21.class",
            1.6,
            format!("give each object its own `{}`", site.text(left)),
        ));
    }
}

/// `lambda: i` in a loop → `lambda i=i: i`.
fn late(site: &Site<'_>, emit: &mut Emit<'_>) {
    let Some(body) = site.field("body") else { return };
    let text = site.text(body);
    for name in site
        .scope
        .names_at(site.node)
        .into_iter()
        .filter(|name| text.contains(name.as_str()))
        .take(3)
    {
        let params = site.field("parameters").map_or("", |params| site.text(params));
        let head = if params.is_empty() {
            format!("lambda {name}={name}: ")
        } else {
            format!("lambda {params}, {name}={name}: ")
        };
        emit(site.splice(
            site.node.start_byte()..body.start_byte(),
            head,
            "T21.late",
            1.9,
            format!("bind `{name}` now"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::{reaches, turns};

    #[test]
    fn mutable_defaults_are_made_per_call() {
        reaches(
            "def f(x, seen=[]):\n    \"\"\"Doc.\"\"\"\n    seen.append(x)\n    return seen\n",
            None,
            &[
                "def f(x, seen=None):\n    \"\"\"Doc.\"\"\"\n    if seen is None:\n        seen = []\n    seen.append(x)\n    return seen\n",
            ],
        );
        reaches(
            "class A:\n    items = []\n    n = 1\n    def __init__(self):\n        self.n = 2\n",
            None,
            &["class A:\n    n = 1\n    def __init__(self):\n        self.n = 2\n        self.items = []\n"],
        );
    }

    #[test]
    fn aliases_become_copies() {
        turns(
            "def f(a):\n    a.append(1)\n    b = a\n    return b\n",
            None,
            "b = a",
            &["b = a.copy()", "b = list(a)"],
        );
        reaches(
            "def f(d):\n    return d.copy()\n",
            None,
            &["import copy\ndef f(d):\n    return copy.deepcopy(d)\n"],
        );
        turns(
            "def f(a):\n    return [lambda: i for i in a]\n",
            None,
            "lambda: i",
            &["lambda i=i: i"],
        );
    }
}
