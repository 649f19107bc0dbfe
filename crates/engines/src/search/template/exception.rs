//! T18: wider and other except clauses; a new try comes last of all.
use super::{Emit, Site};
use crate::search::symptom::Symptom;
use crate::search::syntax::{is_statement, named};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    match site.node.kind() {
        "except_clause" => widen(site, emit),
        "raise_statement" => raised(site, emit),
        _ => {}
    }
    if is_statement(site.node) && site.crashed && site.scope.function.is_some() {
        catch(site, emit);
    }
}

/// Exception types of the failures.
fn seen<'s>(site: &'s Site<'_>) -> impl Iterator<Item = &'s str> {
    site.symptoms.iter().filter_map(|symptom| match symptom {
        Symptom::Raised(name) if !matches!(name.as_str(), "AssertionError" | "Failed" | "SyntaxError" | "Timeout") => {
            Some(name.as_str())
        }
        _ => None,
    })
}

fn widen(site: &Site<'_>, emit: &mut Emit<'_>) {
    let Some(value) = named(site.node).into_iter().find(|child| child.kind() != "block") else {
        return;
    };
    let value = if value.kind() == "as_pattern" {
        named(value).first().copied().unwrap_or(value)
    } else {
        value
    };
    let text = site.text(value);
    for name in seen(site) {
        let known = site.scope.knows(name) || !site.scope.project.classes.iter().any(|class| class.name == name);
        if !known
            || text.contains(name)
            || matches!(name, "DivisionByZero" | "JSONDecodeError" | "InvalidOperation") && !site.scope.knows(name)
        {
            continue;
        }
        let inner = text.trim_start_matches('(').trim_end_matches(')');
        emit(site.replace(value, format!("({inner}, {name})"), "T18.widen", 2.0));
        emit(site.replace(value, name, "T18.other", 2.2));
    }
    for (from, to) in [
        ("KeyError", "LookupError"),
        ("ValueError", "(ValueError, TypeError)"),
        ("TypeError", "(TypeError, ValueError)"),
        ("IndexError", "LookupError"),
        ("KeyError", "IndexError"),
        ("ValueError", "KeyError"),
        ("ValueError", "ArithmeticError"),
        ("KeyError", "AttributeError"),
        ("AttributeError", "KeyError"),
    ] {
        if text == from {
            emit(site.replace(value, to, "T18.other", 2.6));
        }
    }
}

/// The expected exception instead of the raised one.
fn raised(site: &Site<'_>, emit: &mut Emit<'_>) {
    let Some(value) = named(site.node).first().copied() else {
        return;
    };
    let class = if value.kind() == "call" {
        value.child_by_field_name("function")
    } else {
        Some(value)
    };
    let Some(class) = class else { return };
    for other in [
        "ValueError",
        "KeyError",
        "TypeError",
        "IndexError",
        "LookupError",
        "RuntimeError",
        "AttributeError",
        "NotImplementedError",
        "PermissionError",
    ] {
        if site.text(class) != other {
            emit(site.replace(class, other, "T18.raise", 2.0));
        }
    }
    // The exception's own cause.
    if crate::search::syntax::enclosing(site.node, &["except_clause"]).is_some() && !site.own().contains(" from ") {
        emit(site.splice(
            site.node.end_byte()..site.node.end_byte(),
            " from None",
            "T18.cause",
            3.4,
            "hide the cause",
        ));
    }
}

/// `try: … except E: <default>` around the crashing statement.
fn catch(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let source = site.scope.source;
    if !source.starts_line(node)
        || !source.ends_line(node)
        || !matches!(node.kind(), "expression_statement" | "return_statement")
    {
        return;
    }
    let Some(inner) = site.shifted(node, true) else { return };
    let indent = source.indent(node);
    for name in seen(site) {
        let lookup = matches!(
            name,
            "KeyError"
                | "IndexError"
                | "ValueError"
                | "TypeError"
                | "AttributeError"
                | "ZeroDivisionError"
                | "UnicodeDecodeError"
                | "FileNotFoundError"
                | "StopIteration"
                | "OverflowError"
                | "RecursionError"
                | "OSError"
        ) || site.scope.knows(name);
        if !lookup {
            continue;
        }
        let mut exits: Vec<String> = Vec::new();
        if crate::search::syntax::in_loop(node) {
            exits.push("continue".to_owned());
        }
        exits.extend(site.scope.defaults.iter().take(4).map(|value| {
            if value.is_empty() {
                "return".to_owned()
            } else {
                format!("return {value}")
            }
        }));
        if let Some(left) = named(node)
            .first()
            .filter(|child| child.kind() == "assignment")
            .and_then(|child| child.child_by_field_name("left"))
        {
            exits.extend(["None", "0", "\"\"", "[]"].map(|value| format!("{} = {value}", site.text(left))));
        }
        for (rank, exit) in exits.into_iter().enumerate() {
            let (nl, unit) = (source.newline, &source.unit);
            let text = format!("try:{nl}{indent}{unit}{inner}{nl}{indent}except {name}:{nl}{indent}{unit}{exit}");
            #[expect(clippy::cast_precision_loss, reason = "at most nine")]
            emit(site.splice(
                node.byte_range(),
                text,
                "T18.try",
                4.2 + 0.1 * rank as f64,
                format!("`{exit}` on `{name}`"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::{reaches, turns};

    #[test]
    fn except_clauses_widen_and_a_try_comes_last() {
        turns(
            "def f(a):\n    try:\n        return int(a)\n    except ValueError:\n        return 0\n",
            Some(("TypeError", "int() argument must be a string")),
            "except ValueError",
            &["except (ValueError, TypeError)", "except TypeError"],
        );
        reaches(
            "def f(a) -> int:\n    return int(a)\n",
            Some(("ValueError", "invalid literal for int()")),
            &["def f(a) -> int:\n    try:\n        return int(a)\n    except ValueError:\n        return 0\n"],
        );
    }

    #[test]
    fn another_exception_is_raised() {
        turns(
            "def f(a):\n    raise KeyError(a)\n",
            None,
            "KeyError",
            &["ValueError", "TypeError"],
        );
    }
}
