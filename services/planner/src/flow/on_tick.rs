//! Once a second: attempts that fell silent or ran out of time are given up, and jobs whose time has come get an attempt.

use super::on_finished::counts;
use super::{Flow, raise, request_attempt};
use crate::measure::Backlog;
use crate::plan::notice;
use crate::plan::retry::{Next, after_loss};
use crate::settings::Rules;
use crate::store::attempts::{self, Attempt};
use crate::store::types::{Db, Time};
use crate::store::{deliveries, incidents, jobs, outbox, publish_leases, pull_requests};
use anyhow::Result;
use chrono::{DateTime, Utc};
use domain::attempt::Outcome;
use tracing::{info, warn};

/// So much in one transaction; the rest is for the next tick.
const BATCH: i64 = 50;

/// Pull requests that are older are not counted any more: their number only grows.
const WATCHED: chrono::Duration = chrono::Duration::days(30);

/// What a tick has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Attempts that were given up.
    pub lost: usize,
    /// Attempts that were requested.
    pub requested: usize,
}

impl Flow {
    /// Looks after what nobody reports. `listening_since` is when the planner began to hear everything that is said:
    /// silence before it is not the fixers'. `None`: it does not at the moment, and nobody's silence counts.
    ///
    /// # Errors
    /// When the database fails; the next tick tries again.
    pub async fn on_tick(&self, listening_since: Option<DateTime<Utc>>) -> Result<Ticked> {
        let rules = self.rules.clone();
        let ticked = self
            .store
            .tx(move |db, now| {
                let mut ticked = Ticked::default();
                for attempt in attempts::given_up(db, silent_since(&rules, listening_since, now), now, BATCH)? {
                    let message = silence(&attempt, now);
                    ticked.lost += usize::from(give_up(db, now, &rules, &attempt, &message)?);
                }
                for attempt in attempts::unclaimed(db, now, BATCH)? {
                    attempts::lose(db, attempt.id, now)?;
                }
                for job in jobs::due(db, now, BATCH)? {
                    request_attempt(db, now, &rules, &job)?;
                    ticked.requested += 1;
                }
                Ok(ticked)
            })
            .await?;
        if ticked != Ticked::default() {
            self.measure.lost(ticked.lost as u64);
            self.committed.notify_one();
            info!(
                lost = ticked.lost,
                requested = ticked.requested,
                "looked after silent attempts and due jobs"
            );
        }
        Ok(ticked)
    }

    /// Records how much waits, and forgets old deliveries that led to nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn housekeeping(&self) -> Result<()> {
        let keep = self.rules.keep_deliveries;
        let backlog = self
            .store
            .tx(move |db, now| {
                let forgotten = deliveries::forget(db, now + -keep, 500)?;
                if forgotten > 0 {
                    info!(forgotten, "old deliveries that led to no job were forgotten");
                }
                Ok(Backlog {
                    oldest: jobs::oldest_due(db, now)?,
                    outbox: outbox::depth(db)?,
                    pull_requests: pull_requests::per_incident(db, now + -WATCHED)?,
                })
            })
            .await?;
        self.measure.waiting(&backlog);
        Ok(())
    }
}

/// Attempts that were last heard of before this are silent. Somebody who was last heard of before we listened has had his
/// time only when we have listened for as long.
fn silent_since(rules: &Rules, listening_since: Option<DateTime<Utc>>, now: Time) -> Time {
    let since = now + -rules.heartbeat;
    match listening_since {
        Some(listening) if Time::from(listening) <= since => since,
        // No heartbeat is that old.
        _ => DateTime::<Utc>::UNIX_EPOCH.into(),
    }
}

fn silence(attempt: &Attempt, now: Time) -> String {
    let stage = attempt.stage.map_or("claim", |stage| stage.0.as_str());
    if attempt.deadline <= now {
        format!("The attempt did not end before its deadline; it was last heard of in stage {stage}.")
    } else {
        format!("The fixer fell silent in stage {stage}.")
    }
}

/// Gives an attempt up that will not report: its fence dies, its job is retried or fails, and people are told. False when
/// it has ended meanwhile.
pub(super) fn give_up(db: &mut Db, now: Time, rules: &Rules, attempt: &Attempt, message: &str) -> Result<bool> {
    let Some(job) = jobs::hold(db, attempt.job_id)? else {
        return Ok(false);
    };
    if job.state.0.is_final() || !attempts::lose(db, attempt.id, now)? {
        return Ok(false);
    }
    publish_leases::give_back(db, &job.repo, attempt.id)?;
    warn!(attempt = %*attempt.id, job = %*job.id, worker = attempt.worker, message, "an attempt was given up");
    let (retry, max_retries) = counts(&job);
    match after_loss(retry, max_retries, &rules.back_off) {
        Next::Retry(wait) => jobs::retry(db, &job, now + wait, Outcome::Failed, message, now)?,
        Next::End { state, skip } => jobs::end(db, &job, state, skip.as_ref(), Outcome::Failed, message, now)?,
    }
    let incident = incidents::standing_for(db, job.incident_id)?;
    let content = notice::failed(
        notice::origin(&incident.what, &job.trigger()?),
        retry,
        max_retries,
        Outcome::Failed,
        message,
    );
    let occasion = format!("failed:{}", *attempt.id);
    raise(db, now, rules, &job, &occasion, content, &job.trace()?)?;
    Ok(true)
}
