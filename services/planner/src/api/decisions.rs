//! `/api/v1/decisions`: why not. Every signal that led to no attempt, newest first.

use super::State;
use super::error::{ApiError, id, limit};
use super::job_view::reason;
use super::page;
use crate::store::decisions::{self, Page};
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    code: Option<String>,
    repo: Option<String>,
    incident: Option<String>,
    job: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/decisions?code=&repo=&incident=&job=&before=&limit=`: `{decisions: [...], next: id or null}`.
pub(super) async fn list(
    state: Data<State>,
    asked: Result<Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let asked = page::asked(asked)?;
    let wanted = Page {
        code: asked.code,
        repo: asked.repo,
        incident: id("incident", asked.incident.as_deref())?,
        job: id("job", asked.job.as_deref())?,
        before: id("before", asked.before.as_deref())?,
        limit: limit(asked.limit.as_deref())?,
    };
    let most = wanted.limit;
    let rows = state
        .flow
        .store
        .tx(move |db, _| Ok(decisions::page(db, &wanted)?))
        .await?;
    let next = page::next(&rows, most, |row| row.id);
    let items: Vec<Value> = rows.iter().map(reason).collect();
    Ok(HttpResponse::Ok().json(page::body("decisions", items, next.as_deref())))
}
