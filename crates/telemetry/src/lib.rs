//! Logs, traces, metrics, health, and the start and the stop of a process. Knows nothing of what the process does.
//!
//! No secret is ever put into a log line, a span or a metric: they are `SecretString`s, whose `Debug` hides them, and what is
//! logged by others' crates stays at warnings unless an operator asks for more by name.

mod crypto;
mod error;
pub mod health;
mod log;
pub mod metric;
mod settings;
mod start;
mod stop;
pub mod trace;

pub use crypto::crypto;
pub use error::StartError;
pub use health::Health;
pub use metric::metrics_text;
pub use settings::{Format, Settings};
pub use start::{Telemetry, start};
pub use stop::on_signal;
