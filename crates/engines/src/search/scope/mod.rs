//! What a template may use at one place: names, attributes, literals, conditions, default values.
mod binding;
mod body;
mod condition;
mod default;
mod kind;
mod name;

use std::collections::BTreeMap;
use std::ops::Range;

use tree_sitter::Node;

pub use condition::negate;
pub use default::is_plain;
pub use kind::{Guess, guess_text};

use super::project::Project;
use super::syntax::{Source, class_of};

/// Names and expressions of one function, or of a module's top level.
pub struct Scope<'p> {
    /// The whole project.
    pub project: &'p Project,
    /// Index of the file.
    pub file: usize,
    /// The file.
    pub source: &'p Source,
    /// The function, `None` for the top level.
    pub function: Option<Node<'p>>,
    /// Name of the class around it.
    pub class: Option<String>,
    /// Parameters, `self` included.
    pub params: Vec<String>,
    /// Bound names with the byte of their first binding.
    bound: BTreeMap<String, usize>,
    /// Names that live in one comprehension only.
    confined: BTreeMap<String, Range<usize>>,
    /// Every occurrence of a name.
    occurrences: Vec<(String, usize)>,
    /// Names of module level that hold values.
    pub values: Vec<String>,
    /// Names of module level that can be called.
    pub callables: Vec<String>,
    /// Dotted loads such as `self.items`, in order of appearance.
    pub attributes: Vec<String>,
    /// Elements such as `parts[0]` and `row["id"]`, in order of appearance.
    pub elements: Vec<String>,
    /// Numbers of the file.
    pub numbers: Vec<String>,
    /// Conditions of the function.
    pub conditions: Vec<String>,
    /// Expressions of the function with their kind.
    pub expressions: Vec<(String, &'p str)>,
    /// Returned expressions.
    pub returns: Vec<String>,
    /// The function has a `return` without value or none at all.
    pub returns_nothing: bool,
    /// The function yields.
    pub is_generator: bool,
    /// Guessed kinds of names and attributes.
    guesses: BTreeMap<String, Guess>,
    /// What a return in trouble could give, most fitting first.
    pub defaults: Vec<String>,
}

impl<'p> Scope<'p> {
    /// Looks at one function, or at the top level of a file.
    pub fn new(project: &'p Project, file: usize, function: Option<Node<'p>>) -> Option<Self> {
        let source = project.sources.get(file)?;
        let root = function.unwrap_or_else(|| source.tree.root_node());
        let mut scope = Self {
            project,
            file,
            source,
            function,
            class: function
                .and_then(class_of)
                .map(|class| source.field(class, "name").to_owned()),
            params: Vec::new(),
            bound: BTreeMap::new(),
            confined: BTreeMap::new(),
            occurrences: Vec::new(),
            values: Vec::new(),
            callables: Vec::new(),
            attributes: Vec::new(),
            elements: Vec::new(),
            numbers: Vec::new(),
            conditions: Vec::new(),
            expressions: Vec::new(),
            returns: Vec::new(),
            returns_nothing: true,
            is_generator: false,
            guesses: BTreeMap::new(),
            defaults: Vec::new(),
        };
        for (name, callable) in project.tops.get(file).into_iter().flatten() {
            if *callable {
                scope.callables.push(name.clone())
            } else {
                scope.values.push(name.clone())
            }
        }
        scope.read_constants();
        scope.read_params();
        scope.read_bindings(root);
        scope.read_body(root);
        scope.read_numbers();
        scope.defaults = scope.find_defaults();
        Some(scope)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::brief::Brief;
    use crate::search::syntax::named;

    #[test]
    fn scopes_know_names_defaults_and_conditions() {
        let text = "LIMIT = 5\ndef f(items, *, top=3):\n    if not items:\n        return []\n    for item in items:\n        total = item.size\n    later = 1\n    return [x for x in items]\n";
        let project = Project::new(&Brief::new(
            [("a.py".to_owned(), text.to_owned())].into(),
            vec![],
            vec![],
        ));
        let function = named(project.sources[0].tree.root_node())[1];
        let scope = Scope::new(&project, 0, Some(function)).unwrap();
        assert_eq!(scope.params, ["items", "top"]);
        assert_eq!(scope.defaults[0], "[]");
        assert_eq!(scope.values, ["LIMIT"]);
        assert_eq!(scope.attributes, ["item.size"]);
        let ret = named(function.child_by_field_name("body").unwrap()).pop().unwrap();
        let names = scope.names_at(ret);
        assert!(
            names.contains(&"later".to_owned()) && !names.contains(&"x".to_owned()),
            "{names:?}"
        );
        assert!(scope.atoms(ret).contains(&"not items".to_owned()));
    }
}
