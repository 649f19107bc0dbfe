//! git over HTTP: who may fetch and push, and what follows from a push.

use crate::call::{Caller, Refusal, authorization, shared};
use crate::git::backend::{self, BackendRequest};
use crate::push;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

/// `/{owner}/{repo}.git/{info/refs,git-upload-pack,git-receive-pack}`
pub(crate) async fn serve(request: HttpRequest, body: web::Bytes) -> Result<HttpResponse, Refusal> {
    let shared = shared(&request)?;
    let tail = request.match_info().query("tail").to_owned();
    let receiving = tail == "git-receive-pack" || request.query_string().contains("service=git-receive-pack");
    if !["info/refs", "git-upload-pack", "git-receive-pack"].contains(&tail.as_str()) {
        return Err(Refusal::not_found());
    }
    let name = format!(
        "{}/{}",
        request.match_info().query("owner"),
        request.match_info().query("repo")
    );
    let caller = match Caller::of(&shared, authorization(request.headers())) {
        Ok(caller) => caller,
        Err(_) => return Ok(ask_for_credentials()),
    };
    let full_name = {
        let state = shared.state();
        let found = state.repository(&name);
        match (found, &caller) {
            (Some(repository), Caller::Anonymous) if receiving || repository.private => {
                return Ok(ask_for_credentials());
            }
            (None, Caller::Anonymous) => return Ok(ask_for_credentials()),
            (Some(repository), _) => caller
                .may(repository, "contents", receiving)
                .map(|()| repository.full_name())?,
            (None, _) => return Err(Refusal::not_found()),
        }
    };
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let login = caller.login();
    // The path on disk has the case that the repository was made with.
    let path = format!("/{full_name}.git/{tail}");
    let asked = BackendRequest {
        root: shared.home.path(),
        method: request.method().as_str(),
        path: &path,
        query: request.query_string(),
        content_type: header("content-type"),
        protocol: header("git-protocol"),
        user: (!matches!(caller, Caller::Anonymous)).then_some(login.as_str()),
        body: &body,
    };
    let answer = if tail == "git-receive-pack" {
        let _one_at_a_time = shared.pushing.lock().await;
        let answer = backend::answer(asked).await?;
        push::announce(&shared, &mut shared.state(), &full_name, &login)?;
        answer
    } else {
        backend::answer(asked).await?
    };
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY));
    for header in answer.headers {
        response.insert_header(header);
    }
    Ok(response.body(answer.body))
}

fn ask_for_credentials() -> HttpResponse {
    HttpResponse::Unauthorized()
        .insert_header(("www-authenticate", "Basic realm=\"GitHub\""))
        .body("Invalid username or token.\n")
}
