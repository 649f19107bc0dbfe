//! T15: convert, normalise, round and unwrap values; call what was not called.
use super::{Emit, Site};
use crate::search::scope::Guess;
use crate::search::symptom::Symptom;
use crate::search::syntax::{is_atomic, is_expression, named, operand, role};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    if !is_expression(node) {
        return;
    }
    if node.kind() == "call" {
        unwrap(site, emit);
    }
    uncalled(site, emit);
    let Some(parent) = node.parent() else { return };
    let argument = parent.kind() == "argument_list";
    let assigned = matches!(parent.kind(), "assignment" | "augmented_assignment") && role(node) == "right";
    let index = parent.kind() == "subscript" && role(node) == "subscript";
    let compared = parent.kind() == "comparison_operator";
    let branch = parent.kind() == "conditional_expression"
        && named(parent).get(1).is_some_and(|middle| middle.id() != node.id());
    let place = argument
        || assigned
        || index
        || compared
        || matches!(
            parent.kind(),
            "return_statement"
                | "binary_operator"
                | "keyword_argument"
                | "for_statement"
                | "for_in_clause"
                | "pair"
                | "interpolation"
                | "lambda"
                | "list"
                | "tuple"
        )
        || branch;
    if !place
        || role(node) == "function"
        || site.own().len() > 90
        || matches!(
            node.kind(),
            "lambda" | "generator_expression" | "none" | "true" | "false"
        )
        || matches!(site.own(), "self" | "cls")
    {
        return;
    }
    if site.scope.guess(site.own()) == Guess::Object {
        own_functions(site, emit);
        return;
    }
    convert(site, emit);
    if matches!(
        node.kind(),
        "integer" | "float" | "list" | "dictionary" | "tuple" | "string"
    ) {
        return;
    }
    normalise(
        site,
        compared
            || index
            || argument
            || assigned
            || branch
            || parent.kind() == "pair"
            || parent.kind() == "return_statement",
        emit,
    );
    round(site, emit);
    order(site, emit);
    own_functions(site, emit);
}

/// `f(e)` → `e`, `e.m()` → `e`, `f(e)` → `f`.
fn unwrap(site: &Site<'_>, emit: &mut Emit<'_>) {
    let (Some(function), Some(list)) = (site.field("function"), site.field("arguments")) else {
        return;
    };
    let arguments = named(list);
    if let [only] = arguments.as_slice()
        && only.kind() != "keyword_argument"
        && !only.kind().ends_with("splat")
    {
        let text = if list.kind() == "argument_list" {
            site.text(*only)
        } else {
            site.text(list)
        };
        let text = if is_atomic(only.kind()) || crate::search::syntax::is_loose(site.node) {
            text.to_owned()
        } else {
            format!("({text})")
        };
        emit(site.replace(site.node, text, "T15u.unwrap", 2.0));
    }
    if let Some(object) = function.child_by_field_name("object") {
        emit(site.replace(site.node, site.text(object), "T15u.unwrap", 2.1));
    }
    if arguments.is_empty() {
        let cost = if site.shows(|symptom| matches!(symptom, Symptom::NotCallable)) {
            1.6
        } else {
            2.6
        };
        emit(site.replace(site.node, site.text(function), "T15.uncall", cost));
    }
}

/// `x.total` → `x.total()` for methods of the project.
fn uncalled(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    if role(node) == "function" && node.parent().is_some_and(|parent| parent.kind() == "call") {
        return;
    }
    let name = match node.kind() {
        "attribute" => site.scope.source.field(node, "attribute"),
        "identifier" => site.own(),
        _ => return,
    };
    let method = node.kind() == "attribute";
    let defined = site.scope.project.functions.iter().any(|function| {
        function.name == name
            && function.class.is_some() == method
            && !function
                .decorators
                .iter()
                .any(|decorator| decorator.contains("property"))
            && function
                .params
                .iter()
                .all(|param| param.default.is_some() || param.stars > 0)
    });
    let builtin = method
        && matches!(
            name,
            "strip"
                | "lower"
                | "upper"
                | "items"
                | "keys"
                | "values"
                | "split"
                | "copy"
                | "pop"
                | "total_seconds"
                | "isoformat"
                | "date"
                | "read"
                | "title"
                | "isdigit"
                | "exists"
                | "is_file"
        );
    if (defined || builtin) && !(node.kind() == "identifier" && site.scope.binds(name)) {
        emit(site.splice(
            node.end_byte()..node.end_byte(),
            "()",
            "T15.call",
            1.4,
            format!("call `{name}`"),
        ));
    }
}

fn convert(site: &Site<'_>, emit: &mut Emit<'_>) {
    let own = site.own();
    let guess = site.scope.guess(own);
    let inner = own
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .filter(|inner| !inner.contains(['(', ')']))
        .unwrap_or(own);
    let arithmetic = site.node.parent().is_some_and(|parent| {
        parent.kind() == "binary_operator"
            && matches!(
                site.scope.source.field(parent, "operator"),
                "-" | "*" | "/" | "//" | "**"
            )
    });
    let table: &[(&str, f64)] = match guess {
        _ if arithmetic => &[("int", 2.3), ("float", 2.5), ("abs", 2.5), ("len", 2.6)],
        Guess::Number => &[("int", 2.3), ("str", 2.4), ("float", 2.5), ("abs", 2.4)],
        Guess::Text => &[("int", 2.3), ("float", 2.4), ("len", 2.5), ("list", 2.9)],
        Guess::Sequence => &[
            ("list", 2.3),
            ("set", 2.4),
            ("tuple", 2.4),
            ("len", 2.3),
            ("sum", 2.7),
            ("sorted", 2.3),
            ("max", 2.9),
            ("min", 2.9),
        ],
        Guess::Mapping => &[("list", 2.6), ("len", 2.5), ("dict", 2.3), ("sorted", 2.6)],
        _ => &[
            ("str", 2.3),
            ("int", 2.3),
            ("float", 2.5),
            ("list", 2.4),
            ("len", 2.5),
            ("abs", 2.5),
            ("set", 2.6),
            ("tuple", 2.6),
            ("bool", 2.6),
            ("sum", 2.9),
        ],
    };
    for (function, cost) in table {
        if !own.starts_with(&format!("{function}(")) {
            emit(site.replace(site.node, format!("{function}({inner})"), "T15.wrap", *cost));
        }
    }
    let decimal = site.scope.knows("Decimal");
    if decimal && guess != Guess::Text {
        emit(site.replace(site.node, format!("Decimal(str({inner}))"), "T15.wrap", 2.3));
        emit(site.replace(site.node, format!("Decimal({inner})"), "T15.wrap", 2.5));
    }
    // The bound of one side: `min(x, limit)`, `max(x, 0)`.
    let place = site.node.parent().map_or("", |parent| parent.kind());
    if (matches!(place, "return_statement" | "assignment") && matches!(guess, Guess::Number | Guess::Unknown)
        || matches!(place, "argument_list" | "keyword_argument") && guess == Guess::Number)
        && !matches!(site.node.kind(), "string" | "list" | "dictionary")
    {
        emit(site.replace(site.node, format!("max({inner}, 0)"), "T15.clamp", 2.4));
        emit(site.replace(site.node, format!("max(0, {inner})"), "T15.clamp", 2.45));
        for other in site
            .scope
            .names_at(site.node)
            .iter()
            .filter(|other| *other != own && site.scope.compatible(own, other))
            .take(4)
        {
            emit(site.replace(site.node, format!("min({inner}, {other})"), "T15.clamp", 2.7));
            emit(site.replace(site.node, format!("max({inner}, {other})"), "T15.clamp", 2.7));
        }
        for other in site
            .scope
            .values
            .iter()
            .filter(|name| name.chars().all(|c| c.is_uppercase() || c == '_'))
            .take(4)
        {
            emit(site.replace(site.node, format!("min({inner}, {other})"), "T15.clamp", 2.6));
            emit(site.replace(site.node, format!("max({inner}, {other})"), "T15.clamp", 2.7));
        }
    }
}

fn normalise(site: &Site<'_>, place: bool, emit: &mut Emit<'_>) {
    let guess = site.scope.guess(site.own());
    if !place
        || !matches!(guess, Guess::Text | Guess::Unknown)
        || matches!(
            site.node.kind(),
            "comparison_operator" | "boolean_operator" | "not_operator" | "list_comprehension" | "binary_operator"
        )
    {
        return;
    }
    let own = operand(site.own());
    let late = if guess == Guess::Text { 0.0 } else { 0.2 };
    for (call, template, cost) in [
        (".lower()", "T15.case", 2.1),
        (".strip()", "T15.strip", 2.1),
        (".upper()", "T15.case", 2.3),
        (".strip().lower()", "T15.strip", 2.5),
        (".casefold()", "T15.case", 2.7),
        (".title()", "T15.case", 2.7),
        (".rstrip()", "T15.strip", 2.6),
        (".split()", "T15.strip", 2.8),
        (".date()", "T15.time", 2.9),
    ] {
        if !own.ends_with(call) {
            emit(site.replace(site.node, format!("{own}{call}"), template, cost + late));
        }
    }
    // Both sides of a comparison at once.
    if let Some(parent) = site
        .node
        .parent()
        .filter(|parent| parent.kind() == "comparison_operator")
    {
        let sides = named(parent);
        if let ([left, right], true) = (
            sides.as_slice(),
            sides.first().is_some_and(|first| first.id() == site.node.id()),
        ) {
            for call in [".lower()", ".strip()", ".casefold()"] {
                let splices = [left, right].map(|side| crate::search::edit::Splice {
                    range: side.byte_range(),
                    text: format!("{}{call}", operand(site.text(*side))),
                });
                emit(site.edit(
                    splices.to_vec(),
                    if call == ".strip()" { "T15.strip" } else { "T15.case" },
                    2.4 + late,
                    format!("compare `{call}` of both sides"),
                ));
            }
        }
    }
}

fn round(site: &Site<'_>, emit: &mut Emit<'_>) {
    let own = site.own();
    if !matches!(site.scope.guess(own), Guess::Number | Guess::Unknown)
        || !matches!(
            site.node.parent().map(|parent| parent.kind()),
            Some("return_statement" | "assignment" | "argument_list" | "pair" | "keyword_argument" | "lambda")
        )
        || own.starts_with("round(")
    {
        return;
    }
    emit(site.replace(site.node, format!("round({own}, 2)"), "T15.round", 2.3));
    emit(site.replace(site.node, format!("round({own})"), "T15.round", 2.5));
    // As the file does it elsewhere.
    if let Some(start) = site.scope.source.text.find(".quantize(") {
        let rest = site.scope.source.text.get(start..).unwrap_or("");
        let mut depth = 0;
        let end = rest.char_indices().find_map(|(index, c)| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            (c == ')' && depth == 0).then_some(index + 1)
        });
        if let Some(call) = end.and_then(|end| rest.get(..end)) {
            emit(site.replace(site.node, format!("{}{call}", operand(own)), "T15.round", 2.2));
        }
    }
}

fn order(site: &Site<'_>, emit: &mut Emit<'_>) {
    let own = site.own();
    if matches!(site.scope.guess(own), Guess::Sequence | Guess::Unknown | Guess::Mapping)
        && matches!(
            site.node.parent().map(|parent| parent.kind()),
            Some("return_statement" | "assignment" | "for_statement" | "for_in_clause" | "argument_list")
        )
        && !own.starts_with("sorted(")
    {
        emit(site.replace(site.node, format!("sorted({own})"), "T15.sort", 2.4));
        emit(site.replace(site.node, format!("list(reversed({own}))"), "T15.sort", 2.8));
    }
    if matches!(
        site.node.parent().map(|parent| parent.kind()),
        Some("for_statement" | "for_in_clause")
    ) && matches!(site.node.kind(), "identifier" | "attribute")
    {
        for call in [".items()", ".values()", ".keys()"] {
            emit(site.replace(
                site.node,
                format!("{own}{call}"),
                "T15.view",
                if site.scope.guess(own) == Guess::Mapping {
                    1.8
                } else {
                    2.6
                },
            ));
        }
    }
}

/// Functions of the file that take one argument.
fn own_functions(site: &Site<'_>, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let here = scope
        .function
        .map_or("", |function| scope.source.field(function, "name"));
    for function in scope
        .project
        .functions
        .iter()
        .filter(|function| {
            (function.file == scope.file || scope.callables.contains(&function.name)) && function.name != here
        })
        .take(60)
    {
        let required = function
            .params
            .iter()
            .filter(|param| param.default.is_none() && param.stars == 0)
            .count();
        if required != 1 || function.params.first().is_none_or(|first| first.keyword_only) {
            continue;
        }
        match &function.class {
            None if !site.own().starts_with(&format!("{}(", function.name)) => {
                emit(site.replace(site.node, format!("{}({})", function.name, site.own()), "T15.own", 2.5))
            }
            Some(class)
                if scope.class.as_ref() == Some(class)
                    && !function.name.starts_with("__")
                    && !function
                        .decorators
                        .iter()
                        .any(|decorator| decorator.contains("property")) =>
            {
                emit(site.replace(
                    site.node,
                    format!("self.{}({})", function.name, site.own()),
                    "T15.own",
                    2.7,
                ));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::turns;

    #[test]
    fn values_are_converted_normalised_and_rounded() {
        turns(
            "def f(a, b):\n    return a + b\n",
            None,
            "a + b",
            &["a + str(b)", "int(a) + b", "round(a + b, 2)"],
        );
        turns(
            "def f(d, name):\n    return d[name]\n",
            None,
            "d[name]",
            &["d[name.lower()]", "d[name.strip()]"],
        );
        turns(
            "def f(a, b):\n    return a == b\n",
            None,
            "a == b",
            &["a.lower() == b.lower()", "a.lower() == b"],
        );
        turns(
            "def f(a):\n    return [x for x in a]\n",
            None,
            "in a]",
            &["in a.items()]", "in sorted(a)]"],
        );
    }

    #[test]
    fn calls_are_unwrapped_made_and_undone() {
        turns(
            "def f(a):\n    return g(int(a))\n",
            None,
            "g(int(a))",
            &["g(a)", "int(a)"],
        );
        turns(
            "class A:\n    def total(self):\n        return 1\ndef f(a):\n    return a.total * 2\n",
            None,
            "a.total * 2",
            &["a.total() * 2"],
        );
        turns("def f(a):\n    return a.total() * 2\n", None, "a.total()", &["a.total"]);
        turns(
            "def norm(x):\n    return x\ndef f(a, b):\n    return g(a)\n",
            None,
            "g(a)",
            &["g(norm(a))"],
        );
    }
}
