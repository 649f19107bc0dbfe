//! Comments in the conversation of a pull request.

use crate::door::{Ask, Door};
use crate::error::GitHubError;
use crate::pull::fit_body;
use domain::repo::RepoName;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

/// A comment that is there.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct PostedComment {
    /// Id by which it is edited.
    pub id: u64,
    /// Where people read it.
    #[serde(rename = "html_url", default)]
    pub url: String,
}

impl Door {
    /// Writes a comment once: after an error that hides what happened it looks for a comment with the same text before it tries again.
    ///
    /// # Errors
    /// Any [`GitHubError`].
    pub async fn comment(&self, repo: &RepoName, number: u64, body: &str) -> Result<PostedComment, GitHubError> {
        let body = fit_body(body);
        // Only comments after these can be ours.
        let mut known: Option<u64> = None;
        let mut waits = self.ladder();
        let ask =
            Ask::new(Method::POST, format!("/repos/{repo}/issues/{number}/comments")).body(json!({ "body": body }));
        loop {
            if known.is_none() {
                known = Some(
                    self.comments(repo, number)
                        .await?
                        .iter()
                        .filter_map(|one| one["id"].as_u64())
                        .max()
                        .unwrap_or(0),
                );
            }
            let error = match self.read(repo, &ask).await {
                Ok(posted) => return Ok(posted),
                Err(error @ (GitHubError::Unavailable { .. } | GitHubError::Invalid { .. })) => error,
                Err(error) => return Err(error),
            };
            let Some(wait) = waits.next() else { return Err(error) };
            tokio::time::sleep(wait).await;
            let newer = |one: &Value| one["id"].as_u64() > known && one["body"].as_str() == Some(body.as_str());
            if let Some(found) = self.comments(repo, number).await?.into_iter().find(newer) {
                return serde_json::from_value(found).map_err(|error| GitHubError::invalid(&ask.what(), error));
            }
        }
    }

    async fn comments(&self, repo: &RepoName, number: u64) -> Result<Vec<Value>, GitHubError> {
        self.list(
            repo,
            format!("/repos/{repo}/issues/{number}/comments?per_page=100"),
            None,
        )
        .await
    }

    /// Replaces the text of a comment.
    ///
    /// # Errors
    /// Any [`GitHubError`]; [`GitHubError::NotFound`] when somebody deleted it.
    pub async fn edit_comment(&self, repo: &RepoName, id: u64, body: &str) -> Result<PostedComment, GitHubError> {
        let body = json!({ "body": fit_body(body) });
        self.read(
            repo,
            &Ask::new(Method::PATCH, format!("/repos/{repo}/issues/comments/{id}"))
                .body(body)
                .harmless(),
        )
        .await
    }
}
