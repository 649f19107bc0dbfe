//! T19: words of control, and what the call protocol needs: await, yield, context.
use super::{Emit, Site};
use crate::search::syntax::{is_expression, is_statement, named};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    match node.kind() {
        "break_statement" => {
            emit(site.splice(
                node.byte_range(),
                "continue",
                "T19.jump",
                1.5,
                "go on with the next round",
            ));
            emit(site.splice(node.byte_range(), "return", "T19.jump", 2.2, "leave the function"));
            emit(site.splice(node.byte_range(), "pass", "T19.jump", 2.6, "do not leave the loop"));
        }
        "continue_statement" => {
            emit(site.splice(node.byte_range(), "break", "T19.jump", 1.6, "leave the loop"));
            emit(site.splice(node.byte_range(), "pass", "T19.jump", 2.4, "do not skip the round"));
        }
        "pass_statement" => {
            if crate::search::syntax::in_loop(node) {
                emit(site.splice(
                    node.byte_range(),
                    "continue",
                    "T19.jump",
                    2.0,
                    "go on with the next round",
                ));
                emit(site.splice(node.byte_range(), "break", "T19.jump", 2.2, "leave the loop"));
            }
            if enclosed_by_except(site) {
                emit(site.splice(node.byte_range(), "raise", "T19.raise", 2.0, "let the exception pass"));
            }
        }
        "if_statement" | "while_statement" if is_statement(node) => {
            let (from, to) = if node.kind() == "if_statement" {
                ("if", "while")
            } else {
                ("while", "if")
            };
            if !named(node).iter().any(|child| matches!(child.kind(), "elif_clause")) {
                let start = node.start_byte();
                emit(site.splice(
                    start..start + from.len(),
                    to,
                    "T19.loop",
                    2.5,
                    format!("`{to}` instead of `{from}`"),
                ));
            }
            if node.kind() == "if_statement"
                && node.prev_named_sibling().is_some_and(|previous| {
                    previous.kind() == "if_statement"
                        && !named(previous).iter().any(|child| child.kind() == "else_clause")
                })
                && site.scope.source.starts_line(node)
            {
                let start = node.start_byte();
                emit(site.splice(
                    start..start + 2,
                    "elif",
                    "T19.elif",
                    1.7,
                    "test this only if the one before was false",
                ));
            }
        }
        "elif_clause" => {
            let start = node.start_byte();
            let alone = node
                .next_named_sibling()
                .is_none_or(|next| next.kind() != "else_clause");
            if alone {
                emit(site.splice(start..start + 4, "if", "T19.elif", 1.8, "test this in any case"));
            }
        }
        "return_statement" => {
            let start = node.start_byte();
            if !named(node).is_empty() {
                emit(site.splice(
                    start..start + 6,
                    "yield",
                    "T19.yield",
                    2.8,
                    "yield instead of returning",
                ));
                emit(site.splice(
                    start..start + 6,
                    "raise",
                    "T19.raise",
                    2.8,
                    "raise instead of returning",
                ));
                let value = named(node).first().map_or(start, |value| value.start_byte());
                emit(site.splice(start..value, "", "T19.lone", 3.0, "do not return it"));
            }
        }
        "raise_statement" => {
            let start = node.start_byte();
            if !named(node).is_empty() {
                emit(site.splice(
                    node.byte_range(),
                    "raise",
                    "T19.raise",
                    2.8,
                    "raise the exception at hand again",
                ));
                emit(site.splice(
                    start..start + 5,
                    "return",
                    "T19.raise",
                    3.2,
                    "return instead of raising",
                ));
            }
        }
        "expression_statement" => lone(site, emit),
        "yield" => {
            let start = node.start_byte();
            let text = site.own();
            if let Some(rest) = text.strip_prefix("yield from ") {
                emit(site.splice(
                    node.byte_range(),
                    format!("yield {rest}"),
                    "T19.yield",
                    2.0,
                    "yield the whole",
                ));
            } else if text.len() > 6 {
                emit(site.splice(start..start + 6, "yield from ", "T19.yield", 2.0, "yield its elements"));
            }
        }
        "call"
            if is_expression(node)
                || node
                    .parent()
                    .is_some_and(|parent| parent.kind() == "expression_statement") =>
        {
            awaited(site, emit)
        }
        "await" => {
            if let Some(value) = named(node).first() {
                emit(site.replace(node, site.text(*value), "T19.await", 2.2));
            }
        }
        _ => {}
    }
}

fn enclosed_by_except(site: &Site<'_>) -> bool {
    crate::search::syntax::enclosing(site.node, &["except_clause"]).is_some()
}

fn lone(site: &Site<'_>, emit: &mut Emit<'_>) {
    let Some(call) = named(site.node).first().copied().filter(|value| value.kind() == "call") else {
        return;
    };
    // An exception that is built and not raised.
    let function = call
        .child_by_field_name("function")
        .map_or("", |function| site.text(function));
    if function.ends_with("Error")
        || function.ends_with("Exception")
        || site
            .scope
            .project
            .exceptions()
            .iter()
            .any(|class| class.name == function)
    {
        let start = site.node.start_byte();
        emit(site.splice(start..start, "raise ", "T19.raise", 0.8, "raise the exception"));
    }
}

fn awaited(site: &Site<'_>, emit: &mut Emit<'_>) {
    let is_async = site
        .scope
        .function
        .is_some_and(|function| site.text(function).starts_with("async"));
    let already = site.node.parent().is_some_and(|parent| parent.kind() == "await");
    if !is_async || already {
        return;
    }
    let function = site.field("function").map_or("", |function| site.text(function));
    let bare = function.rsplit('.').next().unwrap_or(function);
    let known = site
        .scope
        .project
        .functions
        .iter()
        .any(|function| function.is_async && function.name == bare)
        || matches!(function, "asyncio.sleep" | "asyncio.gather" | "asyncio.wait_for");
    let loose = site
        .node
        .parent()
        .is_none_or(|parent| !matches!(parent.kind(), "attribute" | "subscript" | "call" | "binary_operator"));
    let text = if loose {
        format!("await {}", site.own())
    } else {
        format!("(await {})", site.own())
    };
    if known {
        emit(site.replace(site.node, text, "T19.await", 1.2));
    } else {
        emit(site.replace(site.node, text, "T19.await", 2.8));
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::turns;

    #[test]
    fn words_of_control_are_exchanged() {
        turns(
            "def f(a):\n    for x in a:\n        if x:\n            break\n",
            None,
            "break",
            &["continue"],
        );
        turns(
            "def f(a):\n    if a:\n        a = 1\n    if not a:\n        a = 2\n",
            None,
            "    if not a",
            &["    elif not a"],
        );
        turns(
            "def f(a):\n    for x in a:\n        yield x\n",
            None,
            "yield x",
            &["yield from x"],
        );
        turns(
            "def f(a):\n    ValueError(a)\n",
            None,
            "    ValueError",
            &["    raise ValueError"],
        );
    }

    #[test]
    fn coroutines_are_awaited() {
        turns(
            "async def g():\n    return [1]\nasync def f():\n    x = g()\n    return x\n",
            None,
            "x = g()",
            &["x = await g()"],
        );
    }
}
