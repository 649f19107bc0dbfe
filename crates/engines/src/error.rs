//! Why an engine gave no answer.

/// Why an engine could not do its work at all.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The tests that should fail pass without any change: the caller reports `already_fixed` or `flaky`.
    #[error("none of the {0} tests that should fail does fail")]
    NothingFails(usize),
    /// There is no code that could be changed.
    #[error("the brief holds no Python file outside the tests")]
    NothingToChange,
    /// The runner cannot run this project: retrying elsewhere may help.
    #[error("the test runner failed")]
    Runner(#[source] Box<dyn std::error::Error + Send + Sync>),
}
