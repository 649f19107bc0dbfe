//! T17: bounds of slices and indexes.
use super::{Emit, Site};
use crate::search::scope::Guess;
use crate::search::symptom::Symptom;
use crate::search::syntax::{all, is_expression, named, operand, role};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    match site.node.kind() {
        "slice" => slice(site, emit),
        "subscript" => index(site, emit),
        _ => {}
    }
    whole(site, emit);
}

/// `a:b` loses, gains or turns a bound.
fn slice(site: &Site<'_>, emit: &mut Emit<'_>) {
    let parts: Vec<(bool, String)> = all(site.node)
        .into_iter()
        .map(|child| (child.kind() == ":", site.text(child).to_owned()))
        .collect();
    let colon = parts.iter().position(|(colon, _)| *colon).unwrap_or(0);
    let start: String = parts.iter().take(colon).map(|(_, text)| text.as_str()).collect();
    let rest: Vec<&(bool, String)> = parts.iter().skip(colon + 1).collect();
    let second = rest.iter().position(|(colon, _)| *colon);
    let end: String = rest
        .iter()
        .take(second.unwrap_or(rest.len()))
        .map(|(_, text)| text.as_str())
        .collect();
    let step: String = second
        .map(|at| rest.iter().skip(at + 1).map(|(_, text)| text.as_str()).collect())
        .unwrap_or_default();
    let show = |start: &str, end: &str, step: &str| {
        if step.is_empty() {
            format!("{start}:{end}")
        } else {
            format!("{start}:{end}:{step}")
        }
    };
    let mut put = |text: String, cost: f64| emit(site.replace(site.node, text, "T17.bounds", cost));
    if !start.is_empty() {
        put(show("", &end, &step), 2.2);
        put(show("", &start, &step), 1.9);
        put(show(&format!("-{}", operand(&start)), &end, &step), 1.9);
    }
    if !end.is_empty() {
        put(show(&start, "", &step), 2.2);
        put(show(&end, "", &step), 1.9);
        put(show(&start, &format!("-{}", operand(&end)), &step), 2.0);
        if !start.is_empty() {
            put(show(&start, &format!("{start} + {end}"), &step), 1.8);
            put(show(&start, &format!("{end} - {start}"), &step), 2.3);
        }
    }
    for (bound, cost) in [("1", 2.0), ("-1", 2.1), ("2", 2.6)] {
        if start != bound {
            put(show(bound, &end, &step), cost);
        }
        if end != bound {
            put(show(&start, bound, &step), cost);
        }
    }
    for name in site
        .scope
        .names_at(site.node)
        .iter()
        .filter(|name| matches!(site.scope.guess(name), Guess::Number | Guess::Unknown))
        .take(5)
    {
        put(show(name, &end, &step), 2.3);
        put(show(&start, name, &step), 2.3);
        if !start.is_empty() {
            put(show(&start, &format!("{start} + {name}"), &step), 2.1);
        }
    }
    if step.is_empty() {
        put(show(&start, &end, "-1"), 2.5);
    } else {
        put(show(&start, &end, ""), 2.3);
    }
}

fn index(site: &Site<'_>, emit: &mut Emit<'_>) {
    let (Some(value), Some(key)) = (site.field("value"), site.field("subscript")) else {
        return;
    };
    let own = site.text(value);
    match (key.kind(), site.text(key)) {
        ("integer", "0") => emit(site.replace(key, "-1", "T17.end", 1.3)),
        ("unary_operator", "-1") => emit(site.replace(key, "0", "T17.end", 1.3)),
        _ => {}
    }
    if is_expression(site.node) {
        emit(site.replace(site.node, own, "T17.drop", 2.4));
    }
    if key.kind() != "slice" && key.kind() != "string" {
        let text = site.text(key);
        if key.kind() == "identifier" && site.scope.guess(text) != Guess::Text {
            // Where the interpreter has refused an index, wrapping it only hides that.
            let hides = site.shows(|symptom| matches!(symptom, Symptom::OutOfRange));
            emit(site.replace(
                key,
                format!("{text} % len({own})"),
                "T17.wrap",
                if hides { 4.5 } else { 2.3 },
            ));
            emit(site.replace(key, format!("-{text}"), "T17.end", 2.4));
        }
        if matches!(key.kind(), "integer" | "unary_operator") {
            emit(site.replace(key, format!("{text}:"), "T17.slice", 2.3));
            emit(site.replace(key, format!(":{text}"), "T17.slice", 2.4));
        }
    }
}

/// `e` → `e[1:]`, `e[0]`, …
fn whole(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let Some(parent) = node.parent() else { return };
    let place = matches!(
        parent.kind(),
        "argument_list" | "return_statement" | "for_statement" | "for_in_clause" | "comparison_operator"
    ) || matches!(parent.kind(), "assignment" | "augmented_assignment") && role(node) == "right"
        || parent.kind() == "lambda" && role(node) == "body";
    if !place
        || !is_expression(node)
        || !matches!(node.kind(), "identifier" | "attribute" | "call" | "subscript")
        || role(node) == "function"
    {
        return;
    }
    let guess = site.scope.guess(site.own());
    if matches!(guess, Guess::Number | Guess::Truth | Guess::Mapping | Guess::Object) {
        return;
    }
    let own = site.own();
    let late = if guess == Guess::Unknown { 0.3 } else { 0.0 };
    for (suffix, template, cost) in [
        ("[1:]", "T17.slice", 2.5),
        ("[:-1]", "T17.slice", 2.5),
        ("[::-1]", "T17.reverse", 2.5),
        ("[0]", "T17.index", 2.5),
        ("[-1]", "T17.index", 2.6),
        ("[1]", "T17.index", 2.8),
    ] {
        emit(site.replace(node, format!("{own}{suffix}"), template, cost + late));
    }
    for name in site
        .scope
        .names_at(node)
        .iter()
        .filter(|name| site.scope.guess(name) == Guess::Number && *name != own)
        .take(3)
    {
        emit(site.replace(node, format!("{own}[:{name}]"), "T17.slice", 2.6 + late));
        emit(site.replace(node, format!("{own}[{name}:]"), "T17.slice", 2.7 + late));
    }
    if named(node).len() > 6 {
        emit(site.replace(node, format!("{own}[:]"), "T17.slice", 3.0));
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::turns;

    #[test]
    fn bounds_are_dropped_added_and_turned() {
        turns(
            "def f(a, n: int):\n    return a[1:n]\n",
            None,
            "a[1:n]",
            &["a[:n]", "a[1:]", "a[1:-n]", "a[n:]", "a[1:n + 1]", "a[1:1 + n]"],
        );
        turns("def f(a):\n    return a[0]\n", None, "a[0]", &["a[-1]", "a[0:]", "a"]);
        turns(
            "def f(a: list):\n    return a\n",
            None,
            "return a",
            &["return a[1:]", "return a[::-1]", "return a[0]"],
        );
    }
}
