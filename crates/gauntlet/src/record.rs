//! What others have recorded, as the ledger keeps it: GitHub's repositories, Slack's messages, the planner's jobs.

use chrono::{DateTime, Utc};
use domain::attempt::Stage;
use serde::{Deserialize, Serialize};

/// What GitHub has of a repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    /// `owner/name`.
    pub name: String,
    /// All branches.
    pub branches: Vec<String>,
    /// All pull requests.
    pub pulls: Vec<Pull>,
    /// How often somebody asked for a pull request to be opened.
    pub openings: usize,
}

/// A pull request at GitHub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its branch.
    pub head: String,
    /// The branch's newest commit.
    pub head_sha: String,
    /// Who opened it.
    pub author: String,
    /// Whether it is neither closed nor merged.
    pub open: bool,
}

/// A message in Slack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When it was heard.
    pub at: DateTime<Utc>,
    /// Slack's name for it.
    pub ts: String,
    /// What was sent, addresses and all.
    pub text: String,
}

/// Messages in a dead queue, and those that nobody has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// The queue that they were in first.
    pub queue: String,
    /// How many.
    pub count: usize,
    /// How many are still in the queue itself, or wait for their next try.
    pub waiting: usize,
}

/// A job, as far as it is looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: String,
    /// Its repository.
    pub repo: String,
    /// Where it stands.
    pub state: String,
    /// How it ended.
    pub outcome: Option<String>,
    /// What is said about it.
    pub message: Option<String>,
    /// Retries that were used up.
    #[serde(rename = "retry_count")]
    pub retry: u32,
    /// Its pull request.
    pub pull_request: Option<KnownPull>,
    /// Every try.
    #[serde(default)]
    pub attempts: Vec<Tried>,
    /// What people are told.
    #[serde(default)]
    pub notices: Vec<Notice>,
}

/// A pull request as the planner knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPull {
    /// Its number.
    pub number: u64,
    /// The newest commit of its branch.
    pub head_sha: String,
    /// Its branch.
    pub branch: String,
    /// Whether it is taken for a person's.
    pub hands_off: bool,
}

/// An attempt as the planner knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Which.
    pub id: String,
    /// Where it stands.
    pub state: String,
    /// The newest fence.
    pub fence: Option<i64>,
    /// Who has claimed it last.
    pub worker: Option<String>,
    /// How it ended.
    pub outcome: Option<String>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Which stage was entered when, under which fence.
    #[serde(default)]
    pub stages: Vec<Entered>,
}

/// A stage that was entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// Which.
    pub stage: Stage,
    /// Under which fence.
    pub fence: i64,
    /// When.
    pub entered_at: DateTime<Utc>,
}

/// A notice as the planner knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Which.
    pub id: String,
    /// Over which channel.
    pub channel: String,
    /// When it is known to have been said.
    pub delivered_at: Option<DateTime<Utc>>,
    /// The channel's name for the message.
    pub external_id: Option<String>,
}

impl Job {
    /// Whether nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "succeeded" | "failed" | "cancelled" | "skipped")
    }

    /// Whether everybody has been told.
    pub fn is_told(&self) -> bool {
        self.notices.iter().all(|notice| notice.delivered_at.is_some())
    }
}
