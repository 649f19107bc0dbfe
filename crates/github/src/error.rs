//! What can go wrong with GitHub: one variant for each thing that a caller can do about it.

use chrono::{DateTime, Utc};

/// Why GitHub could not be asked. No message contains a credential.
#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    /// A setting is missing or wrong: nothing helps but to change it.
    #[error("{0}")]
    Misconfigured(String),
    /// The credential is not accepted: somebody must renew it.
    #[error("GitHub does not accept our credential ({message}): {advice}")]
    Unauthorized {
        /// GitHub's words.
        message: String,
        /// What to do.
        advice: String,
    },
    /// The credential is good but may not do this: somebody must grant it.
    #[error("GitHub refuses {what} ({message}): {advice}")]
    Forbidden {
        /// What was asked.
        what: String,
        /// GitHub's words.
        message: String,
        /// What to do: which permission or scope is missing, where GitHub tells.
        advice: String,
    },
    /// It does not exist, is gone, or is hidden from this credential.
    #[error("GitHub has no {what}: it does not exist, is no longer kept, or this credential may not see it")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The request makes no sense in the present state; asking again does not help.
    #[error("GitHub refuses {what}: {message}")]
    Unprocessable {
        /// What was asked.
        what: String,
        /// GitHub's words, with the details of each error.
        message: String,
    },
    /// A limit is reached: ask again after `until`.
    #[error("GitHub's limit is reached ({message}): ask again after {until}")]
    Limited {
        /// When it is worth while to ask again.
        until: DateTime<Utc>,
        /// GitHub's words.
        message: String,
    },
    /// GitHub is down, unreachable or too slow; whether a write was done is not known. Ask again later.
    #[error("GitHub is not available for {what}")]
    Unavailable {
        /// What was asked.
        what: String,
        /// The last thing that was seen.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer is larger than we are willing to read.
    #[error("{what} is larger than {limit} bytes, or unpacks to more than is reasonable")]
    TooLarge {
        /// What was read.
        what: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The answer is not what GitHub documents.
    #[error("GitHub's answer to {what} cannot be understood")]
    Invalid {
        /// What was asked.
        what: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl GitHubError {
    /// Whether the same request may succeed later without anybody doing anything.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Limited { .. } | Self::Unavailable { .. })
    }

    pub(crate) fn invalid(what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Invalid {
            what: what.to_owned(),
            source: source.into(),
        }
    }

    pub(crate) fn unavailable(what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable {
            what: what.to_owned(),
            source: source.into(),
        }
    }
}
