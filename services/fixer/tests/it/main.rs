//! The fixer's tests against real tools and real inputs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]
mod ci_logs;
mod health;
mod prepare;
mod publish;
