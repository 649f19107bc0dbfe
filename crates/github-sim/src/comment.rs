//! Comments, labels and review requests of pull requests.

use crate::call::{Answer, Call, Outcome, Refusal, text};
use crate::pull::{self, BODY_LIMIT};
use crate::state::{Links, Repository, Shared, State, node_id, now, stamp, user};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// A comment in the conversation of a pull request.
#[derive(Debug, Clone)]
pub struct Comment {
    /// Id by which it is edited.
    pub id: u64,
    /// Number of the pull request.
    pub issue: u64,
    /// Login of the author.
    pub author: String,
    /// Text.
    pub body: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was edited last.
    pub updated_at: DateTime<Utc>,
}

/// GitHub's `issue-comment`.
pub(crate) fn shape(comment: &Comment, repository: &Repository, links: &Links) -> Value {
    let full = repository.full_name();
    let api = format!("{}/repos/{full}/issues", links.api);
    json!({
        "id": comment.id, "node_id": node_id("IC", comment.id), "url": format!("{api}/comments/{}", comment.id),
        "html_url": format!("{}/{full}/pull/{}#issuecomment-{}", links.web, comment.issue, comment.id),
        "issue_url": format!("{api}/{}", comment.issue), "body": comment.body, "user": user(&comment.author, links),
        "created_at": stamp(comment.created_at), "updated_at": stamp(comment.updated_at), "author_association": "CONTRIBUTOR",
    })
}

/// GitHub's `label`.
pub(crate) fn label(name: &str, repository: &Repository, links: &Links) -> Value {
    let id = crate::state::user_id(name);
    json!({
        "id": id, "node_id": node_id("LA", id), "name": name, "color": "ededed", "default": false, "description": "",
        "url": format!("{}/repos/{}/labels/{}", links.api, repository.full_name(), name.replace(' ', "%20")),
    })
}

fn body_of(body: &Value) -> Result<String, Refusal> {
    let body = text(body, "body")
        .filter(|body| !body.is_empty())
        .ok_or_else(|| Refusal::missing("IssueComment", "body"))?;
    if body.chars().count() > BODY_LIMIT {
        return Err(Refusal::invalid(json!({
            "resource": "IssueComment", "field": "body", "code": "custom",
            "message": format!("body is too long (maximum is {BODY_LIMIT} characters)"),
        })));
    }
    Ok(body.to_owned())
}

/// Writes a comment as `author`, and tells.
pub(crate) fn write(
    shared: &Shared,
    state: &mut State,
    name: &str,
    number: u64,
    author: &str,
    body: String,
) -> Result<Value, Refusal> {
    let id = state.id();
    let repository = state.repository_mut(name).ok_or_else(Refusal::not_found)?;
    if !repository.pulls.contains_key(&number) {
        return Err(Refusal::not_found());
    }
    let at = now();
    let comment = Comment {
        id,
        issue: number,
        author: author.to_owned(),
        body,
        created_at: at,
        updated_at: at,
    };
    repository.comments.insert(id, comment.clone());
    let value = shape(&comment, repository, &shared.links);
    emit(shared, repository, &comment, "created", author);
    Ok(value)
}

fn emit(shared: &Shared, repository: &Repository, comment: &Comment, action: &'static str, actor: &str) {
    let Some(pull) = repository.pulls.get(&comment.issue) else {
        return;
    };
    let links = &shared.links;
    let api = format!("{}/repos/{}", links.api, repository.full_name());
    let of_pull = pull::simple(pull, repository, links);
    let mut issue = json!({
        "id": pull.id, "node_id": node_id("I", pull.id), "number": pull.number, "title": pull.title, "body": pull.body,
        "state": pull.state(), "locked": false, "draft": pull.draft, "user": user(&pull.author, links),
        "labels": of_pull["labels"], "assignee": null, "assignees": [], "milestone": null, "comments": 0,
        "url": of_pull["issue_url"], "html_url": of_pull["html_url"], "repository_url": api,
        "comments_url": of_pull["comments_url"], "events_url": format!("{api}/issues/{}/events", pull.number),
        "labels_url": format!("{api}/issues/{}/labels{{/name}}", pull.number), "active_lock_reason": null, "state_reason": null,
        "created_at": of_pull["created_at"], "updated_at": of_pull["updated_at"], "closed_at": of_pull["closed_at"],
        "author_association": "CONTRIBUTOR",
        "pull_request": {
            "url": of_pull["url"], "html_url": of_pull["html_url"], "diff_url": of_pull["diff_url"], "patch_url": of_pull["patch_url"],
            "merged_at": of_pull["merged_at"],
        },
    });
    issue["reactions"] = reactions(&of_pull["issue_url"]);
    let mut said = shape(comment, repository, links);
    said["performed_via_github_app"] = Value::Null;
    said["reactions"] = reactions(&said["url"]);
    let payload = json!({ "action": action, "issue": issue, "comment": said });
    shared.emit(repository, "issue_comment", Some(action), actor, payload);
}

/// Nobody reacts here, but payloads say so.
fn reactions(url: &Value) -> Value {
    let url = format!("{}/reactions", url.as_str().unwrap_or_default());
    json!({
        "url": url, "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "confused": 0, "heart": 0, "hooray": 0, "eyes": 0, "rocket": 0,
    })
}

/// `POST /repos/{owner}/{repo}/issues/{number}/comments`
pub(crate) async fn create(call: Call) -> Outcome {
    let mut state = call.shared.state();
    let name = commenting(&call, &state)?;
    let body = body_of(&call.json()?)?;
    let value = write(
        &call.shared,
        &mut state,
        &name,
        call.number("number")?,
        &call.caller.login(),
        body,
    )?;
    Ok(Answer::created(value))
}

/// An App may comment on pull requests with either permission.
fn commenting(call: &Call, state: &State) -> Result<String, Refusal> {
    call.writing(state, "issues")
        .or_else(|_| call.writing(state, "pull_requests"))
}

/// `GET /repos/{owner}/{repo}/issues/{number}/comments`
pub(crate) async fn list(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "pull_requests")?;
    let number = call.number("number")?;
    if !repository.pulls.contains_key(&number) {
        return Err(Refusal::not_found());
    }
    let items: Vec<Value> = repository
        .comments
        .values()
        .filter(|comment| comment.issue == number)
        .map(|comment| shape(comment, repository, &call.shared.links))
        .collect();
    Ok(call.list(repository, &items))
}

/// `PATCH /repos/{owner}/{repo}/issues/comments/{id}`
pub(crate) async fn edit(call: Call) -> Outcome {
    let mut state = call.shared.state();
    let name = commenting(&call, &state)?;
    let body = body_of(&call.json()?)?;
    let repository = state.repository_mut(&name).ok_or_else(Refusal::not_found)?;
    let comment = repository
        .comments
        .get_mut(&call.number("id")?)
        .ok_or_else(Refusal::not_found)?;
    comment.body = body;
    comment.updated_at = now();
    let comment = comment.clone();
    emit(&call.shared, repository, &comment, "edited", &call.caller.login());
    Ok(Answer::ok(shape(&comment, repository, &call.shared.links)))
}

/// `POST /repos/{owner}/{repo}/issues/{number}/labels`
pub(crate) async fn add_labels(call: Call) -> Outcome {
    let mut state = call.shared.state();
    let name = commenting(&call, &state)?;
    let number = call.number("number")?;
    let names = words(&call.json()?, "labels").ok_or_else(|| Refusal::missing("Label", "labels"))?;
    let repository = state.repository_mut(&name).ok_or_else(Refusal::not_found)?;
    let pull = repository.pulls.get_mut(&number).ok_or_else(Refusal::not_found)?;
    for name in names {
        if !pull.labels.contains(&name) {
            pull.labels.push(name);
        }
    }
    let labels = pull.labels.clone();
    let items: Vec<Value> = labels
        .iter()
        .map(|name| label(name, repository, &call.shared.links))
        .collect();
    Ok(Answer::ok(Value::Array(items)))
}

/// `POST /repos/{owner}/{repo}/pulls/{number}/requested_reviewers`
pub(crate) async fn request_reviewers(call: Call) -> Outcome {
    let mut state = call.shared.state();
    let name = call.writing(&state, "pull_requests")?;
    let number = call.number("number")?;
    let logins = words(&call.json()?, "reviewers").unwrap_or_default();
    let repository = state.repository_mut(&name).ok_or_else(Refusal::not_found)?;
    let owner = repository.owner.clone();
    if let Some(stranger) = logins
        .iter()
        .find(|login| **login != owner && !repository.collaborators.contains_key(*login))
    {
        let text =
            format!("Reviews may only be requested from collaborators. {stranger} is not a collaborator of {name}.");
        return Err(Refusal::new(422, &text));
    }
    let pull = repository.pulls.get_mut(&number).ok_or_else(Refusal::not_found)?;
    pull.reviewers.extend(logins);
    pull.reviewers.sort();
    pull.reviewers.dedup();
    let repository = state.repository(&name).ok_or_else(Refusal::not_found)?;
    let pull = repository.pulls.get(&number).ok_or_else(Refusal::not_found)?;
    Ok(Answer::created(pull::simple(pull, repository, &call.shared.links)))
}

fn words(body: &Value, field: &str) -> Option<Vec<String>> {
    let list = body.get(field)?.as_array()?;
    Some(
        list.iter()
            .filter_map(|one| one.as_str().or_else(|| text(one, "name")))
            .map(str::to_owned)
            .collect(),
    )
}
