//! The door itself: one request at a time through octocrab, judged, waited for and repeated as far as that is safe.

use crate::auth::{Access, Auth};
use crate::error::GitHubError;
use crate::limit::{Verdict, judge};
use crate::quiet::{Limits, Quiet};
use crate::redact::redact;
use crate::settings::Settings;
use chrono::{DateTime, Utc};
use domain::repo::RepoName;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, Request};
use octocrab::service::middleware::retry::RetryConfig;
use octocrab::{OctoBody, Octocrab};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// How many pages of a list are read.
const PAGES: usize = 10;
const AGENT: &str = "fixpoint";
pub(crate) const API_VERSION: &str = "2022-11-28";
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');
const WORD: &AsciiSet = &PATH.add(b'/');

/// The one door to GitHub. Cheap to clone. Doors made from one another share the limits that they meet.
#[derive(Clone)]
pub struct Door {
    inner: Arc<Inner>,
    auth: Auth,
    patience: Duration,
    quiet: Arc<Quiet>,
}

struct Inner {
    settings: Settings,
    api: Url,
    web: Url,
    octocrab: Octocrab,
    /// For downloads: it follows no redirect, so that our credential stays with GitHub.
    plain: reqwest::Client,
    /// The limits of each owner, whose installations GitHub counts apart.
    quiets: Mutex<HashMap<String, Arc<Quiet>>>,
}

/// This process's clock, for what GitHub compares with its own: JWTs, the end of tokens, the reset of limits.
#[expect(
    clippy::disallowed_methods,
    reason = "GitHub's limits and tokens are dated by the wall clock; this crate is an edge"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A request, and whether it may be sent twice.
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    body: Option<Value>,
    access: Access,
    harmless: bool,
}

impl Ask {
    pub(crate) fn new(method: Method, path: String) -> Self {
        let harmless = method == Method::GET;
        let access = if harmless { Access::Read } else { Access::Write };
        Self {
            method,
            path,
            body: None,
            access,
            harmless,
        }
    }

    pub(crate) fn get(path: String) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Doing it twice is as good as doing it once.
    pub(crate) fn harmless(mut self) -> Self {
        self.harmless = true;
        self
    }

    /// How errors name it.
    pub(crate) fn what(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }
}

/// A good answer.
pub(crate) struct Answer {
    headers: HeaderMap,
    body: String,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self, what: &str) -> Result<T, GitHubError> {
        serde_json::from_str(&self.body).map_err(|error| GitHubError::invalid(what, error))
    }

    /// Path and query of the next page, if there is one.
    fn next(&self, api: &Url) -> Option<String> {
        let links = self.headers.get("link")?.to_str().ok()?;
        let link = links.split(',').find(|link| link.contains("rel=\"next\""))?;
        let url = Url::parse(link.split_once('<')?.1.split_once('>')?.0).ok()?;
        // A link elsewhere would carry our credential elsewhere.
        let inside = url.origin() == api.origin();
        let path = url
            .path()
            .strip_prefix(api.path().trim_end_matches('/'))
            .filter(|_| inside)?;
        Some(format!("{path}?{}", url.query().unwrap_or_default()))
    }
}

fn on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A part of a path: slashes stay, all else that is not plain is encoded.
pub(crate) fn path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

/// A value of a query, or one segment of a path.
pub(crate) fn word(text: &str) -> String {
    utf8_percent_encode(text, WORD).to_string()
}

impl Door {
    /// Opens the door. Nothing is asked yet, but the private key of an App is read. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`GitHubError::Misconfigured`] names the setting that is missing or wrong.
    pub fn new(settings: &Settings) -> Result<Self, GitHubError> {
        // Another part of the process may have installed it before: the provider is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (api, web) = (settings.api()?, settings.web()?);
        let client = |error: &dyn std::fmt::Display| {
            GitHubError::Misconfigured(format!("no HTTP client for github.api_url: {error}"))
        };
        let octocrab = Octocrab::builder()
            .base_uri(api.as_str().trim_end_matches('/'))
            .map_err(|error| client(&error))?
            .add_header(USER_AGENT, AGENT.to_owned())
            .add_retry_config(RetryConfig::None)
            .set_connect_timeout(Some(settings.connect_timeout()))
            .set_read_timeout(Some(settings.timeout()))
            .build()
            .map_err(|error| client(&error))?;
        let plain = reqwest::Client::builder()
            .user_agent(AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(settings.connect_timeout());
        // A proxy of the environment cannot reach what is on this machine.
        let plain = if on_this_machine(&api) { plain.no_proxy() } else { plain }
            .build()
            .map_err(|error| client(&error))?;
        let auth = Auth::new(settings)?;
        let patience = Duration::from_secs(settings.retry.patience_secs);
        Ok(Self {
            inner: Arc::new(Inner {
                settings: settings.clone(),
                api,
                web,
                octocrab,
                plain,
                quiets: Mutex::default(),
            }),
            auth,
            patience,
            quiet: Arc::default(),
        })
    }

    /// The same door for whoever holds this token: it is used as it is, and no other credential is.
    #[must_use]
    pub fn with_token(&self, token: SecretString) -> Self {
        Self {
            auth: Auth::Token(token),
            ..self.clone()
        }
    }

    /// The same door for the repositories of one owner. What GitHub says of limits holds for all doors of that owner, and for
    /// no others: an App is limited in each of its installations for itself.
    #[must_use]
    pub fn of_owner(&self, owner: &str) -> Self {
        let mut quiets = self.inner.quiets.lock().unwrap_or_else(PoisonError::into_inner);
        let quiet = quiets.entry(owner.to_ascii_lowercase()).or_default();
        Self {
            quiet: Arc::clone(quiet),
            ..self.clone()
        }
    }

    /// The same door with another limit on the time that one call may spend waiting.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self {
            patience,
            ..self.clone()
        }
    }

    /// Whether a credential is set.
    #[must_use]
    pub fn has_credential(&self) -> bool {
        !matches!(self.auth, Auth::Nobody)
    }

    /// Until when GitHub wants to be left alone, as far as this door or one of its kin has been told.
    #[must_use]
    pub fn limited_until(&self) -> Option<DateTime<Utc>> {
        self.quiet.limit().map(|limit| limit.until)
    }

    /// Tells of limits that this door or one of its kin meets from now on.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.quiet.watch()
    }

    /// Address for `git clone` and `git push`, without a credential in it.
    #[must_use]
    pub fn clone_url(&self, repo: &RepoName) -> String {
        format!("{}/{repo}.git", self.inner.web.as_str().trim_end_matches('/'))
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.auth
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn api(&self) -> &Url {
        &self.inner.api
    }

    pub(crate) fn quiet(&self) -> &Quiet {
        &self.quiet
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    pub(crate) fn plain(&self) -> &reqwest::Client {
        &self.inner.plain
    }

    /// The token for a request about a repository; none when none is set.
    pub(crate) async fn bearer(&self, repo: &RepoName, access: Access) -> Result<Option<SecretString>, GitHubError> {
        match &self.auth {
            Auth::Nobody => Ok(None),
            _ => self.mint(repo, access).await.map(|token| Some(token.secret)),
        }
    }

    /// Sends a request about a repository. A token that GitHub no longer accepts is replaced once.
    pub(crate) async fn ask(&self, repo: &RepoName, ask: &Ask) -> Result<Answer, GitHubError> {
        let bearer = self.bearer(repo, ask.access).await?;
        match self.ask_as(ask, bearer.as_ref()).await {
            Err(GitHubError::Unauthorized { .. }) if self.auth.forget(repo, ask.access).await => {
                let bearer = self.bearer(repo, ask.access).await?;
                self.ask_as(ask, bearer.as_ref()).await
            }
            answer => answer,
        }
    }

    /// The same, parsed.
    pub(crate) async fn read<T: DeserializeOwned>(&self, repo: &RepoName, ask: &Ask) -> Result<T, GitHubError> {
        self.ask(repo, ask).await?.json(&ask.what())
    }

    /// The same, with `None` for what does not exist.
    pub(crate) async fn find<T: DeserializeOwned>(&self, repo: &RepoName, ask: &Ask) -> Result<Option<T>, GitHubError> {
        match self.read(repo, ask).await {
            Ok(found) => Ok(Some(found)),
            Err(GitHubError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All items of a list, page after page as GitHub links them; under `key` where the list is inside an object.
    pub(crate) async fn list(
        &self,
        repo: &RepoName,
        path: String,
        key: Option<&str>,
    ) -> Result<Vec<Value>, GitHubError> {
        let mut items = Vec::new();
        let mut next = Some(path);
        for _ in 0..PAGES {
            let Some(path) = next.take() else { break };
            let ask = Ask::get(path);
            let answer = self.ask(repo, &ask).await?;
            let mut page: Value = answer.json(&ask.what())?;
            let list = match key {
                Some(key) => page.get_mut(key).map(Value::take).unwrap_or_default(),
                None => page,
            };
            let Value::Array(list) = list else {
                return Err(GitHubError::invalid(&ask.what(), "a list was expected"));
            };
            items.extend(list);
            next = answer.next(self.api());
        }
        if let Some(path) = next {
            tracing::warn!(path, items = items.len(), "the list is longer than what is read of it");
        }
        Ok(items)
    }

    /// Sends a request with a given credential, as often as is safe and patience lasts.
    pub(crate) async fn ask_as(&self, ask: &Ask, bearer: Option<&SecretString>) -> Result<Answer, GitHubError> {
        let what = ask.what();
        let mut trial = self.trial(&what, ask.harmless);
        loop {
            trial.admit().await?;
            match self.once(&what, ask, bearer).await {
                Ok(answer) => return Ok(answer),
                Err(verdict) => trial.wait_after(verdict).await?,
            }
        }
    }

    async fn once(&self, what: &str, ask: &Ask, bearer: Option<&SecretString>) -> Result<Answer, Verdict> {
        let timeout = self.settings().timeout();
        let (status, answer) = match tokio::time::timeout(timeout, self.send(ask, bearer)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Verdict::Stumbled(redact(&chain(&error)))),
            Err(_) => return Err(Verdict::Stumbled(format!("no answer within {} s", timeout.as_secs()))),
        };
        match judge(
            what,
            status,
            &answer.headers,
            answer.body.as_bytes(),
            &self.settings().retry,
            now(),
        ) {
            Verdict::Done => Ok(answer),
            verdict => Err(verdict),
        }
    }

    async fn send(&self, ask: &Ask, bearer: Option<&SecretString>) -> Result<(http::StatusCode, Answer), SendError> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(&ask.path)
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", API_VERSION);
        if let Some(value) = authorization(bearer) {
            request = request.header(AUTHORIZATION, value);
        }
        let body = match &ask.body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                OctoBody::from(body.to_string())
            }
            None => OctoBody::empty(),
        };
        let request = request.body(body)?;
        let response = self.inner.octocrab.execute(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.inner.octocrab.body_to_string(response).await?;
        Ok((status, Answer { headers, body }))
    }
}

/// No answer came.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("the request cannot be built")]
    Request(#[from] http::Error),
    #[error("no answer")]
    Octocrab(#[from] octocrab::Error),
}

/// The header for a token; a token that cannot be a header counts as none, and GitHub's 401 says so.
pub(crate) fn authorization(bearer: Option<&SecretString>) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", bearer?.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// An error with its causes, for the log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
