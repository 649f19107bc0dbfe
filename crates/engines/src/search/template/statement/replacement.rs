//! T14s: another statement of the function in this place.
use super::simple;
use crate::search::template::{Emit, Site, brief};

/// T14s: another statement of the function in this place.
pub(super) fn replace(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    if matches!(
        node.kind(),
        "expression_statement"
            | "return_statement"
            | "raise_statement"
            | "pass_statement"
            | "break_statement"
            | "continue_statement"
    ) {
        for text in simple(site).into_iter().filter(|text| text != site.own()).take(6) {
            emit(site.splice(
                node.byte_range(),
                text.clone(),
                "T14s.replace",
                3.3,
                format!("do `{}` instead", brief(&text)),
            ));
        }
    }
}
