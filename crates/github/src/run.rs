//! Runs of GitHub Actions and their jobs. Own structs: only what is used is required.

use crate::door::{Ask, Door, word};
use crate::error::GitHubError;
use chrono::{DateTime, Utc};
use domain::repo::{BranchName, CommitSha, RepoName};
use serde::Deserialize;

/// A run of a workflow.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: u64,
    /// The workflow's name.
    #[serde(default)]
    pub name: Option<String>,
    /// The workflow's file, `.github/workflows/ci.yml`.
    #[serde(default)]
    pub path: String,
    /// Branch that it ran for; absent for some events.
    #[serde(default)]
    pub head_branch: Option<String>,
    /// Commit that it ran for.
    pub head_sha: CommitSha,
    /// `push`, `pull_request`, ….
    #[serde(default)]
    pub event: String,
    /// `queued`, `in_progress`, `completed`, ….
    #[serde(default)]
    pub status: Option<String>,
    /// `success`, `failure`, …; absent until completed.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// Counts from 1; a re-run adds one.
    #[serde(default = "first")]
    pub run_attempt: u64,
    /// Where people look at it.
    #[serde(default)]
    pub html_url: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A job of a run.
#[derive(Clone, Debug, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: u64,
    /// The name that people see, with its matrix values.
    pub name: String,
    /// `success`, `failure`, …; absent until completed.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// The attempt of the run it belongs to.
    #[serde(default = "first")]
    pub run_attempt: u64,
    /// Where people look at it.
    #[serde(default)]
    pub html_url: Option<String>,
    /// Its steps in order.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// A step of a job.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// Its number in the job, from 1.
    #[serde(default)]
    pub number: u64,
    /// The name that people see.
    #[serde(default)]
    pub name: String,
    /// `success`, `failure`, `skipped`, …; absent until completed.
    #[serde(default)]
    pub conclusion: Option<String>,
}

fn first() -> u64 {
    1
}

impl Job {
    /// Whether it failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self.conclusion.as_deref(), Some("failure" | "timed_out"))
    }

    /// The first step that failed.
    #[must_use]
    pub fn failed_step(&self) -> Option<&Step> {
        self.steps
            .iter()
            .find(|step| step.conclusion.as_deref() == Some("failure"))
    }
}

impl Door {
    /// One run.
    ///
    /// # Errors
    /// Any [`GitHubError`].
    pub async fn run(&self, repo: &RepoName, id: u64) -> Result<Run, GitHubError> {
        self.read(repo, &Ask::get(format!("/repos/{repo}/actions/runs/{id}")))
            .await
    }

    /// Failed runs, newest first, of one branch or of all: what a reconciler compares with what webhooks told.
    ///
    /// # Errors
    /// Any [`GitHubError`].
    pub async fn failed_runs(&self, repo: &RepoName, branch: Option<&BranchName>) -> Result<Vec<Run>, GitHubError> {
        let branch = branch
            .map(|branch| format!("&branch={}", word(branch.as_str())))
            .unwrap_or_default();
        let path = format!("/repos/{repo}/actions/runs?status=failure{branch}&per_page=100");
        parse(self.list(repo, path, Some("workflow_runs")).await?, "the list of runs")
    }

    /// The jobs of a run's latest attempt.
    ///
    /// # Errors
    /// Any [`GitHubError`].
    pub async fn jobs(&self, repo: &RepoName, run: u64) -> Result<Vec<Job>, GitHubError> {
        let path = format!("/repos/{repo}/actions/runs/{run}/jobs?filter=latest&per_page=100");
        parse(self.list(repo, path, Some("jobs")).await?, "the list of jobs")
    }
}

fn parse<T: serde::de::DeserializeOwned>(items: Vec<serde_json::Value>, what: &str) -> Result<Vec<T>, GitHubError> {
    items
        .into_iter()
        .map(|item| serde_json::from_value(item).map_err(|error| GitHubError::invalid(what, error)))
        .collect()
}
