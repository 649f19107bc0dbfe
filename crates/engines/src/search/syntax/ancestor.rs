//! What lies around a node: its statement, loop, function, class, and its role in its parent.
use tree_sitter::Node;

use super::named;

/// Whether the node is a statement, simple or compound.
pub fn is_statement(node: Node<'_>) -> bool {
    node.is_named()
        && node.kind() != "comment"
        && node
            .parent()
            .is_some_and(|parent| matches!(parent.kind(), "block" | "module"))
}

/// The innermost statement that holds `node`, possibly `node` itself.
pub fn statement_of(node: Node<'_>) -> Option<Node<'_>> {
    let mut at = Some(node);
    while let Some(here) = at {
        if is_statement(here) {
            return Some(here);
        }
        at = here.parent();
    }
    None
}

/// The innermost ancestor (without `node` itself) of one of `kinds`, not leaving a function.
pub fn enclosing<'t>(node: Node<'t>, kinds: &[&str]) -> Option<Node<'t>> {
    let mut at = node.parent();
    while let Some(here) = at {
        if kinds.contains(&here.kind()) {
            return Some(here);
        }
        if matches!(here.kind(), "function_definition" | "lambda" | "class_definition") {
            return None;
        }
        at = here.parent();
    }
    None
}

/// The innermost function definition that holds `node`.
pub fn function_of(node: Node<'_>) -> Option<Node<'_>> {
    ancestor(node, "function_definition")
}

/// The innermost class definition that holds `node`.
pub fn class_of(node: Node<'_>) -> Option<Node<'_>> {
    ancestor(node, "class_definition")
}

/// The decorators of a definition, without `@` and arguments.
pub fn decorators(definition: Node<'_>, text: &str) -> Vec<String> {
    let decorated = definition
        .parent()
        .filter(|parent| parent.kind() == "decorated_definition");
    let all = decorated.map(named).unwrap_or_default();
    let bare = |decorator: Node<'_>| {
        let text = text.get(decorator.byte_range()).unwrap_or_default();
        let name = text.trim_start_matches('@').split('(').next().unwrap_or("");
        name.trim().to_owned()
    };
    all.into_iter()
        .filter(|child| child.kind() == "decorator")
        .map(bare)
        .collect()
}

fn ancestor<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    let mut at = node.parent();
    while let Some(here) = at {
        if here.kind() == kind {
            return Some(here);
        }
        at = here.parent();
    }
    None
}

/// Whether the node is inside a loop of its own function.
pub fn in_loop(node: Node<'_>) -> bool {
    enclosing(node, &["for_statement", "while_statement"]).is_some()
}

/// The field under which `node` hangs on its parent.
pub fn role(node: Node<'_>) -> &'static str {
    let Some(parent) = node.parent() else { return "" };
    let mut cursor = parent.walk();
    if cursor.goto_first_child() {
        loop {
            if cursor.node().id() == node.id() {
                return cursor.field_name().map_or("", static_role);
            }
            if !cursor.goto_next_sibling() {
                break;
            }
        }
    }
    ""
}

/// Field names come with the life time of the tree; the ones that are asked for are few.
fn static_role(name: &str) -> &'static str {
    const KNOWN: [&str; 22] = [
        "left",
        "right",
        "name",
        "value",
        "key",
        "object",
        "attribute",
        "subscript",
        "function",
        "arguments",
        "condition",
        "body",
        "parameters",
        "return_type",
        "type",
        "consequence",
        "alternative",
        "operator",
        "argument",
        "operators",
        "module_name",
        "superclasses",
    ];
    KNOWN.iter().copied().find(|known| *known == name).unwrap_or("")
}
