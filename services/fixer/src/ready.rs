//! What stands when a repository's tests can be run.

use crate::reproduce::command::Effective;
use crate::suite::Bench;
use std::collections::BTreeMap;

/// Everything that stands when the tests can be run.
pub(crate) struct Ready {
    pub(crate) bench: Bench,
    pub(crate) effective: Effective,
    /// False when the project has no test command, or its tests are switched off: then nothing shows that nothing else broke.
    pub(crate) whole_suite: bool,
    pub(crate) tree: String,
    pub(crate) sources: BTreeMap<String, String>,
}
