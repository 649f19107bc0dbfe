//! The API of pull requests and its rules.

use super::{BODY_LIMIT, Pull, changes, emit, full, merge_as, simple};
use crate::call::{Answer, Call, Outcome, Refusal, text};
use crate::repository;
use crate::state::{Repository, now};
use serde_json::{Value, json};

fn find<'a>(call: &Call, repository: &'a Repository) -> Result<&'a Pull, Refusal> {
    repository
        .pulls
        .get(&call.number("number")?)
        .ok_or_else(Refusal::not_found)
}

/// `POST /repos/{owner}/{repo}/pulls`
pub(crate) async fn open(call: Call) -> Outcome {
    let mut state = call.shared.state();
    let name = call.writing(&state, "pull_requests")?;
    let body = call.json()?;
    let field = |field: &str| {
        text(&body, field)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Refusal::missing("PullRequest", field))
    };
    let (title, head, base) = (field("title")?, field("head")?, field("base")?);
    let draft = body.get("draft").and_then(Value::as_bool).unwrap_or(false);
    let description = text(&body, "body").map(str::to_owned);
    check_body(description.as_deref())?;
    let id = state.id();
    let repository = state.repository_mut(&name).ok_or_else(Refusal::not_found)?;
    let custom =
        |message: String| Refusal::invalid(json!({ "resource": "PullRequest", "code": "custom", "message": message }));
    let invalid =
        |field: &str| Refusal::invalid(json!({ "resource": "PullRequest", "field": field, "code": "invalid" }));
    if draft && !repository.drafts {
        return Err(custom(
            "Draft pull requests are not supported in this repository.".to_owned(),
        ));
    }
    let (owner, head) = head.split_once(':').unwrap_or((&repository.owner, head));
    if !owner.eq_ignore_ascii_case(&repository.owner) {
        return Err(invalid("head"));
    }
    let base_sha = repository.git.head(base)?.ok_or_else(|| invalid("base"))?;
    let head_sha = repository.git.head(head)?.ok_or_else(|| invalid("head"))?;
    if repository
        .pulls
        .values()
        .any(|pull| pull.is_open() && pull.head == head && pull.base == base)
    {
        return Err(custom(format!(
            "A pull request already exists for {}:{head}.",
            repository.owner
        )));
    }
    if repository.git.is_ancestor(&head_sha, &base_sha)? {
        return Err(custom(format!("No commits between {base} and {head}")));
    }
    let at = now();
    let pull = Pull {
        id,
        number: repository.number(),
        title: title.to_owned(),
        body: description,
        head: head.to_owned(),
        head_sha,
        base: base.to_owned(),
        base_sha,
        draft,
        closed_at: None,
        merged: None,
        author: call.caller.login(),
        labels: Vec::new(),
        reviewers: Vec::new(),
        created_at: at,
        updated_at: at,
    };
    let number = pull.number;
    repository
        .git
        .set_ref(&format!("refs/pull/{number}/head"), &pull.head_sha)?;
    repository.pulls.insert(number, pull);
    let value = emit(
        &call.shared,
        &state,
        &name,
        number,
        "opened",
        &call.caller.login(),
        json!({}),
    )?;
    Ok(Answer::created(value))
}

fn check_body(body: Option<&str>) -> Result<(), Refusal> {
    match body {
        Some(body) if body.chars().count() > BODY_LIMIT => Err(Refusal::invalid(json!({
            "resource": "PullRequest", "field": "body", "code": "custom",
            "message": format!("body is too long (maximum is {BODY_LIMIT} characters)"),
        }))),
        _ => Ok(()),
    }
}

/// `GET /repos/{owner}/{repo}/pulls`
pub(crate) async fn list(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "pull_requests")?;
    let wanted = call.query("state").unwrap_or_else(|| "open".to_owned());
    if !["open", "closed", "all"].contains(&wanted.as_str()) {
        return Err(Refusal::invalid(
            json!({ "resource": "PullRequest", "field": "state", "code": "invalid" }),
        ));
    }
    // GitHub ignores a head without an owner, and so finds everything.
    let head = call.query("head").filter(|head| head.contains(':'));
    let base = call.query("base");
    let label = |pull: &Pull| format!("{}:{}", repository.owner, pull.head);
    let ascending = call.query("direction").as_deref() == Some("asc");
    let mut found: Vec<&Pull> = repository
        .pulls
        .values()
        .filter(|pull| wanted == "all" || pull.state() == wanted)
        .filter(|pull| head.as_ref().is_none_or(|head| label(pull).eq_ignore_ascii_case(head)))
        .filter(|pull| base.as_ref().is_none_or(|base| &pull.base == base))
        .collect();
    if !ascending {
        found.reverse();
    }
    let items: Vec<Value> = found
        .into_iter()
        .map(|pull| simple(pull, repository, &call.shared.links))
        .collect();
    Ok(call.list(repository, &items))
}

/// `GET /repos/{owner}/{repo}/commits/{sha}/pulls`
pub(crate) async fn of_commit(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "pull_requests")?;
    let sha = repository::resolve(repository, &call.param("ref"))?;
    let mut items = Vec::new();
    for pull in repository.pulls.values() {
        let base_has_it = repository.git.is_ancestor(&sha, &pull.base_sha)?;
        if !base_has_it && repository.git.is_ancestor(&sha, &pull.head_sha)? {
            items.push(simple(pull, repository, &call.shared.links));
        }
    }
    Ok(call.list(repository, &items))
}

/// `GET /repos/{owner}/{repo}/pulls/{number}`
pub(crate) async fn show(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "pull_requests")?;
    Ok(Answer::ok(full(
        find(&call, repository)?,
        repository,
        &call.shared.links,
    )?))
}

/// `GET /repos/{owner}/{repo}/pulls/{number}/files`
pub(crate) async fn files(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "pull_requests")?;
    let pull = find(&call, repository)?;
    let items: Vec<Value> = changes(pull, repository)?
        .iter()
        .map(|one| repository::change(one, &pull.head_sha, repository, &call.shared.links))
        .collect();
    Ok(call.list(repository, &items))
}

/// `GET /repos/{owner}/{repo}/pulls/{number}/commits`
pub(crate) async fn commits(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "pull_requests")?;
    let pull = find(&call, repository)?;
    let items: Vec<Value> = repository
        .git
        .log(&format!("{}..{}", pull.base_sha, pull.head_sha), 250)?
        .iter()
        .map(|info| repository::commit(info, repository, &call.shared.links))
        .collect();
    Ok(call.list(repository, &items))
}

/// `PATCH /repos/{owner}/{repo}/pulls/{number}`: title, body, base and state; never `draft`, as with GitHub's REST API.
pub(crate) async fn update(call: Call) -> Outcome {
    let mut state = call.shared.state();
    let name = call.writing(&state, "pull_requests")?;
    let body = call.json()?;
    check_body(text(&body, "body"))?;
    let number = call.number("number")?;
    let actor = call.caller.login();
    let repository = state.repository_mut(&name).ok_or_else(Refusal::not_found)?;
    let wanted = text(&body, "state");
    if wanted.is_some_and(|wanted| wanted != "open" && wanted != "closed") {
        return Err(Refusal::invalid(
            json!({ "resource": "PullRequest", "field": "state", "code": "invalid" }),
        ));
    }
    if let Some(base) = text(&body, "base")
        && repository.git.head(base)?.is_none()
    {
        return Err(Refusal::invalid(
            json!({ "resource": "PullRequest", "field": "base", "code": "invalid" }),
        ));
    }
    let pull = repository.pulls.get_mut(&number).ok_or_else(Refusal::not_found)?;
    if wanted == Some("open") && pull.merged.is_some() {
        return Err(Refusal::invalid(
            json!({ "resource": "PullRequest", "field": "state", "code": "invalid", "message": "state cannot be changed. The pull request was merged." }),
        ));
    }
    let mut edits = json!({});
    if let Some(title) = text(&body, "title").filter(|title| *title != pull.title) {
        edits["title"] = json!({ "from": std::mem::replace(&mut pull.title, title.to_owned()) });
    }
    if let Some(new) = text(&body, "body").filter(|new| Some(*new) != pull.body.as_deref()) {
        edits["body"] = json!({ "from": pull.body.replace(new.to_owned()).unwrap_or_default() });
    }
    if let Some(base) = text(&body, "base").filter(|base| *base != pull.base) {
        edits["base"] = json!({ "ref": { "from": std::mem::replace(&mut pull.base, base.to_owned()) }, "sha": { "from": pull.base_sha } });
    }
    let turn = match (wanted, pull.is_open()) {
        (Some("closed"), true) => Some("closed"),
        (Some("open"), false) => Some("reopened"),
        _ => None,
    };
    match turn {
        Some("closed") => pull.closed_at = Some(now()),
        Some(_) => pull.closed_at = None,
        None => {}
    }
    pull.updated_at = now();
    if edits.as_object().is_some_and(|edits| !edits.is_empty()) {
        emit(
            &call.shared,
            &state,
            &name,
            number,
            "edited",
            &actor,
            json!({ "changes": edits }),
        )?;
    }
    if let Some(action) = turn {
        emit(&call.shared, &state, &name, number, action, &actor, json!({}))?;
    }
    let repository = state.repository(&name).ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(full(
        find(&call, repository)?,
        repository,
        &call.shared.links,
    )?))
}

/// `PUT /repos/{owner}/{repo}/pulls/{number}/merge`: counted, so that a test can show that nobody called it.
pub(crate) async fn merge(call: Call) -> Outcome {
    let mut state = call.shared.state();
    let name = call.writing(&state, "contents")?;
    let number = call.number("number")?;
    let body = call.json()?;
    let repository = state.repository_mut(&name).ok_or_else(Refusal::not_found)?;
    repository.merge_calls += 1;
    let pull = repository.pulls.get(&number).ok_or_else(Refusal::not_found)?;
    if text(&body, "sha").is_some_and(|sha| sha != pull.head_sha) {
        return Err(Refusal::new(
            409,
            "Head branch was modified. Review and try the merge again.",
        ));
    }
    if pull.draft {
        return Err(Refusal::new(405, "Pull Request is still a draft"));
    }
    let sha = merge_as(&call.shared, &mut state, &name, number, &call.caller.login())?;
    Ok(Answer::ok(
        json!({ "sha": sha, "merged": true, "message": "Pull Request successfully merged" }),
    ))
}
