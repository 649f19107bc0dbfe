//! Nodes of the tree: what lies below them, and where they stand.
use std::ops::Range;

use tree_sitter::Node;

/// Named children without comments.
pub fn named<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| child.kind() != "comment")
        .collect()
}

/// All children, named or not, without comments.
pub fn all<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children(&mut cursor)
        .filter(|child| child.kind() != "comment")
        .collect()
}

/// Visits `node` and everything below it, parents first.
pub fn visit<'t>(node: Node<'t>, f: &mut impl FnMut(Node<'t>)) {
    f(node);
    for child in named(node) {
        visit(child, f);
    }
}

/// Like `visit`, without what lies inside nested functions, lambdas excepted, and classes.
pub fn visit_own<'t>(node: Node<'t>, f: &mut impl FnMut(Node<'t>)) {
    for child in named(node) {
        if matches!(child.kind(), "function_definition" | "class_definition") {
            continue;
        }
        f(child);
        visit_own(child, f);
    }
}

/// First line of a node, from 1.
pub fn line_of(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row + 1).unwrap_or(u32::MAX)
}

/// Last line of a node, from 1.
pub fn last_line_of(node: Node<'_>) -> u32 {
    u32::try_from(node.end_position().row + 1).unwrap_or(u32::MAX)
}

/// Error and missing nodes below `node`.
pub fn count_errors(node: Node<'_>) -> usize {
    if !node.has_error() {
        return 0;
    }
    let mut cursor = node.walk();
    let below: usize = node.children(&mut cursor).map(count_errors).sum();
    below + usize::from(node.is_error() || node.is_missing())
}

/// Whether two ranges share a byte or touch.
pub fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start <= b.end && b.start <= a.end
}
