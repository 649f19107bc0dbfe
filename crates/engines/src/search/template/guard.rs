//! T09: guards for missing values, empty containers, zero divisors, and the raising of expected errors.
use tree_sitter::Node;

use super::{Emit, Site, brief};
use crate::search::scope::{Guess, Scope};
use crate::search::symptom::Symptom;
use crate::search::syntax::{enclosing, in_loop, is_expression, is_loose, is_statement, named, operand, visit_own};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    match site.node.kind() {
        "subscript" => {
            subscript(site, emit);
            fallback(site, emit);
        }
        "binary_operator" => division(site, emit),
        "attribute" => {
            attribute(site, emit);
            fallback(site, emit);
        }
        "identifier" | "call" => fallback(site, emit),
        "conditional_expression" => used(site, emit),
        _ => {}
    }
    if is_statement(site.node)
        && site.scope.function.is_some()
        && !matches!(
            site.node.kind(),
            "function_definition"
                | "class_definition"
                | "decorated_definition"
                | "import_statement"
                | "import_from_statement"
        )
    {
        statement(site, emit);
    }
}

/// `int(x[3]) if len(x) > 3 else 1` → test also what is used, and let the alternative stand in for it.
fn used(site: &Site<'_>, emit: &mut Emit<'_>) {
    let parts = named(site.node);
    let [value, test, otherwise] = parts.as_slice() else {
        return;
    };
    let mut operands: Vec<Node<'_>> = Vec::new();
    visit_own(*value, &mut |node| {
        if matches!(node.kind(), "subscript" | "attribute" | "identifier")
            && is_expression(node)
            && !site.scope.callables.iter().any(|name| name == site.text(node))
        {
            operands.push(node);
        }
    });
    for operand in operands
        .into_iter()
        .filter(|operand| super::super::syntax::role(*operand) != "function")
        .take(4)
    {
        let text = site.text(operand);
        if !site.text(*test).split(" and ").any(|part| part.trim() == text) && !site.text(*test).contains(" or ") {
            emit(site.replace(*test, format!("{} and {text}", site.text(*test)), "T08.used", 1.9));
        }
        if operand.parent().is_some_and(|parent| parent.kind() == "argument_list") {
            emit(site.replace(
                operand,
                format!("{text} or {}", crate::search::syntax::operand(site.text(*otherwise))),
                "T09.or",
                2.0,
            ));
        }
    }
}

/// Whether the value of a node is read, not assigned.
fn is_read(node: Node<'_>) -> bool {
    is_expression(node)
}

fn subscript(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let keys: Vec<Node<'_>> = {
        let mut cursor = node.walk();
        node.children_by_field_name("subscript", &mut cursor).collect()
    };
    let (Some(value), [key]) = (site.field("value"), keys.as_slice()) else {
        return;
    };
    if !is_read(node) || key.kind() == "slice" {
        return;
    }
    let (container, index) = (site.text(value), site.text(*key));
    let loose = |text: String| if is_loose(node) { text } else { format!("({text})") };
    let textual = key.kind() == "string" || !matches!(key.kind(), "integer" | "unary_operator" | "binary_operator");
    if textual && site.scope.guess(container) != Guess::Sequence {
        // The project's own name for the answer to an unknown key comes first, then what fits the values, then `None`.
        let constants = |wanted: bool| {
            site.scope
                .values
                .iter()
                .filter(move |name| *name != container && name.to_uppercase().contains("DEFAULT") == wanted)
        };
        let kind = kind_of_values(site, container);
        let fits = |text: &str| kind == Guess::Unknown || site.scope.guess(text) == kind;
        let mut defaults: Vec<String> = constants(true).cloned().collect();
        defaults.extend(values_of(site, container));
        defaults.extend(
            site.scope
                .project
                .fallbacks
                .keys()
                .filter(|text| text.len() < 24 && fits(text))
                .take(3)
                .cloned(),
        );
        defaults.extend(
            element_defaults(site, node)
                .into_iter()
                .filter(|text| kind != Guess::Unknown && fits(text)),
        );
        defaults.push(String::new());
        defaults.extend(element_defaults(site, node));
        defaults.extend(constants(false).filter(|name| fits(name)).take(6).cloned());
        let mut seen = std::collections::BTreeSet::new();
        defaults.retain(|text| seen.insert(text.clone()));
        // `None` is no answer where it is computed with.
        if node.parent().is_some_and(|parent| {
            matches!(
                parent.kind(),
                "binary_operator"
                    | "augmented_assignment"
                    | "attribute"
                    | "subscript"
                    | "for_statement"
                    | "interpolation"
            )
        }) {
            defaults.retain(|text| !text.is_empty());
        }
        for (rank, default) in defaults.iter().enumerate() {
            let call = if default.is_empty() {
                format!("{container}.get({index})")
            } else {
                format!("{container}.get({index}, {default})")
            };
            #[expect(clippy::cast_precision_loss, reason = "a few")]
            emit(site.splice(
                node.byte_range(),
                call,
                "T09.get",
                1.7 + 0.06 * rank as f64,
                missing_key(index, container, default),
            ));
        }
    }
    if matches!(key.kind(), "integer" | "unary_operator") || !textual {
        for default in element_defaults(site, node).into_iter().take(4) {
            let test = if matches!(index, "0" | "-1") {
                container.to_owned()
            } else {
                format!("len({container}) > {index}")
            };
            emit(site.splice(
                node.byte_range(),
                loose(format!("{container}[{index}] if {test} else {default}")),
                "T09.range",
                2.1,
                format!("use `{default}` when `{}` is too short", brief(container)),
            ));
        }
    }
}

fn missing_key(index: &str, container: &str, default: &str) -> String {
    let answer = if default.is_empty() { "None" } else { default };
    format!("use `{answer}` where `{}` has no `{}`", brief(container), brief(index))
}

/// Literal values of a dictionary of module level, as answers to a key that it has not got: those that the file's own words name
/// first, then from the last to the first.
fn values_of(site: &Site<'_>, container: &str) -> Vec<String> {
    let source = site.scope.source;
    let Some(dictionary) = dictionary(site, container) else {
        return Vec::new();
    };
    let mut values: Vec<String> = Vec::new();
    for value in named(dictionary)
        .iter()
        .rev()
        .filter_map(|pair| pair.child_by_field_name("value"))
    {
        let text = source.text(value);
        if matches!(
            value.kind(),
            "string" | "integer" | "float" | "true" | "false" | "identifier"
        ) && !values.iter().any(|known| known == text)
        {
            values.push(text.to_owned());
        }
    }
    let mut told = String::new();
    crate::search::syntax::visit(source.tree.root_node(), &mut |node| {
        let is_words = node.kind() == "comment"
            || (node.kind() == "string"
                && node
                    .parent()
                    .is_some_and(|parent| parent.kind() == "expression_statement"));
        if is_words {
            told.push_str(source.text(node));
        }
    });
    values.sort_by_key(|value| !told.contains(value.as_str()));
    // Many different values are data, and none of them is an answer for the others.
    if values.len() > 6 { Vec::new() } else { values }
}

/// The dictionary literal of module level with this name.
fn dictionary<'a>(site: &Site<'a>, name: &str) -> Option<Node<'a>> {
    let source = site.scope.source;
    named(source.tree.root_node()).into_iter().find_map(|statement| {
        let assignment = named(statement)
            .first()
            .copied()
            .filter(|child| child.kind() == "assignment" && source.field(*child, "left") == name)?;
        assignment
            .child_by_field_name("right")
            .filter(|right| right.kind() == "dictionary")
    })
}

/// Kind of the values of a dictionary literal of module level.
fn kind_of_values(site: &Site<'_>, container: &str) -> Guess {
    let first = dictionary(site, container).and_then(|dictionary| {
        named(dictionary)
            .first()
            .and_then(|pair| pair.child_by_field_name("value"))
    });
    first.map_or(Guess::Unknown, |value| site.scope.guess(site.scope.source.text(value)))
}

/// What an element that is missing could be replaced by: judged by how the value is used.
fn element_defaults(site: &Site<'_>, node: Node<'_>) -> Vec<String> {
    let parent = node.parent();
    let kind = parent.map_or("", |parent| parent.kind());
    let guess = match kind {
        "binary_operator" | "augmented_assignment" => Guess::Number,
        "attribute" => match parent.map(|parent| site.scope.source.field(parent, "attribute")) {
            Some("append" | "extend" | "add") => Guess::Sequence,
            Some("items" | "get" | "keys" | "values") => Guess::Mapping,
            Some("lower" | "upper" | "strip" | "split" | "startswith") => Guess::Text,
            _ => Guess::Unknown,
        },
        "for_statement" | "for_in_clause" => Guess::Sequence,
        "interpolation" => Guess::Text,
        "subscript" => Guess::Mapping,
        _ => Guess::Unknown,
    };
    let mut found: Vec<String> = match guess {
        Guess::Number => vec!["0".into(), "1".into()],
        Guess::Text => vec!["\"\"".into()],
        Guess::Sequence => vec!["[]".into(), "()".into()],
        Guess::Mapping => vec!["{}".into()],
        _ => Vec::new(),
    };
    if kind == "return_statement" {
        found.extend(
            site.scope
                .defaults
                .iter()
                .filter(|text| !text.is_empty())
                .take(4)
                .cloned(),
        );
    }
    // Where the kind is known, others would only hide the error.
    let others: &[&str] = if guess == Guess::Unknown {
        &["None", "0", "\"\"", "[]", "{}", "False"]
    } else {
        &[]
    };
    for default in others.iter().copied() {
        if !found.iter().any(|known| known == default) {
            found.push(default.to_owned());
        }
    }
    // A dictionary that maps every key to a value of its own keeps unknown keys: `d.get(k, k)`.
    if let Some(key) = node
        .child_by_field_name("subscript")
        .filter(|key| guess == Guess::Unknown && matches!(key.kind(), "identifier" | "attribute"))
    {
        found.insert(found.len().min(3), site.text(key).to_owned());
    }
    found.truncate(8);
    found
}

fn division(site: &Site<'_>, emit: &mut Emit<'_>) {
    let (Some(operator), Some(right)) = (site.field("operator"), site.field("right")) else {
        return;
    };
    if !matches!(site.text(operator), "/" | "//" | "%")
        || matches!(right.kind(), "integer" | "float" | "string" | "tuple")
    {
        return;
    }
    let whole = site.text(right);
    // Only a pair that surrounds everything is taken off: `len(x)` keeps its own.
    let divisor = match right.kind() {
        "parenthesized_expression" => whole
            .strip_prefix('(')
            .and_then(|text| text.strip_suffix(')'))
            .unwrap_or(whole),
        _ => whole,
    };
    let test = truth_of(whole, divisor);
    let own = site.own();
    for (default, cost) in [("0", 1.7), ("0.0", 1.75), ("None", 1.9)] {
        let text = format!("{own} if {test} else {default}");
        let text = if is_loose(site.node) { text } else { format!("({text})") };
        emit(site.splice(
            site.node.byte_range(),
            text,
            "T09.zero-else",
            cost,
            format!("use `{default}` when `{}` is zero", brief(divisor)),
        ));
    }
    if !matches!(site.text(operator), "%") {
        emit(site.replace(right, format!("max({divisor}, 1)"), "T09.zero-max", 2.4));
        emit(site.replace(right, format!("({divisor} or 1)"), "T09.zero-max", 2.4));
    }
}

/// `len(x)` is tested as `x`.
fn truth_of(whole: &str, divisor: &str) -> String {
    whole
        .strip_prefix("len(")
        .and_then(|rest| rest.strip_suffix(')'))
        .filter(|inner| !inner.contains(['(', ')']))
        .unwrap_or(divisor)
        .to_owned()
}

/// `a.b` where `a` may be `None`.
fn attribute(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(object) = site
        .field("object")
        .filter(|object| matches!(object.kind(), "identifier" | "attribute" | "call" | "subscript"))
    else {
        return;
    };
    let receiver = site.text(object);
    if matches!(receiver, "self" | "cls")
        || site.scope.callables.iter().any(|name| name == receiver)
        || receiver.len() > 60
    {
        return;
    }
    // The whole chain up to the last call or attribute is what gets the alternative.
    let mut whole = node;
    while let Some(parent) = whole.parent() {
        let grows = matches!(parent.kind(), "attribute" | "subscript")
            && super::super::syntax::role(whole) != "subscript"
            || parent.kind() == "call" && super::super::syntax::role(whole) == "function";
        if !grows {
            break;
        }
        whole = parent;
    }
    if is_expression(whole) && object.kind() != "call" {
        let mut defaults = element_defaults(site, whole);
        let textual = ["lower", "upper", "strip", "title", "replace", "format", "name", "email"]
            .contains(&site.scope.source.field(node, "attribute"));
        if textual {
            defaults.insert(0, "\"\"".to_owned());
        }
        let mut seen = std::collections::BTreeSet::new();
        for default in defaults
            .into_iter()
            .filter(|default| seen.insert(default.clone()))
            .take(5)
        {
            for test in [format!("{receiver} is not None"), receiver.to_owned()] {
                let text = format!("{} if {test} else {default}", site.text(whole));
                let text = if is_loose(whole) { text } else { format!("({text})") };
                let cost = if test == receiver { 2.25 } else { 2.2 };
                emit(site.splice(
                    whole.byte_range(),
                    text,
                    "T09.none-else",
                    cost,
                    format!("use `{default}` when `{}` is missing", brief(receiver)),
                ));
            }
        }
    }
    let method = site.scope.source.field(node, "attribute");
    let empty = match method {
        "lower" | "upper" | "strip" | "split" | "title" | "startswith" | "endswith" | "replace" | "casefold"
        | "encode" | "lstrip" | "rstrip" | "splitlines" => "\"\"",
        "items" | "get" | "keys" | "values" => "{}",
        _ => return,
    };
    emit(site.replace(object, format!("({receiver} or {empty})"), "T09.or", 1.8));
}

/// `x` → `x or default` for values that may be missing.
fn fallback(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(parent) = node.parent() else { return };
    if !is_read(node)
        || site.own().len() > 60
        || matches!(site.own(), "self" | "cls")
        || site.scope.callables.iter().any(|name| name == site.own())
    {
        return;
    }
    let place = parent.kind();
    if !matches!(
        place,
        "argument_list"
            | "assignment"
            | "for_statement"
            | "for_in_clause"
            | "binary_operator"
            | "return_statement"
            | "keyword_argument"
            | "augmented_assignment"
    ) {
        return;
    }
    if place == "argument_list"
        && node.kind() == "call"
        && parent.parent().is_none_or(|call| {
            !matches!(
                site.scope.source.field(call, "function"),
                "int" | "float" | "Decimal" | "len" | "sum" | "list" | "sorted" | "str"
            )
        })
    {
        return;
    }
    let callee = parent
        .parent()
        .filter(|_| place == "argument_list")
        .map_or("", |call| site.scope.source.field(call, "function"));
    let defaults: &[&str] = match (place, callee) {
        ("for_statement" | "for_in_clause", _)
        | (_, "len" | "list" | "sorted" | "sum" | "set" | "tuple" | "enumerate") => &["[]", "()"],
        ("binary_operator" | "augmented_assignment", _) | (_, "int" | "float" | "Decimal" | "round" | "abs") => {
            &["0", "\"\""]
        }
        ("argument_list", _) => &["\"\"", "[]", "0"],
        _ => &["0", "[]", "\"\"", "{}"],
    };
    if matches!(
        place,
        "assignment" | "return_statement" | "argument_list" | "keyword_argument"
    ) {
        let mut pool: Vec<String> = site.scope.names_at(node).into_iter().take(4).collect();
        if let (Some(class), true) = (
            site.scope.class.as_deref(),
            site.scope.params.first().is_some_and(|first| first == "self"),
        ) {
            let optional = |name: &String| {
                site.scope
                    .project
                    .attribute_kinds
                    .get(name)
                    .is_some_and(|kind| kind.contains("None") || kind.contains("Optional"))
            };
            pool.extend(
                site.scope
                    .project
                    .members(class)
                    .into_iter()
                    .filter(optional)
                    .map(|name| format!("self.{name}")),
            );
        }
        for other in pool
            .into_iter()
            .filter(|other| other != site.own() && site.scope.compatible(site.own(), other))
        {
            let optional = other.starts_with("self.");
            emit(site.replace(
                node,
                format!("{other} or {}", operand(site.own())),
                "T16a.or",
                if optional { 2.2 } else { 2.8 },
            ));
            emit(site.replace(node, format!("{} or {other}", operand(site.own())), "T16a.or", 2.7));
        }
    }
    for default in defaults {
        let text = format!("{} or {default}", operand(site.own()));
        let text = if matches!(place, "binary_operator") {
            format!("({text})")
        } else {
            text
        };
        let cost = if place == "return_statement" { 2.5 } else { 2.1 };
        emit(site.replace(node, text, "T09.or", cost));
    }
}

/// Guards as statements of their own.
fn statement(site: &Site<'_>, emit: &mut Emit<'_>) {
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
    raises(site, scope, emit);
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

/// Tests worth guarding with, from what the statement uses.
fn tests(site: &Site<'_>) -> Vec<(String, &'static str, f64)> {
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
            super::super::syntax::visit(here, &mut |inner| {
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
        let positive = crate::search::scope::negate(test);
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

/// `if P: raise E(…)` when a test expects E.
fn raises(site: &Site<'_>, scope: &Scope<'_>, emit: &mut Emit<'_>) {
    let unit = &scope.source.unit;
    for symptom in site.symptoms {
        let Symptom::DidNotRaise(class) = symptom else { continue };
        let name = scope
            .callables
            .iter()
            .find(|name| *name == class)
            .cloned()
            .or_else(|| (!scope.project.classes.iter().any(|known| known.name == *class)).then(|| class.clone()));
        let Some(name) = name else { continue };
        let mut tests: Vec<String> = Vec::new();
        for param in scope.params.iter().filter(|param| *param != "self") {
            match scope.guess(param) {
                Guess::Number => tests.extend([format!("{param} < 0"), format!("{param} <= 0")]),
                Guess::Unknown => tests.extend([
                    format!("not {param}"),
                    format!("{param} is None"),
                    format!("{param} < 0"),
                    format!("{param} <= 0"),
                ]),
                _ => tests.push(format!("not {param}")),
            }
        }
        tests.extend(scope.atoms(site.node));
        for (rank, test) in tests.into_iter().take(40).enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "at most forty")]
            let cost = 2.5 + 0.015 * rank as f64;
            if let Some(splices) = site.before(
                site.node,
                &[
                    format!("if {test}:"),
                    format!("{unit}raise {name}({})", message_of(&test)),
                ],
            ) {
                emit(site.edit(splices, "T09.raise", cost, format!("raise `{name}` if `{test}`")));
            }
        }
    }
}

fn message_of(test: &str) -> String {
    let subject = test
        .split(' ')
        .find(|word| !matches!(*word, "not" | "("))
        .unwrap_or("value")
        .trim_matches(['(', ')']);
    format!("\"invalid {}\"", subject.rsplit('.').next().unwrap_or(subject))
}

#[cfg(test)]
mod tests {
    use super::super::probe::{reaches, turns};

    #[test]
    fn lookups_get_defaults() {
        turns(
            "def f(d, k):\n    return d[k]\n",
            Some(("KeyError", "'x'")),
            "return d[k]",
            &[
                "return d.get(k)",
                "return d.get(k, 0)",
                "if k not in d:\n        return None\n    return d[k]",
            ],
        );
        turns(
            "def f(a):\n    x = a[0]\n    return x\n",
            Some(("IndexError", "list index out of range")),
            "a[0]",
            &["a[0] if a else None"],
        );
    }

    #[test]
    fn divisions_and_missing_values_are_guarded() {
        let text = "def mean(xs: list) -> float:\n\treturn sum(xs) / len(xs)\n";
        reaches(
            text,
            Some(("ZeroDivisionError", "division by zero")),
            &[
                "def mean(xs: list) -> float:\n\tif not xs:\n\t\treturn 0.0\n\treturn sum(xs) / len(xs)\n",
                "def mean(xs: list) -> float:\n\treturn sum(xs) / len(xs) if xs else 0\n",
            ],
        );
        turns(
            "def f(u):\n    return u.name.strip()\n",
            Some(("AttributeError", "'NoneType' object has no attribute 'strip'")),
            "u.name.strip()",
            &[
                "(u.name or \"\").strip()",
                "u.name.strip() if u.name is not None else \"\"",
            ],
        );
    }

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

    #[test]
    fn expected_errors_are_raised() {
        reaches(
            "def f(n: int):\n    return n + 1\n",
            Some(("Failed", "DID NOT RAISE <class 'ValueError'>")),
            &["def f(n: int):\n    if n < 0:\n        raise ValueError(\"invalid n\")\n    return n + 1\n"],
        );
    }
}
