//! A delivery: one webhook request, before anybody asked what it means.

use crate::id::DeliveryId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Who sends signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// GitHub, or GitHub Enterprise.
    GitHub,
    /// Sentry, or a self-hosted Sentry.
    Sentry,
}

impl Provider {
    /// The word in paths, keys and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::Sentry => "sentry",
        }
    }
}

/// What is known of a delivery once its signature was right and its body parsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Ours.
    pub id: DeliveryId,
    /// Who sent it.
    pub provider: Provider,
    /// The sender's own id of the request (`X-GitHub-Delivery`, `Request-ID`), when it has one. It is not signed.
    pub transport_id: Option<String>,
    /// What the delivery is about, so that a retry or a reconciled copy with another transport id is known again:
    /// event, action, object and run attempt, head or event id, joined by `:`. The provider is stored beside it.
    pub semantic_key: String,
    /// Event and action, `workflow_run.completed`.
    pub event: String,
    /// When the request reached us.
    pub received_at: DateTime<Utc>,
}
