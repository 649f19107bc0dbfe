//! T06: mutate a literal, take another literal of the file or a key of the project, put in a variable.
use std::collections::BTreeSet;

use super::{Emit, Site, likeness};
use crate::search::symptom::Symptom;
use crate::search::syntax::{is_expression, named, role, string_parts};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    match node.kind() {
        "integer" | "float" => number(site, emit),
        "true" => emit(site.replace(node, "False", "T06.bool", 1.0)),
        "false" => emit(site.replace(node, "True", "T06.bool", 1.0)),
        "none" if is_expression(node) => {
            for (text, cost) in [
                ("0", 1.7),
                ("[]", 1.7),
                ("\"\"", 1.8),
                ("{}", 1.8),
                ("False", 1.8),
                ("True", 1.9),
            ] {
                emit(site.replace(node, text, "T06.default", cost));
            }
            variables(site, 1.9, emit);
        }
        "string" => text(site, emit),
        "list" | "tuple" | "set" | "dictionary" if is_expression(node) => container(site, emit),
        "format_specifier" => format(site, emit),
        "pair" => pair(site, emit),
        _ => {}
    }
}

fn number(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let own = site.own();
    if let Ok(value) = own.replace('_', "").parse::<i64>() {
        let index = if node.parent().is_some_and(|parent| parent.kind() == "subscript") {
            0.2
        } else {
            0.0
        };
        for (other, cost) in [
            (value.saturating_add(1), 1.1 + index),
            (value.saturating_sub(1), 1.1 + index),
        ] {
            emit(site.replace(node, other.to_string(), "T06.step", cost));
        }
        for (other, cost) in [(0, 1.4), (1, 1.4), (2, 1.8), (-1, 1.7)] {
            if (other - value).abs() > 1 {
                emit(site.replace(node, other.to_string(), "T06.small", cost));
            }
        }
        if value.abs() > 1 {
            for other in [
                value.saturating_mul(10),
                value / 10,
                value.saturating_mul(100),
                value / 100,
            ] {
                if other != 0 && other != value {
                    emit(site.replace(node, other.to_string(), "T06.scale", 1.9));
                }
            }
            emit(site.replace(node, format!("-{value}"), "T06.sign", 1.8));
            for (from, to) in [
                (24, 60),
                (60, 24),
                (60, 3600),
                (3600, 60),
                (365, 366),
                (7, 5),
                (1000, 1024),
                (1024, 1000),
                (12, 24),
                (30, 31),
                (31, 30),
                (90, 100),
                (1440, 86400),
                (3600, 86400),
                (86400, 3600),
            ] {
                if value == from {
                    emit(site.replace(node, to.to_string(), "T06.unit", 1.7));
                }
            }
        }
    } else if let Ok(value) = own.replace('_', "").parse::<f64>() {
        for other in [
            value * 10.0,
            value / 10.0,
            value * 100.0,
            value / 100.0,
            1.0 - value,
            1.0 + value,
            value - 1.0,
        ] {
            if other.is_finite() && other != 0.0 {
                let rounded = (other * 1e9).round() / 1e9;
                emit(site.replace(node, format!("{rounded:?}"), "T06.scale", 1.9));
            }
        }
        for other in ["0.0", "1.0", "0.5"] {
            emit(site.replace(node, other, "T06.small", 1.8));
        }
    }
    for other in site.scope.numbers.iter().filter(|other| *other != own).take(8) {
        emit(site.replace(node, other.clone(), "T06.file", 1.7));
    }
    for symptom in site.symptoms {
        if let Symptom::Instead(actual, expected) = symptom
            && actual == own
        {
            emit(site.replace(node, expected.clone(), "T06.instead", 1.2));
        }
        if let Symptom::Expected(text) = symptom
            && text.parse::<f64>().is_ok()
        {
            emit(site.replace(node, text.clone(), "T06.expected", 2.8));
        }
    }
    variables(site, 2.0, emit);
    for constant in site
        .scope
        .values
        .iter()
        .filter(|name| name.chars().all(|c| c.is_uppercase() || c == '_' || c.is_ascii_digit()))
        .take(8)
    {
        emit(site.replace(node, constant.clone(), "T06.constant", 1.9));
    }
}

/// A literal that should be a variable.
fn variables(site: &Site<'_>, cost: f64, emit: &mut Emit<'_>) {
    let node = site.node;
    if !is_expression(node) || site.scope.function.is_none() {
        return;
    }
    for name in site.scope.names_at(node).iter().take(5) {
        let fits = if site.scope.compatible(site.own(), name) {
            0.0
        } else {
            0.6
        };
        emit(site.replace(node, name.clone(), "T06.variable", cost + fits));
    }
    for name in site
        .scope
        .attributes
        .iter()
        .filter(|name| site.scope.root_is_bound(name))
        .take(5)
    {
        emit(site.replace(node, name.clone(), "T06.variable", cost + 0.3));
    }
}

fn text(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let own = site.own();
    let Some(parent) = node.parent() else { return };
    if parent.kind() == "expression_statement" {
        return;
    }
    interpolated(site, emit);
    let Some((open, inner, close)) = string_parts(own) else {
        formatted(site, emit);
        return;
    };
    if open.len() >= 3 && open.ends_with(['"', '\'']) && close.len() == 3 {
        return;
    }
    let mut put = |inner: &str, template: &'static str, cost: f64| {
        emit(site.replace(node, format!("{open}{inner}{close}"), template, cost));
    };
    keys(site, inner, &mut put);
    for (from, to) in [
        (", ", ","),
        (",", ", "),
        (",", ";"),
        (";", ","),
        ("-", "_"),
        ("_", "-"),
        (" ", ""),
        ("", " "),
        (" ", "-"),
        (" ", "_"),
        ("-", " "),
        ("\\n", ""),
        ("", "\\n"),
        ("", ", "),
        ("", ","),
        ("/", ""),
        (":", "="),
        ("=", ":"),
        (": ", ":"),
        (".", ","),
        ("\\n", " "),
        (" ", "\\n"),
        ("\\t", ","),
        (":", ": "),
        ("|", ","),
        ("/", "-"),
        ("-", "/"),
    ] {
        if inner == from {
            put(to, "T06.space", 1.6);
        }
    }
    if inner.contains('%') && inner.len() > 1 {
        for (from, to) in [
            ("%m", "%M"),
            ("%M", "%m"),
            ("%d", "%D"),
            ("%y", "%Y"),
            ("%Y", "%y"),
            ("%H", "%I"),
            ("%I", "%H"),
            ("%S", "%s"),
            ("%s", "%d"),
            ("%d", "%s"),
            ("%d", "%m"),
            ("%B", "%b"),
            ("%b", "%B"),
            ("%j", "%d"),
            ("%A", "%a"),
            ("%a", "%A"),
        ] {
            if inner.contains(from) {
                put(&inner.replacen(from, to, 1), "T06.format", 1.7);
            }
        }
        if inner.contains("%d") && inner.contains("%m") {
            put(
                &inner.replace("%d", "\u{0}").replace("%m", "%d").replace('\u{0}', "%m"),
                "T06.format",
                1.5,
            );
        }
    }
    if inner.chars().any(char::is_alphabetic) && inner.len() < 40 {
        let mut capital = inner.to_lowercase();
        if let Some(first) = capital.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        for other in [inner.to_lowercase(), inner.to_uppercase(), capital] {
            if other != inner {
                put(&other, "T06.case", 1.8);
            }
        }
    }
    if inner.trim() != inner && !inner.trim().is_empty() {
        put(inner.trim(), "T06.space", 1.7);
    } else if !inner.trim().is_empty() {
        put(&format!("{inner} "), "T06.space", 2.3);
        put(&format!(" {inner}"), "T06.space", 2.3);
    }
    pattern(site, inner, &mut put);
    if inner.contains('{') && inner.contains('}') && !open.contains('f') {
        emit(site.splice(
            node.start_byte()..node.start_byte(),
            "f",
            "T06.interpolate",
            1.3,
            "make it an f-string",
        ));
    }
    for symptom in site.symptoms {
        if let Symptom::Instead(actual, expected) = symptom
            && actual.trim_matches(['"', '\'']) == inner
        {
            emit(site.replace(node, expected.clone(), "T06.instead", 1.2));
        }
        if let Symptom::Expected(text) = symptom
            && text.starts_with(['"', '\''])
        {
            emit(site.replace(node, text.clone(), "T06.expected", 2.8));
        }
    }
    if matches!(
        parent.kind(),
        "subscript" | "argument_list" | "comparison_operator" | "assignment" | "return_statement" | "keyword_argument"
    ) {
        variables(site, 2.2, emit);
    }
}

/// A key of the project instead of this one.
fn keys(site: &Site<'_>, inner: &str, put: &mut impl FnMut(&str, &'static str, f64)) {
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
    crate::search::syntax::visit(source.tree.root_node(), &mut |node| {
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

/// Small repairs of regular expressions.
fn pattern(site: &Site<'_>, inner: &str, put: &mut impl FnMut(&str, &'static str, f64)) {
    let raw = site.own().starts_with(['r', 'R']);
    if !raw || inner.is_empty() {
        return;
    }
    if !inner.ends_with('$') {
        put(&format!("{inner}$"), "T06.pattern", 1.8);
    } else {
        put(inner.trim_end_matches('$'), "T06.pattern", 2.0);
    }
    if !inner.starts_with('^') {
        put(&format!("^{inner}"), "T06.pattern", 1.9);
    }
    for (from, to) in [
        ("+", "*"),
        ("*", "+"),
        ("\\d", "\\w"),
        ("\\w", "\\d"),
        ("\\w", "[\\w.-]"),
        ("\\w", "[\\w-]"),
        (".", "\\."),
        ("\\s+", "\\s*"),
        ("\\s*", "\\s+"),
        ("a-z", "a-zA-Z"),
        ("a-z", "a-z0-9"),
        (".*", ".*?"),
        (".+", ".+?"),
        ("\\S", "\\s"),
        ("[^", "["),
    ] {
        for (at, _) in inner.match_indices(from).take(4) {
            if let (Some(before), Some(after)) = (inner.get(..at), inner.get(at + from.len()..)) {
                put(&format!("{before}{to}{after}"), "T06.pattern", 1.9);
            }
        }
    }
}

/// Text around the holes of an f-string.
fn formatted(site: &Site<'_>, emit: &mut Emit<'_>) {
    for part in named(site.node)
        .into_iter()
        .filter(|child| child.kind() == "string_content")
    {
        let inner = site.text(part);
        for (from, to) in [
            (" ", ""),
            ("-", "_"),
            ("_", "-"),
            (", ", ","),
            (",", ", "),
            (":", ": "),
            (": ", ":"),
            (" - ", "-"),
            ("/", "-"),
            ("$", ""),
            ("%", ""),
        ] {
            if inner == from {
                emit(site.replace(part, to, "T06.space", 1.8));
            }
        }
        if inner.trim() != inner && !inner.trim().is_empty() {
            emit(site.replace(part, inner.trim_end(), "T06.space", 2.0));
        }
    }
}

/// `{x}` gets or loses two digits.
fn interpolated(site: &Site<'_>, emit: &mut Emit<'_>) {
    for hole in named(site.node)
        .into_iter()
        .filter(|child| child.kind() == "interpolation")
    {
        let specified = named(hole).into_iter().any(|child| child.kind() == "format_specifier");
        let Some(inner) = named(hole).first().copied().filter(|_| !specified) else {
            continue;
        };
        for (spec, cost) in [(":.2f", 1.8), (":02d", 2.2), (":,", 2.4), (":.1f", 2.2)] {
            emit(site.splice(
                inner.end_byte()..inner.end_byte(),
                spec,
                "T06.digits",
                cost,
                format!("format with `{spec}`"),
            ));
        }
    }
}

fn format(site: &Site<'_>, emit: &mut Emit<'_>) {
    let own = site.own();
    for (index, c) in own.char_indices() {
        if let Some(digit) = c.to_digit(10) {
            for other in [digit.checked_add(1), digit.checked_sub(1)]
                .into_iter()
                .flatten()
                .filter(|other| *other < 10)
            {
                let text = format!(
                    "{}{other}{}",
                    own.get(..index).unwrap_or(""),
                    own.get(index + 1..).unwrap_or("")
                );
                emit(site.replace(site.node, text, "T06.digits", 1.5));
            }
        }
    }
    for (from, to) in [
        ('<', ">"),
        ('>', "<"),
        ('f', "d"),
        ('f', "%"),
        ('%', "f"),
        ('d', "f"),
        ('>', "^"),
        ('f', "g"),
    ] {
        if own.contains(from) {
            emit(site.replace(site.node, own.replacen(from, to, 1), "T06.digits", 1.8));
        }
    }
    if own.contains("%d") && own.contains("%m") {
        emit(site.replace(
            site.node,
            own.replace("%d", "\u{0}").replace("%m", "%d").replace('\u{0}', "%m"),
            "T06.format",
            1.5,
        ));
    }
    for (from, to) in [
        ("%m", "%M"),
        ("%M", "%m"),
        ("%y", "%Y"),
        ("%Y", "%y"),
        ("%H", "%I"),
        ("%I", "%H"),
        ("%B", "%b"),
        ("%b", "%B"),
    ] {
        if own.contains(from) {
            emit(site.replace(site.node, own.replacen(from, to, 1), "T06.format", 1.7));
        }
    }
    if !own.contains(',') && own.contains('.') && !own.contains('%') {
        emit(site.replace(site.node, own.replacen('.', ",.", 1), "T06.digits", 2.0));
    }
    emit(site.replace(site.node, "", "T06.digits", 2.2));
}

/// T06c: one element more or less.
fn container(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let elements = named(node);
    if elements.is_empty() {
        let (open, close) = match node.kind() {
            "list" => ("[", "]"),
            "dictionary" => ("{", "}"),
            _ => return,
        };
        for name in site
            .scope
            .names_at(node)
            .iter()
            .take(4)
            .map(String::as_str)
            .chain(["0", "1", "[]", "None"])
        {
            if node.kind() == "list" {
                emit(site.replace(node, format!("{open}{name}{close}"), "T06c.put", 2.2));
            }
        }
        if node.kind() == "dictionary" {
            for (other, known, cost) in [
                ("defaultdict(list)", "defaultdict", 1.5),
                ("defaultdict(int)", "defaultdict", 1.6),
                ("Counter()", "Counter", 1.7),
                ("OrderedDict()", "OrderedDict", 2.2),
            ] {
                if site.scope.knows(known) {
                    emit(site.replace(node, other, "T06.default", cost));
                }
            }
        }
        for other in ["None", "0", "{}", "[]", "set()", "\"\""] {
            if other != site.own() && is_expression(node) {
                emit(site.replace(node, other, "T06.default", 2.0));
            }
        }
        return;
    }
    if elements.len() <= 8 {
        for (index, element) in elements.iter().enumerate() {
            let range = match (
                elements.get(index + 1),
                index.checked_sub(1).and_then(|before| elements.get(before)),
            ) {
                (Some(next), _) => element.start_byte()..next.start_byte(),
                (None, Some(previous)) => previous.end_byte()..element.end_byte(),
                (None, None) => element.byte_range(),
            };
            emit(site.splice(
                range,
                "",
                "T06c.drop",
                2.3,
                format!("drop `{}`", super::brief(site.text(*element))),
            ));
        }
        if let (Some(last), true) = (elements.last(), matches!(node.kind(), "list" | "tuple" | "set")) {
            for name in site.scope.names_at(node).iter().take(4) {
                emit(site.splice(
                    last.end_byte()..last.end_byte(),
                    format!(", {name}"),
                    "T06c.put",
                    2.5,
                    format!("add `{name}`"),
                ));
            }
        }
    }
}

/// A key that was forgotten: `"name": name` beside its brothers.
fn pair(site: &Site<'_>, emit: &mut Emit<'_>) {
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

#[cfg(test)]
mod tests {
    use super::super::probe::turns;

    #[test]
    fn numbers_move_to_their_neighbours_and_to_others_of_the_file() {
        turns(
            "def f(a):\n    if a > 10:\n        return a * 3\n",
            None,
            "a > 10",
            &["a > 11", "a > 9", "a > 3", "a > 100", "a > 0"],
        );
        turns(
            "def f(a):\n    return a * 0.2\n",
            None,
            "0.2",
            &["0.02", "2.0", "1.2", "0.8"],
        );
    }

    #[test]
    fn strings_change_case_separator_and_key() {
        turns(
            "def f(d):\n    d['total_price'] = 1\n    return d['totl_price']\n",
            Some(("KeyError", "'totl_price'")),
            "d['totl_price']",
            &["d['total_price']"],
        );
        turns("def f(d):\n    return ', '.join(d)\n", None, "', '", &["','"]);
        turns(
            "def f(d):\n    return d.strftime('%Y-%d-%m')\n",
            None,
            "%Y-%d-%m",
            &["%Y-%m-%d"],
        );
        turns("def f(name):\n    return 'Hi {name}'\n", None, "'Hi", &["f'Hi"]);
        turns("def f(x):\n    return f'{x:.1f} €'\n", None, ".1f", &[".2f"]);
        turns(
            "import re\ndef f(x):\n    return re.match(r'[a-z]+', x)\n",
            None,
            "r'[a-z]+'",
            &["r'[a-z]+$'", "r'[a-zA-Z]+'"],
        );
    }

    #[test]
    fn containers_gain_and_lose_elements() {
        turns(
            "def f(a):\n    out = []\n    return out\n",
            None,
            "= []",
            &["= [a]", "= [[]]"],
        );
        turns(
            "def f(a):\n    return g([1, a, 2])\n",
            None,
            "[1, a, 2]",
            &["[a, 2]", "[1, 2]", "[1, a]"],
        );
    }
}
