//! The outbox's rows: messages that were committed together with what they tell of, until somebody else keeps them.

use super::schema::outbox;
use super::types::{Db, Id, Time};
use diesel::prelude::*;

/// A row, in column order.
#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = outbox)]
pub struct Parcel {
    /// Ours; the order in the lane.
    pub id: Id,
    /// The destination; lanes do not wait for each other.
    pub lane: String,
    /// What it is about, where somebody asks whether it is still here.
    pub subject: Option<Id>,
    /// The envelope.
    pub envelope: Vec<u8>,
    /// When it was committed.
    pub created_at: Time,
    /// How often it was published in vain.
    pub tries: i64,
    /// Not before.
    pub next_try: Time,
}

/// Puts a message into a lane, in the transaction that makes it true.
///
/// # Errors
/// When the database fails.
pub fn put(db: &mut Db, lane: &str, subject: Option<Id>, envelope: Vec<u8>, now: Time) -> QueryResult<()> {
    let parcel = Parcel {
        id: Id::new(),
        lane: lane.to_owned(),
        subject,
        envelope,
        created_at: now,
        tries: 0,
        next_try: now,
    };
    diesel::insert_into(outbox::table)
        .values(&parcel)
        .execute(db)
        .map(|_| ())
}

/// The lanes that hold something.
///
/// # Errors
/// When the database fails.
pub fn lanes(db: &mut Db) -> QueryResult<Vec<String>> {
    outbox::table.select(outbox::lane).distinct().load(db)
}

/// The oldest parcels of a lane that are due and not in `out` already.
///
/// # Errors
/// When the database fails.
pub fn due(db: &mut Db, lane: &str, out: &[Id], now: Time, limit: i64) -> QueryResult<Vec<Parcel>> {
    outbox::table
        .filter(outbox::lane.eq(lane))
        .filter(outbox::id.ne_all(out.to_vec()))
        .filter(outbox::next_try.le(now))
        .order(outbox::id)
        .limit(limit)
        .load(db)
}

/// Somebody else keeps the message now.
///
/// # Errors
/// When the database fails.
pub fn settle(db: &mut Db, id: Id) -> QueryResult<()> {
    diesel::delete(outbox::table.find(id)).execute(db).map(|_| ())
}

/// It could not be handed over; again at `next_try`.
///
/// # Errors
/// When the database fails.
pub fn postpone(db: &mut Db, id: Id, next_try: Time) -> QueryResult<()> {
    diesel::update(outbox::table.find(id))
        .set((outbox::tries.eq(outbox::tries + 1), outbox::next_try.eq(next_try)))
        .execute(db)
        .map(|_| ())
}

/// How many wait.
///
/// # Errors
/// When the database fails.
pub fn depth(db: &mut Db) -> QueryResult<i64> {
    outbox::table.count().get_result(db)
}
