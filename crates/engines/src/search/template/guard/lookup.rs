//! Elements that may be missing: `d[k]` and `a[0]` get an answer for that case.
use std::collections::BTreeSet;

use tree_sitter::Node;

use super::default::element_defaults;
use super::is_read;
use crate::search::scope::Guess;
use crate::search::syntax::{is_loose, named, visit};
use crate::search::template::{Emit, Site, brief};

pub(super) fn subscript(site: &Site<'_>, emit: &mut Emit<'_>) {
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
        let mut seen = BTreeSet::new();
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
    visit(source.tree.root_node(), &mut |node| {
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

#[cfg(test)]
mod tests {
    use crate::search::template::probe::turns;

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
}
