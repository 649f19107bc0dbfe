//! Rebuilds Python values from what an SDK recorded of them: representations, nested in lists and dictionaries.

use super::class::{Class, Classes};
use super::frame::parse;
use serde_json::Value;
use std::collections::BTreeSet;
use tree_sitter::Node;

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 12;
/// Longest expression that is written, in bytes.
const MAX_CODE: usize = 20_000;

/// A Python expression and the import lines that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expression {
    /// The code.
    pub code: String,
    /// Whole lines, `from decimal import Decimal`.
    pub imports: BTreeSet<String>,
    /// Arguments that a representation leaves out and that were made up, `Customer.password_hash`.
    pub made_up: Vec<String>,
}

/// A value that stands for one that no record tells.
fn placeholder(annotation: &str) -> &'static str {
    match annotation.split('[').next().unwrap_or("").trim_matches(['"', '\'']) {
        "str" => "\"\"",
        "int" => "0",
        "float" => "0.0",
        "bool" => "False",
        "bytes" => "b\"\"",
        "list" | "List" => "[]",
        "dict" | "Dict" => "{}",
        _ => "None",
    }
}

/// Rebuilds a recorded value.
///
/// # Errors
/// Why it cannot be rebuilt, in a few words.
pub fn rebuild(value: &Value, classes: &Classes, near: &str) -> Result<Expression, String> {
    let mut out = Expression::default();
    write_value(value, classes, near, &mut out, 0)?;
    if out.code.len() > MAX_CODE {
        Err("too long".into())
    } else {
        Ok(out)
    }
}

fn write_value(value: &Value, classes: &Classes, near: &str, out: &mut Expression, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH || out.code.len() > MAX_CODE {
        return Err("too deep or too long".into());
    }
    match value {
        Value::Null => out.code.push_str("None"),
        Value::Bool(yes) => out.code.push_str(if *yes { "True" } else { "False" }),
        Value::Number(number) => out.code.push_str(&number.to_string()),
        Value::String(text) => write_representation(text, classes, near, out)?,
        Value::Array(items) => {
            out.code.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.code.push_str(", ");
                }
                write_value(item, classes, near, out, depth + 1)?;
            }
            out.code.push(']');
        }
        Value::Object(map) => {
            // The SDK writes every key as text; keys that all look like numbers were numbers.
            let numeric = !map.is_empty() && map.keys().all(|key| key.parse::<i64>().is_ok());
            out.code.push('{');
            for (at, (key, item)) in map.iter().enumerate() {
                if at > 0 {
                    out.code.push_str(", ");
                }
                out.code.push_str(&if numeric { key.clone() } else { quote(key) });
                out.code.push_str(": ");
                write_value(item, classes, near, out, depth + 1)?;
            }
            out.code.push('}');
        }
    }
    Ok(())
}

/// A Python string literal.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 || (0x7f..0xa0).contains(&(c as u32)) => {
                out.push_str(&format!("\\x{:02x}", c as u32))
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn write_representation(text: &str, classes: &Classes, near: &str, out: &mut Expression) -> Result<(), String> {
    if text == "[Filtered]" {
        return Err("filtered by the sender".into());
    }
    if let Some(found) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        return write_opaque(found, classes, near, out);
    }
    let tree = parse(text).ok_or("no parser")?;
    let root = tree.root_node();
    let statement = root
        .named_child(0)
        .filter(|first| root.named_child_count() == 1 && first.kind() == "expression_statement");
    let expression = statement
        .filter(|s| s.named_child_count() == 1)
        .and_then(|s| s.named_child(0))
        .filter(|_| !root.has_error());
    let expression = expression.ok_or_else(|| format!("`{}` is no complete expression", short(text)))?;
    write_node(expression, text, classes, near, out)
}

/// What stands between `<` and `>`: an enum member, a class, or an object of which only the type is known.
fn write_opaque(found: &str, classes: &Classes, near: &str, out: &mut Expression) -> Result<(), String> {
    if let Some((member, _)) = found
        .split_once(": ")
        .filter(|(member, _)| member.split('.').all(is_name))
    {
        let (class, _) = member.rsplit_once('.').ok_or("an unknown object")?;
        let root = class.split('.').next().unwrap_or(class);
        let known = classes
            .one(root, near)
            .ok_or_else(|| format!("`{root}` is not a class of the project"))?;
        out.imports.insert(format!("from {} import {root}", known.module));
        out.code.push_str(member);
        return Ok(());
    }
    if let Some((path, _)) = found.split_once(" object at 0x") {
        let name = path.rsplit('.').next().unwrap_or(path);
        let known = classes
            .one(name, near)
            .ok_or_else(|| format!("an object of `{}`, of which only the type is known", short(path)))?;
        if !known.required.is_empty() {
            return Err(format!("an object of `{name}`, of which only the type is known"));
        }
        out.imports.insert(format!("from {} import {name}", known.module));
        out.code.push_str(&format!("{name}()"));
        return Ok(());
    }
    Err(format!("`<{}>` cannot be written as code", short(found)))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn short(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { cut + "…" } else { cut }
}

/// Copies an expression if it is made of values and constructors alone: nothing that a recorded text could use to act.
fn write_node(node: Node<'_>, text: &str, classes: &Classes, near: &str, out: &mut Expression) -> Result<(), String> {
    let source = &text[node.byte_range()];
    match node.kind() {
        "string" if has_interpolation(node) || !is_plain_prefix(source) => Err("an f-string".into()),
        "string" | "integer" | "float" | "true" | "false" | "none" => {
            out.code.push_str(source);
            Ok(())
        }
        "unary_operator"
        | "parenthesized_expression"
        | "tuple"
        | "list"
        | "set"
        | "dictionary"
        | "pair"
        | "argument_list"
        | "concatenated_string"
        | "binary_operator" => {
            if node.kind() == "binary_operator" && !is_complex(node, text) {
                return Err(format!("`{}` computes", short(source)));
            }
            // Everything between the named children is punctuation.
            let mut at = node.start_byte();
            let mut cursor = node.walk();
            for child in node.named_children(&mut cursor) {
                out.code.push_str(&text[at..child.start_byte()]);
                write_node(child, text, classes, near, out)?;
                at = child.end_byte();
            }
            out.code.push_str(&text[at..node.end_byte()]);
            Ok(())
        }
        "keyword_argument" => {
            let (name, value) = (node.child_by_field_name("name"), node.child_by_field_name("value"));
            let (Some(name), Some(value)) = (name, value) else {
                return Err("a broken argument".into());
            };
            out.code.push_str(&text[name.byte_range()]);
            out.code.push('=');
            write_node(value, text, classes, near, out)
        }
        "identifier" if matches!(source, "inf" | "nan") => {
            out.code.push_str(&format!("float(\"{source}\")"));
            Ok(())
        }
        "attribute" if source == "datetime.timezone.utc" => {
            out.imports.insert("import datetime".into());
            out.code.push_str(source);
            Ok(())
        }
        "call" => write_call(node, text, classes, near, out),
        kind => Err(format!("`{}` ({kind}) is no value", short(source))),
    }
}

/// Whether a string holds expressions of its own, however it is prefixed.
fn has_interpolation(node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .any(|child| child.kind() == "interpolation" || has_interpolation(child))
}

fn is_plain_prefix(source: &str) -> bool {
    let prefix = &source[..source.find(['\'', '"']).unwrap_or(0)];
    prefix.chars().all(|c| matches!(c, 'r' | 'R' | 'b' | 'B' | 'u' | 'U'))
}

/// Whether an operation only writes a complex number, `1+2j`: others could compute for ever.
fn is_complex(node: Node<'_>, text: &str) -> bool {
    let number = |side: &str| {
        node.child_by_field_name(side).is_some_and(|part| {
            matches!(part.kind(), "integer" | "float" | "unary_operator") && part.byte_range().len() < 40
        })
    };
    let operator = node
        .child_by_field_name("operator")
        .map_or("", |operator| &text[operator.byte_range()]);
    matches!(operator, "+" | "-") && number("left") && number("right")
}

fn write_call(node: Node<'_>, text: &str, classes: &Classes, near: &str, out: &mut Expression) -> Result<(), String> {
    const BUILTIN: [&str; 5] = ["set", "frozenset", "bytearray", "range", "complex"];
    let (function, arguments) = (
        node.child_by_field_name("function"),
        node.child_by_field_name("arguments"),
    );
    let (Some(function), Some(arguments)) = (function, arguments) else {
        return Err("a broken call".into());
    };
    let name = &text[function.byte_range()];
    if !name.split('.').all(is_name) {
        return Err(format!("`{}` is no constructor", short(name)));
    }
    let root = name.split('.').next().unwrap_or(name);
    if BUILTIN.contains(&name) {
        out.code.push_str(name);
    } else if let Some(known) = classes
        .one(root, near)
        // `Order.delete_all()` is no constructor; a class inside of another one is.
        .filter(|_| name.split('.').all(|part| part.starts_with(char::is_uppercase)))
    {
        out.imports.insert(format!("from {} import {root}", known.module));
        out.code.push_str(name);
    } else {
        let import = match name {
            "Decimal" => "from decimal import Decimal",
            "Fraction" => "from fractions import Fraction",
            "UUID" => "from uuid import UUID",
            "OrderedDict" => "from collections import OrderedDict",
            "Counter" => "from collections import Counter",
            "deque" => "from collections import deque",
            "PosixPath" | "WindowsPath" | "PurePosixPath" => "from pathlib import PurePosixPath, Path",
            "namespace" => "from types import SimpleNamespace",
            "datetime.datetime" | "datetime.date" | "datetime.time" | "datetime.timedelta" | "datetime.timezone" => {
                "import datetime"
            }
            _ => return Err(format!("`{}` is not a class of the project", short(name))),
        };
        out.imports.insert(import.to_owned());
        out.code.push_str(match name {
            "PosixPath" | "WindowsPath" => "Path",
            "namespace" => "SimpleNamespace",
            other => other,
        });
    }
    write_node(arguments, text, classes, near, out)?;
    if let Some(known) = classes.one(name, near) {
        add_missing(name, known, arguments, text, out);
    }
    Ok(())
}

/// A representation leaves out what its class hides, a password for instance; the constructor still wants it.
fn add_missing(name: &str, class: &Class, arguments: Node<'_>, text: &str, out: &mut Expression) {
    let mut cursor = arguments.walk();
    let given: Vec<Node<'_>> = arguments.named_children(&mut cursor).collect();
    let positional = given
        .iter()
        .filter(|argument| argument.kind() != "keyword_argument")
        .count();
    let has = |wanted: &str| {
        class.parameters.iter().take(positional).any(|name| name == wanted)
            || given.iter().any(|argument| {
                argument
                    .child_by_field_name("name")
                    .is_some_and(|name| &text[name.byte_range()] == wanted)
            })
    };
    let missing: Vec<&(String, String)> = class
        .required
        .iter()
        .filter(|(wanted, _)| wanted != "…" && !has(wanted))
        .collect();
    if missing.is_empty() || !out.code.ends_with(')') {
        return;
    }
    out.code.pop();
    for (at, (wanted, annotation)) in missing.into_iter().enumerate() {
        let comma = if at == 0 && given.is_empty() { "" } else { ", " };
        out.code
            .push_str(&format!("{comma}{wanted}={}", placeholder(annotation)));
        out.made_up.push(format!("{name}.{wanted}"));
    }
    out.code.push(')');
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn classes() -> Classes {
        let shop = "from dataclasses import dataclass\n@dataclass\nclass Line:\n    sku: str\n    secret: str = field(repr=False)\n    note: str = ''\nclass Cart:\n    def __init__(self, lines=None): pass\nclass Order:\n    def __init__(self, number): pass\nclass Colour(Enum):\n    RED = 1\n";
        Classes::read(&BTreeMap::from([("shop.cart".to_owned(), shop.to_owned())]))
    }

    fn code(value: &Value) -> Result<String, String> {
        rebuild(value, &classes(), "shop.cart").map(|e| e.code)
    }

    #[test]
    fn values_come_back_as_code() {
        for (recorded, expected) in [
            (json!("3"), "3"),
            (json!("'it\\'s'"), "'it\\'s'"),
            (json!("-1.5"), "-1.5"),
            (json!("None"), "None"),
            (json!(["1", "'a'"]), "[1, 'a']"),
            (json!({"1": "2"}), "{1: 2}"),
            (json!({"a\"b": "True"}), "{\"a\\\"b\": True}"),
            (
                json!("(1, [2, {'k': Decimal('1.00')}])"),
                "(1, [2, {'k': Decimal('1.00')}])",
            ),
            (
                json!("Line(sku='mug', note='')"),
                "Line(sku='mug', note='', secret=\"\")",
            ),
            (json!("<Colour.RED: 1>"), "Colour.RED"),
            (json!("<shop.cart.Cart object at 0x7f00>"), "Cart()"),
            (
                json!("datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)"),
                "datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)",
            ),
            (json!("inf"), "float(\"inf\")"),
            (json!("PosixPath('/a')"), "Path('/a')"),
            (json!(null), "None"),
        ] {
            assert_eq!(code(&recorded).as_deref(), Ok(expected), "{recorded}");
        }
        let line = rebuild(&json!("Line(sku='mug')"), &classes(), "x").unwrap();
        assert!(line.imports.contains("from shop.cart import Line"));
    }

    #[test]
    fn what_is_cut_opaque_or_active_is_refused() {
        for recorded in [
            "[Filtered]",
            "'cut...",
            "Line(sku='mug', q...",
            "<shop.cart.Order object at 0x7f>",
            "<built-in function len>",
            "__import__('os').system('x')",
            "eval('1')",
            "Line(sku=open('/etc/passwd'))",
            "x",
            "a; b",
            "lambda: 0",
            "f'{x}'",
            "rf'{x}'",
            "'a' f'{x}'",
            "9**9**9",
            "'a' * 10",
            "Cart.delete_all()",
            "[x for x in y]",
        ] {
            assert!(code(&json!(recorded)).is_err(), "{recorded}");
        }
    }
}
