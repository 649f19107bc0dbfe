//! Incidents: one problem each, by fingerprint; a second one with the same cause is merged into the first.

use super::each;
use super::schema::incidents;
use super::types::{Db, Id, Json, Time, Word, Words, text, words};
use anyhow::{Result, bail};
use diesel::prelude::*;
use domain::diagnosis::Diagnosis;
use domain::fingerprint::Fingerprint;
use domain::incident::{IncidentKey, Trigger};
use domain::repo::RepoName;

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has settled it.
    Open,
    /// A person merged a fix for it.
    Resolved,
    /// It has the same cause as another one, which stands for both.
    Merged,
}

impl State {
    /// The word in the table and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Merged => "merged",
        }
    }
}
words! { State: [State::Open, State::Resolved, State::Merged] }

/// A row, in column order.
#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = incidents)]
pub struct Incident {
    /// Ours.
    pub id: Id,
    /// The repository.
    pub repo: String,
    /// `ci` or `sentry`.
    pub what: String,
    /// What the first signal was known by.
    pub key_body: Json,
    /// Its fingerprint.
    pub key_fingerprint: String,
    /// The cause's fingerprint, once an attempt has diagnosed it.
    pub fingerprint: Option<String>,
    /// What failed, once an attempt has diagnosed it.
    pub diagnosis: Option<Json>,
    /// Counts the pull requests that people have settled, from 1.
    pub generation: i64,
    /// The incident that stands for this one.
    pub merged_into: Option<Id>,
    /// Where it stands.
    pub state: Word<State>,
    /// One line.
    pub title: String,
    /// Where people look at it.
    pub url: Option<String>,
    /// First signal.
    pub first_seen: Time,
    /// Newest signal.
    pub last_seen: Time,
    /// Signals so far.
    pub seen: i64,
}

impl Incident {
    /// The name of the problem in branch names: the cause's, or the signal's while there is no diagnosis.
    #[must_use]
    pub fn best_fingerprint(&self) -> &str {
        self.fingerprint.as_deref().unwrap_or(&self.key_fingerprint)
    }
}

/// An incident by its id.
///
/// # Errors
/// When there is none, or the database fails.
pub fn get(db: &mut Db, id: Id) -> QueryResult<Incident> {
    incidents::table.find(id).first(db)
}

/// The incident that stands for `id`: itself, or what it was merged into.
///
/// # Errors
/// When there is none, or the database fails.
pub fn standing_for(db: &mut Db, id: Id) -> Result<Incident> {
    let mut incident = get(db, id)?;
    // Chains are short: merging always points at the incident that stands for the other.
    for _ in 0..16 {
        match incident.merged_into {
            Some(next) => incident = get(db, next)?,
            None => return Ok(incident),
        }
    }
    bail!("incident {} is merged into itself", *id)
}

/// Finds the incident that a signal belongs to, or opens one; counts the signal. Returns the one that stands for it.
///
/// # Errors
/// When the database fails.
pub fn sight(db: &mut Db, key: &IncidentKey, repo: &RepoName, trigger: &Trigger, now: Time) -> Result<Incident> {
    let fingerprint = key.fingerprint();
    let new = Incident {
        id: Id::new(),
        repo: repo.as_str().to_owned(),
        what: key.what().to_owned(),
        key_body: Json::of(key)?,
        key_fingerprint: fingerprint.as_str().to_owned(),
        fingerprint: None,
        diagnosis: None,
        generation: 1,
        merged_into: None,
        state: Word(State::Open),
        title: text(&trigger.title()),
        url: trigger.url().map(text),
        first_seen: now,
        last_seen: now,
        seen: 0,
    };
    let insert = diesel::insert_into(incidents::table)
        .values(&new)
        .on_conflict(incidents::key_fingerprint)
        .do_nothing();
    each!(db, c => insert.execute(c))?;
    let known: Id = incidents::table
        .filter(incidents::key_fingerprint.eq(fingerprint.as_str()))
        .select(incidents::id)
        .first(db)?;
    let incident = standing_for(db, known)?;
    // The update holds the row until the transaction ends: signals of one incident are judged one after the other.
    diesel::update(incidents::table.find(incident.id))
        .set((incidents::last_seen.eq(now), incidents::seen.eq(incidents::seen + 1)))
        .returning(incidents::all_columns)
        .get_result(db)
        .map_err(Into::into)
}

/// The incident that is bound to a cause and stands for it.
///
/// # Errors
/// When the database fails.
pub fn with_cause(db: &mut Db, repo: &str, cause: &Fingerprint) -> QueryResult<Option<Incident>> {
    incidents::table
        .filter(incidents::repo.eq(repo))
        .filter(incidents::fingerprint.eq(cause.as_str()))
        .filter(incidents::merged_into.is_null())
        .first(db)
        .optional()
}

/// Binds an incident to the cause that a diagnosis names.
///
/// # Errors
/// When another incident holds the cause (the unique index), or the database fails.
pub fn bind(db: &mut Db, id: Id, cause: &Fingerprint, diagnosis: &Diagnosis) -> Result<()> {
    diesel::update(incidents::table.find(id))
        .set((
            incidents::fingerprint.eq(cause.as_str()),
            incidents::diagnosis.eq(Json::of(diagnosis)?),
        ))
        .execute(db)?;
    Ok(())
}

/// Lets `other` stand for `id`, and for all that was merged into `id` before.
///
/// # Errors
/// When the database fails.
pub fn merge(db: &mut Db, id: Id, other: Id) -> QueryResult<()> {
    diesel::update(incidents::table.filter(incidents::id.eq(id).or(incidents::merged_into.eq(id))))
        .set((
            incidents::merged_into.eq(other),
            incidents::state.eq(Word(State::Merged)),
        ))
        .execute(db)?;
    Ok(())
}

/// Opens an incident again: its problem is being dealt with.
///
/// # Errors
/// When the database fails.
pub fn reopen(db: &mut Db, id: Id) -> QueryResult<()> {
    diesel::update(incidents::table.find(id).filter(incidents::merged_into.is_null()))
        .set(incidents::state.eq(Word(State::Open)))
        .execute(db)?;
    Ok(())
}

/// A person has settled the pull request of `generation`: a recurrence is the next one. Never goes back.
///
/// # Errors
/// When the database fails.
pub fn settle(db: &mut Db, id: Id, generation: i64, resolved: bool) -> QueryResult<()> {
    diesel::update(incidents::table.find(id).filter(incidents::generation.le(generation)))
        .set(incidents::generation.eq(generation + 1))
        .execute(db)?;
    if resolved {
        diesel::update(incidents::table.find(id).filter(incidents::state.eq(Word(State::Open))))
            .set(incidents::state.eq(Word(State::Resolved)))
            .execute(db)?;
    }
    Ok(())
}
