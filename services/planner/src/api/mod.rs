//! What may be asked of the planner: all routes on one screen. Errors are `{"error": "…"}`.

mod decisions;
mod error;
mod flaky_tests;
mod job_view;
mod jobs;
mod page;
mod process;
mod pull_requests;

use crate::flow::Flow;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::Context as _;
use error::ApiError;
use serde_json::json;
use std::sync::Arc;
use telemetry::Health;
use telemetry::health::PATHS;
use tokio_util::sync::CancellationToken;

/// What is set up, for those who ask.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Whether alerts become fixes.
    pub enabled: bool,
    /// Whether a credential for GitHub is set.
    pub github: bool,
    /// Whether Slack is set up.
    pub slack: bool,
}

/// What the routes work with.
#[derive(Clone)]
pub struct State {
    /// What happens on each message, and the store.
    pub flow: Arc<Flow>,
    /// What is set up.
    pub facts: Arc<Facts>,
}

/// The routes, for [`actix_web::App::configure`].
pub fn routes(state: State) -> impl FnOnce(&mut ServiceConfig) + Clone + Send + 'static {
    move |config| {
        config
            .app_data(web::Data::new(state))
            .route("/health", web::get().to(health))
            .route("/api/v1/jobs", web::get().to(jobs::list))
            .route("/api/v1/jobs/{id}", web::get().to(jobs::one))
            .route("/api/v1/pull-requests", web::get().to(pull_requests::list))
            .route("/api/v1/decisions", web::get().to(decisions::list))
            .route("/api/v1/flaky-tests", web::get().to(flaky_tests::list))
            .route("/api/sentry-fixer/process", web::get().to(process::status))
            .route("/api/sentry-fixer/process", web::post().to(process::process));
    }
}

async fn health(state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    let now = state.flow.store.now().await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ok", "database": "ok", "now": now })))
}

/// What the process says of itself, `/health/live`, `/health/ready` and `/metrics`, for [`actix_web::App::configure`].
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

/// Serves the routes and what the process says of itself until `stop`; for a planner that is a process of its own.
///
/// # Errors
/// When the address cannot be listened on.
pub fn listen(
    planner: &crate::Planner,
    health: &Health,
    address: &str,
    stop: CancellationToken,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + use<>> {
    let (routes, watched) = (planner.routes(), watched(health));
    let server = HttpServer::new(move || App::new().configure(routes.clone()).configure(watched.clone()))
        .workers(2)
        .disable_signals()
        .shutdown_timeout(10)
        .bind(address)
        .with_context(|| format!("server.listen `{address}` cannot be used: choose another address or PORT"))?
        .run();
    Ok(async move {
        let handle = server.handle();
        let stopping = async {
            stop.cancelled().await;
            handle.stop(true).await;
        };
        let (served, ()) = tokio::join!(server, stopping);
        served.context("the HTTP server has ended")
    })
}
