//! T09: guards for missing values, empty containers, zero divisors, and the raising of expected errors.
mod attribute;
mod condition;
mod conditional;
mod default;
mod division;
mod exit;
mod fallback;
mod lookup;
mod raise;

use tree_sitter::Node;

use super::{Emit, Site};
use crate::search::syntax::{is_expression, is_statement};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    match site.node.kind() {
        "subscript" => {
            lookup::subscript(site, emit);
            fallback::fallback(site, emit);
        }
        "binary_operator" => division::division(site, emit),
        "attribute" => {
            attribute::attribute(site, emit);
            fallback::fallback(site, emit);
        }
        "identifier" | "call" => fallback::fallback(site, emit),
        "conditional_expression" => conditional::used(site, emit),
        _ => {}
    }
    if is_statement(site.node)
        && site.scope.function.is_some()
        && !matches!(
            site.node.kind(),
            "function_definition"
                | "class_definition"
                | "decorated_definition"
                | "import_statement"
                | "import_from_statement"
        )
    {
        exit::statement(site, emit);
        raise::raises(site, site.scope, emit);
    }
}

/// Whether the value of a node is read, not assigned.
fn is_read(node: Node<'_>) -> bool {
    is_expression(node)
}

#[cfg(test)]
mod tests {
    use crate::search::template::probe::{reaches, turns};

    #[test]
    fn divisions_and_missing_values_are_guarded() {
        let text = "def mean(xs: list) -> float:\n\treturn sum(xs) / len(xs)\n";
        reaches(
            text,
            Some(("ZeroDivisionError", "division by zero")),
            &[
                "def mean(xs: list) -> float:\n\tif not xs:\n\t\treturn 0.0\n\treturn sum(xs) / len(xs)\n",
                "def mean(xs: list) -> float:\n\treturn sum(xs) / len(xs) if xs else 0\n",
            ],
        );
        turns(
            "def f(u):\n    return u.name.strip()\n",
            Some(("AttributeError", "'NoneType' object has no attribute 'strip'")),
            "u.name.strip()",
            &[
                "(u.name or \"\").strip()",
                "u.name.strip() if u.name is not None else \"\"",
            ],
        );
    }
}
