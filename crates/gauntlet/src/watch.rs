//! Watches the planner: which attempts run where, which states jobs go through, and whether there is anything to do at all.

use crate::clock::now;
use crate::ledger::{Attempt, Entry, Ledger};
use crate::planner::Planner;
use crate::record::{Job, Tried};
use anyhow::Result;
use fleet::{Fleet, Process, Service};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An attempt that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// Which, and how far it is.
    pub attempt: Attempt,
    /// Who has it: `fixer-<process id>-…`.
    pub worker: Option<String>,
}

impl Running {
    fn of(job: &Job, tried: &Tried) -> Option<Self> {
        let fence = tried.fence.filter(|_| tried.state == "running")?;
        let entered = tried.stages.iter().filter(|stage| stage.fence == fence);
        Some(Self {
            attempt: Attempt {
                job: job.id.clone(),
                repo: job.repo.clone(),
                attempt: tried.id.clone(),
                fence,
                stage: entered.max_by_key(|stage| stage.stage).map(|stage| stage.stage),
            },
            worker: tried.worker.clone(),
        })
    }

    /// Whether this process has it.
    pub fn is_of(&self, process: &Process) -> bool {
        let name = process.pid().map(|pid| format!("fixer-{pid}-"));
        self.worker
            .as_ref()
            .zip(name)
            .is_some_and(|(worker, name)| worker.starts_with(&name))
    }

    /// The process that has it.
    pub fn process<'a>(&self, fleet: &'a Fleet) -> Option<&'a Process> {
        fleet.of(Service::Fixer).find(|process| self.is_of(process))
    }
}

/// What was seen so far.
#[derive(Default)]
pub struct Watch {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    states: BTreeMap<String, String>,
    looks: u64,
    idle: u64,
}

impl Watch {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The attempts that run now.
    pub async fn running(planner: &Planner, fleet: &Fleet) -> Result<Vec<Running>> {
        let mut all = Vec::new();
        for listed in planner.newest(fleet, Some("running")).await? {
            let (job, _) = planner.job(fleet, &listed.id).await?;
            all.extend(job.attempts.iter().filter_map(|tried| Running::of(&job, tried)));
        }
        Ok(all)
    }

    /// Looks at the newest jobs and writes down what has changed. Only one may do so, or old news would pass for new.
    pub async fn look(&self, planner: &Planner, fleet: &Fleet, ledger: &Ledger) -> Result<()> {
        let jobs = planner.newest(fleet, None).await?;
        let mut seen = self.seen();
        for job in jobs {
            if seen.states.get(&job.id) != Some(&job.state) {
                ledger.add(&Entry::Seen {
                    at: now(),
                    job: job.id.clone(),
                    state: job.state.clone(),
                });
                seen.states.insert(job.id, job.state);
            }
        }
        seen.looks += 1;
        seen.idle += u64::from(!seen.states.values().any(|state| is_open(state)));
        Ok(())
    }

    /// How many jobs were seen that are over.
    pub fn over(&self) -> usize {
        self.seen().states.values().filter(|state| !is_open(state)).count()
    }

    /// How often somebody looked, for the ledger.
    pub fn looks(&self) -> Entry {
        let seen = self.seen();
        Entry::Looks {
            all: seen.looks,
            idle: seen.idle,
        }
    }
}

fn is_open(state: &str) -> bool {
    matches!(state, "queued" | "running")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use domain::attempt::Stage;
    use serde_json::json;

    #[test]
    fn what_runs_is_read_with_its_newest_stage() {
        let entered =
            |stage: &str, fence| json!({ "stage": stage, "fence": fence, "entered_at": "2026-01-01T00:00:00Z" });
        let job: Job = serde_json::from_value(json!({
            "id": "j", "repo": "acme/r1", "state": "running", "outcome": null, "message": null, "retry_count": 0,
            "pull_request": null, "more": 1,
            "attempts": [
                { "id": "a", "state": "lost", "fence": 1, "worker": "fixer-7-x", "outcome": null, "finished_at": null },
                { "id": "b", "state": "running", "fence": 3, "worker": "fixer-8-x", "outcome": null, "finished_at": null,
                  "stages": [entered("claim", 2), entered("publish", 2), entered("claim", 3), entered("prepare", 3)] },
            ],
        }))
        .unwrap();
        let running: Vec<Running> = job
            .attempts
            .iter()
            .filter_map(|tried| Running::of(&job, tried))
            .collect();
        assert_eq!(running.len(), 1);
        assert_eq!(
            (running[0].attempt.fence, running[0].attempt.stage),
            (3, Some(Stage::Prepare))
        );
        assert_eq!(running[0].worker.as_deref(), Some("fixer-8-x"));
    }
}
