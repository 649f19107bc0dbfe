//! Repositories, branches, commits, files and comparisons: what GitHub tells about git's content.

use crate::call::{Answer, Call, Outcome, Refusal};
use crate::git::{Change, CommitInfo};
use crate::state::{Links, Repository, node_id, stamp, user};
use anyhow::Result;
use base64::Engine as _;
use serde_json::{Value, json};

/// GitHub's `minimal-repository`.
pub(crate) fn minimal(repository: &Repository, links: &Links) -> Value {
    let full = repository.full_name();
    let api = format!("{}/repos/{full}", links.api);
    let mut value = json!({
        "id": repository.id, "node_id": node_id("R", repository.id), "name": repository.name, "full_name": full,
        "private": repository.private, "owner": user(&repository.owner, links),
        "html_url": format!("{}/{full}", links.web), "description": null, "fork": false, "url": api,
    });
    for (key, tail) in [
        ("archive_url", "/{archive_format}{/ref}"),
        ("assignees_url", "/assignees{/user}"),
        ("blobs_url", "/git/blobs{/sha}"),
        ("branches_url", "/branches{/branch}"),
        ("collaborators_url", "/collaborators{/collaborator}"),
        ("comments_url", "/comments{/number}"),
        ("commits_url", "/commits{/sha}"),
        ("compare_url", "/compare/{base}...{head}"),
        ("contents_url", "/contents/{+path}"),
        ("contributors_url", "/contributors"),
        ("deployments_url", "/deployments"),
        ("downloads_url", "/downloads"),
        ("events_url", "/events"),
        ("forks_url", "/forks"),
        ("git_commits_url", "/git/commits{/sha}"),
        ("git_refs_url", "/git/refs{/sha}"),
        ("git_tags_url", "/git/tags{/sha}"),
        ("hooks_url", "/hooks"),
        ("issue_comment_url", "/issues/comments{/number}"),
        ("issue_events_url", "/issues/events{/number}"),
        ("issues_url", "/issues{/number}"),
        ("keys_url", "/keys{/key_id}"),
        ("labels_url", "/labels{/name}"),
        ("languages_url", "/languages"),
        ("merges_url", "/merges"),
        ("milestones_url", "/milestones{/number}"),
        ("notifications_url", "/notifications{?since,all,participating}"),
        ("pulls_url", "/pulls{/number}"),
        ("releases_url", "/releases{/id}"),
        ("stargazers_url", "/stargazers"),
        ("statuses_url", "/statuses/{sha}"),
        ("subscribers_url", "/subscribers"),
        ("subscription_url", "/subscription"),
        ("tags_url", "/tags"),
        ("teams_url", "/teams"),
        ("trees_url", "/git/trees{/sha}"),
    ] {
        value[key] = json!(format!("{api}{tail}"));
    }
    value
}

/// GitHub's `full-repository`, which also serves as `repository` inside other answers and webhooks.
pub(crate) fn full(repository: &Repository, links: &Links) -> Value {
    let mut value = minimal(repository, links);
    let full = repository.full_name();
    let open = repository.pulls.values().filter(|pull| pull.is_open()).count();
    let at = stamp(repository.created_at);
    let more = json!({
        "clone_url": format!("{}/{full}.git", links.web), "git_url": format!("git://127.0.0.1/{full}.git"),
        "ssh_url": format!("git@127.0.0.1:{full}.git"), "svn_url": format!("{}/{full}", links.web),
        "default_branch": repository.default_branch, "homepage": null, "language": null, "license": null, "mirror_url": null,
        "forks": 0, "forks_count": 0, "watchers": 0, "watchers_count": 0, "stargazers_count": 0, "network_count": 0,
        "subscribers_count": 0, "open_issues": open, "open_issues_count": open, "size": 1, "topics": [],
        "has_issues": true, "has_projects": true, "has_wiki": true, "has_pages": false, "has_discussions": false,
        "has_downloads": true, "archived": false, "disabled": false, "is_template": false, "allow_forking": true,
        "web_commit_signoff_required": false, "visibility": if repository.private { "private" } else { "public" },
        "created_at": at, "updated_at": at, "pushed_at": at,
    });
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    value
}

/// GitHub's `commit`.
pub(crate) fn commit(info: &CommitInfo, repository: &Repository, links: &Links) -> Value {
    let full = repository.full_name();
    let (api, web) = (format!("{}/repos/{full}", links.api), format!("{}/{full}", links.web));
    let parents: Vec<Value> = info
        .parents
        .iter()
        .map(|sha| json!({ "sha": sha, "url": format!("{api}/commits/{sha}"), "html_url": format!("{web}/commit/{sha}") }))
        .collect();
    json!({
        "sha": info.sha, "node_id": format!("C_{}", info.sha), "url": format!("{api}/commits/{}", info.sha),
        "html_url": format!("{web}/commit/{}", info.sha), "comments_url": format!("{api}/commits/{}/comments", info.sha),
        "commit": {
            "url": format!("{api}/git/commits/{}", info.sha), "message": info.message, "comment_count": 0,
            "author": { "name": info.author.name, "email": info.author.email, "date": info.authored_at },
            "committer": { "name": info.committer.name, "email": info.committer.email, "date": info.committed_at },
            "tree": { "sha": info.tree, "url": format!("{api}/git/trees/{}", info.tree) },
            "verification": { "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null },
        },
        "author": user(&info.author.name, links), "committer": user(&info.committer.name, links), "parents": parents,
    })
}

/// GitHub's `diff-entry`.
pub(crate) fn change(change: &Change, head: &str, repository: &Repository, links: &Links) -> Value {
    let full = repository.full_name();
    let (api, web) = (format!("{}/repos/{full}", links.api), format!("{}/{full}", links.web));
    let mut value = json!({
        "sha": change.sha, "filename": change.path, "status": change.status,
        "additions": change.additions, "deletions": change.deletions, "changes": change.additions + change.deletions,
        "blob_url": format!("{web}/blob/{head}/{}", change.path), "raw_url": format!("{web}/raw/{head}/{}", change.path),
        "contents_url": format!("{api}/contents/{}?ref={head}", change.path),
    });
    if !change.patch.is_empty() {
        value["patch"] = json!(change.patch);
    }
    value
}

/// `GET /repos/{owner}/{repo}`
pub(crate) async fn show(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "metadata")?;
    Ok(Answer::ok(full(repository, &call.shared.links)))
}

/// `GET /repos/{owner}/{repo}/branches`
pub(crate) async fn branches(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "contents")?;
    let api = format!("{}/repos/{}", call.shared.links.api, repository.full_name());
    let items: Vec<Value> = repository
        .git
        .branches()?
        .iter()
        .map(|(name, sha)| json!({ "name": name, "commit": { "sha": sha, "url": format!("{api}/commits/{sha}") }, "protected": false }))
        .collect();
    Ok(call.list(repository, &items))
}

/// `GET /repos/{owner}/{repo}/branches/{branch}`
pub(crate) async fn branch(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "contents")?;
    let name = call.param("branch");
    let sha = repository
        .git
        .head(&name)?
        .ok_or_else(|| Refusal::new(404, "Branch not found"))?;
    let links = &call.shared.links;
    let (full, info) = (repository.full_name(), repository.git.info(&sha)?);
    let url = format!("{}/repos/{full}/branches/{name}", links.api);
    Ok(Answer::ok(json!({
        "name": name, "commit": commit(&info, repository, links), "protected": false,
        "_links": { "self": url, "html": format!("{}/{full}/tree/{name}", links.web) },
        "protection": { "enabled": false, "required_status_checks": { "enforcement_level": "off", "contexts": [], "checks": [] } },
        "protection_url": format!("{url}/protection"),
    })))
}

/// `GET /repos/{owner}/{repo}/git/ref/{ref}`
pub(crate) async fn reference(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "contents")?;
    let name = call.param("ref");
    let sha = match name.strip_prefix("heads/") {
        Some(branch) => repository.git.head(branch)?,
        None => repository.git.resolve(&format!("refs/{name}"))?,
    };
    let sha = sha.ok_or_else(Refusal::not_found)?;
    let api = format!("{}/repos/{}", call.shared.links.api, repository.full_name());
    Ok(Answer::ok(json!({
        "ref": format!("refs/{name}"), "node_id": format!("REF_{}", &sha[..12]), "url": format!("{api}/git/refs/{name}"),
        "object": { "type": "commit", "sha": sha, "url": format!("{api}/git/commits/{sha}") },
    })))
}

/// `GET /repos/{owner}/{repo}/commits/{ref}`
pub(crate) async fn commit_at(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "contents")?;
    let sha = resolve(repository, &call.param("ref"))?;
    let info = repository.git.info(&sha)?;
    let mut value = commit(&info, repository, &call.shared.links);
    let empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    let before = info.parents.first().map_or(empty, String::as_str);
    let changes = repository.git.changes(before, &sha)?;
    let (plus, minus) = changes.iter().fold((0, 0), |(plus, minus), one| {
        (plus + one.additions, minus + one.deletions)
    });
    value["stats"] = json!({ "additions": plus, "deletions": minus, "total": plus + minus });
    value["files"] = changes
        .iter()
        .map(|one| change(one, &sha, repository, &call.shared.links))
        .collect();
    Ok(Answer::ok(value))
}

/// `GET /repos/{owner}/{repo}/compare/{base}...{head}`
pub(crate) async fn compare(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "contents")?;
    let links = &call.shared.links;
    let spec = call.param("basehead");
    let (base, head) = spec.split_once("...").ok_or_else(Refusal::not_found)?;
    let strip = |name: &str| name.rsplit_once(':').map_or(name, |(_, branch)| branch).to_owned();
    let (base, head) = (resolve(repository, &strip(base))?, resolve(repository, &strip(head))?);
    let common = repository
        .git
        .merge_base(&base, &head)?
        .ok_or_else(|| Refusal::new(404, "No common ancestor between base and head."))?;
    let (ahead, behind) = repository.git.ahead_behind(&base, &head)?;
    let status = match (ahead, behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let commits: Vec<Value> = repository
        .git
        .log(&format!("{base}..{head}"), 250)?
        .iter()
        .map(|info| commit(info, repository, links))
        .collect();
    let files: Vec<Value> = repository
        .git
        .changes(&common, &head)?
        .iter()
        .map(|one| change(one, &head, repository, links))
        .collect();
    let full = repository.full_name();
    let web = format!("{}/{full}/compare/{spec}", links.web);
    Ok(Answer::ok(json!({
        "url": format!("{}/repos/{full}/compare/{spec}", links.api), "html_url": web, "permalink_url": web,
        "diff_url": format!("{web}.diff"), "patch_url": format!("{web}.patch"),
        "base_commit": commit(&repository.git.info(&base)?, repository, links),
        "merge_base_commit": commit(&repository.git.info(&common)?, repository, links),
        "status": status, "ahead_by": ahead, "behind_by": behind, "total_commits": ahead, "commits": commits, "files": files,
    })))
}

/// `GET /repos/{owner}/{repo}/contents/{path}`
pub(crate) async fn contents(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "contents")?;
    let path = call.param("path").trim_matches('/').to_owned();
    let revision = call.query("ref").unwrap_or_else(|| repository.default_branch.clone());
    let sha = resolve(repository, &revision)
        .map_err(|_| Refusal::new(404, &format!("No commit found for the ref {revision}")))?;
    let entry = repository.git.entries(&sha, &path)?.pop();
    let describe = |entry: &crate::git::Entry| content_entry(entry, &revision, repository, &call.shared.links);
    match entry {
        Some(entry) if !path.is_empty() && entry.kind == "blob" => {
            let content = repository.git.file(&sha, &path)?.ok_or_else(Refusal::not_found)?;
            if call.wants_raw() {
                return Ok(Answer::bytes("application/vnd.github.raw+json; charset=utf-8", content));
            }
            let mut value = describe(&entry);
            value["encoding"] = json!("base64");
            value["content"] = json!(wrapped(&content));
            Ok(Answer::ok(value))
        }
        Some(_) => {
            let folder = if path.is_empty() {
                String::new()
            } else {
                format!("{path}/")
            };
            Ok(Answer::ok(
                repository.git.entries(&sha, &folder)?.iter().map(describe).collect(),
            ))
        }
        None => Err(Refusal::not_found()),
    }
}

fn content_entry(entry: &crate::git::Entry, revision: &str, repository: &Repository, links: &Links) -> Value {
    let full = repository.full_name();
    let (api, web) = (format!("{}/repos/{full}", links.api), format!("{}/{full}", links.web));
    let (kind, plural) = if entry.kind == "tree" {
        ("dir", "tree")
    } else {
        ("file", "blob")
    };
    let url = format!("{api}/contents/{}?ref={revision}", entry.path);
    let git_url = format!("{api}/git/{plural}s/{}", entry.sha);
    let html_url = format!("{web}/{plural}/{revision}/{}", entry.path);
    json!({
        "type": kind, "size": entry.size, "name": entry.path.rsplit('/').next(), "path": entry.path, "sha": entry.sha,
        "url": url, "git_url": git_url, "html_url": html_url,
        "download_url": (kind == "file").then(|| format!("{web}/raw/{revision}/{}", entry.path)),
        "_links": { "self": url, "git": git_url, "html": html_url },
    })
}

/// Base64 in lines of sixty characters, as GitHub sends it.
fn wrapped(content: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(content);
    let mut lines = String::with_capacity(text.len() + text.len() / 60 + 1);
    for line in text.as_bytes().chunks(60) {
        lines.push_str(&String::from_utf8_lossy(line));
        lines.push('\n');
    }
    lines
}

/// A branch name or a sha to a sha.
pub(crate) fn resolve(repository: &Repository, revision: &str) -> Result<String, Refusal> {
    let found = match repository.git.head(revision)? {
        Some(sha) => Some(sha),
        None => repository.git.resolve(revision)?,
    };
    found.ok_or_else(|| Refusal::new(422, &format!("No commit found for SHA: {revision}")))
}

/// `GET /repos/{owner}/{repo}/collaborators/{username}/permission`
pub(crate) async fn permission(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "metadata")?;
    let login = call.param("username");
    let role = match repository.collaborators.get(&login) {
        _ if login.eq_ignore_ascii_case(&repository.owner) => "admin",
        Some(role) => role,
        None if repository.private => "none",
        None => "read",
    };
    let permission = match role {
        "maintain" => "write",
        "triage" => "read",
        other => other,
    };
    let mut who = user(&login, &call.shared.links);
    who["role_name"] = json!(role);
    Ok(Answer::ok(
        json!({ "permission": permission, "role_name": role, "user": who }),
    ))
}

/// `GET /user`
pub(crate) async fn me(call: Call) -> Outcome {
    match &call.caller {
        crate::call::Caller::User { login, .. } => {
            let mut value = user(login, &call.shared.links);
            let at = stamp(crate::state::now());
            let more = json!({
                "name": login, "company": null, "blog": "", "location": null, "email": null, "hireable": null, "bio": null,
                "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0, "created_at": at, "updated_at": at,
                "private_gists": 0, "total_private_repos": 0, "owned_private_repos": 0, "disk_usage": 0, "collaborators": 0,
                "two_factor_authentication": true,
            });
            if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
                value.extend(more);
            }
            Ok(Answer::ok(value))
        }
        crate::call::Caller::Anonymous => Err(Refusal::new(401, "Requires authentication")),
        _ => Err(Refusal::new(403, "Resource not accessible by integration")),
    }
}

/// `GET /rate_limit`
pub(crate) async fn rate_limit(call: Call) -> Outcome {
    let used = call.shared.state().used;
    let rate = json!({
        "limit": crate::http::RATE_LIMIT, "used": used, "remaining": crate::http::RATE_LIMIT.saturating_sub(used),
        "reset": crate::state::now().timestamp() + 3_600, "resource": "core",
    });
    Ok(Answer::ok(
        json!({ "resources": { "core": rate, "search": rate }, "rate": rate }),
    ))
}
