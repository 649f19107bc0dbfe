//! T03 and T04: arguments of a call and the function that is called.
use std::collections::BTreeSet;

use tree_sitter::Node;

use super::{Emit, Site, likeness};
use crate::search::project::Function;
use crate::search::symptom::Symptom;
use crate::search::syntax::{is_expression, named};

/// Functions and methods that people mix up, with the template that names the reason.
const ALIKE: [(&[&str], &str); 32] = [
    (&["any", "all"], "T04.quantifier"),
    (&["min", "max"], "T04.extreme"),
    (&["append", "extend"], "T04.add"),
    (&["append", "add"], "T04.add"),
    (&["add", "update"], "T04.add"),
    (&["append", "insert"], "T04.add"),
    (&["find", "rfind", "index", "rindex"], "T04.find"),
    (
        &["lower", "upper", "title", "capitalize", "casefold", "swapcase"],
        "T04.case",
    ),
    (&["strip", "lstrip", "rstrip"], "T04.strip"),
    (&["removeprefix", "lstrip", "removesuffix", "rstrip"], "T04.strip"),
    (&["startswith", "endswith"], "T04.ends"),
    (&["split", "rsplit", "splitlines", "partition"], "T04.split"),
    (&["partition", "rpartition"], "T04.split"),
    (&["keys", "values", "items"], "T04.view"),
    (&["floor", "ceil", "trunc"], "T04.round"),
    (&["round", "int", "floor", "ceil"], "T04.round"),
    (
        &[
            "ROUND_HALF_UP",
            "ROUND_HALF_EVEN",
            "ROUND_DOWN",
            "ROUND_UP",
            "ROUND_FLOOR",
            "ROUND_CEILING",
        ],
        "T04.round",
    ),
    (&["sorted", "reversed", "list"], "T04.sort"),
    (&["pop", "popleft"], "T04.pop"),
    (&["append", "appendleft"], "T04.pop"),
    (&["remove", "discard", "pop"], "T04.remove"),
    (
        &["union", "intersection", "difference", "symmetric_difference"],
        "T04.set",
    ),
    (&["issubset", "issuperset", "isdisjoint"], "T04.set"),
    (&["isdigit", "isalpha", "isalnum", "isdecimal", "isnumeric"], "T04.kind"),
    (&["islower", "isupper", "istitle"], "T04.kind"),
    (&["ljust", "rjust", "center", "zfill"], "T04.pad"),
    (&["match", "search", "fullmatch"], "T04.regex"),
    (&["days", "seconds", "total_seconds"], "T04.time"),
    (&["weekday", "isoweekday"], "T04.time"),
    (&["heappop", "heappush", "heappushpop", "heapreplace"], "T04.heap"),
    (
        &["mean", "median", "mode", "stdev", "pstdev", "variance", "pvariance"],
        "T04.statistics",
    ),
    (&["bisect_left", "bisect_right", "bisect", "insort"], "T04.bisect"),
];

/// Methods of built-in types.
pub fn methods_of(owner: &str) -> &'static [&'static str] {
    match owner {
        "list" => &[
            "append", "extend", "insert", "remove", "pop", "sort", "reverse", "index", "count", "copy", "clear",
        ],
        "dict" => &[
            "get",
            "items",
            "keys",
            "values",
            "pop",
            "update",
            "setdefault",
            "copy",
            "clear",
        ],
        "set" => &[
            "add",
            "update",
            "discard",
            "remove",
            "pop",
            "union",
            "difference",
            "intersection",
            "copy",
        ],
        "tuple" => &["index", "count"],
        "str" => &[
            "lower",
            "upper",
            "strip",
            "split",
            "join",
            "replace",
            "startswith",
            "endswith",
            "format",
            "encode",
            "title",
            "find",
            "splitlines",
            "removeprefix",
            "removesuffix",
            "isdigit",
        ],
        "bytes" => &["decode", "split", "strip"],
        "datetime" | "datetime.datetime" => &[
            "date",
            "time",
            "isoformat",
            "strftime",
            "replace",
            "timestamp",
            "weekday",
            "astimezone",
        ],
        "date" | "datetime.date" => &[
            "isoformat",
            "strftime",
            "replace",
            "weekday",
            "isoweekday",
            "year",
            "month",
            "day",
        ],
        "timedelta" | "datetime.timedelta" => &["days", "seconds", "total_seconds"],
        "deque" | "collections.deque" => &["append", "appendleft", "pop", "popleft", "extend"],
        _ => &[],
    }
}

/// Whether some built-in type has a method of this name.
pub fn is_builtin_method(name: &str) -> bool {
    ["list", "dict", "set", "str", "deque"]
        .iter()
        .any(|owner| methods_of(owner).contains(&name))
}

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    if node.kind() == "identifier" {
        alike(site, emit);
        return;
    }
    if node.kind() != "call" {
        return;
    }
    let (Some(function), Some(list)) = (
        site.field("function"),
        site.field("arguments").filter(|list| list.kind() == "argument_list"),
    ) else {
        return;
    };
    let arguments = named(list);
    let full = site.text(function);
    let bare = full.rsplit('.').next().unwrap_or(full);
    remove(site, bare, &arguments, emit);
    replace(site, &arguments, emit);
    let callees = site.scope.project.callees(bare);
    pass_on(site, list, &arguments, &callees, emit);
    siblings(site, function, bare, emit);
    known(site, list, bare, full, &arguments, emit);
    spread(site, &arguments, emit);
}

/// Look-alikes of any called or used built-in name.
fn alike(site: &Site<'_>, emit: &mut Emit<'_>) {
    let name = site.own();
    if site.scope.binds(name) {
        return;
    }
    let mut seen = BTreeSet::new();
    for (group, template) in ALIKE.iter().filter(|(group, _)| group.contains(&name)) {
        for other in group.iter().filter(|other| **other != name) {
            if seen.insert(*other) {
                emit(site.replace(site.node, *other, template, 1.4));
            }
        }
    }
}

fn remove(site: &Site<'_>, bare: &str, arguments: &[Node<'_>], emit: &mut Emit<'_>) {
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
            format!("drop the argument `{}`", super::brief(site.text(*argument))),
        ));
    }
}

fn replace(site: &Site<'_>, arguments: &[Node<'_>], emit: &mut Emit<'_>) {
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
fn pass_on(site: &Site<'_>, list: Node<'_>, arguments: &[Node<'_>], callees: &[&Function], emit: &mut Emit<'_>) {
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

fn add(
    site: &Site<'_>,
    list: Node<'_>,
    arguments: &[Node<'_>],
    text: &str,
    template: &'static str,
    cost: f64,
) -> crate::search::edit::Edit {
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

/// Functions of the file, and methods of the class of `self`, that take as many arguments.
fn siblings(site: &Site<'_>, function: Node<'_>, bare: &str, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let wrong =
        site.shows(|symptom| matches!(symptom, Symptom::UnknownAttribute { attribute, .. } if attribute == bare));
    match function.kind() {
        "identifier" => {
            for other in scope
                .project
                .functions
                .iter()
                .filter(|other| other.file == scope.file && other.class.is_none() && other.name != bare)
            {
                let params = scope.project.callees(bare).first().map(|callee| callee.params.len());
                let fits = if params.is_none_or(|count| count == other.params.len()) {
                    0.0
                } else {
                    0.6
                };
                emit(site.replace(
                    function,
                    other.name.clone(),
                    "T04.sibling",
                    1.9 + fits - 0.4 * likeness(bare, &other.name),
                ));
            }
        }
        "attribute" if wrong => {
            let owner = function.child_by_field_name("attribute");
            for symptom in site.symptoms {
                if let (Symptom::UnknownAttribute { owner: class, .. }, Some(attribute)) = (symptom, owner) {
                    for method in methods_of(class) {
                        emit(site.replace(attribute, *method, "T04.method", 1.5 - likeness(method, bare)));
                    }
                }
            }
        }
        _ => {}
    }
}

/// Arguments of well-known functions that are often forgotten.
fn known(site: &Site<'_>, list: Node<'_>, bare: &str, full: &str, arguments: &[Node<'_>], emit: &mut Emit<'_>) {
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
    crate::search::syntax::visit(source.tree.root_node(), &mut |node| {
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

/// `f(args)` → `f(*args)` and back.
fn spread(site: &Site<'_>, arguments: &[Node<'_>], emit: &mut Emit<'_>) {
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
    use super::super::probe::turns;

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

    #[test]
    fn look_alikes_replace_each_other() {
        turns("def f(a):\n    return all(a)\n", None, "all(a)", &["any(a)"]);
        turns(
            "def f(a):\n    return a.name.upper()\n",
            None,
            "upper",
            &["lower", "title"],
        );
        turns(
            "def f(a):\n    return sorted(a)\n",
            None,
            "sorted(a)",
            &["sorted(a, reverse=True)", "sorted(a, key=len)"],
        );
        turns(
            "def f(a):\n    return max(a)\n",
            None,
            "max(a)",
            &["max(a, default=None)"],
        );
    }
}
