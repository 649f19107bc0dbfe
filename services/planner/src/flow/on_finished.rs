//! An attempt has ended: succeed, retry later or give up, and tell people. Under an old fence nothing happens, so that a
//! repeated report changes nothing.

use super::{Flow, Trace, raise};
use crate::plan::notice;
use crate::plan::retry::{Next, after_report};
use crate::settings::Rules;
use crate::store::decisions::{self, About};
use crate::store::pull_requests::{Kept, Purpose};
use crate::store::types::{Db, Id, Time};
use crate::store::{attempts, deliveries, flaky_tests, incidents, jobs, publish_leases, pull_requests, stages};
use anyhow::Result;
use domain::message::AttemptFinished;
use std::time::Duration;
use tracing::{error, info};

impl Flow {
    /// Settles an attempt.
    ///
    /// # Errors
    /// When nothing could be committed: the report should come again.
    pub async fn on_finished(&self, message: AttemptFinished, trace: Trace) -> Result<()> {
        let (attempt, outcome) = (message.attempt, message.report.outcome);
        let rules = self.rules.clone();
        let settled = self
            .store
            .tx(move |db, now| settle(db, now, &rules, &message, &trace))
            .await?;
        let Some(settled) = settled else {
            self.measure.old_fence("finished");
            info!(%attempt, outcome = outcome.as_str(), "a report under an old fence, or a repeated one, is ignored");
            return Ok(());
        };
        self.committed.notify_one();
        self.measure.ended(outcome);
        match settled.kept {
            Some(Kept::New | Kept::Known) => self.measure.opened(settled.since_delivery),
            Some(Kept::OneTooMany { other }) => {
                self.measure.one_too_many();
                error!(%attempt, other, "the attempt reports a second pull request for its incident and generation; close one of them");
            }
            None => {}
        }
        info!(%attempt, outcome = outcome.as_str(), next = ?settled.next, "an attempt has ended");
        Ok(())
    }
}

struct Settled {
    next: Next,
    kept: Option<Kept>,
    since_delivery: Option<Duration>,
}

fn settle(db: &mut Db, now: Time, rules: &Rules, message: &AttemptFinished, trace: &Trace) -> Result<Option<Settled>> {
    let id = Id::from(message.attempt);
    let Some(attempt) = attempts::find(db, id)? else {
        return Ok(None);
    };
    let Some(job) = jobs::hold(db, attempt.job_id)? else {
        return Ok(None);
    };
    let (report, fence) = (&*message.report, message.fence.0);
    if job.fence != fence || !attempts::finish(db, id, fence, report, now)? {
        return Ok(None);
    }
    stages::took(db, id, fence, &report.stages, now)?;
    flaky_tests::reported(db, &job.repo, report, now)?;
    publish_leases::give_back(db, &job.repo, id)?;
    if let Some(seconds) = report.retry_after_seconds {
        let wait = chrono::Duration::seconds(i64::from(u32::try_from(seconds).unwrap_or(u32::MAX)));
        publish_leases::limited(db, &rules.counted.row(&job.repo), id, fence, now + wait, now)?;
    }

    let incident = incidents::standing_for(db, job.incident_id)?;
    let mut kept = None;
    if let Some(opened) = &report.pull_request {
        let purpose = Purpose {
            job: job.id,
            incident: incident.id,
            generation: job.generation,
        };
        kept = Some(pull_requests::reported(db, opened, report, purpose, now)?);
    }
    let (retry, max_retries) = counts(&job);
    let next = after_report(report, retry, max_retries, &rules.back_off);
    match &next {
        Next::Retry(wait) => jobs::retry(db, &job, now + *wait, report.outcome, &report.message, now)?,
        Next::End { state, skip } => {
            jobs::end(db, &job, *state, skip.as_ref(), report.outcome, &report.message, now)?;
            if let Some(reason) = skip {
                let about = About {
                    delivery: job.delivery_id,
                    incident: Some(incident.id),
                    job: Some(job.id),
                    repo: Some(job.repo.clone()),
                };
                decisions::explain(db, about, reason, now)?;
            }
        }
    }
    let origin = notice::origin(&incident.what, &job.trigger()?);
    if let Some(content) = notice::of_report(report, origin, retry, max_retries) {
        let occasion = match &report.pull_request {
            Some(opened) => format!("pull_request:{}", opened.number),
            None => format!("failed:{}", message.attempt),
        };
        raise(db, now, rules, &job, &occasion, content, trace)?;
    }
    let received = job
        .delivery_id
        .map(|delivery| deliveries::received_at(db, delivery))
        .transpose()?
        .flatten();
    let since_delivery = received.and_then(|received| (now - received).to_std().ok());
    Ok(Some(Settled {
        next,
        kept,
        since_delivery,
    }))
}

/// Retries used and allowed, as the domain counts them.
pub(super) fn counts(job: &jobs::Job) -> (u32, u32) {
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    (count(job.retry), count(job.max_retries))
}
