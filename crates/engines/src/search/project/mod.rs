//! What is defined and used where in the project: functions, classes, attributes per receiver, keys.
mod class;
mod function;
mod index;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use class::Class;
pub use function::{Function, Param, params_of};
use index::Found;

use super::syntax::{Source, named, visit};
use crate::brief::{Brief, is_oracle};

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
    /// Whether the file of this index may be changed.
    pub fn is_editable(&self, file: usize) -> bool {
        self.editable.get(file) == Some(&true)
    }

    /// The files that may be changed, with their indices.
    pub fn editable_sources(&self) -> impl Iterator<Item = (usize, &Source)> {
        self.sources
            .iter()
            .enumerate()
            .filter(|(file, _)| self.is_editable(*file))
    }

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
        let editable = self.is_editable(file);
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
