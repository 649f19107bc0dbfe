//! Texts: separators, date formats, case, white space, keys.
use super::format::{formatted, interpolated};
use super::key::keys;
use super::pattern::pattern;
use super::variables;
use crate::search::symptom::Symptom;
use crate::search::syntax::string_parts;
use crate::search::template::{Emit, Site};

pub(super) fn text(site: &Site<'_>, emit: &mut Emit<'_>) {
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

#[cfg(test)]
mod tests {
    use crate::search::template::probe::turns;

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
}
