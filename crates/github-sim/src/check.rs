//! Check runs and commit statuses.

use crate::call::{Answer, Call, Caller, Outcome, Refusal, text};
use crate::pull;
use crate::repository;
use crate::state::{Links, Repository, node_id, now, stamp, user};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// A check run made through the API.
#[derive(Debug, Clone)]
pub struct CheckRun {
    /// Id.
    pub id: u64,
    /// Name that people see.
    pub name: String,
    /// Commit it is about.
    pub head_sha: String,
    /// `queued`, `in_progress` or `completed`.
    pub status: String,
    /// Set when completed.
    pub conclusion: Option<String>,
    /// Title of the output.
    pub title: Option<String>,
    /// Summary of the output.
    pub summary: Option<String>,
    /// Text of the output.
    pub text: Option<String>,
    /// Where details are.
    pub details_url: Option<String>,
    /// The caller's own reference.
    pub external_id: Option<String>,
    /// When it was made.
    pub started_at: DateTime<Utc>,
    /// When it was completed.
    pub completed_at: Option<DateTime<Utc>>,
}

/// A commit status.
#[derive(Debug, Clone)]
pub struct Status {
    /// Id.
    pub id: u64,
    /// Commit it is about.
    pub sha: String,
    /// `error`, `failure`, `pending` or `success`.
    pub state: String,
    /// What reports.
    pub context: String,
    /// One line for people.
    pub description: Option<String>,
    /// Where details are.
    pub target_url: Option<String>,
    /// Login of who set it.
    pub creator: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

const STATUSES: [&str; 3] = ["queued", "in_progress", "completed"];
const CONCLUSIONS: [&str; 7] = [
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "success",
    "skipped",
    "timed_out",
];

fn shape(check: &CheckRun, repository: &Repository, app: &Value, links: &Links) -> Value {
    let full = repository.full_name();
    let url = format!("{}/repos/{full}/check-runs/{}", links.api, check.id);
    let pulls: Vec<Value> = repository
        .pulls
        .values()
        .filter(|one| one.is_open() && one.head_sha == check.head_sha)
        .map(|one| pull::minimal(one, repository, links))
        .collect();
    json!({
        "id": check.id, "node_id": node_id("CR", check.id), "name": check.name, "head_sha": check.head_sha, "url": url,
        "html_url": format!("{}/{full}/runs/{}", links.web, check.id), "details_url": check.details_url,
        "external_id": check.external_id, "status": check.status, "conclusion": check.conclusion,
        "started_at": stamp(check.started_at), "completed_at": check.completed_at.map(stamp), "check_suite": { "id": check.id + 1 },
        "output": {
            "title": check.title, "summary": check.summary, "text": check.text, "annotations_count": 0,
            "annotations_url": format!("{url}/annotations"),
        },
        "app": app, "pull_requests": pulls,
    })
}

/// Only Apps may write check runs.
fn only_apps(call: &Call) -> Result<(), Refusal> {
    match call.caller {
        Caller::Installation(_) => Ok(()),
        _ => Err(Refusal::new(403, "You must authenticate via a GitHub App.")),
    }
}

fn fill(check: &mut CheckRun, body: &Value) -> Result<(), Refusal> {
    let invalid = |field: &str| Refusal::invalid(json!({ "resource": "CheckRun", "field": field, "code": "invalid" }));
    if let Some(status) = text(body, "status") {
        check.status = STATUSES
            .iter()
            .find(|one| **one == status)
            .ok_or_else(|| invalid("status"))?
            .to_string();
    }
    if let Some(conclusion) = text(body, "conclusion") {
        check.conclusion = Some(
            CONCLUSIONS
                .iter()
                .find(|one| **one == conclusion)
                .ok_or_else(|| invalid("conclusion"))?
                .to_string(),
        );
        check.status = "completed".to_owned();
    }
    if check.status == "completed" {
        if check.conclusion.is_none() {
            return Err(Refusal::missing("CheckRun", "conclusion"));
        }
        check.completed_at = check.completed_at.or_else(|| Some(now()));
    }
    if let Some(output) = body.get("output") {
        let long = |field: &str| text(output, field).is_some_and(|text| text.chars().count() > 65_535);
        if long("summary") || long("text") {
            return Err(Refusal::invalid(
                json!({ "resource": "CheckRun", "field": "output", "code": "too_long" }),
            ));
        }
        check.title = text(output, "title").map(str::to_owned).or(check.title.take());
        check.summary = text(output, "summary").map(str::to_owned).or(check.summary.take());
        check.text = text(output, "text").map(str::to_owned).or(check.text.take());
    }
    check.details_url = text(body, "details_url")
        .map(str::to_owned)
        .or(check.details_url.take());
    check.external_id = text(body, "external_id")
        .map(str::to_owned)
        .or(check.external_id.take());
    Ok(())
}

/// `POST /repos/{owner}/{repo}/check-runs`
pub(crate) async fn create(call: Call) -> Outcome {
    only_apps(&call)?;
    let mut state = call.shared.state();
    let name = call.writing(&state, "checks")?;
    let body = call.json()?;
    let field = |field: &str| {
        text(&body, field)
            .ok_or_else(|| Refusal::missing("CheckRun", field))
            .map(str::to_owned)
    };
    let mut check = CheckRun {
        id: state.id(),
        name: field("name")?,
        head_sha: field("head_sha")?,
        status: "queued".to_owned(),
        conclusion: None,
        title: None,
        summary: None,
        text: None,
        details_url: None,
        external_id: None,
        started_at: now(),
        completed_at: None,
    };
    fill(&mut check, &body)?;
    let repository = state.repository_mut(&name).ok_or_else(Refusal::not_found)?;
    repository::resolve(repository, &check.head_sha)?;
    repository.checks.insert(check.id, check.clone());
    Ok(Answer::created(shape(
        &check,
        repository,
        &call.shared.app_json(),
        &call.shared.links,
    )))
}

/// `PATCH /repos/{owner}/{repo}/check-runs/{id}`
pub(crate) async fn update(call: Call) -> Outcome {
    only_apps(&call)?;
    let mut state = call.shared.state();
    let name = call.writing(&state, "checks")?;
    let body = call.json()?;
    let repository = state.repository_mut(&name).ok_or_else(Refusal::not_found)?;
    let id = call.number("id")?;
    let mut check = repository.checks.get(&id).cloned().ok_or_else(Refusal::not_found)?;
    fill(&mut check, &body)?;
    if let Some(name) = text(&body, "name") {
        check.name = name.to_owned();
    }
    repository.checks.insert(id, check.clone());
    Ok(Answer::ok(shape(
        &check,
        repository,
        &call.shared.app_json(),
        &call.shared.links,
    )))
}

/// `GET /repos/{owner}/{repo}/check-runs/{id}`
pub(crate) async fn show(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "checks")?;
    let check = repository
        .checks
        .get(&call.number("id")?)
        .ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(shape(
        check,
        repository,
        &call.shared.app_json(),
        &call.shared.links,
    )))
}

/// `GET /repos/{owner}/{repo}/commits/{ref}/check-runs`
pub(crate) async fn of_commit(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "checks")?;
    let sha = repository::resolve(repository, &call.param("ref"))?;
    let app = call.shared.app_json();
    let items: Vec<Value> = repository
        .checks
        .values()
        .filter(|check| check.head_sha == sha)
        .map(|check| shape(check, repository, &app, &call.shared.links))
        .collect();
    Ok(call.counted(repository, "check_runs", &items))
}

fn status_shape(status: &Status, repository: &Repository, links: &Links) -> Value {
    json!({
        "id": status.id, "node_id": node_id("SC", status.id), "state": status.state, "context": status.context,
        "description": status.description, "target_url": status.target_url, "avatar_url": null,
        "url": format!("{}/repos/{}/statuses/{}", links.api, repository.full_name(), status.sha),
        "created_at": stamp(status.created_at), "updated_at": stamp(status.created_at), "creator": user(&status.creator, links),
    })
}

/// `POST /repos/{owner}/{repo}/statuses/{sha}`
pub(crate) async fn set_status(call: Call) -> Outcome {
    let mut state = call.shared.state();
    let name = call.writing(&state, "statuses")?;
    let body = call.json()?;
    let word = text(&body, "state").ok_or_else(|| Refusal::missing("Status", "state"))?;
    if !["error", "failure", "pending", "success"].contains(&word) {
        return Err(Refusal::invalid(
            json!({ "resource": "Status", "field": "state", "code": "invalid" }),
        ));
    }
    if text(&body, "description").is_some_and(|text| text.chars().count() > 140) {
        return Err(Refusal::invalid(
            json!({ "resource": "Status", "code": "custom", "field": "description", "message": "description is too long (maximum is 140 characters)" }),
        ));
    }
    let id = state.id();
    let repository = state.repository_mut(&name).ok_or_else(Refusal::not_found)?;
    let status = Status {
        id,
        sha: repository::resolve(repository, &call.param("sha"))?,
        state: word.to_owned(),
        context: text(&body, "context").unwrap_or("default").to_owned(),
        description: text(&body, "description").map(str::to_owned),
        target_url: text(&body, "target_url").map(str::to_owned),
        creator: call.caller.login(),
        created_at: now(),
    };
    repository.statuses.push(status.clone());
    Ok(Answer::created(status_shape(&status, repository, &call.shared.links)))
}

/// `GET /repos/{owner}/{repo}/commits/{ref}/statuses`
pub(crate) async fn statuses(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "statuses")?;
    let sha = repository::resolve(repository, &call.param("ref"))?;
    let items: Vec<Value> = repository
        .statuses
        .iter()
        .rev()
        .filter(|status| status.sha == sha)
        .map(|status| status_shape(status, repository, &call.shared.links))
        .collect();
    Ok(call.list(repository, &items))
}

/// `GET /repos/{owner}/{repo}/commits/{ref}/status`: the newest status of each context, and what they come to.
pub(crate) async fn combined(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "statuses")?;
    let links = &call.shared.links;
    let sha = repository::resolve(repository, &call.param("ref"))?;
    let mut newest: Vec<&Status> = Vec::new();
    for status in repository.statuses.iter().rev().filter(|status| status.sha == sha) {
        if !newest.iter().any(|one| one.context == status.context) {
            newest.push(status);
        }
    }
    let has = |word: &str| newest.iter().any(|status| status.state == word);
    let word = match () {
        () if has("failure") || has("error") => "failure",
        () if newest.is_empty() || has("pending") => "pending",
        () => "success",
    };
    let api = format!("{}/repos/{}/commits/{sha}", links.api, repository.full_name());
    let items: Vec<Value> = newest
        .into_iter()
        .map(|status| status_shape(status, repository, links))
        .collect();
    Ok(Answer::ok(json!({
        "state": word, "sha": sha, "total_count": items.len(), "statuses": items,
        "repository": repository::minimal(repository, links), "commit_url": api, "url": format!("{api}/status"),
    })))
}
