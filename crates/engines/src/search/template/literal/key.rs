//! Keys: another one of the project, and one that a dictionary lacks.
use std::collections::BTreeSet;

use crate::search::symptom::Symptom;
use crate::search::syntax::{named, role, string_parts, visit};
use crate::search::template::{Emit, Site, likeness};

/// A key of the project instead of this one.
pub(super) fn keys(site: &Site<'_>, inner: &str, put: &mut impl FnMut(&str, &'static str, f64)) {
    let missing = site.shows(|symptom| matches!(symptom, Symptom::MissingKey(key) if key == inner));
    let parent = site.node.parent().map_or("", |parent| parent.kind());
    let wordlike = !inner.is_empty()
        && inner.len() < 40
        && inner
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/'));
    if !wordlike {
        return;
    }
    let source = site.scope.source;
    let mut pool: BTreeSet<&str> = site.scope.project.keys.keys().map(String::as_str).collect();
    visit(source.tree.root_node(), &mut |node| {
        if node.kind() == "string"
            && let Some((_, text, _)) = string_parts(source.text(node))
            && !text.is_empty()
            && text.len() < 32
            && !text.contains([' ', '\n'])
        {
            pool.insert(text);
        }
    });
    let key_place = matches!(parent, "subscript" | "argument_list" | "comparison_operator")
        || parent == "pair" && role(site.node) == "key";
    let mut ranked: Vec<(f64, &str)> = pool
        .into_iter()
        .filter(|other| *other != inner)
        .map(|other| (likeness(inner, other), other))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    for (like, other) in ranked.into_iter().take(10) {
        let base = if missing {
            1.2 - 0.8 * like
        } else if key_place {
            1.9 - 0.6 * like
        } else {
            2.3 - 0.5 * like
        };
        put(other, if missing { "T06.key" } else { "T06.string" }, base);
    }
}

/// A key that was forgotten: `"name": name` beside its brothers.
pub(super) fn pair(site: &Site<'_>, emit: &mut Emit<'_>) {
    let Some(dictionary) = site.node.parent().filter(|parent| parent.kind() == "dictionary") else {
        return;
    };
    let (Some(key), Some(value)) = (site.field("key"), site.field("value")) else {
        return;
    };
    let Some((open, inner, close)) = string_parts(site.text(key)) else {
        return;
    };
    if named(dictionary).last().is_none_or(|last| last.id() != site.node.id()) {
        return;
    }
    let own = site.text(value);
    for symptom in site.symptoms {
        if let Symptom::MissingKey(missing) = symptom {
            let fill = own
                .rsplit_once(inner)
                .map(|(before, after)| format!("{before}{missing}{after}"));
            for text in fill.into_iter().chain(
                site.scope
                    .names_at(site.node)
                    .into_iter()
                    .filter(|name| name == missing),
            ) {
                let at = site.node.end_byte();
                emit(site.splice(
                    at..at,
                    format!(", {open}{missing}{close}: {text}"),
                    "T06.key",
                    1.4,
                    format!("add the key `{missing}`"),
                ));
            }
        }
    }
}
