//! Another function of the file, or another method of the type, instead of the one that is called.
use tree_sitter::Node;

use super::method::methods_of;
use crate::search::symptom::Symptom;
use crate::search::template::{Emit, Site, likeness};

/// Functions of the file, and methods of the class of `self`, that take as many arguments.
pub(super) fn siblings(site: &Site<'_>, function: Node<'_>, bare: &str, emit: &mut Emit<'_>) {
    let scope = site.scope;
    let wrong =
        site.shows(|symptom| matches!(symptom, Symptom::UnknownAttribute { attribute, .. } if attribute == bare));
    match function.kind() {
        "identifier" => {
            for other in scope
                .project
                .functions
                .iter()
                .filter(|other| other.file == scope.file && other.class.is_none() && other.name != bare)
            {
                let params = scope.project.callees(bare).first().map(|callee| callee.params.len());
                let fits = if params.is_none_or(|count| count == other.params.len()) {
                    0.0
                } else {
                    0.6
                };
                emit(site.replace(
                    function,
                    other.name.clone(),
                    "T04.sibling",
                    1.9 + fits - 0.4 * likeness(bare, &other.name),
                ));
            }
        }
        "attribute" if wrong => {
            let owner = function.child_by_field_name("attribute");
            for symptom in site.symptoms {
                if let (Symptom::UnknownAttribute { owner: class, .. }, Some(attribute)) = (symptom, owner) {
                    for method in methods_of(class) {
                        emit(site.replace(attribute, *method, "T04.method", 1.5 - likeness(method, bare)));
                    }
                }
            }
        }
        _ => {}
    }
}
