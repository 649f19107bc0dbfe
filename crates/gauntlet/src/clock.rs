//! The time. What the database says and what was seen here are compared, and both run on this machine.

use chrono::{DateTime, Utc};

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "the harness stands outside of the system, and is an edge of its own"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Milliseconds of a duration.
pub fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
