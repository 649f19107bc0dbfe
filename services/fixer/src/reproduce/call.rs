//! A call that an alert tells of, in Python.

use std::collections::BTreeSet;

/// A call to write a test of.
pub(super) struct Call {
    /// What the test is named after.
    pub(super) subject: String,
    /// Whole import lines.
    pub(super) imports: BTreeSet<String>,
    /// What comes before the call.
    pub(super) lines: Vec<String>,
    /// The call that raised.
    pub(super) call: String,
    /// The application's own package, whose exceptions are answers.
    pub(super) package: Option<String>,
    /// What was recorded and could be written.
    pub(super) rebuilt: Vec<String>,
    /// What could not, and why.
    pub(super) not_rebuilt: Vec<String>,
}

impl Call {
    pub(super) fn made_up(&mut self, names: &[String]) {
        self.not_rebuilt.extend(
            names
                .iter()
                .map(|name| format!("{name}: its representation leaves it out; a placeholder is used")),
        );
    }
}
