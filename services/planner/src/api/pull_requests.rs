//! `/api/v1/pull-requests`: what Fixpoint opened and what became of it, newest first.

use super::State;
use super::error::{ApiError, id, limit, word};
use super::job_view::pull_request;
use super::page;
use crate::store::pull_requests::{self, Page};
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
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

/// `GET /api/v1/pull-requests?state=&repo=&before=&limit=`: `{pull_requests: [...], next: id or null}`.
pub(super) async fn list(
    state: Data<State>,
    asked: Result<Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let asked = page::asked(asked)?;
    let wanted = Page {
        state: word("state", asked.state.as_deref())?,
        repo: asked.repo,
        before: id("before", asked.before.as_deref())?,
        limit: limit(asked.limit.as_deref())?,
    };
    let most = wanted.limit;
    let rows = state
        .flow
        .store
        .tx(move |db, _| Ok(pull_requests::page(db, &wanted)?))
        .await?;
    let next = page::next(&rows, most, |row| row.id);
    let items: Vec<Value> = rows.iter().map(pull_request).collect();
    Ok(HttpResponse::Ok().json(page::body("pull_requests", items, next.as_deref())))
}
