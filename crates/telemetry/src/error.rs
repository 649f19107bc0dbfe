//! Why logs and traces cannot be started.

pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Logs and traces cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `telemetry.level` is no level.
    #[error("telemetry.level is {level:?}: {why}")]
    Level {
        /// What was given.
        level: String,
        /// What is wrong with it.
        why: String,
    },
    /// `telemetry.otlp_endpoint` cannot be used.
    #[error("telemetry.otlp_endpoint is {endpoint:?}: traces cannot be sent there")]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// It has been started before in this process.
    #[error("telemetry has been started before in this process")]
    AlreadyStarted(#[source] Cause),
}
