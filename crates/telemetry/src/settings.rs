//! Section `[telemetry]`.

use serde::Deserialize;

/// Section `[telemetry]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How log lines look.
    pub format: Format,
    /// What is logged: a level, or directives such as `info,planner=debug`.
    pub level: String,
    /// Where traces are sent to over OTLP/HTTP, without the path; nowhere if `None`.
    pub otlp_endpoint: Option<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Human on a terminal and when debugging, else JSON.
    Auto,
    /// For people.
    Human,
    /// One object per line.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            level: "info".into(),
            otlp_endpoint: None,
        }
    }
}
