//! Attempts: one try at a job each, under a fence and a deadline. One is live per job.

use super::schema::attempts;
use super::types::Words;
use super::types::{Db, Id, Json, Time, Word, text, words};
use anyhow::Result;
use diesel::prelude::*;
use domain::attempt::{Outcome, Report, Stage};
use domain::message::AttemptProgressed;

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Published, or about to be; nobody has claimed it.
    Requested,
    /// A fixer holds its fence.
    Running,
    /// It has reported.
    Finished,
    /// It fell silent or ran out of time; its fence is dead.
    Lost,
}

impl State {
    /// The word in the table and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Lost => "lost",
        }
    }
}
words! { State: [State::Requested, State::Running, State::Finished, State::Lost] }

/// States in which an attempt can still come to something.
pub const LIVE: [Word<State>; 2] = [Word(State::Requested), Word(State::Running)];

/// A row, in column order.
#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = attempts)]
pub struct Attempt {
    /// Ours.
    pub id: Id,
    /// Its job.
    pub job_id: Id,
    /// The fence that it was requested with, then the one that it was granted.
    pub fence: i64,
    /// Which retry of the job it is, from 0.
    pub retry: i64,
    /// Where it stands.
    pub state: Word<State>,
    /// The stage that it was last heard in.
    pub stage: Option<Word<Stage>>,
    /// Percent of the whole.
    pub percent: i64,
    /// Candidates tried.
    pub candidates: i64,
    /// The newest lines for people.
    pub lines: Option<Json>,
    /// The process that claimed it.
    pub worker: Option<String>,
    /// When it is given up.
    pub deadline: Time,
    /// When it was published.
    pub requested_at: Time,
    /// When it was last claimed.
    pub claimed_at: Option<Time>,
    /// When it was last heard of.
    pub heartbeat_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// How it ended.
    pub outcome: Option<Word<Outcome>>,
    /// Its report.
    pub report: Option<Json>,
    /// When the newest message that is noted here was said, by the clock of whoever holds the fence.
    pub said_at: Option<Time>,
}

/// Makes an attempt of a job.
///
/// # Errors
/// A unique violation when the job has a live one; or when the database fails.
pub fn open(db: &mut Db, job: Id, fence: i64, retry: i64, deadline: Time, now: Time) -> QueryResult<Attempt> {
    let attempt = Attempt {
        id: Id::new(),
        job_id: job,
        fence,
        retry,
        state: Word(State::Requested),
        stage: None,
        percent: 0,
        candidates: 0,
        lines: None,
        worker: None,
        deadline,
        requested_at: now,
        claimed_at: None,
        heartbeat_at: None,
        finished_at: None,
        outcome: None,
        report: None,
        said_at: None,
    };
    diesel::insert_into(attempts::table).values(&attempt).execute(db)?;
    Ok(attempt)
}

/// An attempt by its id.
///
/// # Errors
/// When the database fails.
pub fn find(db: &mut Db, id: Id) -> QueryResult<Option<Attempt>> {
    attempts::table.find(id).first(db).optional()
}

/// All attempts of a job, oldest first.
///
/// # Errors
/// When the database fails.
pub fn of_job(db: &mut Db, job: Id) -> QueryResult<Vec<Attempt>> {
    attempts::table
        .filter(attempts::job_id.eq(job))
        .order(attempts::id)
        .load(db)
}

/// Gives a live attempt to a worker under a new fence. False when it was not live any more.
///
/// # Errors
/// When the database fails.
pub fn claim(db: &mut Db, id: Id, fence: i64, worker: &str, now: Time) -> QueryResult<bool> {
    diesel::update(attempts::table.find(id).filter(attempts::state.eq_any(LIVE)))
        .set((
            attempts::state.eq(Word(State::Running)),
            attempts::fence.eq(fence),
            attempts::worker.eq(Some(text(worker))),
            attempts::stage.eq(Some(Word(Stage::Claim))),
            attempts::percent.eq(0),
            attempts::claimed_at.eq(Some(now)),
            attempts::heartbeat_at.eq(Some(now)),
            // Another fixer has another clock.
            attempts::said_at.eq(None::<Time>),
        ))
        .execute(db)
        .map(|rows| rows == 1)
}

/// Notes how far an attempt is. False when its fence is old: it is not listened to. Messages overtake each other on their
/// way, so one that was said before what is known is only a sign of life.
///
/// # Errors
/// When the database fails.
pub fn progress(db: &mut Db, said: &AttemptProgressed, now: Time) -> Result<bool> {
    let alive = attempts::table
        .find(Id::from(said.attempt))
        .filter(attempts::fence.eq(said.fence.0))
        .filter(attempts::state.eq(Word(State::Running)));
    // The row is held from here on, so that the messages of one attempt are noted one after the other.
    let known: Option<(Option<Time>, i64)> = diesel::update(alive)
        .set(attempts::heartbeat_at.eq(Some(now)))
        .returning((attempts::said_at, attempts::percent))
        .get_result(db)
        .optional()?;
    let Some((said_at, percent)) = known else {
        return Ok(false);
    };
    // What was said within one tick of the clock was said on the way forward.
    if said_at.is_some_and(|known| (known, percent) > (Time::from(said.at), percent_of(said))) {
        return Ok(true);
    }
    let row = attempts::table.find(Id::from(said.attempt));
    let lines = if said.lines.is_empty() {
        None
    } else {
        Some(Json::of(&said.lines)?)
    };
    // `None` leaves the lines as they are.
    match lines {
        Some(lines) => diesel::update(row)
            .set((heard(said), attempts::lines.eq(Some(lines))))
            .execute(db)?,
        None => diesel::update(row).set(heard(said)).execute(db)?,
    };
    Ok(true)
}

type Heard = (
    diesel::dsl::Eq<attempts::stage, Option<Word<Stage>>>,
    diesel::dsl::Eq<attempts::percent, i64>,
    diesel::dsl::Eq<attempts::candidates, i64>,
    diesel::dsl::Eq<attempts::said_at, Option<Time>>,
);

fn heard(said: &AttemptProgressed) -> Heard {
    (
        attempts::stage.eq(Some(Word(said.stage))),
        attempts::percent.eq(percent_of(said)),
        attempts::candidates.eq(i64::try_from(said.candidates_tried).unwrap_or(i64::MAX)),
        attempts::said_at.eq(Some(Time::from(said.at))),
    )
}

fn percent_of(said: &AttemptProgressed) -> i64 {
    i64::from(said.percent.min(100))
}

/// Notes how an attempt ended, under the fence that it was granted. False when it was not running under that fence.
///
/// # Errors
/// When the database fails.
pub fn finish(db: &mut Db, id: Id, fence: i64, report: &Report, now: Time) -> Result<bool> {
    let rows = diesel::update(
        attempts::table
            .find(id)
            .filter(attempts::fence.eq(fence))
            .filter(attempts::state.eq(Word(State::Running))),
    )
    .set((
        attempts::state.eq(Word(State::Finished)),
        attempts::outcome.eq(Some(Word(report.outcome))),
        attempts::candidates.eq(i64::try_from(report.candidates_tried).unwrap_or(i64::MAX)),
        attempts::percent.eq(100),
        attempts::finished_at.eq(Some(now)),
        attempts::report.eq(Some(Json::of(report)?)),
    ))
    .execute(db)?;
    Ok(rows == 1)
}

/// Gives an attempt up. False when it was not live any more.
///
/// # Errors
/// When the database fails.
pub fn lose(db: &mut Db, id: Id, now: Time) -> QueryResult<bool> {
    diesel::update(attempts::table.find(id).filter(attempts::state.eq_any(LIVE)))
        .set((
            attempts::state.eq(Word(State::Lost)),
            attempts::finished_at.eq(Some(now)),
        ))
        .execute(db)
        .map(|rows| rows == 1)
}

/// Running attempts that were not heard of since `silent_since`, or whose deadline has passed.
///
/// # Errors
/// When the database fails.
pub fn given_up(db: &mut Db, silent_since: Time, now: Time, limit: i64) -> QueryResult<Vec<Attempt>> {
    let mut found: Vec<Attempt> = attempts::table
        .filter(attempts::state.eq(Word(State::Running)))
        .filter(attempts::deadline.le(now))
        .order(attempts::deadline)
        .limit(limit)
        .load(db)?;
    let silent: Vec<Attempt> = attempts::table
        .filter(attempts::state.eq(Word(State::Running)))
        .filter(attempts::heartbeat_at.le(silent_since))
        .order(attempts::heartbeat_at)
        .limit(limit)
        .load(db)?;
    for attempt in silent {
        if found.iter().all(|known| known.id != attempt.id) {
            found.push(attempt);
        }
    }
    Ok(found)
}

/// Attempts that nobody claimed before their deadline, and whose message is no longer ours to deliver.
///
/// # Errors
/// When the database fails.
pub fn unclaimed(db: &mut Db, now: Time, limit: i64) -> QueryResult<Vec<Attempt>> {
    use super::schema::outbox;
    let waiting = outbox::table.filter(outbox::subject.eq(attempts::id.nullable()));
    attempts::table
        .filter(attempts::state.eq(Word(State::Requested)))
        .filter(attempts::deadline.le(now))
        .filter(diesel::dsl::not(diesel::dsl::exists(waiting)))
        .order(attempts::deadline)
        .limit(limit)
        .load(db)
}
