//! Arguments of well-known functions that are often forgotten.
use std::collections::BTreeSet;

use tree_sitter::Node;

use super::argument::add;
use crate::search::syntax::visit;
use crate::search::template::{Emit, Site};

/// Arguments of well-known functions that are often forgotten.
pub(super) fn known(
    site: &Site<'_>,
    list: Node<'_>,
    bare: &str,
    full: &str,
    arguments: &[Node<'_>],
    emit: &mut Emit<'_>,
) {
    let has = |name: &str| {
        arguments.iter().any(|argument| {
            argument.kind() == "keyword_argument"
                && argument
                    .child_by_field_name("name")
                    .is_some_and(|node| site.text(node) == name)
        })
    };
    let mut offer =
        |text: &str, template: &'static str, cost: f64| emit(add(site, list, arguments, text, template, cost));
    let count = arguments.len();
    match bare {
        "sorted" | "sort" => {
            if !has("reverse") {
                offer("reverse=True", "T03.sort", 1.6);
            }
            if !has("key") {
                for key in keys_of_sorts(site) {
                    offer(&format!("key={key}"), "T03.sort", 2.0);
                }
            }
        }
        "min" | "max" => {
            if count == 1 && !has("default") {
                let returned = list
                    .parent()
                    .and_then(|call| call.parent())
                    .is_some_and(|outer| outer.kind() == "return_statement");
                let mut defaults: Vec<&str> = if returned {
                    site.scope
                        .defaults
                        .iter()
                        .map(String::as_str)
                        .filter(|default| !default.is_empty())
                        .take(4)
                        .collect()
                } else {
                    vec!["0"]
                };
                defaults.extend(
                    ["0", "None"]
                        .into_iter()
                        .filter(|default| !returned || site.scope.defaults.is_empty() || *default == "None"),
                );
                for (rank, default) in defaults.into_iter().enumerate() {
                    #[expect(clippy::cast_precision_loss, reason = "at most six")]
                    offer(
                        &format!("default={default}"),
                        "T09.empty-default",
                        1.8 + 0.05 * rank as f64,
                    );
                }
            }
            if !has("key") {
                for key in keys_of_sorts(site) {
                    offer(&format!("key={key}"), "T03.sort", 2.2);
                }
            }
        }
        "round" if count == 1 => {
            offer("2", "T15.round", 1.7);
            offer("1", "T15.round", 2.2);
        }
        "enumerate" if count == 1 => {
            offer("1", "T07.start", 1.6);
            offer("start=1", "T07.start", 1.65);
        }
        "next" if count == 1 => offer("None", "T09.empty-default", 1.5),
        "pop" if count == 0 => offer("0", "T03.known", 1.6),
        "pop" | "get" | "getattr" if count == 1 || bare == "getattr" && count == 2 => {
            for default in ["None", "0", "[]", "\"\"", "{}", "False"] {
                offer(default, "T09.get-default", if default == "None" { 1.7 } else { 1.9 });
            }
            for default in site
                .scope
                .project
                .fallbacks
                .keys()
                .filter(|text| text.len() < 24)
                .take(4)
            {
                offer(default, "T09.get-default", 2.0);
            }
        }
        "split" | "rsplit" if count == 1 => offer("1", "T03.known", 1.9),
        "replace" if count == 2 => offer("1", "T03.known", 2.4),
        "zip" => offer("strict=True", "T03.known", 2.6),
        "mkdir" | "makedirs" => offer(
            if bare == "mkdir" {
                "parents=True, exist_ok=True"
            } else {
                "exist_ok=True"
            },
            "T03.known",
            1.6,
        ),
        "dumps" | "dump" => {
            offer("sort_keys=True", "T03.known", 2.1);
            offer("default=str", "T03.known", 2.0);
            offer("ensure_ascii=False", "T03.known", 2.1);
        }
        "open" | "read_text" | "write_text" => offer("encoding=\"utf-8\"", "T03.known", 1.8),
        "decode" if count == 0 => offer("errors=\"replace\"", "T03.known", 2.4),
        "now" if full.contains("datetime") && count == 0 => offer("timezone.utc", "T03.known", 1.8),
        "unlink" => offer("missing_ok=True", "T03.known", 1.9),
        "quantize" if count == 1 => offer("rounding=ROUND_HALF_UP", "T04.round", 1.5),
        "field" => offer("default_factory=list", "T03.known", 2.2),
        "compile" | "match" | "search" | "sub" | "findall" | "fullmatch" if full.starts_with("re.") => {
            offer("flags=re.IGNORECASE", "T04.case", 2.3)
        }
        _ => {}
    }
}

/// Sort keys of the file, and simple ones made from attributes and keys in use.
fn keys_of_sorts(site: &Site<'_>) -> Vec<String> {
    let source = site.scope.source;
    let mut found: Vec<String> = Vec::new();
    visit(source.tree.root_node(), &mut |node| {
        if node.kind() == "keyword_argument" && source.field(node, "name") == "key" {
            found.push(source.field(node, "value").to_owned());
        }
    });
    for attribute in &site.scope.attributes {
        if let Some((root, rest)) = attribute.split_once('.')
            && root != "self"
            && !rest.contains('.')
        {
            found.push(format!("lambda item: item.{rest}"));
        }
    }
    found.extend(["len", "str.lower", "lambda item: item[1]", "lambda item: item[0]"].map(str::to_owned));
    let mut seen = BTreeSet::new();
    found.retain(|key| seen.insert(key.clone()) && !key.contains('\n'));
    found.truncate(8);
    found
}
