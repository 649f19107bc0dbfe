//! Who we are to GitHub, and the tokens that follow from it: one repository, only the permissions needed, an hour at most.

use crate::door::{Ask, Door, now};
use crate::error::GitHubError;
use crate::jwt::Signer;
use crate::settings::Settings;
use chrono::{DateTime, TimeDelta, Utc};
use domain::repo::RepoName;
use http::Method;
use moka::future::Cache;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
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
    fn permissions(self) -> BTreeMap<&'static str, &'static str> {
        let changing = match self {
            Self::Read => "read",
            Self::Write => "write",
        };
        let mut permissions = BTreeMap::from([("metadata", "read"), ("actions", "read")]);
        permissions.extend(["contents", "pull_requests", "checks", "statuses"].map(|name| (name, changing)));
        permissions
    }
}

/// Permissions that nothing works without; the others are left out when the installation does not have them.
const ESSENTIAL: [&str; 2] = ["contents", "pull_requests"];

/// A credential for git and the API.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token.
    pub secret: SecretString,
    /// When it ends; unknown for a personal access token.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Token {
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| end - RENEW_BEFORE > now)
    }
}

/// User and password for git over HTTP. They go into a credential helper, never into an address or a header setting.
#[must_use]
pub fn git_credential(token: &SecretString) -> (&'static str, SecretString) {
    ("x-access-token", token.clone())
}

/// The credential of a [`Door`].
#[derive(Clone)]
pub(crate) enum Auth {
    Nobody,
    Token(SecretString),
    App(Arc<App>),
}

/// An App with the tokens that it has bought.
pub(crate) struct App {
    signer: Signer,
    installation_id: Option<u64>,
    installations: Cache<RepoName, Installation>,
    tokens: Cache<(RepoName, Access), Token>,
}

#[derive(Clone, Deserialize)]
struct Installation {
    id: u64,
    /// What the account granted; unknown when the id comes from the settings.
    permissions: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Minted {
    token: SecretString,
    expires_at: DateTime<Utc>,
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

impl Door {
    /// A credential for one repository: the configured token itself, or an installation token that can do nothing else.
    ///
    /// # Errors
    /// [`GitHubError::Misconfigured`] when no credential is set, [`GitHubError::NotFound`] when the App is not installed on the repository,
    /// [`GitHubError::Forbidden`] when its installation lacks an essential permission.
    pub async fn mint(&self, repo: &RepoName, access: Access) -> Result<Token, GitHubError> {
        match self.auth() {
            Auth::Nobody => Err(GitHubError::Misconfigured(
                "no credential for GitHub: set github.auth.token (GITHUB_TOKEN) or github.auth.app".to_owned(),
            )),
            Auth::Token(secret) => Ok(Token {
                secret: secret.clone(),
                expires_at: None,
            }),
            Auth::App(app) => {
                let key = (repo.clone(), access);
                if let Some(token) = app.tokens.get(&key).await {
                    if token.is_fresh(now()) {
                        return Ok(token);
                    }
                    app.tokens.invalidate(&key).await;
                }
                // Those who ask for the same token at the same time wait for one request.
                app.tokens
                    .try_get_with(key, self.buy(app, repo, access))
                    .await
                    .map_err(|error: Arc<GitHubError>| copy(&error))
            }
        }
    }

    async fn buy(&self, app: &App, repo: &RepoName, access: Access) -> Result<Token, GitHubError> {
        let installation = match app.installation_id {
            Some(id) => Installation { id, permissions: None },
            None => self.installation(app, repo).await?,
        };
        let mut permissions = access.permissions();
        if let Some(granted) = &installation.permissions {
            permissions.retain(|name, level| match granted.get(*name).map(String::as_str) {
                Some("write" | "admin") => true,
                Some("read") => *level == "read",
                _ => false,
            });
            if let Some(missing) = ESSENTIAL.iter().find(|name| !permissions.contains_key(**name)) {
                return Err(GitHubError::Forbidden {
                    what: format!("a token for {repo}"),
                    message: format!("the App's installation lacks the permission {missing}"),
                    advice: format!(
                        "give the App the permission {missing}: write on its page, and let the account's owner accept it"
                    ),
                });
            }
        }
        let path = format!("/app/installations/{}/access_tokens", installation.id);
        let body = json!({ "repositories": [repo.name()], "permissions": permissions });
        // Buying a token twice does no harm.
        let ask = Ask::new(Method::POST, path).body(body).harmless();
        let jwt = app.signer.sign(now())?;
        let minted: Minted = self.ask_as(&ask, Some(&jwt)).await?.json(&ask.what())?;
        Ok(Token {
            secret: minted.token,
            expires_at: Some(minted.expires_at),
        })
    }

    async fn installation(&self, app: &App, repo: &RepoName) -> Result<Installation, GitHubError> {
        if let Some(known) = app.installations.get(repo).await {
            return Ok(known);
        }
        let ask = Ask::get(format!("/repos/{repo}/installation"));
        let jwt = app.signer.sign(now())?;
        let found: Installation = match self.ask_as(&ask, Some(&jwt)).await {
            Ok(answer) => answer.json(&ask.what())?,
            Err(GitHubError::NotFound { .. }) => {
                let what = format!("installation of our App on {repo} (install it there, or check github.auth.app.id)");
                return Err(GitHubError::NotFound { what });
            }
            Err(error) => return Err(error),
        };
        app.installations.insert(repo.clone(), found.clone()).await;
        Ok(found)
    }
}

/// An error that several callers wait for is shared; each gets its own with the same meaning.
fn copy(error: &Arc<GitHubError>) -> GitHubError {
    match error.as_ref() {
        GitHubError::Misconfigured(text) => GitHubError::Misconfigured(text.clone()),
        GitHubError::Unauthorized { message, advice } => GitHubError::Unauthorized {
            message: message.clone(),
            advice: advice.clone(),
        },
        GitHubError::Forbidden { what, message, advice } => GitHubError::Forbidden {
            what: what.clone(),
            message: message.clone(),
            advice: advice.clone(),
        },
        GitHubError::NotFound { what } => GitHubError::NotFound { what: what.clone() },
        GitHubError::Unprocessable { what, message } => GitHubError::Unprocessable {
            what: what.clone(),
            message: message.clone(),
        },
        GitHubError::Limited { until, message } => GitHubError::Limited {
            until: *until,
            message: message.clone(),
        },
        GitHubError::TooLarge { what, limit } => GitHubError::TooLarge {
            what: what.clone(),
            limit: *limit,
        },
        GitHubError::Unavailable { what, .. } => GitHubError::unavailable(what, Arc::clone(error)),
        GitHubError::Invalid { what, .. } => GitHubError::invalid(what, Arc::clone(error)),
    }
}
