//! What could stand in for a value that is missing.
use tree_sitter::Node;

use crate::search::scope::Guess;
use crate::search::template::Site;

/// What an element that is missing could be replaced by: judged by how the value is used.
pub(super) fn element_defaults(site: &Site<'_>, node: Node<'_>) -> Vec<String> {
    let parent = node.parent();
    let kind = parent.map_or("", |parent| parent.kind());
    let guess = match kind {
        "binary_operator" | "augmented_assignment" => Guess::Number,
        "attribute" => match parent.map(|parent| site.scope.source.field(parent, "attribute")) {
            Some("append" | "extend" | "add") => Guess::Sequence,
            Some("items" | "get" | "keys" | "values") => Guess::Mapping,
            Some("lower" | "upper" | "strip" | "split" | "startswith") => Guess::Text,
            _ => Guess::Unknown,
        },
        "for_statement" | "for_in_clause" => Guess::Sequence,
        "interpolation" => Guess::Text,
        "subscript" => Guess::Mapping,
        _ => Guess::Unknown,
    };
    let mut found: Vec<String> = match guess {
        Guess::Number => vec!["0".into(), "1".into()],
        Guess::Text => vec!["\"\"".into()],
        Guess::Sequence => vec!["[]".into(), "()".into()],
        Guess::Mapping => vec!["{}".into()],
        _ => Vec::new(),
    };
    if kind == "return_statement" {
        found.extend(
            site.scope
                .defaults
                .iter()
                .filter(|text| !text.is_empty())
                .take(4)
                .cloned(),
        );
    }
    // Where the kind is known, others would only hide the error.
    let others: &[&str] = if guess == Guess::Unknown {
        &["None", "0", "\"\"", "[]", "{}", "False"]
    } else {
        &[]
    };
    for default in others.iter().copied() {
        if !found.iter().any(|known| known == default) {
            found.push(default.to_owned());
        }
    }
    // A dictionary that maps every key to a value of its own keeps unknown keys: `d.get(k, k)`.
    if let Some(key) = node
        .child_by_field_name("subscript")
        .filter(|key| guess == Guess::Unknown && matches!(key.kind(), "identifier" | "attribute"))
    {
        found.insert(found.len().min(3), site.text(key).to_owned());
    }
    found.truncate(8);
    found
}
