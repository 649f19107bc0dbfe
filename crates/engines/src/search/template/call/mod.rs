//! T03 and T04: arguments of a call and the function that is called.
mod argument;
mod lookalike;
mod method;
mod option;
mod sibling;

use super::{Emit, Site};
use crate::search::syntax::named;

pub use method::{is_builtin_method, methods_of};

/// Candidates of this family.
pub fn generate(site: &Site<'_>, emit: &mut Emit<'_>) {
    let node = site.node;
    if node.kind() == "identifier" {
        lookalike::alike(site, emit);
        return;
    }
    if node.kind() != "call" {
        return;
    }
    let (Some(function), Some(list)) = (
        site.field("function"),
        site.field("arguments").filter(|list| list.kind() == "argument_list"),
    ) else {
        return;
    };
    let arguments = named(list);
    let full = site.text(function);
    let bare = full.rsplit('.').next().unwrap_or(full);
    argument::remove(site, bare, &arguments, emit);
    argument::replace(site, &arguments, emit);
    let callees = site.scope.project.callees(bare);
    argument::pass_on(site, list, &arguments, &callees, emit);
    sibling::siblings(site, function, bare, emit);
    option::known(site, list, bare, full, &arguments, emit);
    argument::spread(site, &arguments, emit);
}
