//! Check runs (with an App) and commit statuses (with a token).

use crate::auth::Auth;
use crate::door::{Ask, Door, word};
use crate::error::GitHubError;
use domain::repo::{CommitSha, RepoName};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longest description of a status, in characters.
const DESCRIPTION_LIMIT: usize = 140;
/// Longest summary or text of a check run, in characters.
const OUTPUT_LIMIT: usize = 65_535;

/// What a commit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusState {
    /// Something of ours failed.
    Error,
    /// No.
    Failure,
    /// Not yet known.
    Pending,
    /// Yes.
    Success,
}

/// How a check run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckConclusion {
    /// A person is to look.
    ActionRequired,
    /// No.
    Failure,
    /// Neither yes nor no.
    Neutral,
    /// Yes.
    Success,
}

/// A completed check run.
#[derive(Clone, Debug)]
pub struct NewCheckRun {
    /// Name that people see.
    pub name: String,
    /// Commit it is about.
    pub head_sha: CommitSha,
    /// How it ended.
    pub conclusion: CheckConclusion,
    /// Title of its page.
    pub title: String,
    /// Markdown, cut to 65 535 characters.
    pub summary: String,
    /// Markdown, cut to 65 535 characters.
    pub text: Option<String>,
    /// Where details are.
    pub details_url: Option<String>,
    /// Our reference: with the same one, the same commit and name there is never a second check run.
    pub external_id: String,
}

#[derive(Deserialize)]
struct Made {
    id: u64,
}

impl Door {
    /// Whether this door may write check runs: they are for Apps only, others set a status.
    #[must_use]
    pub fn can_check(&self) -> bool {
        use secrecy::ExposeSecret as _;
        match self.auth() {
            Auth::App(_) => true,
            Auth::Token(token) => token.expose_secret().starts_with("ghs_"),
            Auth::Nobody => false,
        }
    }

    /// Sets a commit status; the newest of a context counts, so setting it twice does no harm.
    ///
    /// # Errors
    /// Any [`GitHubError`].
    pub async fn set_status(
        &self,
        repo: &RepoName,
        sha: &CommitSha,
        state: StatusState,
        context: &str,
        description: &str,
        target_url: Option<&str>,
    ) -> Result<(), GitHubError> {
        let mut body =
            json!({ "state": state, "context": context, "description": cut(description, DESCRIPTION_LIMIT) });
        if let Some(url) = target_url {
            body["target_url"] = json!(url);
        }
        let ask = Ask::new(Method::POST, format!("/repos/{repo}/statuses/{sha}"))
            .body(body)
            .harmless();
        self.ask(repo, &ask).await.map(drop)
    }

    /// Makes a completed check run once and returns its id: after an error that hides what happened it looks before it tries again.
    ///
    /// # Errors
    /// Any [`GitHubError`]; [`GitHubError::Forbidden`] without an App.
    pub async fn create_check_run(&self, repo: &RepoName, new: &NewCheckRun) -> Result<u64, GitHubError> {
        let mut output = json!({ "title": new.title, "summary": cut(&new.summary, OUTPUT_LIMIT) });
        if let Some(text) = &new.text {
            output["text"] = json!(cut(text, OUTPUT_LIMIT));
        }
        let mut body = json!({
            "name": new.name, "head_sha": new.head_sha, "status": "completed", "conclusion": new.conclusion, "output": output,
            "external_id": new.external_id,
        });
        if let Some(url) = &new.details_url {
            body["details_url"] = json!(url);
        }
        let ask = Ask::new(Method::POST, format!("/repos/{repo}/check-runs")).body(body);
        let mut waits = self.ladder();
        loop {
            let error = match self.read::<Made>(repo, &ask).await {
                Ok(made) => return Ok(made.id),
                Err(error @ (GitHubError::Unavailable { .. } | GitHubError::Invalid { .. })) => error,
                Err(error) => return Err(error),
            };
            let Some(wait) = waits.next() else { return Err(error) };
            tokio::time::sleep(wait).await;
            if let Some(id) = self.check_run(repo, new).await? {
                return Ok(id);
            }
        }
    }

    async fn check_run(&self, repo: &RepoName, new: &NewCheckRun) -> Result<Option<u64>, GitHubError> {
        let path = format!(
            "/repos/{repo}/commits/{}/check-runs?check_name={}&filter=all&per_page=100",
            new.head_sha,
            word(&new.name)
        );
        let runs = self.list(repo, path, Some("check_runs")).await?;
        let ours = |run: &&Value| run["external_id"] == json!(new.external_id) && run["name"] == json!(new.name);
        Ok(runs.iter().find(ours).and_then(|run| run["id"].as_u64()))
    }
}

fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text.chars().take(limit - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn cuts_by_characters() {
        assert_eq!(super::cut("äöü", 3), "äöü");
        assert_eq!(super::cut("äöüß", 3), "äö…");
    }
}
