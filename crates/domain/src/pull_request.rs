//! A pull request that Fixpoint opened, from its opening to what people made of it.

use crate::repo::{BranchName, CommitSha, RepoName};
use serde::{Deserialize, Serialize};

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullRequestState {
    /// People can still decide.
    Open,
    /// A person merged it.
    Merged,
    /// A person closed it.
    Closed,
}

impl PullRequestState {
    /// The word in tables and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Closed => "closed",
        }
    }

    /// Whether it may go from here to `next`. A merge is final; what was closed may be opened again.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Open, Self::Merged | Self::Closed) | (Self::Closed, Self::Open | Self::Merged)
        )
    }
}

/// What the fixer reports of the pull request that it opened or found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedPullRequest {
    /// The repository.
    pub repo: RepoName,
    /// Its number.
    pub number: u64,
    /// Where people look at it.
    pub url: String,
    /// Title.
    pub title: String,
    /// The text under it, as published.
    pub body: String,
    /// Our branch.
    pub branch: BranchName,
    /// The branch that it would be merged into.
    pub base: BranchName,
    /// The commit that we pushed.
    pub head_sha: CommitSha,
    /// Whether it is a draft.
    pub draft: bool,
    /// Why it is a draft, in words.
    pub draft_reasons: Vec<String>,
    /// Lines added and removed.
    pub additions: u32,
    /// See `additions`.
    pub deletions: u32,
}

/// The branch of an incident's fix: `<prefix><what>-<fingerprint>-g<generation>`.
///
/// # Errors
/// When the operator's prefix makes a name that git refuses.
pub fn branch_name(
    prefix: &str,
    what: &str,
    fingerprint: &str,
    generation: u32,
) -> Result<BranchName, crate::repo::BadName> {
    BranchName::parse(&format!("{prefix}{what}-{fingerprint}-g{generation}"))
}
