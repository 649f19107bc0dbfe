//! What config/default.toml says: which keys there are, and of what type each is.

use crate::error::SettingsError;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Maps whose keys an operator chooses, and the section whose keys their values have (`None`: their values are texts).
const FREE: [(&str, Option<&str>); 2] = [("projects", Some("project")), ("sentry.projects", None)];

/// Numbers that are not set unless somebody sets them: an empty text stands for them in the default file.
const UNSET_NUMBERS: [&str; 2] = ["github.auth.app.id", "github.auth.app.installation_id"];

/// The type of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Flag,
    Whole,
    Fraction,
    Texts,
    Wholes,
}

/// The keys that there are.
pub(crate) struct Known {
    defaults: Table,
    types: BTreeMap<String, Type>,
}

impl Known {
    pub(crate) fn new() -> Result<Self, SettingsError> {
        let defaults: Table = toml::from_str(crate::DEFAULT).map_err(|error| SettingsError::NotToml {
            place: "config/default.toml".into(),
            what: error.message().into(),
        })?;
        let mut types = BTreeMap::new();
        note(&defaults, "", &mut types);
        Ok(Self { defaults, types })
    }

    pub(crate) const fn defaults(&self) -> &Table {
        &self.defaults
    }

    /// The type of a key; one of a free map has the type of the key that it stands for.
    pub(crate) fn type_of(&self, key: &[String]) -> Option<Type> {
        for (free, section) in FREE {
            let depth = free.split('.').count();
            if key.len() > depth && key[..depth].join(".") == free {
                return match section {
                    Some(section) if key.len() > depth + 1 => self
                        .types
                        .get(&format!("{section}.{}", key[depth + 1..].join(".")))
                        .copied()
                        .filter(|_| !names_itself(&key[depth + 1..])),
                    None if key.len() == depth + 1 => Some(Type::Text),
                    _ => None,
                };
            }
        }
        self.types.get(&key.join(".")).copied()
    }

    /// The key that is most like it; one that only goes on is very like it.
    pub(crate) fn nearest(&self, key: &str) -> String {
        let unlike = |known: &&String| {
            if known.starts_with(key) {
                distance(known, key).min(2)
            } else {
                distance(known, key)
            }
        };
        self.types.keys().min_by_key(unlike).cloned().unwrap_or_default()
    }

    /// The section that is most like it.
    pub(crate) fn nearest_section(&self, section: &str) -> String {
        let sections = self
            .types
            .keys()
            .filter_map(|key| key.rsplit_once('.'))
            .map(|(section, _)| section);
        let free = FREE.iter().map(|(section, _)| *section);
        sections
            .chain(free)
            .min_by_key(|known| distance(known, section))
            .map(|known| format!("[{known}]"))
            .unwrap_or_default()
    }

    /// Whether there are keys below it.
    pub(crate) fn is_section(&self, key: &[String]) -> bool {
        let free = |path: &str| {
            FREE.iter().any(|(free, _)| {
                path == *free || free.starts_with(&format!("{path}.")) || path.starts_with(&format!("{free}."))
            })
        };
        let path = key.join(".");
        free(&path) || self.types.keys().any(|known| known.starts_with(&format!("{path}.")))
    }
}

/// A repository's own settings stand under its name, so they cannot name another.
fn names_itself(rest: &[String]) -> bool {
    matches!(rest, [only] if only == "owner" || only == "name")
}

fn note(table: &Table, prefix: &str, types: &mut BTreeMap<String, Type>) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        let kind = match value {
            Value::Table(inner) => {
                note(inner, &path, types);
                continue;
            }
            Value::Boolean(_) => Type::Flag,
            Value::Integer(_) => Type::Whole,
            Value::Float(_) => Type::Fraction,
            Value::Array(entries) if entries.iter().any(Value::is_integer) => Type::Wholes,
            Value::Array(_) => Type::Texts,
            Value::String(_) if UNSET_NUMBERS.contains(&path.as_str()) => Type::Whole,
            Value::String(_) | Value::Datetime(_) => Type::Text,
        };
        types.insert(path, kind);
    }
}

/// How many letters have to be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, candidate) in other.iter().enumerate() {
            let change = diagonal + usize::from(letter != *candidate);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_the_one_that_was_meant() {
        let known = Known::new().unwrap();
        for (typed, meant) in [
            ("sentry.dedupe_minutes", "sentry.dedup_minutes"),
            ("ingest.sentry_secret", "ingest.sentry_secrets"),
            ("githb.auth.token", "github.auth.token"),
            ("project.policy.max_file", "project.policy.max_files"),
            ("sentry.dedup", "sentry.dedup_minutes"),
        ] {
            assert_eq!(known.nearest(typed), meant);
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn a_repository_has_the_keys_of_project() {
        let known = Known::new().unwrap();
        let of = |key: &[&str]| known.type_of(&key.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(&["projects", "acme/shop.py", "run_tests"]), Some(Type::Flag));
        assert_eq!(of(&["projects", "acme/shop", "policy", "max_files"]), Some(Type::Whole));
        assert_eq!(of(&["projects", "acme/shop", "owner"]), None);
        assert_eq!(of(&["projects", "acme/shop"]), None);
        assert_eq!(of(&["sentry", "projects", "web"]), Some(Type::Text));
    }
}
