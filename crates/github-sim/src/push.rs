//! Notices which branches have moved, and tells: `push` and the pull requests that follow their heads.

use crate::git::CommitInfo;
use crate::pull;
use crate::repository;
use crate::state::{Repository, Shared, State, now, user};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};

const NOBODY: &str = "0000000000000000000000000000000000000000";

/// Compares the branches with what was announced last and announces each difference once, as done by `actor`.
pub(crate) fn announce(shared: &Shared, state: &mut State, full_name: &str, actor: &str) -> Result<()> {
    let repository = state
        .repository_mut(full_name)
        .with_context(|| format!("no repository {full_name}"))?;
    let current = repository.git.branches()?;
    let before = std::mem::replace(&mut repository.announced, current.clone());
    let mut moved: Vec<(String, Option<String>, Option<String>)> = Vec::new();
    for (branch, sha) in &current {
        if before.get(branch) != Some(sha) {
            moved.push((branch.clone(), before.get(branch).cloned(), Some(sha.clone())));
        }
    }
    for (branch, sha) in before {
        if !current.contains_key(&branch) {
            moved.push((branch, Some(sha), None));
        }
    }
    for (branch, old, new) in moved {
        let repository = state
            .repository(full_name)
            .with_context(|| format!("no repository {full_name}"))?;
        let payload = payload(shared, repository, &branch, old.as_deref(), new.as_deref(), actor)?;
        shared.emit(repository, "push", None, actor, payload);
        pull::follow(shared, state, full_name, &branch, new.as_deref(), actor)?;
    }
    Ok(())
}

fn payload(
    shared: &Shared,
    repository: &Repository,
    branch: &str,
    old: Option<&str>,
    new: Option<&str>,
    actor: &str,
) -> Result<Value> {
    let links = &shared.links;
    let full = repository.full_name();
    let forced = match (old, new) {
        (Some(old), Some(new)) => !repository.git.is_ancestor(old, new)?,
        _ => false,
    };
    let range = match (old, new) {
        (Some(old), Some(new)) => Some(format!("{old}..{new}")),
        (None, Some(new)) if branch != repository.default_branch => {
            Some(format!("{}..{new}", repository.default_branch))
        }
        (None, Some(new)) => Some(new.to_owned()),
        (_, None) => None,
    };
    let mut commits = Vec::new();
    if let Some(range) = range {
        for info in repository.git.log(&range, 20)? {
            commits.push(commit(&info, repository, &format!("{}/{full}", links.web))?);
        }
    }
    let head = match new {
        Some(sha) => commit(&repository.git.info(sha)?, repository, &format!("{}/{full}", links.web))?,
        None => Value::Null,
    };
    let mut about = repository::full(repository, links);
    about["pushed_at"] = json!(now().timestamp());
    about["master_branch"] = json!(repository.default_branch);
    about["stargazers"] = json!(0);
    let (before, after) = (old.unwrap_or(NOBODY), new.unwrap_or(NOBODY));
    Ok(json!({
        "ref": format!("refs/heads/{branch}"), "before": before, "after": after, "base_ref": null,
        "created": old.is_none(), "deleted": new.is_none(), "forced": forced,
        "compare": format!("{}/{full}/compare/{}...{}", links.web, &before[..12], &after[..12]),
        "commits": commits, "head_commit": head, "repository": about,
        "pusher": { "name": actor, "email": format!("{actor}@users.noreply.example") }, "sender": user(actor, links),
    }))
}

fn commit(info: &CommitInfo, repository: &Repository, web: &str) -> Result<Value> {
    let empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    let changes = repository
        .git
        .changes(info.parents.first().map_or(empty, String::as_str), &info.sha)?;
    let of = |status: &str| {
        changes
            .iter()
            .filter(|one| one.status == status)
            .map(|one| one.path.clone())
            .collect::<Vec<_>>()
    };
    Ok(json!({
        "id": info.sha, "tree_id": info.tree, "distinct": true, "message": info.message, "timestamp": info.committed_at,
        "url": format!("{web}/commit/{}", info.sha),
        "author": { "name": info.author.name, "email": info.author.email, "username": info.author.name },
        "committer": { "name": info.committer.name, "email": info.committer.email, "username": info.committer.name },
        "added": of("added"), "removed": of("removed"), "modified": of("modified"),
    }))
}
