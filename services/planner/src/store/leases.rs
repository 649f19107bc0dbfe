//! Leases: which planner does what only one may do at a time. One that is not renewed ends by itself, so that a planner that is
//! killed is replaced; whoever wakes up late finds that another holds it.

use super::schema::leases;
use super::types::{Db, Id, Time};
use diesel::prelude::*;

/// Takes a lease, or renews it. False when another planner holds it.
///
/// # Errors
/// When the database fails.
pub fn hold(db: &mut Db, name: &str, holder: Id, expires_at: Time, now: Time) -> QueryResult<bool> {
    // A file has one planner, which need not write to it every moment to know that.
    let Db::Postgres(db) = db else {
        return Ok(true);
    };
    let renewed = diesel::update(
        leases::table
            .find(name)
            .filter(leases::holder.eq(holder).or(leases::expires_at.le(now))),
    )
    .set((leases::holder.eq(holder), leases::expires_at.eq(expires_at)))
    .execute(db)?;
    if renewed == 1 {
        return Ok(true);
    }
    let row = (
        leases::name.eq(name),
        leases::holder.eq(holder),
        leases::expires_at.eq(expires_at),
    );
    let inserted = diesel::insert_into(leases::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(db)?;
    Ok(inserted == 1)
}

/// Gives a lease back, so that another planner need not wait for its end.
///
/// # Errors
/// When the database fails.
pub fn give_back(db: &mut Db, name: &str, holder: Id) -> QueryResult<()> {
    diesel::delete(leases::table.find(name).filter(leases::holder.eq(holder)))
        .execute(db)
        .map(|_| ())
}
