//! Jobs: our decision to deal with an incident. A guarded update makes each move; a partial unique index keeps one active
//! job per incident.

use super::schema::jobs;
use super::types::{Db, Id, Json, Time, Word, text};
use anyhow::{Result, bail};
use diesel::prelude::*;
use domain::attempt::Outcome;
use domain::incident::Trigger;
use domain::job::{JobKind, JobState, SkipReason};
use domain::project::Project;
use std::collections::BTreeMap;
use std::time::Duration;

/// A row, in column order.
#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = jobs)]
pub struct Job {
    /// Ours.
    pub id: Id,
    /// The incident that it deals with.
    pub incident_id: Id,
    /// The delivery that it came of.
    pub delivery_id: Option<Id>,
    /// The repository.
    pub repo: String,
    /// What is to be done.
    pub kind: Word<JobKind>,
    /// Where it stands.
    pub state: Word<JobState>,
    /// Why it was skipped.
    pub skip: Option<Json>,
    /// Retries used.
    pub retry: i64,
    /// Retries allowed.
    pub max_retries: i64,
    /// No attempt is requested before.
    pub not_before: Time,
    /// The newest fence; only grows.
    pub fence: i64,
    /// The generation of the incident that it works on.
    pub generation: i64,
    /// How the newest attempt ended.
    pub outcome: Option<Word<Outcome>>,
    /// What people are told of it.
    pub message: Option<String>,
    /// The branch that was granted.
    pub branch: Option<String>,
    /// The trigger.
    pub cause: Json,
    /// The repository's settings when it was made.
    pub project: Json,
    /// When it was made.
    pub created_at: Time,
    /// When it last moved.
    pub updated_at: Time,
    /// When it was first claimed.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// The trace of the signal that it came of; older builds kept none.
    pub trace: Option<Json>,
}

impl Job {
    /// The trace that everything done for it belongs to.
    ///
    /// # Errors
    /// When a newer version has written it.
    pub fn trace(&self) -> Result<BTreeMap<String, String>> {
        Ok(self.trace.as_ref().map(Json::read).transpose()?.unwrap_or_default())
    }

    /// What brought the incident.
    ///
    /// # Errors
    /// When a newer version has written it.
    pub fn trigger(&self) -> Result<Trigger> {
        Ok(self.cause.read()?)
    }

    /// The repository's settings.
    ///
    /// # Errors
    /// When a newer version has written them.
    pub fn project(&self) -> Result<Project> {
        Ok(self.project.read()?)
    }
}

/// What a new job starts from.
#[derive(Debug)]
pub struct New<'a> {
    /// The incident.
    pub incident: Id,
    /// The delivery that it comes of.
    pub delivery: Option<Id>,
    /// The generation of the incident.
    pub generation: i64,
    /// Retries allowed.
    pub max_retries: u32,
    /// What brought the incident.
    pub trigger: &'a Trigger,
    /// The repository's settings.
    pub project: &'a Project,
    /// The signal's trace, as W3C headers.
    pub trace: &'a BTreeMap<String, String>,
}

/// Makes a fix job that is due at once.
///
/// # Errors
/// A unique violation when the incident has an active job; or when the database fails.
pub fn open(db: &mut Db, new: &New<'_>, now: Time) -> Result<Job> {
    let job = Job {
        id: Id::new(),
        incident_id: new.incident,
        delivery_id: new.delivery,
        repo: new.project.repo.as_str().to_owned(),
        kind: Word(JobKind::Fix),
        state: Word(JobState::Queued),
        skip: None,
        retry: 0,
        max_retries: i64::from(new.max_retries),
        not_before: now,
        fence: 0,
        generation: new.generation,
        outcome: None,
        message: None,
        branch: None,
        cause: Json::of(new.trigger)?,
        project: Json::of(new.project)?,
        created_at: now,
        updated_at: now,
        started_at: None,
        finished_at: None,
        trace: Some(Json::of(new.trace)?),
    };
    diesel::insert_into(jobs::table).values(&job).execute(db)?;
    Ok(job)
}

/// A job by its id.
///
/// # Errors
/// When the database fails.
pub fn find(db: &mut Db, id: Id) -> QueryResult<Option<Job>> {
    jobs::table.find(id).first(db).optional()
}

/// A job by its id, whose row nobody else changes until the transaction ends. Every flow takes the job first, so that no two
/// wait for each other.
///
/// # Errors
/// When the database fails.
pub fn hold(db: &mut Db, id: Id) -> QueryResult<Option<Job>> {
    diesel::update(jobs::table.find(id))
        .set(jobs::fence.eq(jobs::fence))
        .returning(jobs::all_columns)
        .get_result(db)
        .optional()
}

/// The queued or running job of an incident.
///
/// # Errors
/// When the database fails.
pub fn active(db: &mut Db, incident: Id) -> QueryResult<Option<Job>> {
    jobs::table
        .filter(jobs::incident_id.eq(incident))
        .filter(jobs::state.eq_any([Word(JobState::Queued), Word(JobState::Running)]))
        .first(db)
        .optional()
}

/// When the newest job of an incident was made.
///
/// # Errors
/// When the database fails.
pub fn newest(db: &mut Db, incident: Id) -> QueryResult<Option<Time>> {
    jobs::table
        .filter(jobs::incident_id.eq(incident))
        .order(jobs::id.desc())
        .select(jobs::created_at)
        .first(db)
        .optional()
}

/// The newest job that was granted a branch.
///
/// # Errors
/// When the database fails.
pub fn of_branch(db: &mut Db, repo: &str, branch: &str) -> QueryResult<Option<Job>> {
    jobs::table
        .filter(jobs::repo.eq(repo))
        .filter(jobs::branch.eq(branch))
        .order(jobs::id.desc())
        .first(db)
        .optional()
}

/// Whether a job of the repository was ever granted the branch.
///
/// # Errors
/// When the database fails.
pub fn had_branch(db: &mut Db, repo: &str, branch: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        jobs::table.filter(jobs::repo.eq(repo)).filter(jobs::branch.eq(branch)),
    ))
    .get_result(db)
}

/// Queued jobs whose time has come and that no attempt is requested for.
///
/// # Errors
/// When the database fails.
pub fn due(db: &mut Db, now: Time, limit: i64) -> QueryResult<Vec<Job>> {
    use super::schema::attempts;
    let live = attempts::table
        .filter(attempts::job_id.eq(jobs::id))
        .filter(attempts::state.eq_any(super::attempts::LIVE));
    jobs::table
        .filter(jobs::state.eq(Word(JobState::Queued)))
        .filter(jobs::not_before.le(now))
        .filter(diesel::dsl::not(diesel::dsl::exists(live)))
        .order(jobs::not_before)
        .limit(limit)
        .load(db)
}

/// Jobs that are due or under way, oldest first.
///
/// # Errors
/// When the database fails.
pub fn pending(db: &mut Db, now: Time, limit: i64) -> QueryResult<Vec<Job>> {
    jobs::table
        .filter(jobs::state.eq_any([Word(JobState::Queued), Word(JobState::Running)]))
        .filter(jobs::not_before.le(now))
        .order(jobs::id)
        .limit(limit)
        .load(db)
}

/// Jobs by their ids.
///
/// # Errors
/// When the database fails.
pub fn by_ids(db: &mut Db, ids: &[Id]) -> QueryResult<Vec<Job>> {
    jobs::table.filter(jobs::id.eq_any(ids.to_vec())).load(db)
}

/// Takes the next fence. `None` when the job has moved on meanwhile.
///
/// # Errors
/// When the database fails.
pub fn raise_fence(db: &mut Db, job: &Job, now: Time) -> QueryResult<Option<i64>> {
    diesel::update(
        jobs::table
            .find(job.id)
            .filter(jobs::fence.eq(job.fence))
            .filter(jobs::state.eq_any([Word(JobState::Queued), Word(JobState::Running)])),
    )
    .set((jobs::fence.eq(job.fence + 1), jobs::updated_at.eq(now)))
    .returning(jobs::fence)
    .get_result(db)
    .optional()
}

/// Marks a job as running; the first time it is also its start.
///
/// # Errors
/// When the database fails.
pub fn run(db: &mut Db, job: &Job, now: Time) -> Result<()> {
    if job.state.0 == JobState::Running {
        return Ok(());
    }
    moved(db, job, JobState::Running)?;
    diesel::update(jobs::table.find(job.id))
        .set((
            jobs::state.eq(Word(JobState::Running)),
            jobs::started_at.eq(Some(job.started_at.unwrap_or(now))),
            jobs::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Puts a job back for a later attempt. Whoever held its fence is refused from now on.
///
/// # Errors
/// When the move is not legal, or the database fails.
pub fn retry(db: &mut Db, job: &Job, not_before: Time, outcome: Outcome, message: &str, now: Time) -> Result<()> {
    // An attempt can fail before anybody could claim it; then the job has not moved at all.
    if job.state.0 != JobState::Queued {
        moved(db, job, JobState::Queued)?;
    }
    diesel::update(jobs::table.find(job.id))
        .set((
            jobs::state.eq(Word(JobState::Queued)),
            jobs::retry.eq(job.retry + 1),
            jobs::not_before.eq(not_before),
            jobs::fence.eq(jobs::fence + 1),
            jobs::outcome.eq(Some(Word(outcome))),
            jobs::message.eq(Some(text(message))),
            jobs::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Ends a job.
///
/// # Errors
/// When the move is not legal, or the database fails.
pub fn end(
    db: &mut Db,
    job: &Job,
    state: JobState,
    skip: Option<&SkipReason>,
    outcome: Outcome,
    message: &str,
    now: Time,
) -> Result<()> {
    moved(db, job, state)?;
    diesel::update(jobs::table.find(job.id))
        .set((
            jobs::state.eq(Word(state)),
            jobs::skip.eq(skip.map(Json::of).transpose()?),
            jobs::fence.eq(jobs::fence + 1),
            jobs::outcome.eq(Some(Word(outcome))),
            jobs::message.eq(Some(text(message))),
            jobs::finished_at.eq(Some(now)),
            jobs::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Brings the row in line with the domain's legal moves, whoever asks.
fn moved(db: &mut Db, job: &Job, next: JobState) -> Result<()> {
    let Word(state): Word<JobState> = jobs::table.find(job.id).select(jobs::state).first(db)?;
    if !state.may_become(next) {
        bail!(
            "job {} is {} and cannot become {}",
            *job.id,
            state.as_str(),
            next.as_str()
        );
    }
    Ok(())
}

/// Writes down the branch that was granted, and the incident and generation that it is for.
///
/// # Errors
/// When the database fails.
pub fn granted(db: &mut Db, job: Id, incident: Id, generation: i64, branch: &str, now: Time) -> QueryResult<()> {
    diesel::update(jobs::table.find(job))
        .set((
            jobs::incident_id.eq(incident),
            jobs::generation.eq(generation),
            jobs::branch.eq(Some(branch)),
            jobs::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// What the API asks for.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Only jobs in this state.
    pub state: Option<JobState>,
    /// Only this repository's.
    pub repo: Option<String>,
    /// Only jobs older than this one.
    pub before: Option<Id>,
    /// At most so many.
    pub limit: i64,
}

/// One page of jobs, newest first.
///
/// # Errors
/// When the database fails.
pub fn page(db: &mut Db, page: &Page) -> QueryResult<Vec<Job>> {
    let mut query = jobs::table
        .order(jobs::id.desc())
        .limit(page.limit)
        .into_boxed::<super::types::MultiBackend>();
    if let Some(state) = page.state {
        query = query.filter(jobs::state.eq(Word(state)));
    }
    if let Some(repo) = &page.repo {
        query = query.filter(jobs::repo.eq(repo.clone()));
    }
    if let Some(before) = page.before {
        query = query.filter(jobs::id.lt(before));
    }
    query.load(db)
}

/// How long the oldest job that is due has been so, by kind and state, for the metric. A job that runs is due since before.
///
/// # Errors
/// When the database fails.
pub fn oldest_due(db: &mut Db, now: Time) -> QueryResult<Vec<(JobKind, JobState, Duration)>> {
    let rows: Vec<(Word<JobKind>, Word<JobState>, Option<Time>)> = jobs::table
        .filter(jobs::state.eq_any([Word(JobState::Queued), Word(JobState::Running)]))
        .filter(jobs::not_before.le(now))
        .group_by((jobs::kind, jobs::state))
        .select((jobs::kind, jobs::state, diesel::dsl::min(jobs::not_before)))
        .load(db)?;
    let age = |due: Option<Time>| (now - due?).to_std().ok();
    Ok(rows
        .into_iter()
        .filter_map(|(Word(kind), Word(state), due)| Some((kind, state, age(due)?)))
        .collect())
}

/// Whether a job waits or runs.
///
/// # Errors
/// When the database fails.
pub fn any_active(db: &mut Db) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        jobs::table.filter(jobs::state.eq_any([Word(JobState::Queued), Word(JobState::Running)])),
    ))
    .get_result(db)
}
