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
    /// When it was first heard in it.
    pub entered_at: Time,
    /// How long it took, once reported.
    pub wall_ms: Option<i64>,
}

/// Notes that an attempt is in a stage; the first time counts.
///
/// # Errors
/// When the database fails.
pub fn enter(db: &mut Db, attempt: Id, fence: i64, stage: Stage, now: Time) -> QueryResult<()> {
    let row = Entered {
        attempt_id: attempt,
        fence,
        stage: Word(stage),
        entered_at: now,
        wall_ms: None,
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
        enter(db, attempt, fence, time.stage, now)?;
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
    stages::table
        .filter(stages::attempt_id.eq_any(attempts.to_vec()))
        .order((stages::attempt_id, stages::fence, stages::entered_at))
        .load(db)
}
