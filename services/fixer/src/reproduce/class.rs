//! The classes of a project: which there are, and what they are called with.

use super::frame::{ParameterKind, parse};
use std::collections::BTreeMap;
use tree_sitter::Node;

/// The classes of a project, so that their representations can be turned back into calls.
#[derive(Clone, Debug, Default)]
pub struct Classes {
    by_name: BTreeMap<String, Vec<Class>>,
}

#[derive(Clone, Debug)]
pub(super) struct Class {
    pub(super) module: String,
    /// What a call of the class must be given, in order: name and annotation.
    pub(super) required: Vec<(String, String)>,
    /// All its parameters, in order.
    pub(super) parameters: Vec<String>,
}

impl Classes {
    /// Reads the top-level classes of every module; `modules` maps a dotted name to its text.
    #[must_use]
    pub fn read(modules: &BTreeMap<String, String>) -> Self {
        let mut by_name: BTreeMap<String, Vec<Class>> = BTreeMap::new();
        for (module, text) in modules {
            let Some(tree) = parse(text) else { continue };
            let root = tree.root_node();
            let mut cursor = root.walk();
            for child in root.named_children(&mut cursor) {
                let (class, decorated) = if child.kind() == "decorated_definition" {
                    (child.child_by_field_name("definition"), true)
                } else {
                    (Some(child), false)
                };
                let Some(class) = class.filter(|class| class.kind() == "class_definition") else {
                    continue;
                };
                let Some(name) = class.child_by_field_name("name") else {
                    continue;
                };
                let (parameters, required) = constructor(class, text, decorated);
                by_name
                    .entry(text[name.byte_range()].to_owned())
                    .or_default()
                    .push(Class {
                        module: module.clone(),
                        required,
                        parameters,
                    });
            }
        }
        Self { by_name }
    }

    /// The class of that name; of several, the one in the module nearby.
    pub(super) fn one(&self, name: &str, near: &str) -> Option<&Class> {
        let all = self.by_name.get(name)?;
        all.iter()
            .find(|class| class.module == near)
            .or_else(|| if all.len() == 1 { all.first() } else { None })
    }
}

type Required = Vec<(String, String)>;

/// What a class is called with: the parameters of its `__init__`, or the fields of a dataclass.
fn constructor(class: Node<'_>, text: &str, decorated: bool) -> (Vec<String>, Required) {
    let Some(body) = class.child_by_field_name("body") else {
        return (Vec::new(), Vec::new());
    };
    let mut cursor = body.walk();
    let children: Vec<Node<'_>> = body.named_children(&mut cursor).collect();
    let init = children.iter().find(|child| {
        child.kind() == "function_definition"
            && child
                .child_by_field_name("name")
                .is_some_and(|name| &text[name.byte_range()] == "__init__")
    });
    if let Some(list) = init.and_then(|init| init.child_by_field_name("parameters")) {
        let all = super::frame::parameters(list, text);
        let named = all
            .iter()
            .skip(1)
            .filter(|p| matches!(p.kind, ParameterKind::Plain | ParameterKind::KeywordOnly));
        let required = named
            .clone()
            .filter(|p| !p.has_default)
            .map(|p| (p.name.clone(), String::new()))
            .collect();
        return (named.map(|p| p.name.clone()).collect(), required);
    }
    if !decorated {
        // Without a constructor of its own it takes its parents' arguments, which may be any.
        let inherits = class
            .child_by_field_name("superclasses")
            .is_some_and(|parents| parents.named_child_count() > 0);
        let unknown = vec![("…".to_owned(), String::new())];
        return (Vec::new(), if inherits { unknown } else { Vec::new() });
    }
    let mut parameters = Vec::new();
    let mut required = Vec::new();
    for child in &children {
        let Some(field) = child
            .named_child(0)
            .filter(|first| child.kind() == "expression_statement" && first.kind() == "assignment")
        else {
            continue;
        };
        let (Some(name), Some(annotation)) = (field.child_by_field_name("left"), field.child_by_field_name("type"))
        else {
            continue;
        };
        let (name, annotation) = (&text[name.byte_range()], &text[annotation.byte_range()]);
        let value = field
            .child_by_field_name("right")
            .map(|value| &text[value.byte_range()]);
        if annotation.contains("ClassVar") || value.is_some_and(|value| value.replace(' ', "").contains("init=False")) {
            continue;
        }
        parameters.push(name.to_owned());
        let has_default = value.is_some_and(|value| !value.starts_with("field(") || value.contains("default"));
        if !has_default {
            required.push((name.to_owned(), annotation.to_owned()));
        }
    }
    (parameters, required)
}
