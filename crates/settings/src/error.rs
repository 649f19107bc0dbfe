//! A setting that is missing or wrong: one sentence that names it, says what was given (unless it is secret) and what is needed.

use std::path::PathBuf;

/// The programs print it and end with exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file given with `--config` cannot be read.
    #[error("the settings file {} cannot be read", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("the settings file {place} is no TOML: {what}")]
    NotToml {
        /// Which, with the line.
        place: String,
        /// What is wrong. The parser's own message would quote the line, which may hold a secret.
        what: String,
    },
    /// There is no such setting.
    #[error("{name} is no setting: did you mean {nearest}?")]
    Unknown {
        /// What was written.
        name: String,
        /// The nearest one that there is.
        nearest: String,
    },
    /// The value is of the wrong kind.
    #[error("{name} is {given}: {needed} is needed")]
    Wrong {
        /// Which setting, by the name that it was set by.
        name: String,
        /// What was given, or that it is not shown.
        given: String,
        /// What is accepted.
        needed: String,
    },
    /// A setting that is needed is not set.
    #[error("{name} is not set, and is needed")]
    Missing {
        /// Which setting, by the name that people know.
        name: String,
    },
    /// The crate that reads it does not take the value.
    #[error("{name} cannot be used: {why}")]
    Refused {
        /// Which setting, or which section.
        name: String,
        /// Why, without the value where it is secret.
        why: String,
    },
}
