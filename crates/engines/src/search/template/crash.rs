//! Repairs that the message of the interpreter all but names: unbound variables, wrong signatures, changed containers.
use super::{Emit, Site};
use crate::search::edit::Splice;
use crate::search::symptom::Symptom;
use crate::search::syntax::{class_of, is_expression, is_statement, named, role, visit};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    match site.node.kind() {
        "for_statement" | "for_in_clause" => {
            iterated(site, emit);
            bounded(site, emit);
        }
        "assignment" => unpacked(site, emit),
        "function_definition" => signature(site, emit),
        _ => {}
    }
    if is_statement(site.node) {
        unbound(site, emit);
    }
}

/// `for k in d` → `for k in list(d)` while `d` changes.
fn iterated(site: &Site<'_>, emit: &mut Emit<'_>) {
    let Some(right) = site.field("right").filter(|right| is_expression(*right)) else {
        return;
    };
    let text = site.text(right);
    if matches!(right.kind(), "identifier" | "attribute" | "call" | "subscript")
        && !text.starts_with("list(")
        && !text.starts_with("range(")
    {
        emit(site.replace(right, format!("list({text})"), "T21.iterate-copy", 2.1));
    }
}

/// `for i in range(n): … xs[i]` → `range(min(n, len(xs)))`, for containers that are indexed in the loop.
fn bounded(site: &Site<'_>, emit: &mut Emit<'_>) {
    let source = site.scope.source;
    if !site.shows(|symptom| matches!(symptom, Symptom::OutOfRange)) {
        return;
    }
    let (Some(left), Some(right)) = (site.field("left"), site.field("right")) else {
        return;
    };
    if right.kind() != "call" || source.field(right, "function") != "range" {
        return;
    }
    let arguments = right.child_by_field_name("arguments").map(named).unwrap_or_default();
    let Some(stop) = arguments.get(usize::from(arguments.len() > 1)).copied() else {
        return;
    };
    let Some(whole) = site
        .node
        .parent()
        .filter(|_| site.node.kind() == "for_in_clause")
        .or(Some(site.node))
    else {
        return;
    };
    let mut containers: Vec<String> = Vec::new();
    visit(whole, &mut |node| {
        let indexed = node.kind() == "subscript"
            && source
                .field(node, "subscript")
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .any(|word| word == site.text(left));
        let container = source.field(node, "value").to_owned();
        if indexed && !containers.contains(&container) {
            containers.push(container);
        }
    });
    for container in containers
        .iter()
        .take(3)
        .filter(|container| !site.text(stop).contains(&format!("len({container})")))
    {
        emit(site.replace(
            stop,
            format!("min({}, len({container}))", site.text(stop)),
            "T17.bound",
            1.6,
        ));
        emit(site.replace(stop, format!("len({container})"), "T17.bound", 2.0));
    }
}

/// `a, b = text.split(sep)` → `a, b = text.partition(sep)[::2]`, which always has two parts.
fn unpacked(site: &Site<'_>, emit: &mut Emit<'_>) {
    let source = site.scope.source;
    if !site.shows(|symptom| matches!(symptom, Symptom::Unpacking)) {
        return;
    }
    let (Some(left), Some(right)) = (site.field("left"), site.field("right")) else {
        return;
    };
    let targets = if matches!(left.kind(), "pattern_list" | "tuple_pattern") {
        named(left).len()
    } else {
        0
    };
    let function = right
        .child_by_field_name("function")
        .filter(|function| right.kind() == "call" && function.kind() == "attribute");
    let Some(function) = function.filter(|_| targets == 2) else {
        return;
    };
    let arguments = right.child_by_field_name("arguments").map(named).unwrap_or_default();
    let part = match source.field(function, "attribute") {
        "split" => "partition",
        "rsplit" => "rpartition",
        _ => return,
    };
    let separator = arguments.first().map_or("\" \"", |separator| site.text(*separator));
    emit(site.replace(
        right,
        format!("{}.{part}({separator})[::2]", source.field(function, "object")),
        "T04.partition",
        1.3,
    ));
}

/// A local that may be unbound gets a first value at the start of the function, and before the outermost loop or branch.
fn unbound(site: &Site<'_>, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let Some(body) = scope.function.and_then(|function| function.child_by_field_name("body")) else {
        return;
    };
    for symptom in site.symptoms {
        let (Symptom::Unbound(name) | Symptom::UnknownName(name)) = symptom else {
            continue;
        };
        if !scope.binds(name) && matches!(symptom, Symptom::UnknownName(_)) {
            continue;
        }
        let first = named(body).into_iter().find(|statement| {
            scope
                .bound_at(name)
                .is_some_and(|byte| statement.byte_range().contains(&byte))
        });
        let Some(first) = first.filter(|_| site.node.byte_range().start >= body.start_byte()) else {
            continue;
        };
        for (rank, value) in ["None", "0", "[]", "\"\"", "{}", "False", "0.0"].iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "seven")]
            if let Some(splices) = site.before(first, &[format!("{name} = {value}")]) {
                emit(site.edit(
                    splices,
                    "T11.default",
                    2.2 + 0.1 * rank as f64,
                    format!("start with `{name} = {value}`"),
                ));
            }
        }
        if scope.values.contains(name)
            && let Some(start) = named(body).first()
            && let Some(splices) = site.before(*start, &[format!("global {name}")])
        {
            emit(site.edit(splices, "T11.global", 2.4, format!("`{name}` is the module's")));
        }
    }
}

/// Parameters that callers pass and the function does not have; `self` that is missing; decorators.
fn signature(site: &Site<'_>, emit: &mut Emit<'_>) {
    let Some(list) = site.field("parameters") else { return };
    let scope = site.scope;
    let name = scope.source.field(site.node, "name");
    let params = named(list);
    let method = class_of(site.node).is_some();
    for symptom in site.symptoms {
        let Symptom::Arguments {
            function,
            missing,
            unexpected,
        } = symptom
        else {
            continue;
        };
        if function != name
            && !(name == "__init__"
                && class_of(site.node).is_some_and(|class| scope.source.field(class, "name") == function))
        {
            continue;
        }
        if let Some(keyword) = unexpected {
            let text = if params.is_empty() {
                format!("{keyword}=None")
            } else {
                format!(", {keyword}=None")
            };
            let at = params.last().map_or(list.start_byte() + 1, |last| last.end_byte());
            emit(site.splice(at..at, text, "T03.param", 1.6, format!("take `{keyword}`")));
            for param in &params {
                if param.kind() == "identifier" && super::likeness(site.text(*param), keyword) > 0.4 {
                    emit(site.replace(*param, keyword.clone(), "T03.param", 1.8));
                }
            }
        }
        for missed in missing {
            if let Some(param) = params
                .iter()
                .find(|param| site.text(**param).split([':', '=']).next() == Some(missed.as_str()))
            {
                for default in ["None", "0", "[]", "\"\""] {
                    let typed = if param.kind() == "typed_parameter" { " = " } else { "=" };
                    emit(site.splice(
                        param.end_byte()..param.end_byte(),
                        format!("{typed}{default}"),
                        "T03.param-default",
                        2.2,
                        format!("`{missed}` defaults to `{default}`"),
                    ));
                }
            }
        }
        if method
            && unexpected.is_none()
            && missing.is_empty()
            && !params
                .first()
                .is_some_and(|first| matches!(site.text(*first), "self" | "cls"))
        {
            let at = list.start_byte() + 1;
            emit(site.splice(
                at..at,
                if params.is_empty() { "self" } else { "self, " },
                "T05.self",
                0.5,
                "take `self`",
            ));
            decorate(site, "@staticmethod", 0.7, emit);
        }
    }
    if method
        && site
            .node
            .parent()
            .is_none_or(|parent| parent.kind() != "decorated_definition")
        && role(site.node).is_empty()
    {
        let bare = params.len() == 1;
        if bare && !name.starts_with("__") {
            let cost = if site.shows(|symptom| matches!(symptom, Symptom::NotCalled)) {
                1.4
            } else {
                3.2
            };
            decorate(site, "@property", cost, emit);
        }
        if params.first().is_some_and(|first| site.text(*first) == "cls") {
            decorate(site, "@classmethod", 1.0, emit);
        }
    }
}

fn decorate(site: &Site<'_>, decorator: &str, cost: f64, emit: &mut Emit<'_>) {
    let start = site.node.start_byte();
    let source = site.scope.source;
    if source.starts_line(site.node) {
        let text = format!("{decorator}{}{}", source.newline, source.indent(site.node));
        emit(site.edit(
            vec![Splice {
                range: start..start,
                text,
            }],
            "T19.decorator",
            cost,
            format!("decorate with `{decorator}`"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::{reaches, turns};

    #[test]
    fn unbound_locals_get_a_first_value() {
        reaches(
            "def f(xs):\n    for x in xs:\n        best = x\n    return best\n",
            Some((
                "UnboundLocalError",
                "cannot access local variable 'best' where it is not associated with a value",
            )),
            &["def f(xs):\n    best = None\n    for x in xs:\n        best = x\n    return best\n"],
        );
    }

    #[test]
    fn loops_end_where_their_containers_end() {
        let loop_ = "def f(xs, n):\n    out = []\n    for i in range(n):\n        out.append(xs[i])\n    return out\n";
        turns(
            loop_,
            Some(("IndexError", "list index out of range")),
            "range(n)",
            &["range(min(n, len(xs)))", "range(len(xs))"],
        );
    }

    #[test]
    fn two_parts_are_always_there() {
        turns(
            "def f(x):\n    a, b = x.split(':')\n    return a\n",
            Some(("ValueError", "not enough values to unpack (expected 2, got 1)")),
            "x.split(':')",
            &["x.partition(':')[::2]"],
        );
    }

    #[test]
    fn containers_are_copied_before_they_change() {
        turns(
            "def f(d):\n    for k in d:\n        del d[k]\n",
            Some(("RuntimeError", "dictionary changed size during iteration")),
            "in d:",
            &["in list(d):"],
        );
    }

    #[test]
    fn signatures_follow_their_callers() {
        turns(
            "class A:\n    def g(x):\n        return x\n",
            Some(("TypeError", "A.g() takes 1 positional argument but 2 were given")),
            "def g(x)",
            &["def g(self, x)"],
        );
        turns(
            "def g(a, b):\n    return a\n",
            Some(("TypeError", "g() got an unexpected keyword argument 'c'")),
            "g(a, b)",
            &["g(a, b, c=None)"],
        );
        turns(
            "def g(a, b):\n    return a\n",
            Some(("TypeError", "g() missing 1 required positional argument: 'b'")),
            "g(a, b)",
            &["g(a, b=None)"],
        );
    }
}
