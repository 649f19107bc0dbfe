//! A signal: what a delivery means, in our words, whoever sent it.

use crate::repo::{BranchName, CommitSha, RepoName};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a delivery means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Signal {
    /// An error was raised in a running application.
    ErrorAlert(Box<ErrorAlert>),
    /// A workflow run has ended, well or badly.
    WorkflowRun(Box<WorkflowRun>),
    /// Something happened to a pull request.
    PullRequest(Box<PullRequestChange>),
    /// A branch has a new head, or is gone.
    Push(Push),
    /// A sender asked whether we are there.
    Ping,
    /// Accepted, and nothing to do: an event or action that Fixpoint does not act on.
    Ignored {
        /// Which rule says so, in words.
        reason: String,
    },
}

/// An error that was raised in a running application, with what its SDK recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorAlert {
    /// The sender's id of the group of equal errors.
    pub issue_id: String,
    /// The sender's id of this one occurrence.
    pub event_id: String,
    /// One line, as the sender shows it.
    pub title: String,
    /// Where people look at it.
    pub issue_url: Option<String>,
    /// Slug of the organisation, where the sender names it.
    pub organization: Option<String>,
    /// Slug or name of the sender's project.
    pub project: Option<String>,
    /// `production`, `staging`, …
    pub environment: Option<String>,
    /// The application's version or commit.
    pub release: Option<String>,
    /// `python`, `node`, …
    pub platform: Option<String>,
    /// The rule that fired.
    pub rule: Option<String>,
    /// When the error was raised.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The chain of exceptions: causes first, the one that was seen last.
    pub exceptions: Vec<ExceptionInfo>,
    /// The HTTP request that was being answered. Cookies and credentials are not kept.
    pub request: Option<HttpRequest>,
}

impl ErrorAlert {
    /// The exception that reached the top: the last of the chain.
    #[must_use]
    pub fn outermost(&self) -> Option<&ExceptionInfo> {
        self.exceptions.last()
    }
}

/// One exception of a chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExceptionInfo {
    /// Class name, `ZeroDivisionError`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The message.
    pub value: Option<String>,
    /// The module of the class.
    pub module: Option<String>,
    /// Callers first; the last frame raised.
    pub frames: Vec<StackFrame>,
}

/// One frame of a stack trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StackFrame {
    /// As reported; may be absolute or relative to some folder of the machine that raised.
    pub file: Option<String>,
    /// Dotted module.
    pub module: Option<String>,
    /// Function or method, without its class for most SDKs.
    pub function: Option<String>,
    /// Line, counted from 1.
    pub line: Option<u32>,
    /// Whether the sender counts the frame to the application; not every sender says.
    pub in_app: Option<bool>,
    /// The source lines before, at and after the line.
    pub pre_context: Vec<String>,
    /// The source line itself.
    pub context_line: Option<String>,
    /// See `pre_context`.
    pub post_context: Vec<String>,
    /// Local variables as the SDK wrote them: texts are representations, containers are nested.
    pub vars: BTreeMap<String, serde_json::Value>,
}

/// The HTTP request that an application was answering when it raised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: Option<String>,
    /// Full URL without the query.
    pub url: Option<String>,
    /// Query string without `?`.
    pub query: Option<String>,
    /// The body as the SDK parsed it.
    pub data: Option<serde_json::Value>,
    /// Headers other than credentials and cookies.
    pub headers: Vec<(String, String)>,
}

/// A workflow run that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowRun {
    /// The repository that the run belongs to.
    pub repo: RepoName,
    /// The repository that the head commit came from; another one means a fork.
    pub head_repo: Option<RepoName>,
    /// The provider's number of the run.
    pub run_id: u64,
    /// Which try of the run, from 1.
    pub run_attempt: u32,
    /// The workflow's name.
    pub workflow: String,
    /// The workflow's file, `.github/workflows/ci.yml`.
    pub workflow_path: Option<String>,
    /// What the run was started by: `push`, `pull_request`, …
    pub event: String,
    /// `success`, `failure`, `cancelled`, …
    pub conclusion: String,
    /// The branch that was built.
    pub head_branch: BranchName,
    /// The commit that was built.
    pub head_sha: CommitSha,
    /// Who started it.
    pub actor: Option<Actor>,
    /// Where people look at it.
    pub url: Option<String>,
    /// The App's installation on the repository, where there is one.
    pub installation: Option<u64>,
    /// The repository's default branch.
    pub default_branch: Option<BranchName>,
    /// The first line of the head commit's message.
    pub title: Option<String>,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Login name.
    pub login: String,
    /// Whether the sender says it is a bot.
    pub bot: bool,
}

/// Something that happened to a pull request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PullRequestChange {
    /// The repository that the pull request is opened on.
    pub repo: RepoName,
    /// Its number.
    pub number: u64,
    /// What happened.
    pub action: PullRequestAction,
    /// The branch it would merge.
    pub head_branch: BranchName,
    /// The newest commit of that branch.
    pub head_sha: CommitSha,
    /// The repository of that branch, `None` when it was deleted.
    pub head_repo: Option<RepoName>,
    /// The branch it would merge into.
    pub base_branch: BranchName,
    /// Who did it.
    pub actor: Option<Actor>,
    /// Who opened the pull request.
    pub author: Option<Actor>,
    /// When the sender says it changed; deliveries arrive out of order.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What can happen to a pull request, as far as Fixpoint acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullRequestAction {
    /// It was opened.
    Opened,
    /// A person or bot pushed to its branch.
    Synchronized,
    /// It was merged.
    Merged,
    /// It was closed without a merge.
    Closed,
    /// It was opened again.
    Reopened,
    /// It is no longer a draft.
    ReadyForReview,
}

/// A branch has a new head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// The repository.
    pub repo: RepoName,
    /// The branch.
    pub branch: BranchName,
    /// Its newest commit; `None` when the branch was deleted.
    pub head_sha: Option<CommitSha>,
    /// Who pushed.
    pub actor: Option<Actor>,
}
