//! One request to the API as the resources see it: who calls, what is asked, and the two ways to answer.

use crate::app;
use crate::state::{Grant, InstallationGrant, Repository, Shared, State, now};
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, ResponseError, dev, web};
use base64::Engine as _;
use futures::future::{FutureExt as _, LocalBoxFuture};
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

/// The result of every resource.
pub(crate) type Outcome = Result<Answer, Refusal>;

/// Who is calling.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Anonymous,
    User { login: String, write: bool },
    Installation(InstallationGrant),
    App,
}

impl Caller {
    /// Reads the `Authorization` header. An unknown or expired credential is refused even for public things, as GitHub does.
    pub(crate) fn of(shared: &Shared, header: Option<&str>) -> Result<Self, Refusal> {
        let Some(header) = header else {
            return Ok(Self::Anonymous);
        };
        let secret = secret_of(header).ok_or_else(Refusal::bad_credentials)?;
        let grant = shared.state().grants.get(&secret).cloned();
        match grant {
            Some(Grant::User(token)) => Ok(Self::User {
                login: token.login,
                write: token.write,
            }),
            Some(Grant::Installation(grant)) if grant.expires_at > now() => Ok(Self::Installation(grant)),
            Some(Grant::Installation(_)) => Err(Refusal::bad_credentials()),
            None => app::verify(shared.app.as_ref(), &secret, now()).map(|()| Self::App),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Anonymous => "none",
            Self::User { .. } => "user",
            Self::Installation(_) => "installation",
            Self::App => "app",
        }
    }

    /// Login under which this caller acts.
    pub(crate) fn login(&self) -> String {
        match self {
            Self::User { login, .. } => login.clone(),
            Self::Installation(grant) => grant.login.clone(),
            Self::Anonymous | Self::App => "ghost".to_owned(),
        }
    }

    /// Whether this caller may do that to the repository; the refusal is the one that GitHub would give.
    pub(crate) fn may(&self, repository: &Repository, permission: &str, write: bool) -> Result<(), Refusal> {
        match self {
            Self::Anonymous if write => Err(Refusal::new(401, "Requires authentication")),
            Self::Anonymous if repository.private => Err(Refusal::not_found()),
            Self::Anonymous => Ok(()),
            Self::App => Err(Refusal::new(403, "Resource not accessible by integration")),
            Self::User { write: false, .. } if write => {
                Err(Refusal::new(403, "Resource not accessible by personal access token"))
            }
            Self::User { .. } => Ok(()),
            Self::Installation(grant) => {
                let name = repository.full_name().to_lowercase();
                let listed = grant.repositories.as_ref().is_none_or(|names| names.contains(&name));
                let level = grant.permissions.get(permission).map(String::as_str);
                let allowed = match level {
                    Some("write" | "admin") => true,
                    Some(_) => !write,
                    None => permission == "metadata" || (!repository.private && !write),
                };
                match (listed, allowed) {
                    (true, true) => Ok(()),
                    (false, _) if repository.private || write => Err(Refusal::not_found()),
                    (false, _) => Ok(()),
                    (true, false) => Err(Refusal::new(403, "Resource not accessible by integration")),
                }
            }
        }
    }
}

fn secret_of(header: &str) -> Option<String> {
    let (scheme, value) = header.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "token" | "bearer" => Some(value.trim().to_owned()),
        "basic" => {
            let plain = base64::engine::general_purpose::STANDARD.decode(value.trim()).ok()?;
            let plain = String::from_utf8(plain).ok()?;
            plain.split_once(':').map(|(_, password)| password.to_owned())
        }
        _ => None,
    }
}

/// The value of a request's `Authorization` header.
pub(crate) fn authorization(request: &actix_web::http::header::HeaderMap) -> Option<&str> {
    request.get(AUTHORIZATION).and_then(|value| value.to_str().ok())
}

/// One request, read completely.
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    pub(crate) caller: Caller,
    request: HttpRequest,
    body: web::Bytes,
}

impl FromRequest for Call {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        let body = web::Bytes::from_request(&request, payload);
        async move {
            let shared = shared(&request)?;
            let caller = Caller::of(&shared, authorization(request.headers()))?;
            Ok(Self {
                shared,
                caller,
                body: body.await?,
                request,
            })
        }
        .boxed_local()
    }
}

/// The simulator's state out of a request.
pub(crate) fn shared(request: &HttpRequest) -> Result<Arc<Shared>, Refusal> {
    let data = request
        .app_data::<web::Data<Shared>>()
        .ok_or_else(|| Refusal::new(500, "the simulator has no state"))?;
    Ok(Arc::clone(data))
}

impl Call {
    /// A part of the path, decoded.
    pub(crate) fn param(&self, name: &str) -> String {
        let raw = self.request.match_info().query(name);
        percent_encoding::percent_decode_str(raw)
            .decode_utf8_lossy()
            .into_owned()
    }

    /// A part of the path that must be a number; a thing that cannot exist is not found.
    pub(crate) fn number(&self, name: &str) -> Result<u64, Refusal> {
        self.param(name).parse().map_err(|_| Refusal::not_found())
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.request.query_string().as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// Whether the client asks for the raw content of a file.
    pub(crate) fn wants_raw(&self) -> bool {
        self.request
            .headers()
            .get("accept")
            .and_then(|value| value.to_str().ok())
            .is_some_and(|accept| accept.contains("raw"))
    }

    /// The body as a JSON object.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        match serde_json::from_slice(&self.body) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err(Refusal::new(400, "Body should be a JSON object")),
            Err(_) => Err(Refusal::new(400, "Problems parsing JSON")),
        }
    }

    /// Finds the repository of the path and checks that the caller may read `permission` of it.
    pub(crate) fn reading<'a>(&self, state: &'a State, permission: &str) -> Result<&'a Repository, Refusal> {
        let repository = state.repository(&self.full_name()).ok_or_else(Refusal::not_found)?;
        self.caller.may(repository, permission, false)?;
        Ok(repository)
    }

    /// Checks that the caller may write `permission` and gives the repository's name.
    pub(crate) fn writing(&self, state: &State, permission: &str) -> Result<String, Refusal> {
        let repository = state.repository(&self.full_name()).ok_or_else(Refusal::not_found)?;
        self.caller.may(repository, permission, true)?;
        Ok(repository.full_name())
    }

    fn full_name(&self) -> String {
        format!("{}/{}", self.param("owner"), self.param("repo"))
    }

    /// Cuts a list to the asked page and links its neighbours the way GitHub does: by the repository's number.
    pub(crate) fn page(&self, repository: &Repository, items: &[Value]) -> (Vec<Value>, Option<String>) {
        let size = self
            .query("per_page")
            .and_then(|text| text.parse().ok())
            .unwrap_or(30_usize)
            .clamp(1, 100);
        let page = self
            .query("page")
            .and_then(|text| text.parse().ok())
            .unwrap_or(1_usize)
            .max(1);
        let last = items.len().div_ceil(size).max(1);
        let cut = items.iter().skip((page - 1) * size).take(size).cloned().collect();
        let prefix = format!("/repos/{}/{}", self.param("owner"), self.param("repo"));
        let path = self.request.path();
        let rest = path.strip_prefix(&prefix).unwrap_or(path);
        let link = |number: usize, rel: &str| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for (key, value) in url::form_urlencoded::parse(self.request.query_string().as_bytes()) {
                if key != "page" {
                    query.append_pair(&key, &value);
                }
            }
            query.append_pair("page", &number.to_string());
            format!(
                "<{}/repositories/{}{rest}?{}>; rel=\"{rel}\"",
                self.shared.links.api,
                repository.id,
                query.finish()
            )
        };
        let mut links = Vec::new();
        if page > 1 {
            links.extend([link(page - 1, "prev"), link(1, "first")]);
        }
        if page < last {
            links.extend([link(page + 1, "next"), link(last, "last")]);
        }
        (cut, (!links.is_empty()).then(|| links.join(", ")))
    }

    /// A plain list, paged.
    pub(crate) fn list(&self, repository: &Repository, items: &[Value]) -> Answer {
        let (cut, link) = self.page(repository, items);
        Answer::ok(Value::Array(cut)).link(link)
    }

    /// A list under a key beside `total_count`, paged.
    pub(crate) fn counted(&self, repository: &Repository, key: &str, items: &[Value]) -> Answer {
        let (cut, link) = self.page(repository, items);
        Answer::ok(json!({ "total_count": items.len(), key: cut })).link(link)
    }
}

/// A good answer.
pub(crate) struct Answer {
    status: u16,
    body: Body,
    headers: Vec<(&'static str, String)>,
}

enum Body {
    Json(Value),
    Bytes(&'static str, Vec<u8>),
    Empty,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body: Body::Json(body),
            headers: Vec::new(),
        }
    }

    pub(crate) fn created(body: Value) -> Self {
        Self {
            status: 201,
            ..Self::ok(body)
        }
    }

    pub(crate) fn accepted() -> Self {
        Self {
            status: 202,
            ..Self::ok(json!({}))
        }
    }

    pub(crate) fn bytes(content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status: 200,
            body: Body::Bytes(content_type, body),
            headers: Vec::new(),
        }
    }

    pub(crate) fn redirect(location: String) -> Self {
        Self {
            status: 302,
            body: Body::Empty,
            headers: vec![("location", location)],
        }
    }

    fn link(mut self, link: Option<String>) -> Self {
        self.headers.extend(link.map(|link| ("link", link)));
        self
    }
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK));
        for header in self.headers {
            response.insert_header(header);
        }
        match self.body {
            Body::Json(body) => response
                .content_type("application/json; charset=utf-8")
                .body(body.to_string()),
            Body::Bytes(content_type, bytes) => response.content_type(content_type).body(bytes),
            Body::Empty => response.finish(),
        }
    }
}

/// A refusal in GitHub's words.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: u16,
    body: Value,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: &str) -> Self {
        let body = json!({
            "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string(),
        });
        Self { status, body }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    pub(crate) fn bad_credentials() -> Self {
        Self::new(401, "Bad credentials")
    }

    /// 422 with one error in GitHub's form.
    pub(crate) fn invalid(error: Value) -> Self {
        let mut refusal = Self::new(422, "Validation Failed");
        refusal.body["errors"] = Value::Array(vec![error]);
        refusal
    }

    /// 422 for a field that is missing.
    pub(crate) fn missing(resource: &str, field: &str) -> Self {
        Self::invalid(json!({ "resource": resource, "field": field, "code": "missing_field" }))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.status, self.body)
    }
}

impl std::error::Error for Refusal {}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        tracing::error!(error = format!("{error:#}"), "the simulator failed");
        Self::new(500, &format!("simulator: {error:#}"))
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status_code());
        response
            .content_type("application/json; charset=utf-8")
            .body(self.body.to_string())
    }
}

/// A text field of a JSON body.
pub(crate) fn text<'a>(body: &'a Value, field: &str) -> Option<&'a str> {
    body.get(field).and_then(Value::as_str)
}
