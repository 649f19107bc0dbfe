//! Publish leases: writes to one repository are serial. A lease that is not given back ends by itself.

use super::each;
use super::schema::publish_leases;
use super::types::{Db, Id, Time};
use diesel::prelude::*;

/// Takes the lease of a repository, or takes it again. `Err(until)` when another attempt holds it.
///
/// # Errors
/// When the database fails.
pub fn take(
    db: &mut Db,
    repo: &str,
    attempt: Id,
    fence: i64,
    expires_at: Time,
    now: Time,
) -> QueryResult<Result<(), Time>> {
    let holder: Option<(Id, Time)> = publish_leases::table
        .find(repo)
        .select((publish_leases::attempt_id, publish_leases::expires_at))
        .first(db)
        .optional()?;
    if let Some((holder, until)) = holder
        && holder != attempt
        && until > now
    {
        return Ok(Err(until));
    }
    // Guarded, so that of two planners that saw it free only one gets it.
    let free = publish_leases::table.find(repo).filter(
        publish_leases::expires_at
            .le(now)
            .or(publish_leases::attempt_id.eq(attempt)),
    );
    let renewed = diesel::update(free)
        .set((
            publish_leases::attempt_id.eq(attempt),
            publish_leases::fence.eq(fence),
            publish_leases::expires_at.eq(expires_at),
        ))
        .execute(db)?;
    if renewed == 1 {
        return Ok(Ok(()));
    }
    let row = (
        publish_leases::repo.eq(repo),
        publish_leases::attempt_id.eq(attempt),
        publish_leases::fence.eq(fence),
        publish_leases::expires_at.eq(expires_at),
    );
    let insert = diesel::insert_into(publish_leases::table)
        .values(row)
        .on_conflict_do_nothing();
    Ok(if each!(db, c => insert.execute(c))? == 1 {
        Ok(())
    } else {
        Err(expires_at)
    })
}

/// Gives the lease back.
///
/// # Errors
/// When the database fails.
pub fn give_back(db: &mut Db, repo: &str, attempt: Id) -> QueryResult<()> {
    diesel::delete(
        publish_leases::table
            .find(repo)
            .filter(publish_leases::attempt_id.eq(attempt)),
    )
    .execute(db)
    .map(|_| ())
}

/// The attempt that may be writing to the repository at the moment.
///
/// # Errors
/// When the database fails.
pub fn holder(db: &mut Db, repo: &str, now: Time) -> QueryResult<Option<Id>> {
    publish_leases::table
        .find(repo)
        .filter(publish_leases::expires_at.gt(now))
        .select(publish_leases::attempt_id)
        .first(db)
        .optional()
}
