//! An incident: one problem, by fingerprint. A CI failure's key is provisional until its log has been read.

use crate::fingerprint::Fingerprint;
use crate::repo::{CommitSha, RepoName};
use crate::signal::{ErrorAlert, WorkflowRun};
use serde::{Deserialize, Serialize};

/// What an incident is recognised by before anybody has looked into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "key", rename_all = "snake_case")]
pub enum IncidentKey {
    /// A failed run: all failures of one workflow on one commit count as one until the log tells them apart.
    WorkflowRun {
        /// The repository.
        repo: RepoName,
        /// The workflow's name.
        workflow: String,
        /// The commit that failed.
        head_sha: CommitSha,
    },
    /// An alert: the sender has already grouped equal errors.
    SentryIssue {
        /// The repository.
        repo: RepoName,
        /// The sender's project.
        project: String,
        /// The sender's issue.
        issue_id: String,
    },
}

impl IncidentKey {
    /// The key as one text, unique per problem.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::WorkflowRun {
                repo,
                workflow,
                head_sha,
            } => Fingerprint::of([
                "workflow",
                &repo.as_str().to_ascii_lowercase(),
                workflow,
                head_sha.as_str(),
            ]),
            Self::SentryIssue {
                repo,
                project,
                issue_id,
            } => Fingerprint::of(["sentry", &repo.as_str().to_ascii_lowercase(), project, issue_id]),
        }
    }

    /// The word that names the source in branch names and people's texts: `ci` or `sentry`.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self {
            Self::WorkflowRun { .. } => "ci",
            Self::SentryIssue { .. } => "sentry",
        }
    }
}

/// What brought an incident to us; an attempt starts from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "trigger", rename_all = "snake_case")]
pub enum Trigger {
    /// An alert from a running application.
    ErrorAlert(Box<ErrorAlert>),
    /// A failed run; the attempt reads its log.
    WorkflowRun(Box<WorkflowRun>),
}

impl Trigger {
    /// One line for people.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::ErrorAlert(alert) => alert.title.clone(),
            Self::WorkflowRun(run) => format!("{} failed on {}", run.workflow, run.head_branch),
        }
    }

    /// Where people look at it.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::ErrorAlert(alert) => alert.issue_url.as_deref(),
            Self::WorkflowRun(run) => run.url.as_deref(),
        }
    }
}
