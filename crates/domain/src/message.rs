//! The contract: every message that crosses the bus, on one screen each. Fields are only ever added, since versions N and
//! N+1 run side by side; a golden file per kind guards it.

use crate::attempt::{Fence, Report, Stage};
use crate::confidence::TrackRecord;
use crate::delivery::Delivery;
use crate::diagnosis::Diagnosis;
use crate::id::{AttemptId, DeliveryId, IncidentId, JobId, NoticeId};
use crate::incident::Trigger;
use crate::job::{JobKind, SkipReason};
use crate::notice::Notice;
use crate::project::Project;
use crate::repo::{BranchName, CommitSha, RepoName};
use crate::signal::Signal;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// Which message it is; the topology routes by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// [`SignalReceived`]
    #[serde(rename = "signal.received")]
    SignalReceived,
    /// [`SignalDecided`]
    #[serde(rename = "signal.decided")]
    SignalDecided,
    /// [`AttemptRequested`]
    #[serde(rename = "attempt.requested")]
    AttemptRequested,
    /// [`AttemptClaim`]
    #[serde(rename = "attempt.claim")]
    AttemptClaim,
    /// [`ClaimAnswer`]
    #[serde(rename = "attempt.claimed")]
    ClaimAnswer,
    /// [`MayPublish`]
    #[serde(rename = "attempt.may_publish")]
    MayPublish,
    /// [`MayPublishAnswer`]
    #[serde(rename = "attempt.publish_answered")]
    MayPublishAnswer,
    /// [`AttemptProgressed`]
    #[serde(rename = "attempt.progressed")]
    AttemptProgressed,
    /// [`AttemptFinished`]
    #[serde(rename = "attempt.finished")]
    AttemptFinished,
    /// [`NoticeRaised`]
    #[serde(rename = "notice.raised")]
    NoticeRaised,
    /// [`NoticeDelivered`]
    #[serde(rename = "notice.delivered")]
    NoticeDelivered,
}

impl Kind {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignalReceived => "signal.received",
            Self::SignalDecided => "signal.decided",
            Self::AttemptRequested => "attempt.requested",
            Self::AttemptClaim => "attempt.claim",
            Self::ClaimAnswer => "attempt.claimed",
            Self::MayPublish => "attempt.may_publish",
            Self::MayPublishAnswer => "attempt.publish_answered",
            Self::AttemptProgressed => "attempt.progressed",
            Self::AttemptFinished => "attempt.finished",
            Self::NoticeRaised => "notice.raised",
            Self::NoticeDelivered => "notice.delivered",
        }
    }
}

/// A message with its kind and the version of its schema.
pub trait Message: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Which message it is.
    const KIND: Kind;
    /// The version that this build writes. It reads every version up to this one, and newer ones by ignoring new fields.
    const VERSION: u16 = 1;
}

macro_rules! messages {
    ($($name:ident),* $(,)?) => { $( impl Message for $name { const KIND: Kind = Kind::$name; } )* };
}
messages!(
    SignalReceived,
    SignalDecided,
    AttemptRequested,
    AttemptClaim,
    ClaimAnswer,
    MayPublish,
    MayPublishAnswer
);
messages!(AttemptProgressed, AttemptFinished, NoticeRaised, NoticeDelivered);

/// ingest → planner, durable. The raw payload travels beside it as the envelope's attachment, compressed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalReceived {
    /// The request.
    pub delivery: Delivery,
    /// What it means.
    pub signal: Signal,
}

/// planner → ingest, the reply to [`SignalReceived`] where the provider's contract wants one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalDecided {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// What was decided.
    pub decision: Decision,
}

/// What the planner made of a signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// A job was made.
    Enqueued {
        /// Which.
        job: JobId,
    },
    /// No job was made, and this is why.
    Skipped {
        /// The typed reason.
        reason: SkipReason,
    },
    /// The signal changed what we know, and asks for no job.
    Noted,
}

/// planner → fixer, durable, one queue per job kind. It carries no credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptRequested {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its job.
    pub job: JobId,
    /// The incident.
    pub incident: IncidentId,
    /// What is to be done.
    pub kind: JobKind,
    /// The fence at the time of the request; claiming gives a newer one.
    pub fence: Fence,
    /// When the attempt is given up, and a later one may start.
    pub deadline: DateTime<Utc>,
    /// What brought the incident.
    pub trigger: Trigger,
    /// The repository's settings.
    pub project: Project,
    /// Which retry this is, from 0.
    pub retry: u32,
    /// What became of earlier fixes, by engine, for all failure classes.
    pub track_record: BTreeMap<String, TrackRecord>,
}

/// fixer → planner, request and reply: may I work on it?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptClaim {
    /// Which attempt.
    pub attempt: AttemptId,
    /// The fence of the request.
    pub fence: Fence,
    /// Name of the process that asks, for people.
    pub worker: String,
    /// Public key, base64, that the granted token is sealed to.
    pub public_key: String,
}

/// planner → fixer, the reply to [`AttemptClaim`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum ClaimAnswer {
    /// Go ahead under this fence.
    Granted {
        /// Newer than every fence of the job before.
        fence: Fence,
        /// A token that reads one repository, sealed; `None` where none is configured.
        read_token: Option<SealedToken>,
    },
    /// Leave it.
    Refused {
        /// Why, in words.
        reason: String,
    },
    /// Ask again later: no token could be had.
    Later {
        /// Why, in words.
        reason: String,
        /// Seconds.
        retry_after_seconds: u64,
    },
}

/// A token that only the process with the private key can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedToken {
    /// Ciphertext, base64.
    pub sealed: String,
    /// When the token ends, where that is known.
    pub expires_at: Option<DateTime<Utc>>,
}

/// fixer → planner, request and reply: may I publish this?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MayPublish {
    /// Which attempt.
    pub attempt: AttemptId,
    /// The fence that was granted.
    pub fence: Fence,
    /// What failed; the planner binds or merges the incident by it.
    pub diagnosis: Diagnosis,
    /// Git's hash of the tree that would be published.
    pub tree: String,
    /// The branch that the pull request would be merged into.
    pub base: BranchName,
    /// The commit that the fix stands on.
    pub base_sha: CommitSha,
    /// Public key, base64, that the granted token is sealed to.
    pub public_key: String,
}

/// planner → fixer, the reply to [`MayPublish`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum MayPublishAnswer {
    /// Publish to this branch.
    Granted {
        /// The branch to push.
        branch: BranchName,
        /// A token that writes to one repository, sealed; `None` where none is configured.
        write_token: Option<SealedToken>,
        /// For how many seconds from the question on nobody else is granted the same; whoever wakes up later may not use it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lasts_seconds: Option<u64>,
    },
    /// Do not.
    Refused {
        /// The typed reason, where it is one that people may ask about.
        reason: Option<SkipReason>,
        /// Why, in words.
        message: String,
    },
    /// Ask again later: another write to the same repository is under way, or GitHub's limit is reached.
    Later {
        /// Why, in words.
        reason: String,
        /// Seconds.
        retry_after_seconds: u64,
    },
}

/// fixer → planner, transient: how far it is. Also the heartbeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptProgressed {
    /// Which attempt.
    pub attempt: AttemptId,
    /// The fence that was granted.
    pub fence: Fence,
    /// The stage that it is in.
    pub stage: Stage,
    /// Percent of the whole.
    pub percent: u8,
    /// Candidates tried so far.
    pub candidates_tried: u64,
    /// The newest lines that a person may want to see, redacted; empty for a mere heartbeat.
    pub lines: Vec<String>,
    /// Until when GitHub wants to be left alone, where the fixer has met a limit that still holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_until: Option<DateTime<Utc>>,
    /// When it was said.
    pub at: DateTime<Utc>,
}

/// fixer → planner, durable: how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptFinished {
    /// Which attempt.
    pub attempt: AttemptId,
    /// The fence that was granted.
    pub fence: Fence,
    /// Everything that is known of it.
    pub report: Box<Report>,
}

/// planner → notifier, durable: tell somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoticeRaised {
    /// What, about what.
    pub notice: Notice,
    /// The channel's name, `slack`: one message per channel, so that a dead one delays nobody.
    pub channel: String,
}

/// notifier → planner, durable: it was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoticeDelivered {
    /// Which notice.
    pub notice: NoticeId,
    /// Over which channel.
    pub channel: String,
    /// The channel's own id of the message, so that a later notice edits instead of repeating.
    pub external_id: Option<String>,
    /// The repository that it was about.
    pub repo: RepoName,
    /// When.
    pub at: DateTime<Utc>,
}
