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

/// Lets whatever lease the attempt holds under this fence last until then; one that has ended and that nobody else has taken
/// is taken again.
///
/// # Errors
/// When the database fails.
pub fn renew(db: &mut Db, attempt: Id, fence: i64, expires_at: Time) -> QueryResult<()> {
    diesel::update(
        publish_leases::table
            .filter(publish_leases::attempt_id.eq(attempt))
            .filter(publish_leases::fence.eq(fence))
            .filter(publish_leases::repo.not_like("%*")),
    )
    .set(publish_leases::expires_at.eq(expires_at))
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

/// Whose calls GitHub counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// All of them: there is one token.
    Together,
    /// Those of one owner's installation of the App.
    ByOwner,
}

impl Counted {
    /// The row for a repository's limit. No repository has such a name.
    #[must_use]
    pub fn row(self, repo: &str) -> String {
        match self {
            Self::Together => "*".to_owned(),
            Self::ByOwner => format!("{}/*", repo.split('/').next().unwrap_or(repo)),
        }
    }
}

/// Notes that GitHub wants to be left alone until then, which is believed for an hour: GitHub's own windows are no longer. A
/// longer wait that is known already stays.
///
/// # Errors
/// When the database fails.
pub fn limited(db: &mut Db, row: &str, attempt: Id, fence: i64, until: Time, now: Time) -> QueryResult<()> {
    let until = until.min(now + chrono::Duration::hours(1));
    diesel::delete(
        publish_leases::table
            .find(row)
            .filter(publish_leases::expires_at.lt(until)),
    )
    .execute(db)?;
    let limit = (
        publish_leases::repo.eq(row),
        publish_leases::attempt_id.eq(attempt),
        publish_leases::fence.eq(fence),
        publish_leases::expires_at.eq(until),
    );
    let insert = diesel::insert_into(publish_leases::table)
        .values(limit)
        .on_conflict_do_nothing();
    each!(db, c => insert.execute(c)).map(|_| ())
}

/// How many seconds GitHub still wants to be left alone, if it does.
///
/// # Errors
/// When the database fails.
pub fn seconds_limited(db: &mut Db, row: &str, now: Time) -> QueryResult<Option<u64>> {
    let until: Option<Time> = publish_leases::table
        .find(row)
        .filter(publish_leases::expires_at.gt(now))
        .select(publish_leases::expires_at)
        .first(db)
        .optional()?;
    Ok(until.map(|until| u64::try_from((*until - *now).num_seconds()).unwrap_or(0).max(1)))
}
