//! Conditional expressions that test something else than what they use.
use tree_sitter::Node;

use crate::search::syntax::{self, is_expression, named, role, visit_own};
use crate::search::template::{Emit, Site};

/// `int(x[3]) if len(x) > 3 else 1` → test also what is used, and let the alternative stand in for it.
pub(super) fn used(site: &Site<'_>, emit: &mut Emit<'_>) {
    let parts = named(site.node);
    let [value, test, otherwise] = parts.as_slice() else {
        return;
    };
    let mut operands: Vec<Node<'_>> = Vec::new();
    visit_own(*value, &mut |node| {
        if matches!(node.kind(), "subscript" | "attribute" | "identifier")
            && is_expression(node)
            && !site.scope.callables.iter().any(|name| name == site.text(node))
        {
            operands.push(node);
        }
    });
    for operand in operands
        .into_iter()
        .filter(|operand| role(*operand) != "function")
        .take(4)
    {
        let text = site.text(operand);
        if !site.text(*test).split(" and ").any(|part| part.trim() == text) && !site.text(*test).contains(" or ") {
            emit(site.replace(*test, format!("{} and {text}", site.text(*test)), "T08.used", 1.9));
        }
        if operand.parent().is_some_and(|parent| parent.kind() == "argument_list") {
            emit(site.replace(
                operand,
                format!("{text} or {}", syntax::operand(site.text(*otherwise))),
                "T09.or",
                2.0,
            ));
        }
    }
}
