//! `/api/v1/flaky-tests`: tests that gave both answers on the same code, and how often they failed.

use super::State;
use super::error::{ApiError, id, limit};
use super::job_view::at;
use super::page;
use crate::store::flaky_tests::{self, Flake, Page};
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    repo: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/flaky-tests?repo=&before=&limit=`: `{flaky_tests: [...], next: id or null}`.
pub(super) async fn list(
    state: Data<State>,
    asked: Result<Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let asked = page::asked(asked)?;
    let wanted = Page {
        repo: asked.repo,
        before: id("before", asked.before.as_deref())?,
        limit: limit(asked.limit.as_deref())?,
    };
    let most = wanted.limit;
    let rows = state
        .flow
        .store
        .tx(move |db, _| Ok(flaky_tests::page(db, &wanted)?))
        .await?;
    let next = page::next(&rows, most, |row| row.id);
    let items: Vec<Value> = rows.iter().map(item).collect();
    Ok(HttpResponse::Ok().json(page::body("flaky_tests", items, next.as_deref())))
}

fn item(row: &Flake) -> Value {
    json!({
        "id": *row.id,
        "repo": row.repo,
        "test": row.test,
        "failed": row.failed,
        "runs": row.runs,
        "rate": row.rate(),
        "first_seen": at(row.first_seen),
        "last_seen": at(row.last_seen),
    })
}
