//! An attempt: one try at a job, under a fence and a deadline.

use crate::diagnosis::Diagnosis;
use crate::evidence::Evidence;
use crate::fix::FileDiff;
use crate::guardrail::Objection;
use crate::job::SkipReason;
use crate::pull_request::OpenedPullRequest;
use serde::{Deserialize, Serialize};

/// A number that only grows per job. Whoever holds an old one may not publish and is not listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(pub i64);

/// The stages of an attempt, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Ask the planner for the right to work.
    Claim,
    /// Fetch the mirror and write out the tree.
    CheckOut,
    /// Read what failed out of the log or the alert.
    Diagnose,
    /// Build or find the environment.
    Prepare,
    /// See the failure fail.
    Reproduce,
    /// Let engines propose, and try what they propose.
    Propose,
    /// Ask the guardrails.
    Judge,
    /// See the failure gone and nothing else broken.
    Prove,
    /// Ask the planner for the right to publish.
    Ask,
    /// Push the branch and open the pull request.
    Publish,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 10] = [
        Self::Claim,
        Self::CheckOut,
        Self::Diagnose,
        Self::Prepare,
        Self::Reproduce,
        Self::Propose,
        Self::Judge,
        Self::Prove,
        Self::Ask,
        Self::Publish,
    ];

    /// The word in tables, logs and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::CheckOut => "check_out",
            Self::Diagnose => "diagnose",
            Self::Prepare => "prepare",
            Self::Reproduce => "reproduce",
            Self::Propose => "propose",
            Self::Judge => "judge",
            Self::Prove => "prove",
            Self::Ask => "ask",
            Self::Publish => "publish",
        }
    }

    /// How far an attempt is when it enters the stage, in percent.
    #[must_use]
    pub fn percent(self) -> u8 {
        Self::ALL
            .iter()
            .position(|stage| *stage == self)
            .map_or(0, |at| u8::try_from(at * 10).unwrap_or(90))
    }
}

/// How an attempt, or a local run, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A fix was proved by execution.
    Proved,
    /// A fix is proposed that could not be proved: tests are switched off, or there is no test command.
    Unverified,
    /// The failure is real and no engine found a fix within its budget.
    NoFix,
    /// A fix exists and the guardrails refuse it.
    Refused,
    /// The failure was not seen.
    NotReproduced,
    /// The failure comes and goes.
    Flaky,
    /// The environment could not be built, or the command could not run in it.
    Environment,
    /// The newest code no longer has the failure.
    AlreadyFixed,
    /// There was no reason to go on, and a typed one to stop.
    Skipped,
    /// Something of ours or GitHub's failed.
    Failed,
}

impl Outcome {
    /// The word in tables, logs, the API and `--json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Unverified => "unverified",
            Self::NoFix => "no_fix",
            Self::Refused => "refused",
            Self::NotReproduced => "not_reproduced",
            Self::Flaky => "flaky",
            Self::Environment => "environment",
            Self::AlreadyFixed => "already_fixed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// What an attempt reports when it is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// One or two sentences for people: what happened, what they can do.
    pub message: String,
    /// Whether the same attempt later could end otherwise: GitHub was down, the environment could not be fetched.
    pub worth_retrying: bool,
    /// Not before so many seconds from now, when the other side said so.
    pub retry_after_seconds: Option<u64>,
    /// Why there was no reason to go on, for [`Outcome::Skipped`].
    pub skipped: Option<SkipReason>,
    /// What failed, once it was known.
    pub diagnosis: Option<Diagnosis>,
    /// The engine that proposed the fix.
    pub engine: Option<String>,
    /// Its template or rule.
    pub template: Option<String>,
    /// What the fix does, in one sentence.
    pub why: Option<String>,
    /// The changed files.
    pub files: Vec<FileDiff>,
    /// The guardrails' objections.
    pub objections: Vec<Objection>,
    /// The chance that a person merges it, between 0 and 1.
    pub confidence: Option<f64>,
    /// What was run and what it showed.
    pub evidence: Option<Evidence>,
    /// Candidates that were run.
    pub candidates_tried: u64,
    /// Whether the search ended for lack of time or tries.
    pub budget_exhausted: bool,
    /// Wall time of the attempt in milliseconds.
    pub wall_ms: u64,
    /// CPU time of everything that ran in sandboxes, in milliseconds.
    pub cpu_ms: u64,
    /// Wall time of everything that ran in sandboxes, in milliseconds.
    pub sandbox_ms: u64,
    /// The stages that were entered, with the wall time of each.
    pub stages: Vec<StageTime>,
    /// The pull request, where one was opened or found.
    pub pull_request: Option<OpenedPullRequest>,
}

impl Report {
    /// A report that says only how it ended and why; the rest is filled in where it is known.
    pub fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
            worth_retrying: false,
            retry_after_seconds: None,
            skipped: None,
            diagnosis: None,
            engine: None,
            template: None,
            why: None,
            files: Vec::new(),
            objections: Vec::new(),
            confidence: None,
            evidence: None,
            candidates_tried: 0,
            budget_exhausted: false,
            wall_ms: 0,
            cpu_ms: 0,
            sandbox_ms: 0,
            stages: Vec::new(),
            pull_request: None,
        }
    }
}

/// How long a stage took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTime {
    /// Which.
    pub stage: Stage,
    /// Wall time in milliseconds.
    pub wall_ms: u64,
}
