//! Tokens for one repository: the configured one, or one that the App's installation sells.

use crate::auth::{Access, App, Auth, Installation, Token};
use crate::door::{Ask, Door, now};
use crate::error::GitHubError;
use chrono::{DateTime, Utc};
use domain::repo::RepoName;
use http::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Permissions that nothing works without; the others are left out when the installation does not have them.
const ESSENTIAL: [&str; 2] = ["contents", "pull_requests"];

#[derive(Deserialize)]
struct Minted {
    token: SecretString,
    expires_at: DateTime<Utc>,
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
