//! `search`: finds small fixes without any model, by trying general templates where the tests say it hurts.
pub mod baseline;
pub mod choose;
pub mod edit;
pub mod explore;
pub mod judge;
pub mod localise;
pub mod project;
pub mod queue;
pub mod scope;
pub mod symptom;
pub mod syntax;
pub mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use async_trait::async_trait;

use crate::bench::Bench;
use crate::brief::{Brief, RelPath};
use crate::engine::{Engine, Progress, Proposal, Proposals};
use crate::error::EngineError;
use baseline::Baseline;
use explore::{Exploration, Explorer, Found, Limits};
use localise::{Place, localise};
use project::Project;
use queue::Queue;
use symptom::symptoms;

/// Proposals that are handed on.
const MOST_PROPOSALS: usize = 8;
/// Partly successful candidates that a second edit is tried on.
const MOST_BASES: usize = 6;
/// How far beyond the first partly successful candidate single edits go before pairs are tried.
const PAUSE: f64 = 1.5;
/// Dearest second edit: a pair of odd changes is an overfit.
const SECOND: f64 = 2.5;

/// The engine. It has no settings: everything comes in the brief.
#[derive(Clone, Copy, Debug, Default)]
pub struct Search;

#[async_trait]
impl Engine for Search {
    fn name(&self) -> &'static str {
        "search"
    }

    async fn propose(&self, brief: &Brief, bench: &mut Bench, progress: &Progress) -> Result<Proposals, EngineError> {
        let started = Instant::now();
        let deadline = started + brief.budget.wall;
        let project = Project::new(brief);
        if !project.editable.iter().any(|editable| *editable) {
            return Err(EngineError::NothingToChange);
        }
        progress.report(0, 0, "measuring which lines the tests run");
        let base = Baseline::measure(bench, &BTreeMap::new(), &brief.failing, &brief.passing, deadline).await?;
        if base.failing.is_empty() && base.cut_short {
            return Ok(Proposals {
                budget_exhausted: true,
                ..Proposals::default()
            });
        }
        if base.failing.is_empty() {
            return Err(EngineError::NothingFails(brief.failing.len()));
        }
        let told = with_failures(brief, &base);
        let signs = symptoms(&told.failures);
        let places = localise(&told, &project, &base.coverage, &base.failing);
        tracing::debug!(
            places = places.len(),
            failing = base.failing.len(),
            passing = base.passing.len(),
            ?signs,
            "localised"
        );
        let mut answer = Proposals {
            suspicious: top(&project, &places),
            ..Proposals::default()
        };
        let (open, blocked): (Vec<Place>, Vec<Place>) = places.into_iter().partition(|place| {
            project
                .sources
                .get(place.file)
                .is_none_or(|source| !brief.blocked.contains(&source.path))
        });
        let share = share_of_open(&open, &blocked);

        let mut explorer = Explorer::new(brief, bench, progress, &base, &BTreeMap::new());
        let total = brief.budget.wall;
        let mut queue = Queue::new(&project, &signs, open).ok_or(EngineError::NothingToChange)?;
        let open_until = started + total.mul_f64(share);
        let mut all = Exploration::default();
        // One edit; two, once one was partly right and the others of its level were not better; then the rest of the single ones.
        let first = Limits {
            pause: Some(PAUSE),
            ..Limits::until(started + total.mul_f64(share * 0.5), brief.weak_oracle)
        };
        explorer.explore(&project, &signs, &mut queue, &first, &mut all).await?;
        if all.found.is_empty() && !all.partial.is_empty() {
            let mut spent = std::mem::take(&mut explorer.tried);
            all.found = pairs(
                brief,
                &mut explorer,
                &project,
                &base,
                &all,
                started + total.mul_f64(share * 0.9),
            )
            .await?;
            spent += explorer.tried;
            explorer.tried = spent;
        }
        if all.found.is_empty() {
            explorer
                .explore(
                    &project,
                    &signs,
                    &mut queue,
                    &Limits::until(open_until, brief.weak_oracle),
                    &mut all,
                )
                .await?;
        }
        if all.found.is_empty() {
            explorer.retry_slow(&project, &signs, &mut all, deadline).await?;
        }
        answer.exhausted = queue.peek().is_none();
        if all.found.is_empty() && !blocked.is_empty() {
            let paths = suspicious_paths(&project, &blocked);
            let mut queue = Queue::new(&project, &signs, blocked).ok_or(EngineError::NothingToChange)?;
            explorer
                .explore(
                    &project,
                    &signs,
                    &mut queue,
                    &Limits::until(deadline, brief.weak_oracle),
                    &mut all,
                )
                .await?;
            answer.exhausted &= queue.peek().is_none();
            for found in &mut all.found {
                found.blocked = true;
            }
            answer.blocked_only = if all.found.is_empty() {
                paths
            } else {
                all.found
                    .iter()
                    .flat_map(|found| found.files.keys().cloned())
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect()
            };
        }
        answer.candidates_tried = explorer.tried;
        answer.budget_exhausted = !answer.exhausted && all.found.is_empty();
        answer.partly_fixed = all
            .partial
            .iter()
            .flat_map(|(_, green)| green.iter().cloned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        answer.distinct = all.found.len();
        all.found.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        answer.found = all
            .found
            .into_iter()
            .filter(|found| !found.refused)
            .take(MOST_PROPOSALS)
            .map(proposal)
            .collect();
        progress.report(answer.candidates_tried, answer.distinct as u64, "done");
        Ok(answer)
    }
}

/// Two edits: each base turned some failing test green, the second one has to do the rest.
async fn pairs(
    brief: &Brief,
    explorer: &mut Explorer<'_>,
    project: &Project,
    base: &Baseline,
    all: &Exploration,
    until: Instant,
) -> Result<Vec<Found>, EngineError> {
    let mut bases: Vec<_> = all.partial.iter().collect();
    bases.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.priority.total_cmp(&b.0.priority)));
    bases.truncate(MOST_BASES);
    let count = u32::try_from(bases.len()).unwrap_or(1);
    for (index, (candidate, _)) in bases.into_iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let rest = count.saturating_sub(u32::try_from(index).unwrap_or(0)).max(1);
        if left.is_zero() {
            break;
        }
        let slice = Instant::now() + left / rest;
        let Some(source) = project.sources.get(candidate.edit.file) else {
            continue;
        };
        let files: BTreeMap<RelPath, String> = [(source.path.clone(), candidate.applied.text.clone())].into();
        let mut next = brief.clone();
        next.sources.extend(files.clone());
        let measured = Baseline::measure(explorer.bench(), &files, &base.failing, &base.passing, slice).await?;
        if measured.failing.is_empty() {
            continue;
        }
        let told = with_failures(&next, &measured);
        let signs = symptoms(&told.failures);
        let patched = Project::new(&next);
        let places = localise(&told, &patched, &measured.coverage, &measured.failing);
        let open = places
            .into_iter()
            .filter(|place| {
                patched
                    .sources
                    .get(place.file)
                    .is_some_and(|source| !brief.blocked.contains(&source.path))
            })
            .collect();
        let Some(mut queue) = Queue::new(&patched, &signs, open) else {
            continue;
        };
        let mut second = explorer.after(brief, &measured, base, &files);
        let mut found = Exploration::default();
        let outcome = second
            .explore(
                &patched,
                &signs,
                &mut queue,
                &Limits {
                    highest: SECOND,
                    ..Limits::until(slice, brief.weak_oracle)
                },
                &mut found,
            )
            .await;
        let tried = second.tried;
        explorer.tried += tried;
        outcome?;
        if !found.found.is_empty() {
            for pair in &mut found.found {
                pair.cost += candidate.priority;
                pair.template = format!("{}+{}", candidate.edit.template, pair.template);
                pair.why = format!("{}; {}", candidate.edit.why, pair.why);
                for (path, text) in &files {
                    pair.files.entry(path.clone()).or_insert_with(|| text.clone());
                }
            }
            return Ok(found.found);
        }
    }
    Ok(Vec::new())
}

/// The brief with the failures as seen just now; those of an alert, which have no test, stay.
fn with_failures(brief: &Brief, base: &Baseline) -> Brief {
    let mut told = brief.clone();
    let seen: BTreeSet<&str> = base
        .failures
        .iter()
        .filter(|failure| !failure.exception.is_empty())
        .map(|failure| failure.test.as_str())
        .collect();
    told.failures.retain(|failure| !seen.contains(failure.test.as_str()));
    let failing: BTreeSet<&str> = base.failing.iter().map(String::as_str).collect();
    told.failures.extend(
        base.failures
            .iter()
            .filter(|failure| failing.contains(failure.test.as_str()))
            .cloned(),
    );
    told
}

/// Part of the time for files that may be changed. Little, when all signs point to a blocked one.
fn share_of_open(open: &[Place], blocked: &[Place]) -> f64 {
    let worst = |places: &[Place]| places.first().map_or(0.0, |place| place.suspicion);
    let crashed = blocked
        .iter()
        .any(|place| place.crashed && place.suspicion >= worst(open));
    if blocked.is_empty() || worst(blocked) < 0.3 {
        1.0
    } else if crashed || worst(open) < 0.5 * worst(blocked) {
        0.4
    } else {
        0.7
    }
}

fn suspicious_paths(project: &Project, places: &[Place]) -> Vec<RelPath> {
    let best = places.first().map_or(0.0, |place| place.suspicion);
    places
        .iter()
        .filter(|place| place.suspicion >= 0.8 * best && best >= 0.5)
        .filter_map(|place| project.sources.get(place.file))
        .map(|source| source.path.clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn top(project: &Project, places: &[Place]) -> Vec<(RelPath, u32, f64)> {
    places
        .iter()
        .take(20)
        .filter_map(|place| {
            project
                .sources
                .get(place.file)
                .map(|source| (source.path.clone(), place.line, place.suspicion))
        })
        .collect()
}

fn proposal(found: Found) -> Proposal {
    Proposal {
        files: found.files,
        engine: "search",
        template: found.template,
        cost: found.cost,
        why: found.why,
        place: found.place,
        blocked: found.blocked,
        doubts: found.doubts,
    }
}
