//! Finds the functions of an alert's frames in the repository's own code.

use domain::diagnosis::CodeFrame;
use domain::signal::{ExceptionInfo, StackFrame};
use engines::search::syntax::decorators;
use std::collections::BTreeMap;
use tree_sitter::{Node, Parser, Tree};

/// A frame of an alert that was found in the repository.
#[derive(Clone, Debug)]
pub struct Located {
    /// Where it is now.
    pub place: CodeFrame,
    /// The function, where the frame is inside one.
    pub function: Option<Function>,
    /// The alert's own frame, with its variables.
    pub reported: StackFrame,
}

/// A Python function as far as calling it is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The classes around it, outermost first.
    pub classes: Vec<String>,
    /// Whether it is defined inside another function, and so cannot be reached.
    pub is_nested: bool,
    /// `async def`.
    pub is_async: bool,
    /// It has a `yield`, so that calling it does nothing yet.
    pub is_generator: bool,
    /// Names of its decorators, without arguments.
    pub decorators: Vec<String>,
    /// Its parameters, `self` included.
    pub parameters: Vec<Parameter>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, without stars.
    pub name: String,
    /// How it is passed.
    pub kind: ParameterKind,
    /// Whether it may be left out.
    pub has_default: bool,
}

/// How a parameter is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// By position or name.
    Plain,
    /// By name only.
    KeywordOnly,
    /// `*args`.
    Rest,
    /// `**kwargs`.
    Keywords,
}

/// Parses Python; `None` only when the grammar does not fit the library.
#[must_use]
pub fn parse(text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).ok()?;
    parser.parse(text, None)
}

/// The frames of an exception that lie in the repository, callers first.
#[must_use]
pub fn locate(exception: &ExceptionInfo, sources: &BTreeMap<String, String>) -> Vec<Located> {
    exception
        .frames
        .iter()
        .filter_map(|frame| locate_one(frame, sources))
        .collect()
}

fn locate_one(frame: &StackFrame, sources: &BTreeMap<String, String>) -> Option<Located> {
    if frame.in_app == Some(false) {
        return None;
    }
    let path = find_file(frame, sources)?;
    let text = &sources[&path];
    let line = find_line(frame, text)?;
    let function = parse(text).and_then(|tree| function_at(tree.root_node(), text, line));
    let name = frame.function.clone().unwrap_or_else(|| "<module>".into());
    Some(Located {
        place: CodeFrame {
            file: path,
            line,
            function: name,
        },
        function,
        reported: frame.clone(),
    })
}

/// The file with the longest common end of path; containers and packages rewrite the beginning.
fn find_file(frame: &StackFrame, sources: &BTreeMap<String, String>) -> Option<String> {
    let reported = frame.file.as_deref()?.replace('\\', "/");
    if ["site-packages", "dist-packages", "node_modules"]
        .iter()
        .any(|foreign| reported.contains(foreign))
    {
        return None;
    }
    let wanted: Vec<&str> = reported
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let common = |path: &str| {
        path.split('/')
            .rev()
            .zip(wanted.iter().rev())
            .take_while(|(a, b)| a == *b)
            .count()
    };
    let best = sources
        .keys()
        .map(|path| (common(path), path))
        .max_by_key(|(score, path)| (*score, std::cmp::Reverse(path.len())))?;
    let same_length_elsewhere = sources.keys().filter(|path| common(path) == best.0).count() > 1;
    // A bare file name that several folders have says nothing.
    (best.0 >= 2 || (best.0 == 1 && (wanted.len() == 1 || best.1.contains('/')) && !same_length_elsewhere))
        .then(|| best.1.clone())
}

/// The line that the frame shows, looked for near where it was: the code may have moved since the release.
fn find_line(frame: &StackFrame, text: &str) -> Option<u32> {
    let lines: Vec<&str> = text.lines().collect();
    let reported = frame.line?;
    let Some(context) = frame
        .context_line
        .as_deref()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    else {
        return (reported as usize <= lines.len()).then_some(reported);
    };
    (1u32..)
        .zip(&lines)
        .filter(|(_, line)| line.trim() == context)
        .min_by_key(|(at, _)| at.abs_diff(reported))
        .map(|(at, _)| at)
}

/// The innermost function around a line.
#[must_use]
pub fn function_at(root: Node<'_>, text: &str, line: u32) -> Option<Function> {
    let row = line.checked_sub(1)? as usize;
    let mut found = None;
    let mut stack = Vec::new();
    descend(root, text, row, &mut stack, &mut found);
    found
}

#[derive(Clone)]
enum Scope {
    Class(String),
    Function,
}

fn descend(node: Node<'_>, text: &str, row: usize, stack: &mut Vec<Scope>, found: &mut Option<Function>) {
    let mut cursor = node.walk();
    for child in node.named_children(&mut cursor) {
        if child.start_position().row > row || child.end_position().row < row {
            continue;
        }
        let name = child
            .child_by_field_name("name")
            .map(|name| text[name.byte_range()].to_owned());
        match (child.kind(), name) {
            ("class_definition", Some(name)) => {
                stack.push(Scope::Class(name));
                descend(child, text, row, stack, found);
                stack.pop();
            }
            ("function_definition", Some(name)) => {
                *found = Some(describe(child, text, name, stack));
                stack.push(Scope::Function);
                descend(child, text, row, stack, found);
                stack.pop();
            }
            _ => descend(child, text, row, stack, found),
        }
    }
}

fn describe(node: Node<'_>, text: &str, name: String, stack: &[Scope]) -> Function {
    Function {
        name,
        classes: stack
            .iter()
            .filter_map(|scope| {
                if let Scope::Class(name) = scope {
                    Some(name.clone())
                } else {
                    None
                }
            })
            .collect(),
        is_nested: stack.iter().any(|scope| matches!(scope, Scope::Function)),
        is_async: text[node.byte_range()].starts_with("async"),
        is_generator: node.child_by_field_name("body").is_some_and(has_yield),
        decorators: decorators(node, text),
        parameters: node
            .child_by_field_name("parameters")
            .map(|list| parameters(list, text))
            .unwrap_or_default(),
    }
}

fn has_yield(node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).any(|child| match child.kind() {
        "yield" => true,
        "function_definition" | "lambda" | "class_definition" => false,
        _ => has_yield(child),
    })
}

/// The parameters of a `parameters` node.
#[must_use]
pub fn parameters(list: Node<'_>, text: &str) -> Vec<Parameter> {
    let mut all = Vec::new();
    let mut kind = ParameterKind::Plain;
    let mut cursor = list.walk();
    for child in list.named_children(&mut cursor) {
        let has_default = child.kind().contains("default");
        let named = child.child_by_field_name("name").or_else(|| {
            if child.kind() == "identifier" {
                Some(child)
            } else {
                child.named_child(0)
            }
        });
        let this = match child.kind() {
            "keyword_separator" => {
                kind = ParameterKind::KeywordOnly;
                continue;
            }
            "positional_separator" | "comment" => continue,
            _ => match named.map_or("", |n| n.kind()) {
                "list_splat_pattern" => ParameterKind::Rest,
                "dictionary_splat_pattern" => ParameterKind::Keywords,
                _ if child.kind() == "list_splat_pattern" => ParameterKind::Rest,
                _ if child.kind() == "dictionary_splat_pattern" => ParameterKind::Keywords,
                _ => kind,
            },
        };
        let name = named
            .map(|n| text[n.byte_range()].trim_start_matches('*').to_owned())
            .unwrap_or_default();
        all.push(Parameter {
            name,
            kind: this,
            has_default,
        });
        if this == ParameterKind::Rest {
            kind = ParameterKind::KeywordOnly;
        }
    }
    all
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const CODE: &str = "import x\n\nclass Cart:\n    @staticmethod\n    def make(a, b: int = 3, *rest, flag, other=None, **more):\n        return a / b\n\nasync def go(self):\n    def inner():\n        yield 1\n    return inner()\n";

    fn at(line: u32) -> Option<Function> {
        function_at(parse(CODE).unwrap().root_node(), CODE, line)
    }

    #[test]
    fn finds_the_innermost_function_and_how_to_call_it() {
        let make = at(6).unwrap();
        assert_eq!(
            (make.name.as_str(), make.classes.as_slice(), make.decorators.as_slice()),
            ("make", &["Cart".to_owned()][..], &["staticmethod".to_owned()][..])
        );
        let kinds: Vec<_> = make
            .parameters
            .iter()
            .map(|p| (p.name.as_str(), p.kind, p.has_default))
            .collect();
        use ParameterKind::{KeywordOnly, Keywords, Plain, Rest};
        assert_eq!(
            kinds,
            [
                ("a", Plain, false),
                ("b", Plain, true),
                ("rest", Rest, false),
                ("flag", KeywordOnly, false),
                ("other", KeywordOnly, true),
                ("more", Keywords, false)
            ]
        );
        assert!(at(10).is_some_and(|f| f.is_nested && f.is_generator && f.name == "inner"));
        assert!(at(11).is_some_and(|f| f.is_async && !f.is_generator));
        assert_eq!(at(1), None);
    }

    #[test]
    fn frames_are_found_by_the_end_of_their_path_and_by_their_text() {
        let sources = BTreeMap::from([
            ("src/shop/cart.py".to_owned(), CODE.to_owned()),
            ("src/other/cart.py".to_owned(), String::new()),
        ]);
        let frame = |file: &str, line, context: &str| StackFrame {
            file: Some(file.into()),
            line: Some(line),
            context_line: Some(context.into()),
            ..StackFrame::default()
        };
        let found = locate_one(&frame("/app/shop/cart.py", 2, "        return a / b"), &sources).unwrap();
        assert_eq!((found.place.file.as_str(), found.place.line), ("src/shop/cart.py", 6));
        assert!(
            locate_one(&frame("cart.py", 6, "return a / b"), &sources).is_none(),
            "two files have that name"
        );
        assert!(
            locate_one(
                &frame("/usr/lib/site-packages/shop/cart.py", 6, "return a / b"),
                &sources
            )
            .is_none()
        );
        assert!(
            locate_one(&frame("/app/shop/cart.py", 6, "return a // b"), &sources).is_none(),
            "the line is gone"
        );
    }
}
