//! Pull requests: found before they are opened, opened once, changed, and never merged.

use crate::door::{Ask, Door, word};
use crate::error::GitHubError;
use domain::repo::{BranchName, CommitSha, RepoName};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// GitHub's limit for the body of a pull request or comment, in characters.
pub const BODY_LIMIT: usize = 65_536;

/// Where a pull request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullState {
    /// People can still decide.
    Open,
    /// Closed without being merged.
    Closed,
    /// Merged.
    Merged,
}

/// A pull request.
#[derive(Clone, Debug)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// GraphQL id.
    pub node_id: String,
    /// Where people look at it.
    pub url: String,
    /// Title.
    pub title: String,
    /// Text under it.
    pub body: String,
    /// Where it stands.
    pub state: PullState,
    /// Whether it is a draft.
    pub draft: bool,
    /// Branch with the change.
    pub head: BranchName,
    /// Newest commit of `head`.
    pub head_sha: CommitSha,
    /// Repository of `head`; `None` when that fork is gone.
    pub head_repo: Option<RepoName>,
    /// Branch that would receive the change.
    pub base: BranchName,
    /// Login of who opened it.
    pub author: String,
    /// The commit that a merge made.
    pub merge_commit: Option<CommitSha>,
}

/// A pull request to be opened.
#[derive(Clone, Debug)]
pub struct NewPull {
    /// Title.
    pub title: String,
    /// Text under it; cut to [`BODY_LIMIT`] with a note.
    pub body: String,
    /// Branch with the change, pushed before, in the same repository.
    pub head: BranchName,
    /// Branch that is to receive it.
    pub base: BranchName,
    /// Whether it is to be a draft, where the plan has drafts.
    pub draft: bool,
}

/// An open pull request for the asked head and base.
#[derive(Clone, Debug)]
pub struct Opened {
    /// It.
    pub pull: Pull,
    /// Whether it was found rather than answered: it was there before, or GitHub made it and failed to say so.
    pub already: bool,
}

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct PullChange {
    /// Title.
    pub title: Option<String>,
    /// Text under it; cut to [`BODY_LIMIT`] with a note.
    pub body: Option<String>,
    /// `false` closes it, `true` opens it again.
    pub open: Option<bool>,
}

#[derive(Deserialize)]
struct Raw {
    number: u64,
    #[serde(default)]
    node_id: String,
    html_url: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    body: Option<String>,
    state: String,
    #[serde(default)]
    draft: bool,
    head: Side,
    base: Side,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    merged_at: Option<String>,
    #[serde(default)]
    merge_commit_sha: Option<String>,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: BranchName,
    sha: CommitSha,
    #[serde(default)]
    repo: Option<SideRepo>,
}

#[derive(Deserialize)]
struct SideRepo {
    full_name: RepoName,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

impl From<Raw> for Pull {
    fn from(raw: Raw) -> Self {
        let state = match (raw.state.as_str(), &raw.merged_at) {
            (_, Some(_)) => PullState::Merged,
            ("open", None) => PullState::Open,
            _ => PullState::Closed,
        };
        // Before a merge this field names GitHub's trial merge.
        let merged = raw.merge_commit_sha.filter(|_| state == PullState::Merged);
        Self {
            number: raw.number,
            node_id: raw.node_id,
            url: raw.html_url,
            title: raw.title,
            body: raw.body.unwrap_or_default(),
            state,
            draft: raw.draft,
            head: raw.head.branch,
            head_sha: raw.head.sha,
            head_repo: raw.head.repo.map(|repo| repo.full_name),
            base: raw.base.branch,
            author: raw.user.map_or_else(|| "ghost".to_owned(), |user| user.login),
            merge_commit: merged.and_then(|sha| CommitSha::parse(&sha).ok()),
        }
    }
}

fn parse(what: &str, value: Value) -> Result<Pull, GitHubError> {
    serde_json::from_value::<Raw>(value)
        .map(Pull::from)
        .map_err(|error| GitHubError::invalid(what, error))
}

/// Those of a list that we can read: one odd branch name of somebody must not hide the others.
fn parse_all(values: Vec<Value>) -> Vec<Pull> {
    let read = |value| serde_json::from_value::<Raw>(value).map(Pull::from);
    let skip =
        |error: &serde_json::Error| tracing::warn!(%error, "a pull request in a list cannot be read and is left out");
    values
        .into_iter()
        .filter_map(|value| read(value).inspect_err(skip).ok())
        .collect()
}

impl Door {
    /// One pull request; `None` if there is none of that number.
    ///
    /// # Errors
    /// Any [`GitHubError`] but `NotFound`.
    pub async fn pull(&self, repo: &RepoName, number: u64) -> Result<Option<Pull>, GitHubError> {
        let ask = Ask::get(format!("/repos/{repo}/pulls/{number}"));
        self.find::<Value>(repo, &ask)
            .await?
            .map(|value| parse(&ask.what(), value))
            .transpose()
    }

    /// All pull requests of a branch of this repository, in every state, newest first.
    ///
    /// # Errors
    /// Any [`GitHubError`].
    pub async fn pulls_by_head(&self, repo: &RepoName, head: &BranchName) -> Result<Vec<Pull>, GitHubError> {
        let label = word(&format!("{}:{head}", repo.owner()));
        let items = self
            .list(
                repo,
                format!("/repos/{repo}/pulls?state=all&head={label}&per_page=100"),
                None,
            )
            .await?;
        // GitHub ignores a filter that it does not understand.
        let mut pulls: Vec<Pull> = parse_all(items).into_iter().filter(|pull| pull.head == *head).collect();
        pulls.sort_by_key(|pull| std::cmp::Reverse(pull.number));
        Ok(pulls)
    }

    /// The pull requests that contain a commit. Runs of forks name none; this finds them.
    ///
    /// # Errors
    /// Any [`GitHubError`].
    pub async fn pulls_of_commit(&self, repo: &RepoName, sha: &CommitSha) -> Result<Vec<Pull>, GitHubError> {
        let items = self
            .list(repo, format!("/repos/{repo}/commits/{sha}/pulls?per_page=100"), None)
            .await;
        match items {
            Ok(items) => Ok(parse_all(items)),
            // GitHub answers so for a commit that is only in a fork.
            Err(GitHubError::NotFound { .. } | GitHubError::Unprocessable { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The open pull request of a branch onto a base.
    ///
    /// # Errors
    /// Any [`GitHubError`].
    pub async fn open_pull_of(
        &self,
        repo: &RepoName,
        head: &BranchName,
        base: &BranchName,
    ) -> Result<Option<Pull>, GitHubError> {
        let pulls = self.pulls_by_head(repo, head).await?;
        Ok(pulls
            .into_iter()
            .find(|pull| pull.state == PullState::Open && pull.base == *base))
    }

    /// Opens a pull request, or finds the one that is open for this head and base. At most one is ever made: after an error that hides what
    /// happened it looks before it tries again.
    ///
    /// # Errors
    /// [`GitHubError::Unprocessable`] when GitHub refuses it for good (no commits between the branches, no such branch); others as usual.
    pub async fn open_pull(&self, repo: &RepoName, new: &NewPull) -> Result<Opened, GitHubError> {
        if let Some(pull) = self.open_pull_of(repo, &new.head, &new.base).await? {
            return Ok(Opened { pull, already: true });
        }
        let mut draft = new.draft;
        let mut waits = self.ladder();
        loop {
            let error = match self.post_pull(repo, new, draft).await {
                Ok(pull) => return Ok(Opened { pull, already: false }),
                Err(error) => error,
            };
            match &error {
                GitHubError::Unprocessable { message, .. }
                    if draft && message.contains("Draft pull requests are not supported") =>
                {
                    draft = false;
                    continue;
                }
                GitHubError::Unprocessable { message, .. } if message.contains("A pull request already exists") => {}
                GitHubError::Unavailable { .. } | GitHubError::Invalid { .. } => {}
                _ => return Err(error),
            }
            // It may be there. The list can lag behind, so look before and after the wait.
            if let Some(pull) = self.open_pull_of(repo, &new.head, &new.base).await? {
                return Ok(Opened { pull, already: true });
            }
            let Some(wait) = waits.next() else { return Err(error) };
            tokio::time::sleep(wait).await;
            if let Some(pull) = self.open_pull_of(repo, &new.head, &new.base).await? {
                return Ok(Opened { pull, already: true });
            }
        }
    }

    async fn post_pull(&self, repo: &RepoName, new: &NewPull, draft: bool) -> Result<Pull, GitHubError> {
        let body = json!({
            "title": new.title, "body": fit_body(&new.body), "head": new.head, "base": new.base, "draft": draft, "maintainer_can_modify": false,
        });
        let ask = Ask::new(Method::POST, format!("/repos/{repo}/pulls")).body(body);
        parse(&ask.what(), self.read(repo, &ask).await?)
    }

    pub(crate) fn ladder(&self) -> impl Iterator<Item = Duration> + use<> {
        self.settings()
            .retry
            .ladder_ms
            .clone()
            .into_iter()
            .map(Duration::from_millis)
    }

    /// Changes a pull request and returns it.
    ///
    /// # Errors
    /// Any [`GitHubError`].
    pub async fn update_pull(&self, repo: &RepoName, number: u64, change: &PullChange) -> Result<Pull, GitHubError> {
        let mut body = json!({});
        if let Some(title) = &change.title {
            body["title"] = json!(title);
        }
        if let Some(text) = &change.body {
            body["body"] = json!(fit_body(text));
        }
        if let Some(open) = change.open {
            body["state"] = json!(if open { "open" } else { "closed" });
        }
        let ask = Ask::new(Method::PATCH, format!("/repos/{repo}/pulls/{number}"))
            .body(body)
            .harmless();
        parse(&ask.what(), self.read(repo, &ask).await?)
    }
}

/// A text cut to [`BODY_LIMIT`] characters at the end of a line, with a note that says so. An open code block is closed before the note.
#[must_use]
pub fn fit_body(text: &str) -> String {
    let length = text.chars().count();
    if length <= BODY_LIMIT {
        return text.to_owned();
    }
    let note = format!("\n\n_Cut here: the whole text has {length} characters, and GitHub takes {BODY_LIMIT}._\n");
    let room = BODY_LIMIT - note.chars().count() - "\n```".len();
    let end = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
    let kept = &text[..end];
    let kept = kept
        .rfind('\n')
        .filter(|at| end - at < 2_000)
        .map_or(kept, |at| &kept[..at]);
    let open = kept.lines().filter(|line| line.trim_start().starts_with("```")).count() % 2 == 1;
    format!("{kept}{}{note}", if open { "\n```" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bodies_are_cut_with_a_note() {
        assert_eq!(fit_body("short"), "short");
        let exact = "ä".repeat(BODY_LIMIT);
        assert_eq!(fit_body(&exact), exact);
        for text in [
            "ä".repeat(BODY_LIMIT + 1),
            format!("```\n{}", "line of a log\n".repeat(6_000)),
        ] {
            let cut = fit_body(&text);
            assert!(cut.chars().count() <= BODY_LIMIT, "{}", cut.chars().count());
            assert!(cut.contains("Cut here: the whole text has"));
            assert_eq!(cut.matches("```").count() % 2, 0);
        }
    }
}
