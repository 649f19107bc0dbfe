//! Stages: when an attempt entered which, and how long it took.

use super::each;
use super::schema::stages;
use super::types::{Db, Id, Time, Word};
use diesel::prelude::*;
use domain::attempt::{Stage, StageTime};

/// A row, in column order.
#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = stages)]
pub struct Entered {
    /// The attempt.
    pub attempt_id: Id,
    /// The fence under which it ran.
    pub fence: i64,
    /// Which stage.
    pub stage: Word<Stage>,
    /// When it was first heard in it, or in a later one.
    pub entered_at: Time,
    /// How long it took, once reported.
    pub wall_ms: Option<i64>,
    /// When it was first said, by the clock of whoever holds the fence; what the planner knows by itself nobody has said.
    pub said_at: Option<Time>,
}

impl Entered {
    /// Whether it comes after another stage of the same attempt and fence. What was said within one tick of a clock, and what
    /// nobody has said, comes in the order of the stages.
    fn is_after(&self, stage: Stage, said_at: Option<Time>) -> bool {
        match (self.said_at, said_at) {
            (Some(ours), Some(theirs)) if ours != theirs => ours > theirs,
            _ => self.stage.0 > stage,
        }
    }
}

/// Notes that an attempt is in a stage; the first time counts. Messages overtake each other on their way: one that comes late
/// was true no later than what was said after it.
///
/// # Errors
/// When the database fails.
pub fn enter(db: &mut Db, attempt: Id, fence: i64, stage: Stage, said_at: Option<Time>, now: Time) -> QueryResult<()> {
    let known: Vec<Entered> = stages::table
        .filter(stages::attempt_id.eq(attempt))
        .filter(stages::fence.eq(fence))
        .load(db)?;
    let first = known.iter().find(|entered| entered.stage.0 == stage);
    let earlier = |first: &Entered| matches!((first.said_at, said_at), (Some(first), Some(said)) if said < first);
    if first.is_some_and(|first| !earlier(first)) {
        return Ok(());
    }
    let entered_at = known
        .iter()
        .filter(|entered| entered.stage.0 == stage || entered.is_after(stage, said_at))
        .map(|entered| entered.entered_at)
        .fold(now, std::cmp::min);
    if first.is_some() {
        diesel::update(stages::table.find((attempt, fence, Word(stage))))
            .set((stages::entered_at.eq(entered_at), stages::said_at.eq(said_at)))
            .execute(db)?;
        return Ok(());
    }
    let row = Entered {
        attempt_id: attempt,
        fence,
        stage: Word(stage),
        entered_at,
        wall_ms: None,
        said_at,
    };
    let insert = diesel::insert_into(stages::table).values(&row).on_conflict_do_nothing();
    each!(db, c => insert.execute(c)).map(|_| ())
}

/// Notes how long the stages took, by the attempt's own report.
///
/// # Errors
/// When the database fails.
pub fn took(db: &mut Db, attempt: Id, fence: i64, times: &[StageTime], now: Time) -> QueryResult<()> {
    for time in times {
        enter(db, attempt, fence, time.stage, None, now)?;
        diesel::update(stages::table.find((attempt, fence, Word(time.stage))))
            .set(stages::wall_ms.eq(Some(i64::try_from(time.wall_ms).unwrap_or(i64::MAX))))
            .execute(db)?;
    }
    Ok(())
}

/// All stages of some attempts, in the order in which they were entered.
///
/// # Errors
/// When the database fails.
pub fn of_attempts(db: &mut Db, attempts: &[Id]) -> QueryResult<Vec<Entered>> {
    let mut all: Vec<Entered> = stages::table
        .filter(stages::attempt_id.eq_any(attempts.to_vec()))
        .load(db)?;
    all.sort_by_key(|entered| {
        (
            entered.attempt_id,
            entered.fence,
            entered.entered_at,
            entered.said_at,
            entered.stage.0,
        )
    });
    Ok(all)
}
