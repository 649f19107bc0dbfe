//! The loop: takes candidates from the queue, lets the lanes judge them side by side, and knows when to stop.
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::baseline::Baseline;
use super::choose::weigh;
use super::judge::{Judge, Verdict};
use super::project::Project;
use super::queue::{Candidate, Queue};
use super::symptom::Symptom;
use crate::bench::Bench;
use crate::brief::{Brief, RelPath, TestId};
use crate::engine::Progress;
use crate::error::EngineError;

/// Candidates that ran out of time and get a second chance.
const MOST_SLOW: usize = 16;
/// How much longer they may take then.
const PATIENCE: u32 = 8;

/// When one exploration ends.
pub struct Limits {
    /// No candidate starts after this.
    pub until: Instant,
    /// The oracle is weak: look at more plausible fixes before choosing.
    pub weak: bool,
    /// Candidates dearer than this are left for later.
    pub highest: f64,
    /// Pause once what comes next is this much dearer than the first candidate that was partly right.
    pub pause: Option<f64>,
}

impl Limits {
    /// Limited by time only.
    pub fn until(until: Instant, weak: bool) -> Self {
        Self {
            until,
            weak,
            highest: f64::INFINITY,
            pause: None,
        }
    }
}

/// A plausible fix.
pub struct Found {
    /// Whole files.
    pub files: BTreeMap<RelPath, String>,
    /// Template id.
    pub template: String,
    /// Weighed cost.
    pub cost: f64,
    /// One sentence.
    pub why: String,
    /// File and line of the change.
    pub place: (RelPath, u32),
    /// Signs of overfitting.
    pub doubts: Vec<String>,
    /// May not be proposed alone.
    pub refused: bool,
    /// Changes a blocked file.
    pub blocked: bool,
}

/// What an exploration has brought so far.
#[derive(Default)]
pub struct Exploration {
    /// Plausible fixes.
    pub found: Vec<Found>,
    /// Candidates that fixed some failing tests.
    pub partial: Vec<(Candidate, BTreeSet<TestId>)>,
    /// Candidates that ran out of time.
    pub slow: Vec<Candidate>,
    /// Set by the first plausible fix.
    stop: Option<Stop>,
}

/// The end of the cost level of the first plausible fix.
#[derive(Clone, Copy)]
struct Stop {
    priority: f64,
    tried: u64,
    at: Instant,
}

/// Runs candidates on top of fixed patched files.
pub struct Explorer<'b> {
    bench: &'b mut Bench,
    judge: Judge,
    progress: &'b Progress,
    patched: BTreeMap<RelPath, String>,
    most: u64,
    started: Instant,
    /// Candidates run.
    pub tried: u64,
}

impl<'b> Explorer<'b> {
    /// An explorer over the program as measured.
    pub fn new(
        brief: &Brief,
        bench: &'b mut Bench,
        progress: &'b Progress,
        base: &Baseline,
        patched: &BTreeMap<RelPath, String>,
    ) -> Self {
        let judge = Judge::new(
            base.failing.clone(),
            base.passing.clone(),
            base.coverage.clone(),
            &base.durations,
        );
        Self {
            bench,
            judge,
            progress,
            patched: patched.clone(),
            most: brief.budget.candidates,
            started: Instant::now(),
            tried: 0,
        }
    }

    /// An explorer on top of a first edit, which must not lose what that edit gained.
    pub fn after<'c>(
        &'c mut self,
        brief: &Brief,
        measured: &Baseline,
        base: &Baseline,
        patched: &BTreeMap<RelPath, String>,
    ) -> Explorer<'c> {
        let mut durations = base.durations.clone();
        durations.extend(measured.durations.clone());
        let mut passing = measured.passing.clone();
        passing.extend(
            base.failing
                .iter()
                .filter(|test| !measured.failing.contains(test) && !measured.passing.contains(test))
                .cloned(),
        );
        let judge = Judge::new(measured.failing.clone(), passing, measured.coverage.clone(), &durations);
        Explorer {
            bench: self.bench,
            judge,
            progress: self.progress,
            patched: patched.clone(),
            most: brief.budget.candidates.saturating_sub(self.tried),
            started: self.started,
            tried: 0,
        }
    }

    /// The bench, between explorations.
    pub fn bench(&mut self) -> &mut Bench {
        self.bench
    }

    /// Tries candidates until a limit, the end of the queue, or the end of the first plausible fix's cost level.
    pub async fn explore(
        &mut self,
        project: &Project,
        symptoms: &[Symptom],
        queue: &mut Queue<'_>,
        limits: &Limits,
        so_far: &mut Exploration,
    ) -> Result<(), EngineError> {
        let lanes = self.bench.lanes().len();
        loop {
            let mut batch = Vec::with_capacity(lanes);
            while batch.len() < lanes && !self.is_over(queue, limits, so_far) {
                let Some(candidate) = queue.take() else { break };
                if self.past_the_level(candidate.priority, limits, so_far) {
                    break;
                }
                self.tried += 1;
                batch.push(candidate);
            }
            if batch.is_empty() {
                return Ok(());
            }
            let verdicts = self.judge_all(project, &batch, 1).await?;
            for (candidate, (verdict, killer)) in batch.into_iter().zip(verdicts) {
                if let Some(killer) = killer {
                    self.judge.note(&killer);
                }
                self.take(project, symptoms, candidate, verdict, limits.weak, so_far);
            }
            if self.tried % 8 < lanes as u64 {
                self.progress
                    .report(self.tried, so_far.found.len() as u64, "trying candidates");
            }
        }
    }

    /// Gives candidates that ran out of time a longer limit.
    pub async fn retry_slow(
        &mut self,
        project: &Project,
        symptoms: &[Symptom],
        so_far: &mut Exploration,
        until: Instant,
    ) -> Result<(), EngineError> {
        let slow = std::mem::take(&mut so_far.slow);
        for candidate in slow {
            if Instant::now() >= until || self.progress.stopped() || !so_far.found.is_empty() {
                break;
            }
            self.tried += 1;
            let batch = [candidate];
            let verdicts = self.judge_all(project, &batch, PATIENCE).await?;
            let [candidate] = batch;
            if let Some((Verdict::Plausible, _)) = verdicts.into_iter().next() {
                self.take(project, symptoms, candidate, Verdict::Plausible, false, so_far);
            }
        }
        Ok(())
    }

    async fn judge_all(
        &mut self,
        project: &Project,
        batch: &[Candidate],
        patience: u32,
    ) -> Result<Vec<(Verdict, Option<TestId>)>, EngineError> {
        let (judge, patched) = (&self.judge, &self.patched);
        let runs = self
            .bench
            .lanes()
            .iter_mut()
            .zip(batch)
            .map(|(lane, candidate)| async move {
                let path = project
                    .sources
                    .get(candidate.edit.file)
                    .map(|source| source.path.clone())
                    .unwrap_or_default();
                let lines = project
                    .function_at(candidate.edit.file, candidate.edit.line)
                    .and_then(|index| project.functions.get(index))
                    .map_or((0, u32::MAX), |function| function.lines);
                let mut files = patched.clone();
                files.insert(path.clone(), candidate.applied.text.clone());
                judge.verdict(lane, &files, &path, lines, patience).await
            });
        join_all(runs).await.into_iter().collect()
    }

    fn take(
        &self,
        project: &Project,
        symptoms: &[Symptom],
        candidate: Candidate,
        verdict: Verdict,
        weak: bool,
        so_far: &mut Exploration,
    ) {
        match verdict {
            Verdict::Plausible => {
                let judged = weigh(project, &candidate, symptoms, self.judge.failing().len(), weak);
                tracing::debug!(
                    template = candidate.edit.template,
                    priority = candidate.priority,
                    cost = judged.cost,
                    why = candidate.edit.why,
                    tried = self.tried,
                    "plausible"
                );
                if so_far.stop.is_none() && !judged.refused {
                    so_far.stop = Some(Stop {
                        priority: candidate.priority,
                        tried: self.tried,
                        at: Instant::now(),
                    });
                }
                let path = project
                    .sources
                    .get(candidate.edit.file)
                    .map(|source| source.path.clone())
                    .unwrap_or_default();
                let mut files = self.patched.clone();
                files.insert(path.clone(), candidate.applied.text);
                so_far.found.push(Found {
                    files,
                    template: candidate.edit.template.to_owned(),
                    cost: judged.cost,
                    why: candidate.edit.why,
                    place: (path, candidate.edit.line),
                    doubts: judged.doubts,
                    refused: judged.refused,
                    blocked: false,
                });
            }
            Verdict::Partial(green) => so_far.partial.push((candidate, green)),
            Verdict::TooSlow if so_far.slow.len() < MOST_SLOW => so_far.slow.push(candidate),
            Verdict::TooSlow | Verdict::Killed => {}
        }
    }

    fn is_over(&self, queue: &Queue<'_>, limits: &Limits, so_far: &Exploration) -> bool {
        let now = Instant::now();
        if now >= limits.until || self.tried >= self.most || self.progress.stopped() {
            return true;
        }
        let partly = so_far.partial.first().map(|(candidate, _)| candidate.priority);
        queue.peek().is_some_and(|next| {
            let paused = limits
                .pause
                .zip(partly)
                .is_some_and(|(margin, priority)| next > priority + margin);
            paused || next > limits.highest || self.past_the_level(next, limits, so_far)
        })
    }

    /// After the first plausible fix: its cost level is finished, within bounds.
    fn past_the_level(&self, next: f64, limits: &Limits, so_far: &Exploration) -> bool {
        let Some(stop) = so_far.stop else { return false };
        let (window, extra) = if limits.weak { (0.9, 400) } else { (0.4, 200) };
        let longest = (stop.at.saturating_duration_since(self.started) / 2).max(Duration::from_secs(8));
        next > stop.priority + window || self.tried > stop.tried + extra || stop.at.elapsed() > longest
    }
}
