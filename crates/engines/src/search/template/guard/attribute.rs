//! Attributes of something that may be `None`.
use std::collections::BTreeSet;

use super::default::element_defaults;
use crate::search::syntax::{is_expression, is_loose, role};
use crate::search::template::{Emit, Site, brief};

/// `a.b` where `a` may be `None`.
pub(super) fn attribute(site: &Site<'_>, emit: &mut Emit<'_>) {
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
        let grows = matches!(parent.kind(), "attribute" | "subscript") && role(whole) != "subscript"
            || parent.kind() == "call" && role(whole) == "function";
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
        let mut seen = BTreeSet::new();
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
