//! All doors, on one screen.

use crate::receive::Door;
use crate::reply::{self, Refused};
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use domain::delivery::Provider;
use futures::StreamExt;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;
use telemetry::Health;
use telemetry::health::PATHS;

/// Every documented name of GitHub's door.
const GITHUB: [&str; 4] = [
    "/webhooks/github",
    "/api/webhooks/github",
    "/api/v1/webhooks/github",
    "/api/github/webhook",
];

pub(crate) fn routes(door: &Arc<Door>, config: &mut ServiceConfig) {
    // The doors carry their own state, so that several services can share one server.
    let door = || Data::from(Arc::clone(door));
    let resource = |path: &str| web::resource(path.to_owned()).app_data(door());
    config.service(
        resource("/webhooks/sentry")
            .route(web::post().to(sentry))
            .route(web::get().to(sentry_status)),
    );
    for path in GITHUB {
        config.service(resource(path).route(web::post().to(github)));
        config.service(resource(&format!("{path}/ping")).route(web::post().to(ping)));
    }
    config.service(resource("/api/webhooks/health").route(web::get().to(github_status)));
}

/// What the process says of itself, `/health/live`, `/health/ready` and `/metrics`: `App::new().configure(watched(&health))`.
pub fn watched(health: &Health) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static + use<> {
    let health = health.clone();
    move |config| {
        for path in PATHS {
            let health = health.clone();
            config.route(path, web::get().to(move || said(health.clone(), path)));
        }
    }
}

async fn said(health: Health, path: &'static str) -> HttpResponse {
    let Some(said) = health.answer(path).await else {
        return HttpResponse::NotFound().finish();
    };
    let mut response = if said.good {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    response.content_type(said.content_type).body(said.body)
}

async fn sentry(request: HttpRequest, payload: Payload, door: Data<Door>) -> HttpResponse {
    let begin = Instant::now();
    let deadline = begin + door.settings.sentry_budget();
    let answer = match accept(Provider::Sentry, &request, payload, &door, deadline).await {
        Ok(accepted) => Ok(reply::to_sentry(accepted, deadline, &door.patience).await),
        Err(refused) => Err(refused),
    };
    door.metrics.answered(Provider::Sentry, begin, answer)
}

async fn github(request: HttpRequest, payload: Payload, door: Data<Door>) -> HttpResponse {
    let begin = Instant::now();
    let answer = accept(Provider::GitHub, &request, payload, &door, begin)
        .await
        .map(|accepted| reply::to_github(&accepted));
    door.metrics.answered(Provider::GitHub, begin, answer)
}

async fn accept(
    provider: Provider,
    request: &HttpRequest,
    payload: Payload,
    door: &Data<Door>,
    deadline: Instant,
) -> Result<reply::Accepted, Refused> {
    let received_at = now();
    let claimed = door.claimed(provider, request.headers())?;
    let body = tokio::time::timeout(
        door.settings.body_timeout(),
        read(request, payload, door.settings.max_body_bytes),
    )
    .await;
    let body = body.map_err(|_| Refused::TooSlow)??;
    Arc::clone(door)
        .receive(provider, request.headers(), claimed, body, received_at, deadline)
        .await
}

#[allow(
    clippy::disallowed_methods,
    reason = "the edge: when a delivery reached us is known here only"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The raw bytes: they are what is signed.
async fn read(request: &HttpRequest, mut payload: Payload, limit: usize) -> Result<Bytes, Refused> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Refused::TooLarge(limit));
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or(0).min(64 * 1024));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refused::BrokeOff)?;
        if body.len() + chunk.len() > limit {
            return Err(Refused::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

async fn sentry_status(door: Data<Door>) -> HttpResponse {
    HttpResponse::Ok()
        .json(json!({ "ok": true, "configured": door.sentry.configured(), "enabled": door.settings.sentry_enabled }))
}

async fn github_status(door: Data<Door>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok", "webhookSecret": door.github.configured() }))
}

/// Somebody wishes to see that the address is right; nothing is read.
async fn ping() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok", "message": "pong" }))
}

impl Door {
    /// Why deliveries cannot be accepted, or not be passed on, in words.
    pub(crate) fn trouble(&self) -> Vec<String> {
        let stopped = (!self.draining.is())
            .then(|| "deliveries are stored, but not passed on: the drain does not run".to_owned());
        self.spool.trouble().into_iter().chain(stopped).collect()
    }
}
