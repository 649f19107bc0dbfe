//! Functions and their parameters, as they are declared.
use std::ops::Range;

use tree_sitter::Node;

use crate::search::syntax::{Source, class_of, decorators, function_of, last_line_of, line_of, named};

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

pub(super) fn function(source: &Source, file: usize, node: Node<'_>) -> Function {
    let class =
        class_of(node).filter(|class| function_of(node).is_none_or(|outer| outer.start_byte() < class.start_byte()));
    let decorators = decorators(node, &source.text);
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
