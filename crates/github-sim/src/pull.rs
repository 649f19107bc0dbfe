//! Pull requests: their shape, and the events that they cause; what the API may do with them is in `route`.

pub(crate) mod route;

use crate::call::Refusal;
use crate::git::Author;
use crate::repository;
use crate::state::{Links, Repository, Shared, State, node_id, now, stamp, user};
use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// GitHub's limit for bodies of pull requests and comments, in characters.
pub(crate) const BODY_LIMIT: usize = 65_536;

/// A pull request as the simulator knows it.
#[derive(Debug, Clone)]
pub struct Pull {
    /// The database id.
    pub id: u64,
    /// The number that people see.
    pub number: u64,
    /// Title.
    pub title: String,
    /// Body, if one was given.
    pub body: Option<String>,
    /// Branch with the change, in the same repository.
    pub head: String,
    /// Newest commit of `head`.
    pub head_sha: String,
    /// Branch that is to receive the change.
    pub base: String,
    /// Commit of `base` when the pull request was opened.
    pub base_sha: String,
    /// Whether it is a draft.
    pub draft: bool,
    /// When it was closed or merged.
    pub closed_at: Option<DateTime<Utc>>,
    /// When, by whom and as which commit it was merged.
    pub merged: Option<Merged>,
    /// Login of who opened it.
    pub author: String,
    /// Names of labels.
    pub labels: Vec<String>,
    /// Logins asked for a review.
    pub reviewers: Vec<String>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
}

/// How a pull request was merged.
#[derive(Debug, Clone)]
pub struct Merged {
    /// When.
    pub at: DateTime<Utc>,
    /// Login of who did it.
    pub by: String,
    /// The merge commit.
    pub sha: String,
}

impl Pull {
    /// Whether it is neither closed nor merged.
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// `open` or `closed`, as GitHub says it.
    pub fn state(&self) -> &'static str {
        if self.is_open() { "open" } else { "closed" }
    }
}

/// GitHub's `pull-request-simple`, the form in lists.
pub(crate) fn simple(pull: &Pull, repository: &Repository, links: &Links) -> Value {
    let full = repository.full_name();
    let (api, web) = (
        format!("{}/repos/{full}", links.api),
        format!("{}/{full}/pull/{}", links.web, pull.number),
    );
    let (this, issue) = (
        format!("{api}/pulls/{}", pull.number),
        format!("{api}/issues/{}", pull.number),
    );
    let side = |branch: &str, sha: &str| {
        json!({
            "label": format!("{}:{branch}", repository.owner), "ref": branch, "sha": sha,
            "user": user(&repository.owner, links), "repo": repository::full(repository, links),
        })
    };
    let (comments, statuses) = (format!("{issue}/comments"), format!("{api}/statuses/{}", pull.head_sha));
    let (review_comments, review_comment) = (format!("{this}/comments"), format!("{api}/pulls/comments{{/number}}"));
    let href = |url: &str| json!({ "href": url });
    json!({
        "id": pull.id, "node_id": node_id("PR", pull.id), "number": pull.number, "url": this, "html_url": web,
        "diff_url": format!("{web}.diff"), "patch_url": format!("{web}.patch"), "issue_url": issue,
        "commits_url": format!("{this}/commits"), "comments_url": comments, "statuses_url": statuses,
        "review_comments_url": review_comments, "review_comment_url": review_comment,
        "state": pull.state(), "locked": false, "title": pull.title, "body": pull.body, "draft": pull.draft,
        "user": user(&pull.author, links), "author_association": "CONTRIBUTOR", "auto_merge": null, "active_lock_reason": null,
        "created_at": stamp(pull.created_at), "updated_at": stamp(pull.updated_at), "closed_at": pull.closed_at.map(stamp),
        "merged_at": pull.merged.as_ref().map(|merged| stamp(merged.at)),
        "merge_commit_sha": pull.merged.as_ref().map(|merged| merged.sha.clone()),
        "assignee": null, "assignees": [], "milestone": null, "requested_teams": [],
        "requested_reviewers": pull.reviewers.iter().map(|login| user(login, links)).collect::<Vec<_>>(),
        "labels": pull.labels.iter().map(|name| crate::comment::label(name, repository, links)).collect::<Vec<_>>(),
        "head": side(&pull.head, &pull.head_sha), "base": side(&pull.base, &pull.base_sha),
        "_links": {
            "self": href(&this), "html": href(&web), "issue": href(&issue), "comments": href(&comments),
            "review_comments": href(&review_comments), "review_comment": href(&review_comment),
            "commits": href(&format!("{this}/commits")), "statuses": href(&statuses),
        },
    })
}

/// GitHub's `pull-request`, the form of one.
pub(crate) fn full(pull: &Pull, repository: &Repository, links: &Links) -> Result<Value> {
    let mut value = simple(pull, repository, links);
    let changes = changes(pull, repository)?;
    let commits = repository
        .git
        .log(&format!("{}..{}", pull.base_sha, pull.head_sha), 250)?
        .len();
    let base = repository
        .git
        .head(&pull.base)?
        .unwrap_or_else(|| pull.base_sha.clone());
    let mergeable = match pull.is_open() {
        true => Some(repository.git.merge_tree(&base, &pull.head_sha)?.is_some()),
        false => None,
    };
    let comments = repository
        .comments
        .values()
        .filter(|comment| comment.issue == pull.number)
        .count();
    let more = json!({
        "merged": pull.merged.is_some(), "mergeable": mergeable, "rebaseable": mergeable,
        "mergeable_state": match (mergeable, pull.draft) { (_, true) => "draft", (Some(true), _) => "clean", (Some(false), _) => "dirty", _ => "unknown" },
        "merged_by": pull.merged.as_ref().map(|merged| user(&merged.by, links)),
        "comments": comments, "review_comments": 0, "maintainer_can_modify": false, "commits": commits,
        "additions": changes.iter().map(|one| one.additions).sum::<u64>(),
        "deletions": changes.iter().map(|one| one.deletions).sum::<u64>(), "changed_files": changes.len(),
    });
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    Ok(value)
}

/// The short form inside runs and checks.
pub(crate) fn minimal(pull: &Pull, repository: &Repository, links: &Links) -> Value {
    let url = format!("{}/repos/{}", links.api, repository.full_name());
    let about = json!({ "id": repository.id, "url": url, "name": repository.name });
    json!({
        "id": pull.id, "number": pull.number, "url": format!("{url}/pulls/{}", pull.number),
        "head": { "ref": pull.head, "sha": pull.head_sha, "repo": about },
        "base": { "ref": pull.base, "sha": pull.base_sha, "repo": about },
    })
}

pub(crate) fn changes(pull: &Pull, repository: &Repository) -> Result<Vec<crate::git::Change>> {
    let common = repository
        .git
        .merge_base(&pull.base_sha, &pull.head_sha)?
        .unwrap_or_else(|| pull.base_sha.clone());
    repository.git.changes(&common, &pull.head_sha)
}

/// Sends a `pull_request` event about the present state and gives the pull request as JSON.
pub(crate) fn emit(
    shared: &Shared,
    state: &State,
    name: &str,
    number: u64,
    action: &'static str,
    actor: &str,
    extra: Value,
) -> Result<Value> {
    let repository = state.repository(name).context("the repository is gone")?;
    let pull = repository.pulls.get(&number).context("the pull request is gone")?;
    let value = full(pull, repository, &shared.links)?;
    let mut payload = json!({ "action": action, "number": number, "pull_request": value });
    if let (Some(payload), Value::Object(extra)) = (payload.as_object_mut(), extra) {
        payload.extend(extra);
    }
    shared.emit(repository, "pull_request", Some(action), actor, payload);
    Ok(value)
}

/// A branch has moved: its open pull requests follow it, and are closed when it is gone.
pub(crate) fn follow(
    shared: &Shared,
    state: &mut State,
    name: &str,
    branch: &str,
    new: Option<&str>,
    actor: &str,
) -> Result<()> {
    let repository = state.repository_mut(name).context("the repository is gone")?;
    let numbers: Vec<u64> = repository
        .pulls
        .values()
        .filter(|pull| pull.is_open() && pull.head == branch)
        .map(|pull| pull.number)
        .collect();
    for number in numbers {
        let repository = state.repository_mut(name).context("the repository is gone")?;
        let Some(pull) = repository.pulls.get_mut(&number) else {
            continue;
        };
        pull.updated_at = now();
        match new {
            Some(sha) => {
                let before = std::mem::replace(&mut pull.head_sha, sha.to_owned());
                repository.git.set_ref(&format!("refs/pull/{number}/head"), sha)?;
                emit(
                    shared,
                    state,
                    name,
                    number,
                    "synchronize",
                    actor,
                    json!({ "before": before, "after": sha }),
                )?;
            }
            None => {
                pull.closed_at = Some(now());
                emit(shared, state, name, number, "closed", actor, json!({}))?;
            }
        }
    }
    Ok(())
}

/// Merges with a merge commit as `by`, and tells.
pub(crate) fn merge_as(
    shared: &Shared,
    state: &mut State,
    name: &str,
    number: u64,
    by: &str,
) -> Result<String, Refusal> {
    let repository = state.repository_mut(name).ok_or_else(Refusal::not_found)?;
    let pull = repository.pulls.get_mut(&number).ok_or_else(Refusal::not_found)?;
    if !pull.is_open() {
        return Err(Refusal::new(405, "Pull Request is not mergeable"));
    }
    let base = repository
        .git
        .head(&pull.base)?
        .ok_or_else(|| Refusal::new(405, "Base branch was deleted"))?;
    let tree = repository
        .git
        .merge_tree(&base, &pull.head_sha)?
        .ok_or_else(|| Refusal::new(405, "Pull Request is not mergeable"))?;
    let message = format!(
        "Merge pull request #{number} from {}/{}\n\n{}",
        repository.owner, pull.head, pull.title
    );
    let at = now();
    let sha = repository.git.commit_tree(
        &tree,
        &[&base, &pull.head_sha],
        &Author::from(by),
        &message,
        at.timestamp(),
    )?;
    repository.git.set_ref(&format!("refs/heads/{}", pull.base), &sha)?;
    pull.closed_at = Some(at);
    pull.updated_at = at;
    pull.merged = Some(Merged {
        at,
        by: by.to_owned(),
        sha: sha.clone(),
    });
    emit(shared, state, name, number, "closed", by, json!({}))?;
    crate::push::announce(shared, state, name, by)?;
    Ok(sha)
}
