//! All routes on one screen, and what every request goes through: the record, the faults, the limits and the ETag.

use crate::call::{Caller, Refusal, authorization};
use crate::fault::{Fate, FaultKind};
use crate::state::{Request, Shared, now};
use crate::{app, check, comment, pull, repository, run, transport};
use actix_web::body::{BoxBody, to_bytes};
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::header::{ETAG, HeaderName, HeaderValue, IF_NONE_MATCH};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Data, PayloadConfig, ServiceConfig, get, patch, post, put};
use actix_web::{App, Error, HttpResponse, HttpServer, ResponseError as _, web};
use std::net::TcpListener;
use std::str::FromStr as _;
use std::sync::Arc;

/// Requests per hour that the headers speak of. It is never enforced: tests order a fault instead.
pub(crate) const RATE_LIMIT: u64 = 5_000;
const BODY_LIMIT: usize = 256 * 1024 * 1024;

fn routes(to: &mut ServiceConfig) {
    to.route("/user", get().to(repository::me))
        .route("/rate_limit", get().to(repository::rate_limit))
        .route("/app", get().to(app::show))
        .route("/app/installations", get().to(app::installations))
        .route("/app/installations/{id}/access_tokens", post().to(app::mint))
        .route("/app/hook/deliveries", get().to(app::deliveries))
        .route("/app/hook/deliveries/{id}", get().to(app::delivery))
        .route("/app/hook/deliveries/{id}/attempts", post().to(app::redeliver))
        .route("/repos/{owner}/{repo}", get().to(repository::show))
        .route("/repos/{owner}/{repo}/installation", get().to(app::of_repository))
        .route(
            "/repos/{owner}/{repo}/collaborators/{username}/permission",
            get().to(repository::permission),
        )
        .route("/repos/{owner}/{repo}/branches", get().to(repository::branches))
        .route(
            "/repos/{owner}/{repo}/branches/{branch:.+}",
            get().to(repository::branch),
        )
        .route(
            "/repos/{owner}/{repo}/git/ref/{ref:.+}",
            get().to(repository::reference),
        )
        .route(
            "/repos/{owner}/{repo}/compare/{basehead:.+}",
            get().to(repository::compare),
        )
        .route(
            "/repos/{owner}/{repo}/contents/{path:.*}",
            get().to(repository::contents),
        )
        .route(
            "/repos/{owner}/{repo}/commits/{ref}/pulls",
            get().to(pull::route::of_commit),
        )
        .route(
            "/repos/{owner}/{repo}/commits/{ref:.+}/check-runs",
            get().to(check::of_commit),
        )
        .route(
            "/repos/{owner}/{repo}/commits/{ref:.+}/statuses",
            get().to(check::statuses),
        )
        .route(
            "/repos/{owner}/{repo}/commits/{ref:.+}/status",
            get().to(check::combined),
        )
        .route(
            "/repos/{owner}/{repo}/commits/{ref:.+}",
            get().to(repository::commit_at),
        )
        .route("/repos/{owner}/{repo}/statuses/{sha}", post().to(check::set_status))
        .route("/repos/{owner}/{repo}/check-runs", post().to(check::create))
        .route("/repos/{owner}/{repo}/check-runs/{id}", get().to(check::show))
        .route("/repos/{owner}/{repo}/check-runs/{id}", patch().to(check::update))
        .route("/repos/{owner}/{repo}/pulls", get().to(pull::route::list))
        .route("/repos/{owner}/{repo}/pulls", post().to(pull::route::open))
        .route("/repos/{owner}/{repo}/pulls/{number}", get().to(pull::route::show))
        .route("/repos/{owner}/{repo}/pulls/{number}", patch().to(pull::route::update))
        .route(
            "/repos/{owner}/{repo}/pulls/{number}/files",
            get().to(pull::route::files),
        )
        .route(
            "/repos/{owner}/{repo}/pulls/{number}/commits",
            get().to(pull::route::commits),
        )
        .route(
            "/repos/{owner}/{repo}/pulls/{number}/merge",
            put().to(pull::route::merge),
        )
        .route(
            "/repos/{owner}/{repo}/pulls/{number}/requested_reviewers",
            post().to(comment::request_reviewers),
        )
        .route(
            "/repos/{owner}/{repo}/issues/{number}/comments",
            get().to(comment::list),
        )
        .route(
            "/repos/{owner}/{repo}/issues/{number}/comments",
            post().to(comment::create),
        )
        .route(
            "/repos/{owner}/{repo}/issues/{number}/labels",
            post().to(comment::add_labels),
        )
        .route("/repos/{owner}/{repo}/issues/comments/{id}", patch().to(comment::edit))
        .route("/repos/{owner}/{repo}/actions/runs", get().to(run::list))
        .route("/repos/{owner}/{repo}/actions/runs/{id}", get().to(run::show))
        .route("/repos/{owner}/{repo}/actions/runs/{id}/jobs", get().to(run::jobs))
        .route("/repos/{owner}/{repo}/actions/runs/{id}/logs", get().to(run::run_logs))
        .route("/repos/{owner}/{repo}/actions/jobs/{id}", get().to(run::job))
        .route("/repos/{owner}/{repo}/actions/jobs/{id}/logs", get().to(run::job_logs))
        .route("/_storage/{key}", get().to(run::storage))
        .route("/{owner}/{repo}.git/{tail:.*}", web::to(transport::serve))
        .default_service(web::to(|| async { Refusal::not_found().error_response() }));
}

/// A server on `listener`; it does nothing until it is awaited or spawned.
pub(crate) fn serve(shared: Arc<Shared>, listener: TcpListener) -> std::io::Result<Server> {
    let data = Data::from(shared);
    let factory = move || {
        App::new()
            .app_data(Data::clone(&data))
            .app_data(PayloadConfig::new(BODY_LIMIT))
            .wrap(from_fn(front))
            .configure(routes)
    };
    Ok(HttpServer::new(factory)
        .workers(2)
        .disable_signals()
        .shutdown_timeout(1)
        .listen(listener)?
        .run())
}

/// What every request goes through.
async fn front(mut request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    let shared: Arc<Shared> = request
        .app_data::<Data<Shared>>()
        .map(|data| Arc::clone(data))
        .ok_or_else(Refusal::not_found)?;
    rewrite(&shared, &mut request);
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let is_api = !path.contains(".git/") && !path.starts_with("/_storage/");
    let index = record(&shared, &request);
    let answer =
        |request: &ServiceRequest, response: HttpResponse| ServiceResponse::new(request.request().clone(), response);
    let fault = shared.faults.take(method.as_str(), &path);
    let down = shared.state().down;
    let mut response = match fault {
        _ if down => answer(&request, page(503)),
        None => next.call(request).await?,
        Some((FaultKind::Status { code, body, headers }, _)) => answer(&request, ordered(code, body, headers)),
        Some((FaultKind::DoThenStatus(code), _)) => {
            let done = next.call(request).await?;
            ServiceResponse::new(done.request().clone(), page(code))
        }
        Some((FaultKind::DoThenTimeout, handle)) => {
            let done = next.call(request).await?;
            wait(&shared, handle.decided()).await;
            done
        }
        Some((FaultKind::Delay(time), _)) => {
            wait(&shared, tokio::time::sleep(time)).await;
            next.call(request).await?
        }
        Some((FaultKind::DoThenDelay(time), _)) => {
            let done = next.call(request).await?;
            wait(&shared, tokio::time::sleep(time)).await;
            done
        }
        Some((FaultKind::Block, handle)) => match wait(&shared, handle.decided()).await {
            Some(Fate::Released) => next.call(request).await?,
            Some(Fate::Discarded) | None => answer(&request, page(503)),
        },
    };
    if is_api {
        response = with_limits(&shared, with_etag(response, &method).await?);
    }
    if let Some(request) = shared.state().requests.get_mut(index) {
        request.status = Some(response.status().as_u16());
    }
    Ok(response)
}

/// Waits for something, but not longer than the simulator runs.
async fn wait<T>(shared: &Shared, what: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        value = what => Some(value),
        () = shared.stopped.cancelled() => None,
    }
}

/// `/api/v3/…` is `/…`, and `/repositories/{id}/…` is `/repos/{owner}/{repo}/…`.
fn rewrite(shared: &Shared, request: &mut ServiceRequest) {
    let whole = request.uri().to_string();
    let path = whole
        .strip_prefix("/api/v3")
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(&whole);
    let by_number = path.strip_prefix("/repositories/").and_then(|rest| {
        let (id, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let id: u64 = id.parse().ok()?;
        let state = shared.state();
        let found = state.repositories.values().find(|repository| repository.id == id)?;
        Some(format!("/repos/{}{tail}", found.full_name()))
    });
    let path = by_number.unwrap_or_else(|| path.to_owned());
    if path != whole
        && let Ok(uri) = Uri::from_str(&path)
    {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

fn record(shared: &Shared, request: &ServiceRequest) -> usize {
    let caller = Caller::of(shared, authorization(request.headers()));
    let mut state = shared.state();
    state.requests.push(Request {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        status: None,
        token_kind: caller.map_or("unknown", |caller| caller.kind()),
        at: now(),
    });
    state.requests.len() - 1
}

/// The page that GitHub's front door shows: not JSON.
fn page(code: u16) -> HttpResponse {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    let body = "<html><head><title>Unicorn!</title></head><body><p>No server is currently available.</p></body></html>";
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(body)
}

fn ordered(code: u16, body: String, headers: Vec<(String, String)>) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY));
    let kind = if body.starts_with('{') {
        "application/json; charset=utf-8"
    } else {
        "text/html; charset=utf-8"
    };
    response.content_type(kind);
    for header in headers {
        response.insert_header(header);
    }
    response.body(body)
}

async fn with_etag(response: ServiceResponse<BoxBody>, method: &Method) -> Result<ServiceResponse<BoxBody>, Error> {
    if method != Method::GET || response.status() != StatusCode::OK {
        return Ok(response);
    }
    let known = response.request().headers().get(IF_NONE_MATCH).cloned();
    let (request, response) = response.into_parts();
    let (mut head, body) = response.into_parts();
    let body = to_bytes(body)
        .await
        .map_err(actix_web::error::ErrorInternalServerError)?;
    let digest = hex::encode(ring::digest::digest(&ring::digest::SHA256, &body));
    let etag = HeaderValue::from_str(&format!("W/\"{digest}\"")).map_err(actix_web::error::ErrorInternalServerError)?;
    let same = known.is_some_and(|known| known == etag);
    head.headers_mut().insert(ETAG, etag);
    if same {
        *head.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(()))));
    }
    Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(body))))
}

fn with_limits(shared: &Shared, mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let used = {
        let mut state = shared.state();
        // What has not changed is free.
        state.used += u64::from(response.status() != StatusCode::NOT_MODIFIED);
        state.used
    };
    let reset = now().timestamp() + 3_600;
    let pairs = [
        ("x-ratelimit-limit", RATE_LIMIT.to_string()),
        ("x-ratelimit-remaining", RATE_LIMIT.saturating_sub(used).to_string()),
        ("x-ratelimit-used", used.to_string()),
        ("x-ratelimit-reset", reset.to_string()),
        ("x-ratelimit-resource", "core".to_owned()),
        ("x-github-media-type", "github.v3; format=json".to_owned()),
        (
            "x-github-request-id",
            uuid::Uuid::new_v4().simple().to_string().to_uppercase(),
        ),
    ];
    for (name, value) in pairs {
        let name = HeaderName::from_static(name);
        if let Ok(value) = HeaderValue::from_str(&value)
            && !response.headers().contains_key(&name)
        {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
