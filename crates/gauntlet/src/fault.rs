//! Faults: what can happen to the system and to the world around it, and for how long.

use domain::attempt::Stage;
use domain::message::Kind;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// SIGKILL; the process is started again after a while.
    Killed { process: String, down_ms: u64 },
    /// SIGKILL of the fixer whose attempt is seen in this stage.
    KilledInStage { stage: Stage, down_ms: u64 },
    /// SIGKILL of the fixer whose request GitHub is just holding; the request is carried out early (before the fixer is back) or late.
    KilledInRequest { request: Held, early: bool, down_ms: u64 },
    /// SIGTERM, and started again.
    Terminated { process: String },
    /// SIGSTOP, and SIGCONT after a while.
    Frozen { process: String, for_ms: u64 },
    /// The broker is stopped in order, and started again.
    BrokerStopped { for_ms: u64 },
    /// The broker keeps its connections and says nothing.
    BrokerFrozen { for_ms: u64 },
    /// SIGKILL of the broker; it is started again at once.
    BrokerKilled,
    /// Postgres is stopped, throwing everybody out, and started again.
    PostgresRestarted,
    /// Every connection to the database is ended.
    BackendsTerminated,
    /// GitHub answers some requests badly.
    GitHub { trouble: GitHubTrouble, times: usize },
    /// GitHub answers everything with 503.
    GitHubDown { for_ms: u64 },
    /// Slack answers some requests badly.
    Slack { trouble: SlackTrouble, times: usize },
    /// Nobody listens at Slack.
    SlackDown { for_ms: u64 },
    /// A message that nobody can read, among those of this kind.
    Poison { kind: Kind },
    /// Old webhooks come once more, with their old signatures; under their old number or under a new one.
    Replayed { deliveries: usize, renumbered: bool },
}

/// A request of a fixer that GitHub can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Fetching the repository.
    Fetch,
    /// Reading the log of the failed job.
    Log,
    /// Pushing the branch.
    Push,
    /// Opening the pull request.
    Open,
}

impl Held {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Fetch, Self::Log, Self::Push, Self::Open];

    /// Method and path.
    pub const fn matches(self) -> (&'static str, &'static str) {
        match self {
            Self::Fetch => ("POST", r"\.git/git-upload-pack$"),
            Self::Log => ("GET", r"/actions/jobs/\d+/logs$"),
            Self::Push => ("POST", r"\.git/git-receive-pack$"),
            Self::Open => ("POST", r"/pulls$"),
        }
    }
}

/// How GitHub answers on a bad day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GitHubTrouble {
    /// The pull request is made, and the answer is a 502.
    MadeThen502,
    /// The pull request is made, and there is no answer.
    MadeThenSilence,
    /// The pull request is made and its webhook sent; the answer comes two seconds later.
    WebhookFirst,
    /// 422 that says there is a pull request already, and there is none.
    AlreadyExists,
    /// 403 with `Retry-After`: a secondary limit.
    SecondaryLimit,
    /// 429 with `Retry-After`.
    TooMany,
    /// 500 to whatever is asked.
    Broken,
    /// Every answer takes its time.
    Slow,
}

impl GitHubTrouble {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::MadeThen502,
        Self::MadeThenSilence,
        Self::WebhookFirst,
        Self::AlreadyExists,
        Self::SecondaryLimit,
        Self::TooMany,
        Self::Broken,
        Self::Slow,
    ];
}

/// How Slack answers on a bad day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlackTrouble {
    /// 429 with `Retry-After`.
    TooMany,
    /// 500.
    Broken,
}

/// Faults of one lane come one after the other, those of several at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Of the broker.
    Broker,
    /// Of the database.
    Postgres,
    /// Deaths of processes.
    Death,
    /// Deaths of fixers that are waited for in a certain place.
    Ambush,
    /// Long sleeps of processes.
    Sleep,
    /// Of GitHub.
    GitHub,
    /// Of Slack.
    Slack,
    /// Of senders.
    Sender,
}

impl Fault {
    /// Which lane it is for.
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Killed { .. } | Self::Terminated { .. } => Lane::Death,
            Self::KilledInStage { .. } | Self::KilledInRequest { .. } => Lane::Ambush,
            Self::Frozen { .. } => Lane::Sleep,
            Self::BrokerStopped { .. } | Self::BrokerFrozen { .. } | Self::BrokerKilled => Lane::Broker,
            Self::PostgresRestarted | Self::BackendsTerminated => Lane::Postgres,
            Self::GitHub { .. } | Self::GitHubDown { .. } => Lane::GitHub,
            Self::Slack { .. } | Self::SlackDown { .. } => Lane::Slack,
            Self::Poison { .. } | Self::Replayed { .. } => Lane::Sender,
        }
    }

    /// How long its lane is taken by it, about.
    pub const fn lasts(&self) -> Duration {
        Duration::from_millis(match self {
            Self::Frozen { for_ms, .. }
            | Self::BrokerFrozen { for_ms }
            | Self::GitHubDown { for_ms }
            | Self::SlackDown { for_ms } => *for_ms,
            // Stopping and starting take their time, too.
            Self::BrokerStopped { for_ms } => *for_ms + 6_000,
            Self::BrokerKilled => 6_000,
            Self::Killed { down_ms, .. } => *down_ms + 1_000,
            Self::KilledInStage { down_ms, .. } | Self::KilledInRequest { down_ms, .. } => *down_ms + 5_000,
            Self::Terminated { .. } => 4_000,
            Self::PostgresRestarted => 3_000,
            Self::BackendsTerminated | Self::GitHub { .. } | Self::Slack { .. } => 1_000,
            Self::Poison { .. } | Self::Replayed { .. } => 500,
        })
    }

    /// Whether nothing can be handed from one service to another meanwhile.
    pub const fn cuts_off(&self) -> bool {
        matches!(self.lane(), Lane::Broker | Lane::Postgres)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: &u64| Duration::from_millis(*ms).as_secs_f64();
        match self {
            Self::Killed { process, .. } => write!(out, "kill -9 {process}"),
            Self::KilledInStage { stage, .. } => write!(out, "kill -9 a fixer in stage {}", stage.as_str()),
            Self::KilledInRequest { request, early, .. } => {
                let when = if *early { "before" } else { "after" };
                write!(out, "kill -9 a fixer in {request:?}, which happens {when} it is back")
            }
            Self::Terminated { process } => write!(out, "SIGTERM {process}"),
            Self::Frozen { process, for_ms } => write!(out, "{process} frozen for {} s", seconds(for_ms)),
            Self::BrokerStopped { for_ms } => write!(out, "broker stopped for {} s", seconds(for_ms)),
            Self::BrokerFrozen { for_ms } => write!(out, "broker frozen for {} s", seconds(for_ms)),
            Self::BrokerKilled => write!(out, "kill -9 the broker"),
            Self::PostgresRestarted => write!(out, "Postgres restarted"),
            Self::BackendsTerminated => write!(out, "Postgres ends all connections"),
            Self::GitHub { trouble, times } => write!(out, "GitHub {trouble:?} x{times}"),
            Self::GitHubDown { for_ms } => write!(out, "GitHub down for {} s", seconds(for_ms)),
            Self::Slack { trouble, times } => write!(out, "Slack {trouble:?} x{times}"),
            Self::SlackDown { for_ms } => write!(out, "Slack down for {} s", seconds(for_ms)),
            Self::Poison { kind } => write!(out, "poison among {}", kind.as_str()),
            Self::Replayed { deliveries, renumbered } => {
                let number = if *renumbered { "new" } else { "old" };
                write!(out, "{deliveries} old webhooks again under {number} numbers")
            }
        }
    }
}
