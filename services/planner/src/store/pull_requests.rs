//! Pull requests that Fixpoint opened, from their opening to what people made of them. One per incident and generation.

use super::schema::pull_requests;
use super::types::{Db, Id, Json, Time, Word, text};
use anyhow::Result;
use diesel::prelude::*;
use domain::attempt::Report;
use domain::confidence::TrackRecord;
use domain::diagnosis::FailureClass;
use domain::pull_request::{OpenedPullRequest, PullRequestState};
use domain::signal::PullRequestChange;
use std::collections::{BTreeMap, BTreeSet};

/// A row, in column order.
#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = pull_requests)]
pub struct PullRequest {
    /// Ours.
    pub id: Id,
    /// The repository.
    pub repo: String,
    /// Its number there.
    pub number: i64,
    /// The job that it came of.
    pub job_id: Id,
    /// The incident that it is for.
    pub incident_id: Id,
    /// Of which generation.
    pub generation: i64,
    /// Our branch.
    pub branch: String,
    /// The branch that it would be merged into.
    pub base: String,
    /// The newest commit that we know to be ours.
    pub head_sha: String,
    /// Where it stands.
    pub state: Word<PullRequestState>,
    /// Whether it is a draft.
    pub draft: bool,
    /// Why, in words.
    pub draft_reasons: Json,
    /// Title; empty until the attempt has reported.
    pub title: String,
    /// The text under it.
    pub body: String,
    /// Where people look at it.
    pub url: String,
    /// The estimate with which it was published.
    pub confidence: Option<f64>,
    /// The engine.
    pub engine: Option<String>,
    /// The failure class.
    pub class: Option<Word<FailureClass>>,
    /// Lines added.
    pub additions: i64,
    /// Lines removed.
    pub deletions: i64,
    /// When it was opened, or first heard of.
    pub opened_at: Time,
    /// When a person merged it.
    pub merged_at: Option<Time>,
    /// When a person closed it.
    pub closed_at: Option<Time>,
    /// The sender's time of the newest change that was applied.
    pub changed_at: Option<Time>,
    /// A person has pushed to the branch: it is theirs.
    pub hands_off: bool,
    /// Who.
    pub hands_off_by: Option<String>,
}

impl PullRequest {
    /// How people find it: its address, or the number while nobody has told the address.
    #[must_use]
    pub fn address(&self) -> String {
        if self.url.is_empty() {
            format!("{}#{}", self.repo, self.number)
        } else {
            self.url.clone()
        }
    }
}

/// What a pull request is for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose {
    /// The job that it came of.
    pub job: Id,
    /// The incident.
    pub incident: Id,
    /// Its generation.
    pub generation: i64,
}

/// By repository and number.
///
/// # Errors
/// When the database fails.
pub fn by_number(db: &mut Db, repo: &str, number: u64) -> QueryResult<Option<PullRequest>> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    pull_requests::table
        .filter(pull_requests::repo.eq(repo))
        .filter(pull_requests::number.eq(number))
        .first(db)
        .optional()
}

/// The newest of a branch.
///
/// # Errors
/// When the database fails.
pub fn of_branch(db: &mut Db, repo: &str, branch: &str) -> QueryResult<Option<PullRequest>> {
    pull_requests::table
        .filter(pull_requests::repo.eq(repo))
        .filter(pull_requests::branch.eq(branch))
        .order(pull_requests::id.desc())
        .first(db)
        .optional()
}

/// The newest of an incident.
///
/// # Errors
/// When the database fails.
pub fn newest_of(db: &mut Db, incident: Id) -> QueryResult<Option<PullRequest>> {
    pull_requests::table
        .filter(pull_requests::incident_id.eq(incident))
        .order(pull_requests::generation.desc())
        .first(db)
        .optional()
}

/// The open one of an incident.
///
/// # Errors
/// When the database fails.
pub fn open_of(db: &mut Db, incident: Id) -> QueryResult<Option<PullRequest>> {
    pull_requests::table
        .filter(pull_requests::incident_id.eq(incident))
        .filter(pull_requests::state.eq(Word(PullRequestState::Open)))
        .order(pull_requests::generation.desc())
        .first(db)
        .optional()
}

/// The number of the one that an incident has for a generation.
///
/// # Errors
/// When the database fails.
pub fn of_generation(db: &mut Db, incident: Id, generation: i64) -> QueryResult<Option<i64>> {
    pull_requests::table
        .filter(pull_requests::incident_id.eq(incident))
        .filter(pull_requests::generation.eq(generation))
        .select(pull_requests::number)
        .first(db)
        .optional()
}

/// Those of some jobs.
///
/// # Errors
/// When the database fails.
pub fn of_jobs(db: &mut Db, jobs: &[Id]) -> QueryResult<Vec<PullRequest>> {
    pull_requests::table
        .filter(pull_requests::job_id.eq_any(jobs.to_vec()))
        .order(pull_requests::id)
        .load(db)
}

/// Notes a pull request on a branch of ours that a webhook told of before the attempt could.
///
/// # Errors
/// A unique violation when the generation has another one; or when the database fails.
pub fn heard_of(db: &mut Db, change: &PullRequestChange, purpose: Purpose, now: Time) -> Result<PullRequest> {
    let row = PullRequest {
        id: Id::new(),
        repo: change.repo.as_str().to_owned(),
        number: i64::try_from(change.number).unwrap_or(i64::MAX),
        job_id: purpose.job,
        incident_id: purpose.incident,
        generation: purpose.generation,
        branch: change.head_branch.as_str().to_owned(),
        base: change.base_branch.as_str().to_owned(),
        head_sha: change.head_sha.as_str().to_owned(),
        state: Word(PullRequestState::Open),
        draft: false,
        draft_reasons: Json::of(&Vec::<String>::new())?,
        title: String::new(),
        body: String::new(),
        url: String::new(),
        confidence: None,
        engine: None,
        class: None,
        additions: 0,
        deletions: 0,
        opened_at: now,
        merged_at: None,
        closed_at: None,
        changed_at: None,
        hands_off: false,
        hands_off_by: None,
    };
    diesel::insert_into(pull_requests::table).values(&row).execute(db)?;
    Ok(row)
}

/// What became of a report of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is new.
    New,
    /// It was known, and now it is complete.
    Known,
    /// The incident's generation has another one: this one should not exist.
    OneTooMany {
        /// The number of the other one.
        other: i64,
    },
}

/// Keeps what an attempt reported of the pull request that it opened or found.
///
/// # Errors
/// When the database fails.
pub fn reported(db: &mut Db, opened: &OpenedPullRequest, report: &Report, purpose: Purpose, now: Time) -> Result<Kept> {
    let known = by_number(db, opened.repo.as_str(), opened.number)?;
    if known.is_none()
        && let Some(other) = of_generation(db, purpose.incident, purpose.generation)?
    {
        return Ok(Kept::OneTooMany { other });
    }
    let told = (
        pull_requests::base.eq(opened.base.as_str()),
        pull_requests::head_sha.eq(opened.head_sha.as_str()),
        pull_requests::draft.eq(opened.draft),
        pull_requests::draft_reasons.eq(Json::of(&opened.draft_reasons)?),
        pull_requests::title.eq(text(&opened.title)),
        pull_requests::body.eq(text(&opened.body)),
        pull_requests::url.eq(text(&opened.url)),
        pull_requests::confidence.eq(report.confidence),
        pull_requests::engine.eq(report.engine.clone()),
        pull_requests::class.eq(report.diagnosis.as_ref().map(|diagnosis| Word(diagnosis.class))),
        pull_requests::additions.eq(i64::from(opened.additions)),
        pull_requests::deletions.eq(i64::from(opened.deletions)),
    );
    if let Some(known) = known {
        // A person's commit stays theirs, whatever an attempt says afterwards.
        diesel::update(pull_requests::table.find(known.id))
            .set(told)
            .execute(db)?;
        return Ok(Kept::Known);
    }
    let rest = (
        pull_requests::id.eq(Id::new()),
        pull_requests::repo.eq(opened.repo.as_str()),
        pull_requests::number.eq(i64::try_from(opened.number).unwrap_or(i64::MAX)),
        pull_requests::job_id.eq(purpose.job),
        pull_requests::incident_id.eq(purpose.incident),
        pull_requests::generation.eq(purpose.generation),
        pull_requests::branch.eq(opened.branch.as_str()),
        pull_requests::state.eq(Word(PullRequestState::Open)),
        pull_requests::opened_at.eq(now),
        pull_requests::hands_off.eq(false),
    );
    diesel::insert_into(pull_requests::table)
        .values((told, rest))
        .execute(db)?;
    Ok(Kept::New)
}

/// What a change of a pull request leaves in its row.
#[derive(AsChangeset, Clone, Debug, Default)]
#[diesel(table_name = pull_requests)]
pub struct Change {
    /// Where it stands now.
    pub state: Option<Word<PullRequestState>>,
    /// Whether it is a draft now.
    pub draft: Option<bool>,
    /// The newest commit that is ours.
    pub head_sha: Option<String>,
    /// When it was merged.
    pub merged_at: Option<Option<Time>>,
    /// When it was closed.
    pub closed_at: Option<Option<Time>>,
    /// The sender's time of the change.
    pub changed_at: Option<Option<Time>>,
    /// Whether it is a person's now.
    pub hands_off: Option<bool>,
    /// Whose.
    pub hands_off_by: Option<Option<String>>,
}

/// Applies a change.
///
/// # Errors
/// When the database fails.
pub fn change(db: &mut Db, id: Id, change: &Change) -> QueryResult<()> {
    diesel::update(pull_requests::table.find(id))
        .set(change)
        .execute(db)
        .map(|_| ())
}

/// What became of earlier pull requests, by engine, for all failure classes.
///
/// # Errors
/// When the database fails.
pub fn track_record(db: &mut Db) -> QueryResult<BTreeMap<String, TrackRecord>> {
    let settled = [Word(PullRequestState::Merged), Word(PullRequestState::Closed)];
    let rows: Vec<(Option<String>, Word<PullRequestState>, i64)> = pull_requests::table
        .filter(pull_requests::state.eq_any(settled))
        .filter(pull_requests::engine.is_not_null())
        .group_by((pull_requests::engine, pull_requests::state))
        .select((pull_requests::engine, pull_requests::state, diesel::dsl::count_star()))
        .load(db)?;
    let mut records = BTreeMap::<String, TrackRecord>::new();
    for (engine, Word(state), count) in rows {
        let record = records.entry(engine.unwrap_or_default()).or_default();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        match state {
            PullRequestState::Merged => record.merged = count,
            _ => record.rejected = count,
        }
    }
    Ok(records)
}

/// Pull requests for each generation of an incident that has one, of those that came to be since a moment; `None` where there
/// is none. A unique index keeps it at 1.
///
/// # Errors
/// When the database fails.
#[allow(clippy::cast_precision_loss, reason = "a ratio of two counts")]
pub fn per_incident(db: &mut Db, since: Time) -> QueryResult<Option<f64>> {
    let opened: Vec<(Id, i64)> = pull_requests::table
        .filter(pull_requests::id.ge(Id::first_of(since)))
        .select((pull_requests::incident_id, pull_requests::generation))
        .load(db)?;
    let generations: BTreeSet<&(Id, i64)> = opened.iter().collect();
    Ok((!opened.is_empty()).then(|| opened.len() as f64 / generations.len() as f64))
}

/// What the API asks for.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Only those in this state.
    pub state: Option<PullRequestState>,
    /// Only this repository's.
    pub repo: Option<String>,
    /// Only those older than this one.
    pub before: Option<Id>,
    /// At most so many.
    pub limit: i64,
}

/// One page of pull requests, newest first.
///
/// # Errors
/// When the database fails.
pub fn page(db: &mut Db, page: &Page) -> QueryResult<Vec<PullRequest>> {
    let mut query = pull_requests::table
        .order(pull_requests::id.desc())
        .limit(page.limit)
        .into_boxed::<super::types::MultiBackend>();
    if let Some(state) = page.state {
        query = query.filter(pull_requests::state.eq(Word(state)));
    }
    if let Some(repo) = &page.repo {
        query = query.filter(pull_requests::repo.eq(repo.clone()));
    }
    if let Some(before) = page.before {
        query = query.filter(pull_requests::id.lt(before));
    }
    query.load(db)
}
