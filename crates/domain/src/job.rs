//! A job: our decision to deal with an incident, the moves it may make, and the reasons for not making one.

use serde::{Deserialize, Serialize};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Find, prove and propose a fix.
    Fix,
    /// Look for findings in a change.
    Analyse,
    /// Run the validation of somebody else's change.
    Validate,
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Fix, Self::Analyse, Self::Validate];

    /// The word in tables, queues and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fix => "fix",
            Self::Analyse => "analyse",
            Self::Validate => "validate",
        }
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its time or for a fixer.
    Queued,
    /// An attempt is under way.
    Running,
    /// A pull request came of it.
    Succeeded,
    /// No attempt succeeded and none is left.
    Failed,
    /// A person or a later event made it pointless.
    Cancelled,
    /// Never begun, for a typed reason.
    Skipped,
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Skipped,
    ];

    /// The word in tables and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Skipped)
    }

    /// Whether a job may go from here to `next`. Running → queued is a retry or a worker that died.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (
                Self::Queued,
                Self::Running | Self::Cancelled | Self::Skipped | Self::Failed
            ) | (
                Self::Running,
                Self::Queued | Self::Succeeded | Self::Failed | Self::Cancelled | Self::Skipped
            )
        )
    }
}

/// Why a signal led to no attempt, or an attempt to no pull request that anybody would miss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum SkipReason {
    /// The same delivery came before.
    DuplicateDelivery {
        /// `transport id` or `semantic key`.
        by: String,
    },
    /// The pipeline is switched off.
    Disabled {
        /// The setting that says so.
        setting: String,
    },
    /// The same problem was signalled within the window.
    DuplicateAlert {
        /// Minutes since the signal that was dealt with.
        minutes_since: i64,
        /// Length of the window in minutes.
        window_minutes: i64,
    },
    /// A job for the same problem was made within the window.
    RateLimited {
        /// Minutes since that job.
        minutes_since: i64,
        /// Length of the window in minutes.
        window_minutes: i64,
    },
    /// A job for the same problem is queued or running.
    AlreadyInProgress {
        /// Which.
        job: String,
    },
    /// A pull request for the same problem is open.
    PullRequestOpen {
        /// Its address or number.
        pull_request: String,
    },
    /// The run did not fail.
    NotAFailure {
        /// The run's conclusion.
        conclusion: String,
    },
    /// The failure is on one of our own branches.
    OwnBranch {
        /// Which.
        branch: String,
    },
    /// Our own account started it.
    OwnBot {
        /// Which.
        login: String,
    },
    /// The code comes from a fork, and is never run with anything of ours.
    Fork {
        /// The fork.
        head_repo: String,
    },
    /// The branch has moved on since.
    NotTheNewestHead {
        /// What was signalled.
        head: String,
        /// What is newest.
        newest: String,
    },
    /// No repository is known for the sender's project.
    UnknownProject {
        /// The sender's project.
        project: String,
    },
    /// The event carries nothing to act on.
    NothingToDo {
        /// What is missing.
        detail: String,
    },
    /// A person has pushed to our branch, so it is theirs.
    HandsOff {
        /// The branch.
        branch: String,
    },
    /// The same problem was bound to another incident that is being dealt with.
    MergedInto {
        /// That incident.
        incident: String,
    },
}

impl SkipReason {
    /// The rule's code, as in the API.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DuplicateDelivery { .. } => "duplicate_delivery",
            Self::Disabled { .. } => "disabled",
            Self::DuplicateAlert { .. } => "duplicate_alert",
            Self::RateLimited { .. } => "rate_limited",
            Self::AlreadyInProgress { .. } => "already_in_progress",
            Self::PullRequestOpen { .. } => "pull_request_open",
            Self::NotAFailure { .. } => "not_a_failure",
            Self::OwnBranch { .. } => "own_branch",
            Self::OwnBot { .. } => "own_bot",
            Self::Fork { .. } => "fork",
            Self::NotTheNewestHead { .. } => "not_the_newest_head",
            Self::UnknownProject { .. } => "unknown_project",
            Self::NothingToDo { .. } => "nothing_to_do",
            Self::HandsOff { .. } => "hands_off",
            Self::MergedInto { .. } => "merged_into",
        }
    }

    /// What was seen, in words.
    #[must_use]
    pub fn observed(&self) -> String {
        match self {
            Self::DuplicateDelivery { by } => format!("a delivery with the same {by} came before"),
            Self::Disabled { setting } => format!("{setting} is off"),
            Self::DuplicateAlert { minutes_since, .. } => {
                format!("the same problem was signalled {minutes_since} min ago")
            }
            Self::RateLimited { minutes_since, .. } => {
                format!("a job for the same problem began {minutes_since} min ago")
            }
            Self::AlreadyInProgress { job } => format!("job {job} is dealing with it"),
            Self::PullRequestOpen { pull_request } => format!("{pull_request} is open for it"),
            Self::NotAFailure { conclusion } => format!("the run ended with `{conclusion}`"),
            Self::OwnBranch { branch } => format!("`{branch}` is a branch of ours"),
            Self::OwnBot { login } => format!("`{login}` is our own account"),
            Self::Fork { head_repo } => format!("the code comes from `{head_repo}`"),
            Self::NotTheNewestHead { head, newest } => format!("the run was for {head}, the branch is at {newest}"),
            Self::UnknownProject { project } => format!("no repository is set for `{project}`"),
            Self::NothingToDo { detail } => detail.clone(),
            Self::HandsOff { branch } => format!("a person has pushed to `{branch}`"),
            Self::MergedInto { incident } => format!("it has the same cause as incident {incident}"),
        }
    }

    /// What would have changed the answer, in words.
    #[must_use]
    pub fn would_change(&self) -> String {
        match self {
            Self::DuplicateDelivery { .. } => "nothing: one delivery is dealt with once".into(),
            Self::Disabled { setting } => format!("switching {setting} on"),
            Self::DuplicateAlert { window_minutes, .. } => {
                format!("a signal more than {window_minutes} min after that one")
            }
            Self::RateLimited { window_minutes, .. } => {
                format!("a signal more than {window_minutes} min after that job began")
            }
            Self::AlreadyInProgress { .. } => "a signal after that job has ended".into(),
            Self::PullRequestOpen { .. } => "merging or closing that pull request".into(),
            Self::NotAFailure { .. } => "a run that ends with `failure` or `timed_out`".into(),
            Self::OwnBranch { .. } => "a failure on a branch that is not ours".into(),
            Self::OwnBot { .. } => "a run that somebody else started".into(),
            Self::Fork { .. } => "the same failure on a branch of the repository itself".into(),
            Self::NotTheNewestHead { .. } => "a failure of the newest commit".into(),
            Self::UnknownProject { .. } => {
                "naming the repository in GITHUB_REPO_OWNER and GITHUB_REPO_NAME, or in [sentry.projects]".into()
            }
            Self::NothingToDo { .. } => "an event that carries it".into(),
            Self::HandsOff { .. } => "deleting that branch".into(),
            Self::MergedInto { .. } => "nothing: one problem gets one pull request".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_state_is_never_left() {
        for from in JobState::ALL {
            for to in JobState::ALL {
                if from.is_final() {
                    assert!(!from.may_become(to), "{from:?} -> {to:?}");
                }
                assert!(from != to || !from.may_become(to));
            }
        }
        assert!(JobState::Running.may_become(JobState::Queued));
        assert!(!JobState::Queued.may_become(JobState::Succeeded));
    }

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test")]
    fn the_code_is_the_tag() {
        let reason = SkipReason::RateLimited {
            minutes_since: 3,
            window_minutes: 60,
        };
        assert_eq!(serde_json::to_value(&reason).unwrap()["code"], reason.code());
    }
}
