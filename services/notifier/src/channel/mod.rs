//! Where people are told, behind one trait: Slack and the log.

mod answer;
pub(crate) mod log;
pub(crate) mod slack;

use crate::page::Text;
use async_trait::async_trait;
use std::time::Duration;

/// A place where people are told.
#[async_trait]
pub(crate) trait Channel: Send + Sync {
    /// Tells them, and returns the channel's own id of the message, where it has one.
    async fn send(&self, text: &Text) -> Result<Option<String>, SendError>;
}

/// Why a message was not sent, by what there is to do about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// Try again, after as long as the channel asks for, where it asks.
    #[error("{reason}")]
    Later { after: Option<Duration>, reason: String },
    /// It may have been sent, and nobody can say whether it was.
    #[error("{reason}")]
    Unsure { reason: String },
    /// It cannot work until a person changes something.
    #[error("{reason}")]
    Never { reason: String },
}
