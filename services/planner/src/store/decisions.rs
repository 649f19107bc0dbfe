//! Decisions: why not. One row for every signal that led to no attempt, and for every attempt refused its pull request.

use super::schema::decisions;
use super::types::{Db, Id, Json, Time, text};
use anyhow::Result;
use diesel::prelude::*;
use domain::job::SkipReason;

/// A row, in column order.
#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = decisions)]
pub struct WhyNot {
    /// Ours.
    pub id: Id,
    /// The delivery, where one asked.
    pub delivery_id: Option<Id>,
    /// The incident, where it was known.
    pub incident_id: Option<Id>,
    /// The job, where one was refused.
    pub job_id: Option<Id>,
    /// The repository, where it was known.
    pub repo: Option<String>,
    /// The rule.
    pub code: String,
    /// The typed reason.
    pub reason: Json,
    /// What was seen, in words.
    pub observed: String,
    /// What would have changed the answer, in words.
    pub would_change: String,
    /// When.
    pub decided_at: Time,
}

/// Who was refused.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The delivery, where one asked.
    pub delivery: Option<Id>,
    /// The incident, where it is known.
    pub incident: Option<Id>,
    /// The job, where there is one.
    pub job: Option<Id>,
    /// The repository, where it is known.
    pub repo: Option<String>,
}

/// Writes down why not.
///
/// # Errors
/// When the database fails.
pub fn explain(db: &mut Db, about: About, reason: &SkipReason, now: Time) -> Result<()> {
    let row = WhyNot {
        id: Id::new(),
        delivery_id: about.delivery,
        incident_id: about.incident,
        job_id: about.job,
        repo: about.repo,
        code: reason.code().to_owned(),
        reason: Json::of(reason)?,
        observed: text(&reason.observed()),
        would_change: text(&reason.would_change()),
        decided_at: now,
    };
    diesel::insert_into(decisions::table).values(&row).execute(db)?;
    Ok(())
}

/// What the API asks for.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Only this rule.
    pub code: Option<String>,
    /// Only this repository.
    pub repo: Option<String>,
    /// Only this incident.
    pub incident: Option<Id>,
    /// Only this job.
    pub job: Option<Id>,
    /// Only rows older than this one.
    pub before: Option<Id>,
    /// At most so many.
    pub limit: i64,
}

/// One page of reasons, newest first.
///
/// # Errors
/// When the database fails.
pub fn page(db: &mut Db, page: &Page) -> QueryResult<Vec<WhyNot>> {
    let mut query = decisions::table
        .order(decisions::id.desc())
        .limit(page.limit)
        .into_boxed::<super::types::MultiBackend>();
    if let Some(code) = &page.code {
        query = query.filter(decisions::code.eq(code.clone()));
    }
    if let Some(repo) = &page.repo {
        query = query.filter(decisions::repo.eq(repo.clone()));
    }
    if let Some(incident) = page.incident {
        query = query.filter(decisions::incident_id.eq(incident));
    }
    if let Some(job) = page.job {
        query = query.filter(decisions::job_id.eq(job));
    }
    if let Some(before) = page.before {
        query = query.filter(decisions::id.lt(before));
    }
    query.load(db)
}
