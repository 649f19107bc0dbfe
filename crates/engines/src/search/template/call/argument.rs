//! Arguments: dropped, replaced, passed on, spread.
use std::collections::BTreeSet;

use tree_sitter::Node;

use crate::search::edit::Edit;
use crate::search::project::Function;
use crate::search::symptom::Symptom;
use crate::search::syntax::is_expression;
use crate::search::template::{Emit, Site, brief, likeness};

pub(super) fn remove(site: &Site<'_>, bare: &str, arguments: &[Node<'_>], emit: &mut Emit<'_>) {
    let surplus = site.shows(|symptom| matches!(symptom, Symptom::Arguments { function, missing, .. } if function == bare && missing.is_empty()));
    for (index, argument) in arguments.iter().enumerate() {
        let range = match (
            arguments.get(index + 1),
            index.checked_sub(1).and_then(|before| arguments.get(before)),
        ) {
            (Some(next), _) => argument.start_byte()..next.start_byte(),
            (None, Some(previous)) => previous.end_byte()..argument.end_byte(),
            (None, None) => argument.byte_range(),
        };
        emit(site.splice(
            range,
            "",
            "T03.remove",
            if surplus { 1.0 } else { 2.2 },
            format!("drop the argument `{}`", brief(site.text(*argument))),
        ));
    }
}

pub(super) fn replace(site: &Site<'_>, arguments: &[Node<'_>], emit: &mut Emit<'_>) {
    for argument in arguments {
        let value = if argument.kind() == "keyword_argument" {
            argument.child_by_field_name("value")
        } else {
            Some(*argument)
        };
        let Some(value) = value.filter(|value| {
            is_expression(*value) && !matches!(value.kind(), "identifier" | "attribute" | "generator_expression")
        }) else {
            continue;
        };
        for other in site.scope.names_at(value).iter().take(6) {
            let fits = if site.scope.compatible(site.text(value), other) {
                0.0
            } else {
                0.6
            };
            emit(site.replace(value, other.clone(), "T03.replace", 2.1 + fits));
        }
    }
}

/// Arguments that the callee takes, that are not given and that are at hand under the same name.
pub(super) fn pass_on(
    site: &Site<'_>,
    list: Node<'_>,
    arguments: &[Node<'_>],
    callees: &[&Function],
    emit: &mut Emit<'_>,
) {
    let given: BTreeSet<&str> = arguments
        .iter()
        .filter_map(|argument| {
            argument
                .child_by_field_name("name")
                .filter(|_| argument.kind() == "keyword_argument")
        })
        .map(|name| site.text(name))
        .collect();
    let positional = arguments
        .iter()
        .filter(|argument| argument.kind() != "keyword_argument")
        .count();
    let names = site.scope.names_at(site.node);
    let mut seen = BTreeSet::new();
    for callee in callees.iter().take(4) {
        for (index, param) in callee.params.iter().enumerate() {
            if param.stars > 0
                || index < positional && !param.keyword_only
                || given.contains(param.name.as_str())
                || !seen.insert(param.name.clone())
            {
                continue;
            }
            let missing = site.shows(
                |symptom| matches!(symptom, Symptom::Arguments { missing, .. } if missing.contains(&param.name)),
            );
            let gain = if missing { -0.9 } else { 0.0 };
            let own = format!("self.{}", param.name);
            if names.contains(&param.name) {
                emit(add(
                    site,
                    list,
                    arguments,
                    &format!("{0}={0}", param.name),
                    "T03.pass",
                    1.3 + gain,
                ));
                if index == positional && !param.keyword_only {
                    emit(add(site, list, arguments, &param.name, "T03.pass", 1.4 + gain));
                }
            } else if site.scope.attributes.contains(&own)
                || site
                    .scope
                    .class
                    .as_deref()
                    .is_some_and(|class| site.scope.project.members(class).contains(&param.name))
            {
                emit(add(
                    site,
                    list,
                    arguments,
                    &format!("{}={own}", param.name),
                    "T03.pass",
                    1.6 + gain,
                ));
            }
            let mut ranked: Vec<(f64, &String)> =
                names.iter().map(|name| (likeness(name, &param.name), name)).collect();
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
            for (like, name) in ranked.into_iter().filter(|(_, name)| **name != param.name).take(4) {
                emit(add(
                    site,
                    list,
                    arguments,
                    &format!("{}={name}", param.name),
                    "T03.add",
                    2.3 - 0.6 * like + gain,
                ));
            }
            if param
                .default
                .as_deref()
                .is_some_and(|default| matches!(default, "True" | "False"))
            {
                let flipped = if param.default.as_deref() == Some("True") {
                    "False"
                } else {
                    "True"
                };
                emit(add(
                    site,
                    list,
                    arguments,
                    &format!("{}={flipped}", param.name),
                    "T03.flag",
                    1.9,
                ));
            }
        }
    }
    if callees.is_empty() && positional < 4 {
        for name in names.iter().take(4) {
            emit(add(site, list, arguments, name, "T03.add", 2.7));
        }
    }
}

pub(super) fn add(
    site: &Site<'_>,
    list: Node<'_>,
    arguments: &[Node<'_>],
    text: &str,
    template: &'static str,
    cost: f64,
) -> Edit {
    let keyword = text.contains('=') && !text.starts_with(['"', '\'', '(']);
    // Positional ones go in front of the first keyword.
    let at = if keyword {
        arguments.last()
    } else {
        arguments.iter().rfind(|argument| argument.kind() != "keyword_argument")
    };
    let (byte, piece) = match at {
        Some(last) => (last.end_byte(), format!(", {text}")),
        None if arguments.is_empty() => (list.start_byte() + 1, text.to_owned()),
        None => (list.start_byte() + 1, format!("{text}, ")),
    };
    site.splice(byte..byte, piece, template, cost, format!("pass `{text}`"))
}

/// `f(args)` → `f(*args)` and back.
pub(super) fn spread(site: &Site<'_>, arguments: &[Node<'_>], emit: &mut Emit<'_>) {
    for argument in arguments {
        match argument.kind() {
            "list_splat" | "dictionary_splat" => {
                let text = site.text(*argument);
                emit(site.replace(*argument, text.trim_start_matches('*'), "T03.spread", 2.0));
            }
            "identifier" if matches!(site.text(*argument), "args" | "values" | "items" | "parts") => {
                emit(site.replace(*argument, format!("*{}", site.text(*argument)), "T03.spread", 2.2));
            }
            "identifier" if matches!(site.text(*argument), "kwargs" | "options" | "params") => {
                emit(site.replace(*argument, format!("**{}", site.text(*argument)), "T03.spread", 2.2));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::search::template::probe::turns;

    #[test]
    fn arguments_are_dropped_added_and_passed_on() {
        turns(
            "def g(a, b, rate=1):\n    return a\ndef f(a, b, rate):\n    return g(a, b)\n",
            None,
            "g(a, b)\n",
            &["g(a, b, rate=rate)\n", "g(a, b, rate)\n", "g(a)\n", "g(b, a)\n"],
        );
        turns(
            "class A:\n    def __init__(self, tax):\n        self.tax = tax\n    def f(self, x):\n        return g(x)\ndef g(x, tax=0):\n    return x\n",
            None,
            "return g(x)",
            &["return g(x, tax=self.tax)"],
        );
    }
}
