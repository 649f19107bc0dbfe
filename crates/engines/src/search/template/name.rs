//! T05: another variable or attribute; `self.` that is missing or too much; names that do not exist.
use std::collections::BTreeSet;

use tree_sitter::Node;

use super::{Emit, Site, likeness};
use crate::search::symptom::Symptom;
use crate::search::syntax::{is_expression, role};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    match site.node.kind() {
        "identifier" if is_expression(site.node) => variable(site, emit),
        "identifier" => target(site, emit),
        "attribute" => attribute(site, emit),
        "keyword_argument" => keyword(site, emit),
        _ => {}
    }
}

fn variable(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let scope = site.scope;
    let name = site.own();
    if matches!(name, "self" | "cls") {
        for other in scope
            .names_at(node)
            .iter()
            .filter(|other| scope.params.contains(*other))
            .take(4)
        {
            emit(site.replace(node, other.clone(), "T05.variable", 1.5));
        }
        return;
    }
    let undefined = site.shows(
        |symptom| matches!(symptom, Symptom::UnknownName(unknown) | Symptom::Unbound(unknown) if unknown == name),
    );
    let called = node.parent().is_some_and(|parent| parent.kind() == "call") && role(node) == "function";
    if called || scope.callables.iter().any(|known| known == name) {
        callable(site, name, undefined, emit);
    }
    // What stands in front of a dot has to have the attribute.
    let wanted = node
        .parent()
        .filter(|parent| parent.kind() == "attribute")
        .map(|parent| scope.source.field(parent, "attribute"));
    let lacks = |other: &str| {
        if wanted.is_some_and(|attribute| !scope.may_have(other, attribute)) {
            0.8
        } else {
            0.0
        }
    };
    if !called {
        for (rank, other) in scope
            .names_at(node)
            .iter()
            .filter(|other| *other != name)
            .take(12)
            .enumerate()
        {
            emit(site.replace(
                node,
                other.clone(),
                "T05.variable",
                cost(scope.compatible(name, other), rank, likeness(name, other), undefined)
                    + lacks(other)
                    + if undefined || !plural(name, other) { 0.0 } else { 0.5 },
            ));
        }
        for other in scope.values.iter().filter(|other| *other != name) {
            let same = scope.values.iter().any(|value| value == name);
            let base = if same { 1.4 } else { 2.2 };
            let gain = if undefined { 1.2 } else { 0.4 };
            let fits = if scope.compatible(name, other) { 0.0 } else { 0.6 };
            emit(site.replace(
                node,
                other.clone(),
                "T05.constant",
                base + fits + lacks(other) - gain * likeness(name, other),
            ));
        }
        for other in scope
            .attributes
            .iter()
            .filter(|other| scope.root_is_bound(other))
            .take(8)
        {
            let fits = if scope.compatible(name, other) { 0.0 } else { 0.6 };
            emit(site.replace(
                node,
                other.clone(),
                "T05.variable",
                2.0 + fits + lacks(other) - 0.4 * likeness(name, other.rsplit('.').next().unwrap_or(other)),
            ));
        }
    }
    if !called
        && scope.binds(name)
        && wanted.is_none()
        && matches!(
            scope.guess(name),
            crate::search::scope::Guess::Object | crate::search::scope::Guess::Unknown
        )
    {
        inside(site, name, emit);
    }
    if let Some(class) = scope
        .class
        .as_deref()
        .filter(|_| scope.params.first().is_some_and(|first| first == "self"))
        && scope.project.members(class).contains(name)
    {
        emit(site.replace(
            node,
            format!("self.{name}"),
            "T05.self",
            if undefined { 0.3 } else { 1.3 },
        ));
    }
}

fn callable(site: &Site<'_>, name: &str, undefined: bool, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let class = name.starts_with(char::is_uppercase);
    for other in scope
        .callables
        .iter()
        .filter(|other| *other != name && other.starts_with(char::is_uppercase) == class)
    {
        let like = likeness(name, other);
        let raised = site
            .node
            .parent()
            .and_then(|parent| parent.parent())
            .is_some_and(|outer| outer.kind() == "raise_statement");
        if undefined || raised || like > 0.3 || scope.callables.len() < 14 {
            let base = if undefined { 1.4 - 1.2 * like } else { 1.9 - 0.5 * like };
            emit(site.replace(site.node, other.clone(), "T04.function", base));
        }
    }
    if undefined {
        for builtin in [
            "len",
            "sum",
            "sorted",
            "list",
            "dict",
            "range",
            "enumerate",
            "isinstance",
            "print",
            "round",
            "float",
            "super",
            "any",
            "all",
        ] {
            if likeness(name, builtin) > 0.5 {
                emit(site.replace(site.node, builtin, "T04.function", 1.0 - 0.5 * likeness(name, builtin)));
            }
        }
    }
}

/// One is the plural of the other: alike in spelling, but another kind of thing.
fn plural(a: &str, b: &str) -> bool {
    let of = |one: &str, many: &str| many.strip_suffix('s').is_some_and(|stem| stem == one);
    of(a, b) || of(b, a)
}

/// `member` → `member.name`: an attribute of the object instead of the object.
fn inside(site: &Site<'_>, name: &str, emit: &mut Emit<'_>) {
    let place = site.node.parent().map_or("", |parent| parent.kind());
    if !matches!(
        place,
        "comparison_operator"
            | "argument_list"
            | "return_statement"
            | "binary_operator"
            | "subscript"
            | "tuple"
            | "list"
            | "pair"
            | "keyword_argument"
            | "interpolation"
            | "assignment"
    ) {
        return;
    }
    let methods: BTreeSet<&str> = site
        .scope
        .project
        .functions
        .iter()
        .filter(|function| {
            function.class.is_some()
                && !function
                    .decorators
                    .iter()
                    .any(|decorator| decorator.contains("property"))
        })
        .map(|function| function.name.as_str())
        .collect();
    let known = site.scope.project.attributes_of(name);
    for (rank, attribute) in known
        .iter()
        .filter(|attribute| !methods.contains(attribute.as_str()))
        .take(5)
        .enumerate()
    {
        if super::call::is_builtin_method(attribute) {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "five")]
        emit(site.replace(
            site.node,
            format!("{name}.{attribute}"),
            "T05.inside",
            2.0 + 0.05 * rank as f64,
        ));
    }
}

#[expect(clippy::cast_precision_loss, reason = "ranks are small")]
fn cost(compatible: bool, rank: usize, like: f64, undefined: bool) -> f64 {
    let base = if undefined { 1.1 - like } else { 1.3 - 0.3 * like };
    base + 0.05 * rank as f64 + if compatible { 0.0 } else { 0.7 }
}

/// A name that is bound here: assignments to the wrong variable.
fn target(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(parent) = node.parent() else { return };
    let assigned = matches!(parent.kind(), "assignment" | "augmented_assignment") && role(node) == "left";
    if assigned && site.scope.function.is_some() {
        for (rank, other) in site
            .scope
            .names_at(node)
            .iter()
            .filter(|other| *other != site.own())
            .take(6)
            .enumerate()
        {
            emit(site.replace(
                node,
                other.clone(),
                "T05.target",
                cost(site.scope.compatible(site.own(), other), rank, 0.0, false) + 0.4,
            ));
        }
        if let Some(class) = site.scope.class.as_deref()
            && site.scope.project.members(class).contains(site.own())
        {
            emit(site.replace(node, format!("self.{}", site.own()), "T05.self", 1.2));
        }
    }
    if parent.kind() == "keyword_argument" || parent.kind() == "attribute" {
        return;
    }
    if parent.kind() == "dotted_name" || parent.kind() == "except_clause" {
        for other in site
            .scope
            .callables
            .iter()
            .filter(|other| likeness(other, site.own()) > 0.6 && *other != site.own())
        {
            emit(site.replace(node, other.clone(), "T05.name", 1.8));
        }
    }
}

fn attribute(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let scope = site.scope;
    let (Some(object), Some(attribute)) = (site.field("object"), site.field("attribute")) else {
        return;
    };
    let name = site.text(attribute);
    let receiver = site.text(object);
    let wrong =
        site.shows(|symptom| matches!(symptom, Symptom::UnknownAttribute { attribute, .. } if attribute == name));
    let called = node.parent().is_some_and(|parent| parent.kind() == "call") && role(node) == "function";
    let mut pool: Vec<String> = Vec::new();
    if matches!(receiver, "self" | "cls")
        && let Some(class) = &scope.class
    {
        pool.extend(scope.project.members(class));
    }
    for symptom in site.symptoms {
        if let (Symptom::UnknownAttribute { owner, attribute }, true) = (symptom, wrong)
            && attribute == name
        {
            pool.extend(scope.project.members(owner));
            pool.extend(super::call::methods_of(owner).iter().map(|method| (*method).to_owned()));
        }
    }
    pool.extend(scope.project.attributes_of(receiver));
    // The class that has this attribute has the likely others too.
    for class in scope
        .project
        .classes
        .iter()
        .filter(|class| class.members.contains(name))
    {
        pool.extend(class.members.iter().cloned());
    }
    let mut seen = BTreeSet::new();
    pool.retain(|other| other != name && !other.starts_with("__") && seen.insert(other.clone()));
    let methods: BTreeSet<&str> = scope
        .project
        .functions
        .iter()
        .filter(|function| function.class.is_some() && !function.decorators.iter().any(|d| d.ends_with("property")))
        .map(|function| function.name.as_str())
        .collect();
    let mut ranked: Vec<(f64, String)> = pool
        .into_iter()
        .map(|other| {
            let kind = if methods.contains(other.as_str()) == called || wrong {
                0.0
            } else {
                0.8
            };
            let like = likeness(name, &other);
            let base = if wrong { 1.3 - 1.2 * like } else { 1.7 - 0.5 * like };
            (base + kind, other)
        })
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    for (rank, (cost, other)) in ranked.into_iter().take(14).enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "ranks are small")]
        emit(site.replace(
            attribute,
            other,
            if called { "T04.method" } else { "T05.attribute" },
            cost + 0.02 * rank as f64,
        ));
    }
    if receiver == "self" && scope.binds(name) && !called {
        emit(site.replace(node, name, "T05.self", 1.4));
    }
    if !called && is_expression(node) && role(node) != "object" {
        whole(site, node, emit);
    }
    if wrong && !called {
        // A dictionary was taken for an object.
        emit(site.replace(node, format!("{receiver}[\"{name}\"]"), "T05.item", 0.9));
    }
}

/// `order.customer` → `order`; `order.total` as a whole by a plain variable or another attribute of the function.
fn whole(site: &Site<'_>, node: Node<'_>, emit: &mut Emit<'_>) {
    let object = site.scope.source.field(node, "object");
    if !matches!(object, "self" | "cls") && site.scope.root_is_bound(object) {
        emit(site.replace(node, object, "T05.inside", 2.2));
    }
    for other in site.scope.names_at(node).iter().take(5) {
        emit(site.replace(
            node,
            other.clone(),
            "T05.variable",
            2.0 + if site.scope.compatible(site.own(), other) {
                0.0
            } else {
                0.6
            },
        ));
    }
    for other in site
        .scope
        .attributes
        .iter()
        .filter(|other| *other != site.own() && site.scope.root_is_bound(other))
        .take(8)
    {
        emit(site.replace(
            node,
            other.clone(),
            "T05.attribute",
            if site.scope.compatible(site.own(), other) {
                1.8
            } else {
                2.4
            },
        ));
    }
}

fn keyword(site: &Site<'_>, emit: &mut Emit<'_>) {
    let (Some(name), Some(call)) = (site.field("name"), site.node.parent().and_then(|list| list.parent())) else {
        return;
    };
    let function = call
        .child_by_field_name("function")
        .map_or("", |function| site.text(function));
    let bare = function.rsplit('.').next().unwrap_or(function);
    let unexpected = site.shows(
        |symptom| matches!(symptom, Symptom::Arguments { unexpected: Some(keyword), .. } if keyword == site.text(name)),
    );
    let mut seen = BTreeSet::new();
    for callee in site.scope.project.callees(bare) {
        for param in callee
            .params
            .iter()
            .filter(|param| param.stars == 0 && param.name != site.text(name))
        {
            if seen.insert(param.name.clone()) {
                let like = likeness(&param.name, site.text(name));
                emit(site.replace(
                    name,
                    param.name.clone(),
                    "T05.keyword",
                    if unexpected { 0.9 - 0.5 * like } else { 1.8 - 0.3 * like },
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::turns;

    #[test]
    fn names_in_scope_replace_each_other() {
        turns(
            "def f(price, count):\n    total = price * price\n    return total\n",
            None,
            "price * price",
            &["price * count", "count * price"],
        );
        turns(
            "RATE = 1\nLIMIT = 2\ndef f(a):\n    return a * RATE\n",
            None,
            "a * RATE",
            &["a * LIMIT"],
        );
    }

    #[test]
    fn attributes_come_from_classes_and_receivers() {
        let text = "class Cart:\n    def __init__(self):\n        self.items = []\n        self.total = 0\n    def size(self):\n        return len(self.itms)\n";
        turns(
            text,
            Some(("AttributeError", "'Cart' object has no attribute 'itms'")),
            "self.itms",
            &["self.items", "self.total"],
        );
        turns(
            "def f(who, member):\n    print(member.name)\n    return who == member\n",
            None,
            "who == member\n",
            &["who == member.name\n"],
        );
        turns(
            "def f(order):\n    print(order.net)\n    return order.gross\n",
            None,
            "order.gross",
            &["order.net"],
        );
    }

    #[test]
    fn self_is_added_and_dropped() {
        let text = "class A:\n    def __init__(self, rate):\n        self.rate = rate\n    def g(self, x):\n        return x * rate\n";
        turns(
            text,
            Some(("NameError", "name 'rate' is not defined")),
            "x * rate",
            &["x * self.rate"],
        );
        turns(
            "class A:\n    def g(self, x):\n        self.x = 1\n        return self.x + 2\n",
            None,
            "self.x + 2",
            &["x + 2"],
        );
    }

    #[test]
    fn keywords_come_from_the_signature() {
        turns(
            "def g(a, width=1, height=2):\n    return a\ndef f(a):\n    return g(a, width=3)\n",
            None,
            "g(a, width=3)",
            &["g(a, height=3)"],
        );
    }
}
