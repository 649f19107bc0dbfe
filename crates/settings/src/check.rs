//! Is a value what its key needs? And what a section's owner found wrong, in a sentence.

use crate::error::SettingsError;
use crate::known::Type;
use crate::name::is_secret;
use crate::{Settings, documented_name};
use toml::{Table, Value};

pub(crate) fn look_up<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        Some((section, rest)) => look_up(table.get(section)?.as_table()?, rest),
        None => table.get(key),
    }
}

/// Reads a text as what the key needs.
pub(crate) fn parse(text: &str, kind: Type, key: &str, name: &str) -> Result<Value, SettingsError> {
    let wrong = || wrong(key, name, &format!("{text:?}"), kind);
    Ok(match kind {
        Type::Text => Value::String(text.into()),
        Type::Flag => Value::Boolean(flag(text).ok_or_else(wrong)?),
        Type::Whole => Value::Integer(whole(text).ok_or_else(wrong)?),
        Type::Fraction => Value::Float(
            text.parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .ok_or_else(wrong)?,
        ),
        Type::Texts => Value::Array(entries(text).map(|entry| Value::String(entry.into())).collect()),
        Type::Wholes => {
            let numbers: Option<Vec<_>> = entries(text).map(|entry| whole(entry).map(Value::Integer)).collect();
            Value::Array(numbers.ok_or_else(wrong)?)
        }
    })
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

fn whole(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number| *number >= 0)
}

/// What people write for yes and no.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Checks a value of a file.
pub(crate) fn check(value: &Value, kind: Type, key: &str, name: &str) -> Result<(), SettingsError> {
    let fits = match (value, kind) {
        (Value::String(_), Type::Text)
        | (Value::Boolean(_), Type::Flag)
        | (Value::Integer(_) | Value::Float(_), Type::Fraction) => true,
        (Value::Integer(number), Type::Whole) => *number >= 0,
        (Value::Array(entries), Type::Texts) => entries.iter().all(Value::is_str),
        (Value::Array(entries), Type::Wholes) => entries.iter().all(|entry| entry.as_integer() >= Some(0)),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(wrong(key, name, &value.to_string(), kind))
    }
}

fn wrong(key: &str, name: &str, given: &str, kind: Type) -> SettingsError {
    let given = if is_secret(key) {
        "of the wrong kind".into()
    } else {
        given.into()
    };
    SettingsError::Wrong {
        name: name.into(),
        given,
        needed: needed(key, kind),
    }
}

fn needed(key: &str, kind: Type) -> String {
    let unit = ["minutes", "seconds", "secs", "ms", "bytes"]
        .into_iter()
        .find(|unit| key.ends_with(&format!("_{unit}")));
    match (kind, unit) {
        (Type::Text, _) => "a text in quotes".into(),
        (Type::Flag, _) => "true or false".into(),
        (Type::Whole, None) => "a whole number".into(),
        (Type::Whole, Some("secs")) => "a whole number of seconds".into(),
        (Type::Whole, Some("ms")) => "a whole number of milliseconds".into(),
        (Type::Whole, Some(unit)) => format!("a whole number of {unit}"),
        (Type::Fraction, _) => "a number".into(),
        (Type::Texts, _) => "a list of texts".into(),
        (Type::Wholes, _) => "a list of whole numbers".into(),
    }
}

/// What the owner of a section found wrong; `within` is the section, empty for all of them.
pub(crate) fn explain(
    error: &serde_path_to_error::Error<toml::de::Error>,
    within: &str,
    settings: &Settings,
) -> SettingsError {
    let path = error.path().to_string();
    let key = [within, path.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty() && *part != ".")
        .collect::<Vec<_>>()
        .join(".");
    let message = error.inner().message();
    // Serde says so for every format, and gives no other sign.
    if let Some(field) = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next())
    {
        let key = if key.is_empty() {
            field.to_string()
        } else {
            format!("{key}.{field}")
        };
        return SettingsError::Missing {
            name: documented_name(&key).map_or_else(|| key.clone(), |name| format!("{key} ({name})")),
        };
    }
    let why = if is_secret(&key) {
        "its value is not accepted".into()
    } else {
        message.to_string()
    };
    SettingsError::Refused {
        name: settings.name_of(&key),
        why,
    }
}
