//! The one interface that every source of fixes has, and what it answers.
use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::bench::Bench;
use crate::brief::{Brief, RelPath, TestId};
use crate::error::EngineError;

/// Something that proposes fixes.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Short name, as it appears in evidence and statistics.
    fn name(&self) -> &'static str;

    /// Looks for fixes within the brief's budget. Not finding one is an answer, not an error.
    async fn propose(&self, brief: &Brief, bench: &mut Bench, progress: &Progress) -> Result<Proposals, EngineError>;
}

/// One fix that passed every test it was tried on.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Whole new contents of the changed files.
    pub files: BTreeMap<RelPath, String>,
    /// Engine that found it.
    pub engine: &'static str,
    /// Template, for example `T08.and`; several are joined with `+`.
    pub template: String,
    /// Lower is better; comparable within one answer only.
    pub cost: f64,
    /// One English sentence.
    pub why: String,
    /// File and line (from 1) of the first change, in the original text.
    pub place: (RelPath, u32),
    /// A changed file is blocked: the guardrail has to refuse this fix.
    pub blocked: bool,
    /// Signs of overfitting, one English phrase each.
    pub doubts: Vec<String>,
}

/// What an engine found.
#[derive(Clone, Debug, Default)]
pub struct Proposals {
    /// Fixes, best first. A blocked one comes last and only when there is no other.
    pub found: Vec<Proposal>,
    /// Candidates that were run.
    pub candidates_tried: u64,
    /// Every candidate was tried.
    pub exhausted: bool,
    /// Time or candidates ran out first.
    pub budget_exhausted: bool,
    /// Blocked paths that are suspicious or hold a plausible fix, when no other fix was found.
    pub blocked_only: Vec<RelPath>,
    /// Number of plausible fixes that differ in more than layout.
    pub distinct: usize,
    /// Most suspicious places, best first: file, line, suspiciousness in 0..=1. Useful when nothing was found.
    pub suspicious: Vec<(RelPath, u32, f64)>,
    /// Failing tests that turned green by some candidate though no candidate fixed all.
    pub partly_fixed: Vec<TestId>,
}

/// A search in numbers, for those who watch it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Candidates run so far.
    pub tried: u64,
    /// Plausible fixes so far.
    pub plausible: u64,
    /// What is happening, in a few words.
    pub stage: String,
}

/// Where an engine tells how far it is, and learns that it has to stop.
#[derive(Clone, Debug)]
pub struct Progress {
    tally: watch::Sender<Tally>,
    stop: watch::Receiver<bool>,
}

/// The other end of a `Progress`.
#[derive(Debug)]
pub struct Watcher {
    /// The latest numbers.
    pub tally: watch::Receiver<Tally>,
    stop: watch::Sender<bool>,
}

impl Watcher {
    /// Asks the engine to stop after the current candidate.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl Progress {
    /// A connected pair.
    #[must_use]
    pub fn pair() -> (Self, Watcher) {
        let (tally, seen) = watch::channel(Tally::default());
        let (stop, told) = watch::channel(false);
        (Self { tally, stop: told }, Watcher { tally: seen, stop })
    }

    /// A progress that nobody watches and nobody stops.
    #[must_use]
    pub fn silent() -> Self {
        Self::pair().0
    }

    /// Replaces the numbers.
    pub fn report(&self, tried: u64, plausible: u64, stage: &str) {
        self.tally.send_replace(Tally {
            tried,
            plausible,
            stage: stage.to_owned(),
        });
    }

    /// Whether somebody asked to stop.
    #[must_use]
    pub fn stopped(&self) -> bool {
        *self.stop.borrow()
    }
}
