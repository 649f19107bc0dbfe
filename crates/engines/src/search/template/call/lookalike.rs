//! Functions and methods that people mix up.
use std::collections::BTreeSet;

use crate::search::template::{Emit, Site};

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

/// Look-alikes of any called or used built-in name.
pub(super) fn alike(site: &Site<'_>, emit: &mut Emit<'_>) {
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

#[cfg(test)]
mod tests {
    use crate::search::template::probe::turns;

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
