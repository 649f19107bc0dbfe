//! `/api/v1/jobs`: jobs, newest first, and one job with everything that is known of it.

use super::State;
use super::error::{ApiError, id, limit, word};
use super::job_view::{detail, item};
use super::page;
use crate::store::types::Id;
use crate::store::{attempts, decisions, incidents, jobs, notices, pull_requests, stages};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    state: Option<String>,
    repo: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/jobs?state=&repo=&before=&limit=`: `{jobs: [...], next: id or null}`; `next` is the `before` of the next page.
pub(super) async fn list(
    state: Data<State>,
    asked: Result<Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let asked = page::asked(asked)?;
    let wanted = jobs::Page {
        state: word("state", asked.state.as_deref())?,
        repo: asked.repo,
        before: id("before", asked.before.as_deref())?,
        limit: limit(asked.limit.as_deref())?,
    };
    let (items, next) = state
        .flow
        .store
        .tx(move |db, _| {
            let rows = jobs::page(db, &wanted)?;
            let ids: Vec<Id> = rows.iter().map(|job| job.id).collect();
            let opened = pull_requests::of_jobs(db, &ids)?;
            let next = page::next(&rows, wanted.limit, |job| job.id);
            let items = rows
                .iter()
                .map(|job| item(job, opened.iter().rfind(|row| row.job_id == job.id)))
                .collect::<Result<Vec<Value>>>()?;
            Ok((items, next))
        })
        .await?;
    Ok(HttpResponse::Ok().json(page::body("jobs", items, next.as_deref())))
}

/// `GET /api/v1/jobs/{id}`: a job with its incident, attempts, stages, evidence, objections, notices, reasons and pull request.
pub(super) async fn one(state: Data<State>, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let text = path.into_inner();
    let Some(wanted) = id("id", Some(&text))? else {
        return Err(ApiError::Missing("no job".into()));
    };
    let found = state
        .flow
        .store
        .tx(move |db, _| {
            let Some(job) = jobs::find(db, wanted)? else {
                return Ok(None);
            };
            let tried = attempts::of_job(db, job.id)?;
            let ids: Vec<Id> = tried.iter().map(|attempt| attempt.id).collect();
            let entered = stages::of_attempts(db, &ids)?;
            let opened = pull_requests::of_jobs(db, &[job.id])?;
            let reasons = decisions::page(
                db,
                &decisions::Page {
                    job: Some(job.id),
                    limit: 50,
                    ..decisions::Page::default()
                },
            )?;
            let told = notices::of_job(db, job.id)?;
            let incident = incidents::get(db, job.incident_id)?;
            detail(&job, &incident, &tried, &entered, opened.last(), &reasons, &told).map(Some)
        })
        .await?;
    found
        .map(|value| HttpResponse::Ok().json(value))
        .ok_or_else(|| ApiError::Missing(format!("there is no job {text}")))
}
