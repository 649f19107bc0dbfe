//! Lists, tuples, sets and dictionaries: one element more or less.
use crate::search::syntax::{is_expression, named};
use crate::search::template::{Emit, Site, brief};

/// T06c: one element more or less.
pub(super) fn container(site: &Site<'_>, emit: &mut Emit<'_>) {
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
                format!("drop `{}`", brief(site.text(*element))),
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

#[cfg(test)]
mod tests {
    use crate::search::template::probe::turns;

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
