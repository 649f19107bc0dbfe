//! Notices: what people were told, one row per channel; the same occasion is told once.

use super::each;
use super::schema::notices;
use super::types::{Db, Id, Json, Time, text};
use anyhow::Result;
use diesel::prelude::*;
use domain::notice::Notice;

/// A row, in column order.
#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = notices)]
pub struct Told {
    /// The notice.
    pub id: Id,
    /// The channel.
    pub channel: String,
    /// The job that it is about.
    pub job_id: Id,
    /// What brought it about, so that a repeated report tells nobody twice.
    pub occasion: String,
    /// What is said.
    pub content: Json,
    /// When it was raised.
    pub raised_at: Time,
    /// When the channel took it.
    pub delivered_at: Option<Time>,
    /// The channel's own id of the message.
    pub external_id: Option<String>,
}

/// Keeps a notice for a channel. False when the occasion was told there before.
///
/// # Errors
/// When the database fails.
pub fn raise(db: &mut Db, notice: &Notice, channel: &str, occasion: &str, now: Time) -> Result<bool> {
    let row = Told {
        id: notice.id.into(),
        channel: channel.to_owned(),
        job_id: notice.job.into(),
        occasion: occasion.to_owned(),
        content: Json::of(&notice.content)?,
        raised_at: now,
        delivered_at: None,
        external_id: None,
    };
    let insert = diesel::insert_into(notices::table)
        .values(&row)
        .on_conflict_do_nothing();
    Ok(each!(db, c => insert.execute(c))? == 1)
}

/// Notes that a channel took a notice; the first time counts.
///
/// # Errors
/// When the database fails.
pub fn delivered(db: &mut Db, id: Id, channel: &str, external_id: Option<&str>, at: Time) -> QueryResult<()> {
    diesel::update(
        notices::table
            .find((id, channel))
            .filter(notices::delivered_at.is_null()),
    )
    .set((
        notices::delivered_at.eq(Some(at)),
        notices::external_id.eq(external_id.map(text)),
    ))
    .execute(db)
    .map(|_| ())
}

/// What was said about a job, oldest first.
///
/// # Errors
/// When the database fails.
pub fn of_job(db: &mut Db, job: Id) -> QueryResult<Vec<Told>> {
    notices::table
        .filter(notices::job_id.eq(job))
        .order((notices::raised_at, notices::channel))
        .load(db)
}
