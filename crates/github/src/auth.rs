//! Who we are to GitHub, and the tokens that follow from it: one repository, only the permissions needed, an hour at most.

use crate::error::GitHubError;
use crate::jwt::Signer;
use crate::settings::Settings;
use chrono::{DateTime, TimeDelta, Utc};
use domain::repo::RepoName;
use moka::future::Cache;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A token is not handed out in its last minutes.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(5);
const INSTALLATION_KNOWN_FOR: Duration = Duration::from_secs(600);
const CACHE_SIZE: u64 = 1_000;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// Clone, and read runs, logs and pull requests.
    Read,
    /// Push a branch, and write pull requests, comments, checks and statuses.
    Write,
}

impl Access {
    /// Permissions of an App for this, by GitHub's names.
    pub(crate) fn permissions(self) -> BTreeMap<&'static str, &'static str> {
        let changing = match self {
            Self::Read => "read",
            Self::Write => "write",
        };
        let mut permissions = BTreeMap::from([("metadata", "read"), ("actions", "read")]);
        permissions.extend(["contents", "pull_requests", "checks", "statuses"].map(|name| (name, changing)));
        permissions
    }
}

/// A credential for git and the API.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token.
    pub secret: SecretString,
    /// When it ends; unknown for a personal access token.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Token {
    pub(crate) fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| end - RENEW_BEFORE > now)
    }
}

/// User and password for git over HTTP. They go into a credential helper, never into an address or a header setting.
#[must_use]
pub fn git_credential(token: &SecretString) -> (&'static str, SecretString) {
    ("x-access-token", token.clone())
}

/// The credential of a door.
#[derive(Clone)]
pub(crate) enum Auth {
    Nobody,
    Token(SecretString),
    App(Arc<App>),
}

/// An App with the tokens that it has bought.
pub(crate) struct App {
    pub(crate) signer: Signer,
    pub(crate) installation_id: Option<u64>,
    pub(crate) installations: Cache<RepoName, Installation>,
    pub(crate) tokens: Cache<(RepoName, Access), Token>,
}

/// An installation of the App.
#[derive(Clone, Deserialize)]
pub(crate) struct Installation {
    pub(crate) id: u64,
    /// What the account granted; unknown when the id comes from the settings.
    pub(crate) permissions: Option<BTreeMap<String, String>>,
}

impl Auth {
    pub(crate) fn new(settings: &Settings) -> Result<Self, GitHubError> {
        match (settings.auth.token(), &settings.auth.app) {
            (Some(_), Some(_)) => Err(GitHubError::Misconfigured(
                "set either github.auth.token or github.auth.app, not both".to_owned(),
            )),
            (Some(token), None) => Ok(Self::Token(SecretString::from(token.expose_secret().trim()))),
            (None, None) => Ok(Self::Nobody),
            (None, Some(app)) => Ok(Self::App(Arc::new(App {
                signer: Signer::new(app.id, &app.pem()?)?,
                installation_id: app.installation_id,
                installations: Cache::builder()
                    .max_capacity(CACHE_SIZE)
                    .time_to_live(INSTALLATION_KNOWN_FOR)
                    .build(),
                tokens: Cache::builder()
                    .max_capacity(CACHE_SIZE)
                    .time_to_live(Duration::from_secs(3_600))
                    .build(),
            }))),
        }
    }

    /// What to do when GitHub answers 401.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::Nobody => "set github.auth.token (GITHUB_TOKEN) or github.auth.app",
            Self::Token(_) => "the token is wrong, expired or revoked; make a new one and set github.auth.token (GITHUB_TOKEN)",
            Self::App(_) => {
                "check that github.auth.app.id and the private key belong together, that the key was not deleted on the App's page, and that this machine's clock is right"
            }
        }
        .to_owned()
    }

    /// Forgets a token that GitHub no longer accepts; true if a new one can be had.
    pub(crate) async fn forget(&self, repo: &RepoName, access: Access) -> bool {
        match self {
            Self::App(app) => {
                app.tokens.invalidate(&(repo.clone(), access)).await;
                true
            }
            Self::Nobody | Self::Token(_) => false,
        }
    }
}
