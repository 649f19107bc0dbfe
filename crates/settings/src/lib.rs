//! Reads the settings: config/default.toml, then the file given with `--config`, then the environment, then the command line.
//!
//! Each section belongs to the crate that reads it, which has a struct for it. This crate knows the keys from
//! config/default.toml alone, which documents every one; a key that is not in there is a mistake, and so is a value of
//! another type than there. An empty text means: not set.

mod check;
mod error;
mod known;
mod name;
mod source;

use known::Known;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use toml::{Table, Value};

pub use error::SettingsError;
pub use name::{documented_name, documented_names};
pub use source::Source;

/// Where a person's programs keep what can be made again: `XDG_CACHE_HOME`, or `.cache` in the home folder.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the environment is read in this crate alone")]
pub fn user_cache() -> Option<std::path::PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .map(std::path::PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
}

/// Every key with its meaning and default.
pub const DEFAULT: &str = include_str!("../../../config/default.toml");

/// What is set, section by section.
#[derive(Clone, Debug)]
pub struct Settings {
    all: Table,
    /// Who set a key, where it is not its default: the words that a message names it by.
    set_by: BTreeMap<String, String>,
}

/// Reads a struct whose fields are sections.
///
/// # Errors
/// [`SettingsError`], one sentence that names the setting.
pub fn load<T: DeserializeOwned>(source: &Source) -> Result<T, SettingsError> {
    Settings::load(source)?.read("")
}

impl Settings {
    /// Reads and checks everything that is set.
    ///
    /// # Errors
    /// [`SettingsError`], one sentence that names the setting.
    pub fn load(source: &Source) -> Result<Self, SettingsError> {
        let known = Known::new()?;
        let mut set_by = BTreeMap::new();
        let mut all = known.defaults().clone();
        for layer in [
            source.read_file(&known)?,
            source.read_environment(&known)?,
            source.read_overrides(&known)?,
        ] {
            set_by.extend(layer.set_by);
            merge(&mut all, layer.values);
        }
        all.iter_mut()
            .filter_map(|(_, section)| section.as_table_mut())
            .for_each(strip);
        Ok(Self { all, set_by })
    }

    /// One section, `ingest` or `ingest.spool`, as its owner's struct.
    ///
    /// # Errors
    /// [`SettingsError`] when something that the section needs is missing, or its owner does not take a value.
    pub fn section<T: DeserializeOwned>(&self, section: &str) -> Result<T, SettingsError> {
        self.read(section)
    }

    /// How a message should name a key: by what has set it, or by the name that people know.
    #[must_use]
    pub fn name_of(&self, key: &str) -> String {
        let documented = || documented_name(key).map_or_else(|| key.to_string(), |name| format!("{key} ({name})"));
        self.set_by.get(key).cloned().unwrap_or_else(documented)
    }

    fn read<T: DeserializeOwned>(&self, section: &str) -> Result<T, SettingsError> {
        let values = match section {
            "" => Value::Table(self.all.clone()),
            // A section in which nothing is set is not kept.
            section => check::look_up(&self.all, section)
                .cloned()
                .unwrap_or(Value::Table(Table::new())),
        };
        serde_path_to_error::deserialize(values).map_err(|error| check::explain(&error, section, self))
    }
}

/// Puts `over` over `under`; tables are merged, everything else is replaced. An empty text replaces nothing.
fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, Value::String(text)) if text.is_empty() => {}
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// Takes out what is not set, so that an optional field is `None`: empty texts, and sections within sections that hold
/// nothing else. A map that is empty in the default file stays, as a map.
fn strip(table: &mut Table) {
    table.retain(|_, value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Table(inner) => {
            let was_empty = inner.is_empty();
            strip(inner);
            was_empty || !inner.is_empty()
        }
        _ => true,
    });
}
