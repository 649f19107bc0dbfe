//! What the simulated GitHub remembers: repositories, users' tokens, requests, and the lock around them.

use crate::app::AppIdentity;
use crate::check::{CheckRun, Status};
use crate::comment::Comment;
use crate::fault::Faults;
use crate::git::Git;
use crate::pull::Pull;
use crate::run::{Job, Run, Ticket};
use crate::webhook::Outbox;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Everything that the HTTP server and the owner of a [`crate::Sim`] share.
pub(crate) struct Shared {
    pub(crate) links: Links,
    pub(crate) app: Option<AppIdentity>,
    pub(crate) outbox: Outbox,
    pub(crate) faults: Faults,
    pub(crate) stopped: CancellationToken,
    /// One push at a time, so that each change of a branch is announced by the push that made it.
    pub(crate) pushing: tokio::sync::Mutex<()>,
    pub(crate) home: TempDir,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn new(
        links: Links,
        app: Option<AppIdentity>,
        outbox: Outbox,
        home: TempDir,
        tokens: Vec<Token>,
    ) -> Self {
        let grants = tokens
            .into_iter()
            .map(|token| (token.secret.clone(), Grant::User(token)))
            .collect();
        let state = State {
            next_id: 1_000,
            grants,
            ..State::default()
        };
        Self {
            links,
            app,
            outbox,
            faults: Faults::default(),
            stopped: CancellationToken::new(),
            pushing: tokio::sync::Mutex::new(()),
            home,
            state: Mutex::new(state),
        }
    }

    /// The state, locked. A panic of another holder does not make it unusable: it is only a simulation.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The two addresses under which this server answers.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    /// Base of the REST API, without a slash at the end.
    pub(crate) api: String,
    /// Base of pages and of git, without a slash at the end.
    pub(crate) web: String,
}

/// A personal access token that the simulator accepts.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token itself.
    pub secret: String,
    /// Login of the user it belongs to.
    pub login: String,
    /// Whether it may push and change things; otherwise it only reads.
    pub write: bool,
}

impl Token {
    /// A token that may read and write.
    pub fn write(secret: &str, login: &str) -> Self {
        Self {
            secret: secret.into(),
            login: login.into(),
            write: true,
        }
    }

    /// A token that may only read.
    pub fn read(secret: &str, login: &str) -> Self {
        Self {
            secret: secret.into(),
            login: login.into(),
            write: false,
        }
    }
}

/// What a known token stands for.
#[derive(Debug, Clone)]
pub(crate) enum Grant {
    User(Token),
    Installation(InstallationGrant),
}

/// An installation token: who it acts as, on which repositories, with which permissions, until when.
#[derive(Debug, Clone)]
pub(crate) struct InstallationGrant {
    pub(crate) login: String,
    /// Lower-case full names; `None` means all repositories.
    pub(crate) repositories: Option<Vec<String>>,
    pub(crate) permissions: BTreeMap<String, String>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// One request that reached the simulator.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, ….
    pub method: String,
    /// Path without the `/api/v3` prefix and without the query.
    pub path: String,
    /// Query string, empty if there was none.
    pub query: String,
    /// Status that was answered; `None` while the request is held or when the client went away.
    pub status: Option<u16>,
    /// `none`, `user`, `installation`, `app` or `unknown`.
    pub token_kind: &'static str,
    /// When it arrived.
    pub at: DateTime<Utc>,
}

impl Request {
    /// Whether GitHub counts this as creating or changing content.
    pub fn is_content(&self) -> bool {
        self.path.starts_with("/repos/") && self.method != "GET" && self.method != "HEAD"
    }
}

/// All that changes.
#[derive(Default)]
pub(crate) struct State {
    /// By lower-case full name, as GitHub's names ignore case.
    pub(crate) repositories: BTreeMap<String, Repository>,
    pub(crate) grants: HashMap<String, Grant>,
    pub(crate) requests: Vec<Request>,
    pub(crate) tickets: HashMap<String, Ticket>,
    pub(crate) down: bool,
    /// Requests that counted against the primary rate limit.
    pub(crate) used: u64,
    next_id: u64,
}

impl State {
    /// A fresh number for anything that needs an id.
    pub(crate) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn repository(&self, full_name: &str) -> Option<&Repository> {
        self.repositories.get(&full_name.to_lowercase())
    }

    pub(crate) fn repository_mut(&mut self, full_name: &str) -> Option<&mut Repository> {
        self.repositories.get_mut(&full_name.to_lowercase())
    }
}

/// One repository with all that hangs on it.
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) drafts: bool,
    pub(crate) default_branch: String,
    pub(crate) git: Git,
    /// Branches as they were last announced by webhooks.
    pub(crate) announced: BTreeMap<String, String>,
    pub(crate) pulls: BTreeMap<u64, Pull>,
    pub(crate) comments: BTreeMap<u64, Comment>,
    pub(crate) runs: BTreeMap<u64, Run>,
    pub(crate) jobs: BTreeMap<u64, Job>,
    pub(crate) checks: BTreeMap<u64, CheckRun>,
    pub(crate) statuses: Vec<Status>,
    /// Login to `admin`, `maintain`, `write`, `triage` or `read`; others have `none` or, if public, `read`.
    pub(crate) collaborators: BTreeMap<String, String>,
    pub(crate) next_number: u64,
    pub(crate) merge_calls: usize,
    pub(crate) created_at: DateTime<Utc>,
}

impl Repository {
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The next number of an issue or pull request.
    pub(crate) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

/// The simulator's clock: it is an edge of the system, as the real GitHub's is.
#[allow(
    clippy::disallowed_methods,
    reason = "the simulator plays a server with a clock of its own"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A time as GitHub writes it: UTC, whole seconds.
pub(crate) fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An opaque node id in the style of GitHub's.
pub(crate) fn node_id(prefix: &str, id: u64) -> String {
    use base64::Engine as _;
    format!(
        "{prefix}_{}",
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id.to_be_bytes())
    )
}

/// The same id for the same login, always.
pub(crate) fn user_id(login: &str) -> u64 {
    login
        .bytes()
        .fold(7_u64, |sum, byte| (sum * 131 + u64::from(byte)) % 90_000_000)
        + 1_000
}

/// GitHub's `simple-user`.
pub(crate) fn user(login: &str, links: &Links) -> Value {
    let api = format!("{}/users/{}", links.api, login.replace('[', "%5B").replace(']', "%5D"));
    let bot = login.ends_with("[bot]");
    let id = user_id(login);
    let html = match login.strip_suffix("[bot]") {
        Some(slug) => format!("{}/apps/{slug}", links.web),
        None => format!("{}/{login}", links.web),
    };
    json!({
        "login": login, "id": id, "node_id": node_id(if bot { "BOT" } else { "U" }, id),
        "avatar_url": format!("{}/avatars/u/{id}", links.web), "gravatar_id": "", "url": api, "html_url": html,
        "followers_url": format!("{api}/followers"),
        "following_url": format!("{api}/following{{/other_user}}"),
        "gists_url": format!("{api}/gists{{/gist_id}}"),
        "starred_url": format!("{api}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{api}/subscriptions"),
        "organizations_url": format!("{api}/orgs"), "repos_url": format!("{api}/repos"),
        "events_url": format!("{api}/events{{/privacy}}"),
        "received_events_url": format!("{api}/received_events"),
        "type": if bot { "Bot" } else { "User" }, "user_view_type": "public", "site_admin": false,
    })
}
