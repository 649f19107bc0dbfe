//! `/api/sentry-fixer/process`, as documented for schedulers. Jobs are worked on without it; a call makes due jobs start at once
//! and tells what became of the oldest ones, as far as it is known within 25 seconds.

use super::State;
use super::error::ApiError;
use crate::store::jobs;
use crate::store::types::Id;
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use domain::job::JobState;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Schedulers and the proxies before us wait for 30 seconds.
const WAIT: Duration = Duration::from_secs(25);
const LOOK: Duration = Duration::from_millis(200);

#[derive(Deserialize)]
pub(super) struct Asked {
    batch: Option<String>,
}

/// `GET`: `{ok, enabled, configured: {github, slack}, hasPendingJobs}`.
pub(super) async fn status(state: Data<State>) -> Result<HttpResponse, ApiError> {
    let pending = state.flow.store.tx(|db, _| Ok(jobs::any_active(db)?)).await?;
    let facts = &state.facts;
    Ok(HttpResponse::Ok().json(json!({
        "ok": true,
        "enabled": facts.enabled,
        "configured": { "github": facts.github, "slack": facts.slack },
        "hasPendingJobs": pending,
    })))
}

/// `POST ?batch=1..5`: `{ok, processed, succeeded, failed, results: [{jobId, success}]}`. Only jobs whose attempt has ended are
/// counted as processed; one that will be retried has failed this time.
pub(super) async fn process(state: Data<State>, asked: Query<Asked>) -> Result<HttpResponse, ApiError> {
    let batch = match asked.batch.as_deref() {
        None => 1,
        Some(text) => text
            .parse::<i64>()
            .ok()
            .filter(|batch| (1..=5).contains(batch))
            .ok_or_else(|| ApiError::Bad(format!("batch is `{text}`: write a number from 1 to 5")))?,
    };
    let store = &state.flow.store;
    let began: BTreeMap<Id, i64> = store
        .tx(move |db, now| {
            Ok(jobs::pending(db, now, batch)?
                .into_iter()
                .map(|job| (job.id, job.retry))
                .collect())
        })
        .await?;
    // A tick without anybody's silence: it only requests what is due.
    state.flow.on_tick(None).await?;
    let until = Instant::now() + WAIT;
    let results = loop {
        let ids: Vec<Id> = began.keys().copied().collect();
        let now = store.tx(move |db, _| Ok(jobs::by_ids(db, &ids)?)).await?;
        let ended: Vec<(Id, bool)> = now
            .iter()
            .filter(|job| job.state.0.is_final() || began.get(&job.id).is_some_and(|retry| job.retry > *retry))
            .map(|job| (job.id, job.state.0 == JobState::Succeeded))
            .collect();
        if ended.len() == began.len() || Instant::now() >= until {
            break ended;
        }
        sleep(LOOK).await;
    };
    let succeeded = results.iter().filter(|(_, success)| *success).count();
    let listed: Vec<Value> = results
        .iter()
        .map(|(id, success)| json!({ "jobId": **id, "success": success }))
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "ok": true,
        "processed": results.len(),
        "succeeded": succeeded,
        "failed": results.len() - succeeded,
        "results": listed,
    })))
}
