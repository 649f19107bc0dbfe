//! Imports that are missing or name the wrong thing.
use super::{Emit, Site, likeness};
use crate::search::edit::Splice;
use crate::search::symptom::Symptom;
use crate::search::syntax::{is_expression, named};

/// Names that a module of the standard library is usually imported for.
const STANDARD: [(&str, &[&str]); 18] = [
    (
        "collections",
        &[
            "defaultdict",
            "Counter",
            "OrderedDict",
            "deque",
            "namedtuple",
            "ChainMap",
        ],
    ),
    ("datetime", &["datetime", "timedelta", "date", "timezone", "time"]),
    (
        "decimal",
        &[
            "Decimal",
            "ROUND_HALF_UP",
            "ROUND_HALF_EVEN",
            "ROUND_DOWN",
            "InvalidOperation",
        ],
    ),
    (
        "typing",
        &[
            "Optional", "Any", "Iterable", "Iterator", "Callable", "Union", "List", "Dict",
        ],
    ),
    ("dataclasses", &["dataclass", "field", "replace", "asdict"]),
    (
        "functools",
        &[
            "wraps",
            "lru_cache",
            "partial",
            "reduce",
            "cached_property",
            "total_ordering",
        ],
    ),
    (
        "itertools",
        &[
            "chain",
            "groupby",
            "islice",
            "product",
            "combinations",
            "permutations",
            "accumulate",
            "zip_longest",
        ],
    ),
    ("pathlib", &["Path", "PurePath"]),
    ("contextlib", &["contextmanager", "suppress", "closing"]),
    ("enum", &["Enum", "IntEnum", "auto"]),
    ("abc", &["ABC", "abstractmethod"]),
    ("math", &["ceil", "floor", "sqrt", "isclose", "gcd", "log"]),
    ("copy", &["deepcopy"]),
    ("fractions", &["Fraction"]),
    ("operator", &["itemgetter", "attrgetter"]),
    ("uuid", &["uuid4", "UUID"]),
    ("statistics", &["mean", "median", "stdev"]),
    ("string", &["Template", "ascii_letters", "digits"]),
];

const MODULES: [&str; 28] = [
    "abc",
    "asyncio",
    "base64",
    "collections",
    "contextlib",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "io",
    "itertools",
    "json",
    "logging",
    "math",
    "os",
    "random",
    "re",
    "statistics",
    "string",
    "sys",
    "time",
    "typing",
    "uuid",
    "heapq",
];

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    match site.node.kind() {
        "identifier" if is_expression(site.node) => missing(site, emit),
        "import_from_statement" => renamed(site, emit),
        _ => {}
    }
}

/// A splice that puts an import line behind the docstring and `__future__` imports.
pub fn line(site: &Site<'_>, text: &str) -> Option<Splice> {
    let source = site.scope.source;
    let statements = named(source.tree.root_node());
    let skip = statements
        .iter()
        .take_while(|statement| {
            statement.kind() == "future_import_statement"
                || statement.kind() == "expression_statement"
                    && named(**statement).first().is_some_and(|value| value.kind() == "string")
        })
        .count();
    if let Some(import) = statements
        .iter()
        .skip(skip)
        .find(|statement| matches!(statement.kind(), "import_statement" | "import_from_statement"))
    {
        return Some(Splice {
            range: import.start_byte()..import.start_byte(),
            text: format!("{text}{}", source.newline),
        });
    }
    let first = statements.get(skip)?;
    Some(Splice {
        range: first.start_byte()..first.start_byte(),
        text: format!("{text}{}", source.newline),
    })
}

fn missing(site: &Site<'_>, emit: &mut Emit<'_>) {
    let name = site.own();
    if !site.shows(|symptom| matches!(symptom, Symptom::UnknownName(unknown) if unknown == name))
        || site.scope.knows(name)
    {
        return;
    }
    let mut lines: Vec<(String, f64)> = Vec::new();
    if MODULES.contains(&name) {
        lines.push((format!("import {name}"), 0.2));
    }
    for (module, names) in STANDARD {
        if names.contains(&name) {
            lines.push((format!("from {module} import {name}"), 0.3));
        }
    }
    for (file, tops) in site.scope.project.tops.iter().enumerate() {
        if file != site.scope.file
            && tops.contains_key(name)
            && site.scope.project.editable.get(file) == Some(&true)
            && let Some(source) = site.scope.project.sources.get(file)
        {
            lines.push((format!("from {} import {name}", module_of(&source.path, site)), 0.25));
        }
    }
    for (text, cost) in lines {
        if let Some(splice) = line(site, &text) {
            emit(site.edit(vec![splice], "T05.import", cost, format!("`{text}` is missing")));
        }
    }
}

/// Dotted name of a file as the importing file would write it: relative inside one package, absolute otherwise.
fn module_of(path: &str, site: &Site<'_>) -> String {
    let stem = path.trim_end_matches(".py").trim_end_matches("/__init__");
    let own = site.scope.source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if let Some(rest) = stem.strip_prefix(own).and_then(|rest| rest.strip_prefix('/')) {
        let package = site
            .scope
            .project
            .sources
            .iter()
            .any(|source| source.path == format!("{own}/__init__.py"));
        if package {
            return format!(".{}", rest.replace('/', "."));
        }
    }
    stem.strip_prefix("src/").unwrap_or(stem).replace('/', ".")
}

/// `from m import wrong` → a name that `m` has.
fn renamed(site: &Site<'_>, emit: &mut Emit<'_>) {
    let Some(module) = site.field("module_name") else {
        return;
    };
    let tail = site.text(module).trim_start_matches('.').replace('.', "/");
    for symptom in site.symptoms {
        let Symptom::Import(wrong) = symptom else { continue };
        for child in named(site.node)
            .into_iter()
            .filter(|child| child.id() != module.id() && site.text(*child).split(' ').next() == Some(wrong))
        {
            for (file, source) in site.scope.project.sources.iter().enumerate() {
                let stem = source.path.trim_end_matches(".py").trim_end_matches("/__init__");
                if !stem.ends_with(&tail) {
                    continue;
                }
                for other in site
                    .scope
                    .project
                    .tops
                    .get(file)
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name)
                {
                    let like = likeness(wrong, other);
                    if like > 0.4 {
                        emit(site.replace(child, format!("{other} as {wrong}"), "T05.import", 1.4 - like));
                        emit(site.replace(child, other.clone(), "T05.import", 1.5 - like));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::reaches;

    #[test]
    fn a_missing_import_goes_behind_docstring_and_future() {
        reaches(
            "\"\"\"Doc.\"\"\"\nfrom __future__ import annotations\nimport os\ndef f(x):\n    return math.ceil(x)\n",
            Some(("NameError", "name 'math' is not defined")),
            &[
                "\"\"\"Doc.\"\"\"\nfrom __future__ import annotations\nimport math\nimport os\ndef f(x):\n    return math.ceil(x)\n",
            ],
        );
    }
}
