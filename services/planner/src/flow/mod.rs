//! What happens on each message: load, decide, commit. Everything that is said because of it goes through the outbox.

mod on_claim;
mod on_delivered;
mod on_finished;
mod on_may_publish;
mod on_progress;
mod on_pull_request;
mod on_signal;
mod on_tick;

use crate::measure::Measure;
use crate::settings::Rules;
use crate::store::types::{Db, Id, Time};
use crate::store::{Store, attempts, jobs, notices, outbox, publish_leases, pull_requests};
use crate::vault::Vault;
use anyhow::{Context as _, Result};
use bus::{Envelope, Queue};
use domain::attempt::Fence;
use domain::id::NoticeId;
use domain::job::JobKind;
use domain::message::{AttemptRequested, NoticeRaised};
use domain::notice::{Notice, NoticeContent};
use domain::repo::RepoName;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// A trace's headers, carried from the message that is being dealt with to those that come of it.
type Trace = BTreeMap<String, String>;

/// What every flow works with.
pub struct Flow {
    pub(crate) store: Store,
    pub(crate) rules: Arc<Rules>,
    pub(crate) vault: Vault,
    pub(crate) measure: Measure,
    /// Wakes the outbox after a commit.
    pub(crate) committed: Arc<Notify>,
}

impl Flow {
    /// A flow over these.
    #[must_use]
    pub fn new(store: Store, rules: Arc<Rules>, vault: Vault) -> Self {
        Self {
            store,
            rules,
            vault,
            measure: Measure::default(),
            committed: Arc::new(Notify::new()),
        }
    }

    /// An attempt was told by GitHub to come back later: that holds for all that GitHub counts together.
    async fn limited(&self, row: String, attempt: Id, fence: Fence, wait: Duration) -> Result<()> {
        let wait = chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::MAX);
        self.store
            .tx(move |db, now| Ok(publish_leases::limited(db, &row, attempt, fence.0, now + wait, now)?))
            .await
    }
}

/// Requests an attempt of a queued job, under the job's next fence. Whoever asks for it, it belongs to the trace of the job's
/// signal.
fn request_attempt(db: &mut Db, now: Time, rules: &Rules, job: &jobs::Job) -> Result<Id> {
    let fence = jobs::raise_fence(db, job, now)?.with_context(|| format!("job {} has moved on", *job.id))?;
    let deadline = now + rules.deadline;
    let attempt = attempts::open(db, job.id, fence, job.retry, deadline, now)?;
    let message = AttemptRequested {
        attempt: attempt.id.into(),
        job: job.id.into(),
        incident: job.incident_id.into(),
        kind: job.kind.0,
        fence: Fence(fence),
        deadline: deadline.into(),
        trigger: job.trigger()?,
        project: job.project()?,
        retry: u32::try_from(job.retry).unwrap_or(u32::MAX),
        track_record: pull_requests::track_record(db)?,
    };
    let queue = match job.kind.0 {
        JobKind::Fix => Queue::FixerFix,
        JobKind::Analyse => Queue::FixerAnalyse,
        JobKind::Validate => Queue::FixerValidate,
    };
    let envelope = Envelope::of(&message)?.traced(job.trace()?);
    outbox::put(db, &queue.name(), Some(attempt.id), envelope.encode().to_vec(), now)?;
    Ok(attempt.id)
}

/// Tells every channel, once per occasion.
fn raise(
    db: &mut Db,
    now: Time,
    rules: &Rules,
    job: &jobs::Job,
    occasion: &str,
    content: NoticeContent,
    trace: &Trace,
) -> Result<()> {
    let id: NoticeId = Id::new().into();
    let notice = Notice {
        id,
        job: job.id.into(),
        repo: RepoName::parse(&job.repo)?,
        content,
    };
    for channel in &rules.channels {
        if notices::raise(db, &notice, channel, occasion, now)? {
            let message = NoticeRaised {
                notice: notice.clone(),
                channel: channel.clone(),
            };
            let envelope = Envelope::of(&message)?.traced(trace.clone());
            outbox::put(
                db,
                &Queue::NotifierNotices(channel.clone()).name(),
                None,
                envelope.encode().to_vec(),
                now,
            )?;
        }
    }
    Ok(())
}
