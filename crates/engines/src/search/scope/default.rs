//! What a function could return in trouble.
use std::collections::BTreeSet;

use super::Scope;
use super::kind::{Guess, annotation_head};
use crate::search::syntax::{named, string_parts};

impl Scope<'_> {
    /// Text of the docstring.
    pub fn docstring(&self) -> &str {
        self.function
            .and_then(|function| function.child_by_field_name("body"))
            .and_then(|body| named(body).first().copied())
            .filter(|statement| statement.kind() == "expression_statement")
            .and_then(|statement| named(statement).first().copied())
            .filter(|value| value.kind() == "string")
            .map_or("", |value| self.source.text(value))
    }

    pub(super) fn find_defaults(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let annotation = self
            .function
            .and_then(|function| function.child_by_field_name("return_type"))
            .map_or("", |kind| self.source.text(kind));
        // What the function already returns in a trivial case is the best witness.
        for value in &self.returns {
            if is_plain(value) || is_constant(value) {
                found.push(value.clone());
            }
        }
        let doc = self.docstring();
        let documented = ["None", "0", "True", "False"].iter().find(|word| {
            doc.contains(&format!("{word} if"))
                || doc.contains(&format!("{word} when"))
                || doc.contains(&format!("or {word}"))
        });
        if let Some(word) = documented {
            found.insert(0, (*word).to_owned());
        }
        if annotation.contains("None") || annotation.contains("Optional") {
            found.push("None".to_owned());
        }
        let by_type = match annotation_head(annotation) {
            "int" => "0",
            "float" => "0.0",
            "str" => "\"\"",
            "bool" => "False",
            "list" | "List" | "Sequence" | "Iterable" => "[]",
            "dict" | "Dict" | "Mapping" | "Counter" => "{}",
            "set" | "Set" => "set()",
            "tuple" | "Tuple" => "()",
            "Decimal" => "Decimal(\"0\")",
            "timedelta" => "timedelta()",
            _ => "",
        };
        if !by_type.is_empty() {
            found.push(by_type.to_owned());
        } else if annotation.is_empty() {
            for value in &self.returns {
                let decimal = self.callables.iter().any(|name| name == "Decimal") && !value.contains("float(");
                match self.guess(value) {
                    Guess::Number if decimal => found.extend(["Decimal(\"0\")".to_owned(), "0".to_owned()]),
                    Guess::Number if value.contains('/') && !value.contains("//") => found.push("0.0".to_owned()),
                    Guess::Number => found.push("0".to_owned()),
                    Guess::Text => found.push("\"\"".to_owned()),
                    Guess::Sequence => found.push("[]".to_owned()),
                    Guess::Mapping => found.push("{}".to_owned()),
                    Guess::Truth => found.push("False".to_owned()),
                    Guess::Object | Guess::Unknown if decimal && value.contains('/') => {
                        found.extend(["Decimal(\"0\")".to_owned(), "0".to_owned()])
                    }
                    Guess::Object | Guess::Unknown => {}
                }
            }
        }
        if annotation == "None" || self.returns.is_empty() || self.is_generator {
            found.insert(0, String::new());
        }
        found.extend(["None", "0", "[]", "\"\"", "False", "{}"].map(str::to_owned));
        let mut seen = BTreeSet::new();
        found.retain(|value| seen.insert(value.clone()));
        found
    }
}

/// Whether a text is the name of a constant by Python's convention, `ZERO`.
fn is_constant(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// Literals and empty containers.
pub fn is_plain(value: &str) -> bool {
    matches!(
        value,
        "None"
            | "True"
            | "False"
            | "[]"
            | "{}"
            | "()"
            | "set()"
            | "\"\""
            | "''"
            | "dict()"
            | "list()"
            | "0"
            | "0.0"
            | "Decimal(\"0\")"
            | "Decimal(0)"
            | "Decimal('0')"
            | "-1"
    ) || value.parse::<f64>().is_ok()
        || string_parts(value).is_some_and(|(_, inner, _)| !inner.contains(['"', '\'']))
}
