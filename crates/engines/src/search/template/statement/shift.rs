//! T13: swap neighbours, move into and out of blocks.
use crate::search::edit::Splice;
use crate::search::syntax::{is_statement, named};
use crate::search::template::{Emit, Site};

/// T13: swap neighbours, move into and out of blocks.
pub(super) fn shift(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    let source = site.scope.source;
    let next = node.next_named_sibling().filter(|next| next.kind() != "comment");
    if let Some(next) = next.filter(|next| source.starts_line(*next) && source.starts_line(node)) {
        let splices = vec![
            Splice {
                range: node.byte_range(),
                text: site.text(next).to_owned(),
            },
            Splice {
                range: next.byte_range(),
                text: site.own().to_owned(),
            },
        ];
        emit(site.edit(splices, "T13.swap", 2.4, "change the order of two statements"));
    }
    let last = node
        .parent()
        .is_some_and(|parent| named(parent).last().is_some_and(|last| last.id() == node.id()));
    if !source.starts_line(node) || !source.ends_line(node) {
        return;
    }
    // Out of the block: the last statement of a block goes behind it.
    if let Some(owner) = node
        .parent()
        .filter(|block| block.kind() == "block")
        .and_then(|block| block.parent())
    {
        let outer = if matches!(owner.kind(), "else_clause" | "elif_clause" | "except_clause") {
            owner.parent()
        } else {
            Some(owner)
        };
        let several = node.parent().is_some_and(|block| named(block).len() > 1);
        let tail = outer.is_some_and(|outer| outer.end_byte() == node.end_byte());
        if let Some(outer) = outer.filter(|outer| {
            is_statement(*outer)
                && !matches!(outer.kind(), "function_definition" | "class_definition")
                && tail
                && last
                && several
        }) && let Some(text) = site.shifted(node, false)
        {
            let start = source.line_start(node.start_byte());
            let cost = if node.kind() == "return_statement" { 1.5 } else { 2.2 };
            emit(site.splice(
                start..node.end_byte(),
                format!("{}{text}", source.indent(outer)),
                "T13.out",
                cost,
                "move it out of the block",
            ));
        }
    }
    // Into the block: the statement behind a compound one becomes its last.
    if let Some(previous) = node.prev_named_sibling().filter(|previous| {
        matches!(
            previous.kind(),
            "for_statement" | "while_statement" | "if_statement" | "with_statement"
        )
    }) {
        let body = named(previous).into_iter().rev().find_map(|child| {
            if child.kind() == "block" {
                Some(child)
            } else {
                child.child_by_field_name("body")
            }
        });
        if let (Some(body), Some(text)) = (body.filter(|body| source.starts_line(*body)), site.shifted(node, true)) {
            let start = source.line_start(node.start_byte());
            emit(site.splice(
                start..node.end_byte(),
                format!("{}{text}", source.indent(body)),
                "T13.in",
                2.4,
                "move it into the block",
            ));
        }
    }
    // Before the block: the first statement of a loop runs once.
    let first = node
        .parent()
        .filter(|block| block.kind() == "block" && named(*block).len() > 1)
        .filter(|block| named(*block).first().is_some_and(|first| first.id() == node.id()));
    if let Some(owner) = first.and_then(|block| block.parent()).filter(|owner| {
        matches!(
            owner.kind(),
            "for_statement" | "while_statement" | "if_statement" | "with_statement"
        ) && source.starts_line(*owner)
    }) && let (Some(text), Some(mut splices)) = (site.shifted(node, false), site.without(node))
    {
        splices.push(Splice {
            range: owner.start_byte()..owner.start_byte(),
            text: format!("{text}{}{}", source.newline, source.indent(owner)),
        });
        emit(site.edit(splices, "T13.hoist", 2.3, "move it in front of the block"));
    }
    // After the initialisation: a reset moves into the loop that follows.
    if let Some(next) = next.filter(|next| {
        matches!(next.kind(), "for_statement" | "while_statement") && node.kind() == "expression_statement"
    }) && let (Some(body), Some(text), Some(mut splices)) = (
        next.child_by_field_name("body")
            .filter(|body| source.starts_line(*body)),
        site.shifted(node, true),
        site.without(node),
    ) {
        splices.push(Splice {
            range: body.start_byte()..body.start_byte(),
            text: format!("{text}{}{}", source.newline, source.indent(body)),
        });
        emit(site.edit(splices, "T13.sink", 2.4, "do it anew in each round"));
    }
}

#[cfg(test)]
mod tests {
    use crate::search::template::probe::reaches;

    #[test]
    fn statements_move_in_and_out_of_blocks() {
        let text = "def f(a):\n    n = 0\n    for x in a:\n        n += x\n        return n\n";
        reaches(
            text,
            None,
            &[
                "def f(a):\n    n = 0\n    for x in a:\n        n += x\n    return n\n",
                "def f(a):\n    for x in a:\n        n = 0\n        n += x\n        return n\n",
                "def f(a):\n    n = 0\n    for x in a:\n        return n\n",
                "def f(a):\n    n = 0\n    n += x\n    for x in a:\n        return n\n",
            ],
        );
        reaches(
            "def f(a):\n    for x in a:\n        b = x\n    g(b)\n",
            None,
            &["def f(a):\n    for x in a:\n        b = x\n        g(b)\n"],
        );
    }
}
