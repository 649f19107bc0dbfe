//! A notice: something a person is told. Which words are used is the notifier's; what is said is here.

use crate::id::{JobId, NoticeId};
use crate::repo::RepoName;
use serde::{Deserialize, Serialize};

/// Something a person is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Ours; a channel uses it to know a repeated notice again.
    pub id: NoticeId,
    /// The job that it is about.
    pub job: JobId,
    /// The repository.
    pub repo: RepoName,
    /// What is said.
    pub content: NoticeContent,
}

/// Where a problem came from, for the words around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// `sentry` or `ci`.
    pub what: String,
    /// One line.
    pub title: String,
    /// Where people look at it.
    pub url: Option<String>,
    /// `production`, … where known.
    pub environment: Option<String>,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum NoticeContent {
    /// A pull request was opened.
    PullRequestOpened {
        /// The problem.
        origin: Origin,
        /// Its number.
        number: u64,
        /// Where people look at it.
        url: String,
        /// Title.
        title: String,
        /// Our branch.
        branch: String,
        /// Whether it is a draft, and why, in words.
        draft: bool,
        /// See `draft`.
        draft_reasons: Vec<String>,
        /// The proof in one line: what failed before, what passes after.
        proof: String,
    },
    /// An attempt has failed; `retry` of `max_retries` retries are used up.
    FixFailed {
        /// The problem.
        origin: Origin,
        /// Retries used.
        retry: u32,
        /// Retries allowed.
        max_retries: u32,
        /// What went wrong, for people.
        error: String,
        /// The outcome's word, `no_fix`.
        outcome: String,
    },
}

impl NoticeContent {
    /// The problem that the notice is about.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        match self {
            Self::PullRequestOpened { origin, .. } | Self::FixFailed { origin, .. } => origin,
        }
    }
}
