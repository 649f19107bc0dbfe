//! Branch heads: the newest commit of each branch, as far as deliveries have told.

use super::each;
use super::schema::branch_heads;
use super::types::{Db, Time};
use crate::plan::head::Head;
use diesel::prelude::*;
use diesel::upsert::excluded;

/// The newest known head of a branch.
///
/// # Errors
/// When the database fails.
pub fn find(db: &mut Db, repo: &str, branch: &str) -> QueryResult<Option<Head>> {
    let row: Option<(String, Option<i64>, Time, Option<String>)> = branch_heads::table
        .find((repo, branch))
        .select((
            branch_heads::head_sha,
            branch_heads::run_id,
            branch_heads::seen_at,
            branch_heads::replaced_sha,
        ))
        .first(db)
        .optional()?;
    Ok(row.map(|(sha, run_id, seen_at, replaced)| Head {
        sha,
        run_id,
        seen_at: seen_at.into(),
        replaced,
    }))
}

/// Keeps the newest head.
///
/// # Errors
/// When the database fails.
pub fn keep(db: &mut Db, repo: &str, branch: &str, head: &Head) -> QueryResult<()> {
    let row = (
        branch_heads::repo.eq(repo),
        branch_heads::branch.eq(branch),
        branch_heads::head_sha.eq(head.sha.as_str()),
        branch_heads::run_id.eq(head.run_id),
        branch_heads::seen_at.eq(Time::from(head.seen_at)),
        branch_heads::replaced_sha.eq(head.replaced.as_deref()),
    );
    let upsert = diesel::insert_into(branch_heads::table)
        .values(row)
        .on_conflict((branch_heads::repo, branch_heads::branch))
        .do_update()
        .set((
            branch_heads::head_sha.eq(excluded(branch_heads::head_sha)),
            branch_heads::run_id.eq(excluded(branch_heads::run_id)),
            branch_heads::seen_at.eq(excluded(branch_heads::seen_at)),
            branch_heads::replaced_sha.eq(excluded(branch_heads::replaced_sha)),
        ));
    each!(db, c => upsert.execute(c)).map(|_| ())
}

/// The branch is gone.
///
/// # Errors
/// When the database fails.
pub fn forget(db: &mut Db, repo: &str, branch: &str) -> QueryResult<()> {
    diesel::delete(branch_heads::table.find((repo, branch)))
        .execute(db)
        .map(|_| ())
}
