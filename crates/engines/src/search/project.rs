//! What is defined and used where in the project: functions, classes, attributes per receiver, keys.
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use tree_sitter::Node;

use super::syntax::{Source, class_of, function_of, last_line_of, line_of, named, string_parts, visit};
use crate::brief::{Brief, is_oracle};

/// One parameter of a function.
#[derive(Clone, Debug)]
pub struct Param {
    /// Name without stars.
    pub name: String,
    /// Text of the default.
    pub default: Option<String>,
    /// Text of the annotation.
    pub annotation: Option<String>,
    /// Number of stars, 0 to 2.
    pub stars: usize,
    /// Stands behind a star: can be passed by name only.
    pub keyword_only: bool,
}

/// A function or method.
#[derive(Clone, Debug)]
pub struct Function {
    /// Index of its file.
    pub file: usize,
    /// Bare name.
    pub name: String,
    /// Class that it is a method of.
    pub class: Option<String>,
    /// Parameters without `self` and `cls`.
    pub params: Vec<Param>,
    /// Text of the return annotation.
    pub returns: Option<String>,
    /// Declared with `async`.
    pub is_async: bool,
    /// Decorators, without `@` and arguments.
    pub decorators: Vec<String>,
    /// First and last line, from 1, without decorators.
    pub lines: (u32, u32),
    /// Bytes of the definition.
    pub range: Range<usize>,
}

/// A class.
#[derive(Clone, Debug)]
pub struct Class {
    /// Index of its file.
    pub file: usize,
    /// Name.
    pub name: String,
    /// Base classes as written.
    pub bases: Vec<String>,
    /// Attributes and methods.
    pub members: BTreeSet<String>,
}

/// The indexed project.
pub struct Project {
    /// All files, tests included.
    pub sources: Vec<Source>,
    /// Which of them may be changed.
    pub editable: Vec<bool>,
    /// All functions and methods outside the oracle.
    pub functions: Vec<Function>,
    /// All classes outside the oracle.
    pub classes: Vec<Class>,
    /// Attributes seen per receiver name with their number of uses.
    pub receivers: HashMap<String, BTreeMap<String, u32>>,
    /// Constant keys (`d["k"]`, `d.get("k")`, `{"k": …}`, `f(k=…)`) with their number of uses.
    pub keys: BTreeMap<String, u32>,
    /// Top-level names per file; true for functions, classes and imports.
    pub tops: Vec<BTreeMap<String, bool>>,
    /// Annotations and literals that attributes get in class bodies and through `self`.
    pub attribute_kinds: BTreeMap<String, String>,
    /// Defaults that somewhere stand behind `.get(key, …)` or `.pop(key, …)`.
    pub fallbacks: BTreeMap<String, u32>,
}

impl Project {
    /// Parses and indexes the brief's sources; files that the grammar cannot load are left out.
    pub fn new(brief: &Brief) -> Self {
        let mut project = Self {
            sources: Vec::new(),
            editable: Vec::new(),
            functions: Vec::new(),
            classes: Vec::new(),
            receivers: HashMap::new(),
            keys: BTreeMap::new(),
            tops: Vec::new(),
            attribute_kinds: BTreeMap::new(),
            fallbacks: BTreeMap::new(),
        };
        for (path, text) in &brief.sources {
            if let Some(source) = path.ends_with(".py").then(|| Source::parse(path, text)).flatten() {
                project.editable.push(!is_oracle(path) && !brief.oracle.contains(path));
                project.sources.push(source);
            }
        }
        for file in 0..project.sources.len() {
            project.index(file);
        }
        project
    }

    /// Index of a path; also finds it when the path carries a foreign prefix, as in traces from containers.
    pub fn find(&self, path: &str) -> Option<usize> {
        if let Some(exact) = self.sources.iter().position(|source| source.path == path) {
            return Some(exact);
        }
        let parts = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let wanted = parts(&path.replace('\\', "/"));
        self.sources
            .iter()
            .enumerate()
            .map(|(index, source)| {
                let own = parts(&source.path);
                (
                    own.iter()
                        .rev()
                        .zip(wanted.iter().rev())
                        .take_while(|(a, b)| a == b)
                        .count(),
                    index,
                )
            })
            .filter(|(common, _)| *common > 0)
            .max_by_key(|(common, index)| (*common, usize::MAX - index))
            .map(|(_, index)| index)
    }

    /// The innermost function that holds a line.
    pub fn function_at(&self, file: usize, line: u32) -> Option<usize> {
        self.functions
            .iter()
            .enumerate()
            .filter(|(_, function)| function.file == file && function.lines.0 <= line && line <= function.lines.1)
            .min_by_key(|(_, function)| function.lines.1 - function.lines.0)
            .map(|(index, _)| index)
    }

    /// Functions that a call of `name` may mean; a class name means its `__init__`.
    pub fn callees<'p>(&'p self, name: &str) -> Vec<&'p Function> {
        self.functions
            .iter()
            .filter(|function| {
                function.name == name || (function.name == "__init__" && function.class.as_deref() == Some(name))
            })
            .collect()
    }

    /// Members of a class and of its bases inside the project.
    pub fn members(&self, class: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut found = BTreeSet::new();
        let mut queue = vec![class.to_owned()];
        while let Some(name) = queue.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            for class in self.classes.iter().filter(|class| class.name == name) {
                found.extend(class.members.iter().cloned());
                queue.extend(
                    class
                        .bases
                        .iter()
                        .map(|base| base.rsplit('.').next().unwrap_or(base).to_owned()),
                );
            }
        }
        found
    }

    /// Attributes seen on receivers of this name, most used first.
    pub fn attributes_of(&self, receiver: &str) -> Vec<String> {
        let last = receiver.rsplit('.').next().unwrap_or(receiver);
        let mut found: Vec<(&String, &u32)> = self.receivers.get(last).into_iter().flatten().collect();
        found.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        found.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// Exception classes defined in the project.
    pub fn exceptions(&self) -> Vec<&Class> {
        self.classes
            .iter()
            .filter(|class| {
                class.name.ends_with("Error")
                    || class.name.ends_with("Exception")
                    || class
                        .bases
                        .iter()
                        .any(|base| base.ends_with("Error") || base.ends_with("Exception"))
            })
            .collect()
    }

    fn index(&mut self, file: usize) {
        let editable = self.editable.get(file).copied().unwrap_or(false);
        let mut found = Found::default();
        if let Some(source) = self.sources.get(file) {
            visit(source.tree.root_node(), &mut |node| found.see(source, file, node));
            for statement in named(source.tree.root_node()) {
                found.top(source, statement);
            }
        }
        for (receiver, attribute) in found.attributes {
            *self
                .receivers
                .entry(receiver)
                .or_default()
                .entry(attribute)
                .or_default() += 1;
        }
        for key in found.keys {
            *self.keys.entry(key).or_default() += 1;
        }
        for fallback in found.fallbacks {
            *self.fallbacks.entry(fallback).or_default() += 1;
        }
        for (name, kind) in found.attribute_kinds {
            self.attribute_kinds.entry(name).or_insert(kind);
        }
        self.tops.push(found.tops);
        if editable {
            self.functions.extend(found.functions);
            self.classes.extend(found.classes);
        }
    }
}

#[derive(Default)]
struct Found {
    functions: Vec<Function>,
    classes: Vec<Class>,
    attributes: Vec<(String, String)>,
    keys: Vec<String>,
    fallbacks: Vec<String>,
    attribute_kinds: Vec<(String, String)>,
    tops: BTreeMap<String, bool>,
}

impl Found {
    fn see(&mut self, source: &Source, file: usize, node: Node<'_>) {
        match node.kind() {
            "function_definition" => self.functions.push(function(source, file, node)),
            "class_definition" => self.classes.push(class(source, file, node)),
            "attribute" => {
                let object = source.field(node, "object");
                let receiver = object.rsplit('.').next().unwrap_or(object);
                if receiver.chars().all(|c| c.is_alphanumeric() || c == '_') {
                    self.attributes
                        .push((receiver.to_owned(), source.field(node, "attribute").to_owned()));
                }
            }
            "assignment" => {
                let left = source.field(node, "left");
                let name = left
                    .strip_prefix("self.")
                    .or_else(|| (class_of(node).is_some() && function_of(node).is_none()).then_some(left));
                if let Some(name) = name {
                    let kind = if node.child_by_field_name("type").is_some() {
                        format!(":{}", source.field(node, "type"))
                    } else {
                        source.field(node, "right").to_owned()
                    };
                    self.attribute_kinds.push((name.to_owned(), kind));
                }
            }
            "subscript" => {
                if let Some(key) = node.child_by_field_name("subscript") {
                    self.key(source, key);
                }
            }
            "pair" => {
                if let Some(key) = node.child_by_field_name("key") {
                    self.key(source, key);
                }
            }
            "call" => {
                let name = source.field(node, "function");
                if name.ends_with(".get") || name.ends_with(".pop") || name.ends_with(".setdefault") {
                    let arguments = node.child_by_field_name("arguments").map(named).unwrap_or_default();
                    if let Some(first) = arguments.first() {
                        self.key(source, *first);
                    }
                    if let (true, Some(second)) = (arguments.len() == 2, arguments.get(1)) {
                        self.fallbacks.push(source.text(*second).to_owned());
                    }
                }
            }
            _ => {}
        }
    }

    fn key(&mut self, source: &Source, node: Node<'_>) {
        if let ("string", Some((_, inner, _))) = (node.kind(), string_parts(source.text(node))) {
            self.keys.push(inner.to_owned());
        }
    }

    fn top(&mut self, source: &Source, statement: Node<'_>) {
        match statement.kind() {
            "function_definition" | "class_definition" => {
                self.tops.insert(source.field(statement, "name").to_owned(), true);
            }
            "decorated_definition" => {
                if let Some(inner) = statement.child_by_field_name("definition") {
                    self.top(source, inner);
                }
            }
            "import_statement" | "import_from_statement" => {
                let module = statement.child_by_field_name("module_name").map(|node| node.id());
                for child in named(statement) {
                    if Some(child.id()) == module {
                        continue;
                    }
                    let name = match child.kind() {
                        "aliased_import" => source.field(child, "alias"),
                        _ => source.text(child).split('.').next().unwrap_or(""),
                    };
                    self.tops.insert(name.to_owned(), true);
                }
            }
            "expression_statement" => {
                for child in named(statement) {
                    if child.kind() == "assignment" {
                        let left = source.field(child, "left");
                        if left.chars().all(|c| c.is_alphanumeric() || c == '_') {
                            self.tops.insert(left.to_owned(), false);
                        }
                    }
                }
            }
            "if_statement" | "try_statement" => visit(statement, &mut |node| {
                if matches!(node.kind(), "import_statement" | "import_from_statement") {
                    self.top(source, node);
                }
            }),
            _ => {}
        }
    }
}

fn function(source: &Source, file: usize, node: Node<'_>) -> Function {
    let class =
        class_of(node).filter(|class| function_of(node).is_none_or(|outer| outer.start_byte() < class.start_byte()));
    let decorators: Vec<String> = node
        .parent()
        .filter(|parent| parent.kind() == "decorated_definition")
        .map(|parent| {
            named(parent)
                .into_iter()
                .filter(|child| child.kind() == "decorator")
                .map(|child| {
                    source
                        .text(child)
                        .trim_start_matches('@')
                        .split('(')
                        .next()
                        .unwrap_or("")
                        .trim()
                        .to_owned()
                })
                .collect()
        })
        .unwrap_or_default();
    let mut params = node
        .child_by_field_name("parameters")
        .map(|list| params_of(source, list))
        .unwrap_or_default();
    if class.is_some() && !decorators.iter().any(|name| name == "staticmethod") && !params.is_empty() {
        params.remove(0);
    }
    Function {
        file,
        name: source.field(node, "name").to_owned(),
        class: class.map(|class| source.field(class, "name").to_owned()),
        params,
        returns: node
            .child_by_field_name("return_type")
            .map(|kind| source.text(kind).to_owned()),
        is_async: source.text(node).starts_with("async"),
        decorators,
        lines: (line_of(node), last_line_of(node)),
        range: node.byte_range(),
    }
}

/// Parameters of a `parameters` node, `self` included.
pub fn params_of(source: &Source, list: Node<'_>) -> Vec<Param> {
    let mut keyword_only = false;
    let mut params = Vec::new();
    for child in named(list) {
        let text = source.text(child);
        if child.kind() == "keyword_separator" || text == "*" {
            keyword_only = true;
            continue;
        }
        if child.kind() == "positional_separator" {
            continue;
        }
        let name = match child.kind() {
            "identifier" => text,
            "default_parameter" | "typed_default_parameter" => source.field(child, "name"),
            _ => text.split(':').next().unwrap_or(text),
        };
        let stars = name.len() - name.trim_start_matches('*').len();
        params.push(Param {
            name: name.trim_start_matches('*').trim().to_owned(),
            default: child
                .child_by_field_name("value")
                .map(|value| source.text(value).to_owned()),
            annotation: child
                .child_by_field_name("type")
                .map(|kind| source.text(kind).to_owned()),
            stars,
            keyword_only,
        });
        if stars == 1 {
            keyword_only = true;
        }
    }
    params
}

fn class(source: &Source, file: usize, node: Node<'_>) -> Class {
    let bases = node
        .child_by_field_name("superclasses")
        .map(|list| {
            named(list)
                .into_iter()
                .filter(|base| base.kind() != "keyword_argument")
                .map(|base| source.text(base).to_owned())
                .collect()
        })
        .unwrap_or_default();
    let mut members = BTreeSet::new();
    if let Some(body) = node.child_by_field_name("body") {
        for statement in named(body) {
            let inner = if statement.kind() == "decorated_definition" {
                statement.child_by_field_name("definition").unwrap_or(statement)
            } else {
                statement
            };
            match inner.kind() {
                "function_definition" => {
                    members.insert(source.field(inner, "name").to_owned());
                }
                "expression_statement" => {
                    for child in named(inner).into_iter().filter(|child| child.kind() == "assignment") {
                        members.insert(source.field(child, "left").to_owned());
                    }
                }
                _ => {}
            }
        }
        visit(body, &mut |inner| {
            if inner.kind() == "assignment"
                && let Some(name) = source.field(inner, "left").strip_prefix("self.")
                && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            {
                members.insert(name.to_owned());
            }
        });
    }
    Class {
        file,
        name: source.field(node, "name").to_owned(),
        bases,
        members,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn project(text: &str) -> Project {
        Project::new(&Brief::new(
            [("src/a.py".to_owned(), text.to_owned())].into(),
            vec![],
            vec![],
        ))
    }

    #[test]
    fn signatures_members_and_keys_are_known() {
        let text = "import os.path as p\nfrom m import f as g, h\nLIMIT = 3\nclass A(Base):\n    size: int = 1\n    def __init__(self, a, *, b: int = 2):\n        self.a = a\n    @staticmethod\n    def s(x): return d['k']\n\ndef top(q, *args, **kw):\n    return q.get('z', 0)\n";
        let project = project(text);
        let init = project.callees("A");
        assert_eq!(
            init[0]
                .params
                .iter()
                .map(|p| (p.name.as_str(), p.keyword_only))
                .collect::<Vec<_>>(),
            [("a", false), ("b", true)]
        );
        assert_eq!(project.callees("s")[0].params[0].name, "x");
        assert_eq!(
            project.callees("top")[0]
                .params
                .iter()
                .map(|p| p.stars)
                .collect::<Vec<_>>(),
            [0, 1, 2]
        );
        assert_eq!(
            project.members("A"),
            ["__init__", "a", "s", "size"].map(str::to_owned).into()
        );
        assert_eq!(project.keys.keys().collect::<Vec<_>>(), ["k", "z"]);
        assert_eq!(project.fallbacks.keys().collect::<Vec<_>>(), ["0"]);
        assert_eq!(
            project.tops[0].keys().collect::<Vec<_>>(),
            ["A", "LIMIT", "g", "h", "p", "top"]
        );
    }

    #[test]
    fn paths_of_traces_are_matched_by_their_tail() {
        assert_eq!(project("").find("/app/src/a.py"), Some(0));
        assert_eq!(project("").find("other.py"), None);
    }
}
