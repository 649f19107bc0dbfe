//! GitHub's webhooks, with structures of our own: GitHub's typed ones refuse real payloads that lack what nobody here uses.

use super::parts::{self, Parts};
use super::{BadPayload, Reading, bound, key_of_body};
use chrono::{DateTime, Utc};
use domain::repo::{BranchName, CommitSha, RepoName};
use domain::signal::{Actor, PullRequestAction, PullRequestChange, Push, Signal, WorkflowRun};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Repository {
    full_name: String,
    default_branch: Option<String>,
    /// Seconds since the epoch in push events, a text elsewhere.
    pushed_at: Option<Value>,
}

#[derive(Deserialize)]
struct User {
    login: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
}

#[derive(Deserialize)]
struct Run {
    id: u64,
    run_attempt: Option<u32>,
    name: Option<String>,
    path: Option<String>,
    display_title: Option<String>,
    event: Option<String>,
    conclusion: Option<String>,
    head_branch: Option<String>,
    head_sha: String,
    html_url: Option<String>,
    triggering_actor: Option<User>,
    actor: Option<User>,
    head_repository: Option<Repository>,
    head_commit: Option<Commit>,
}

#[derive(Deserialize)]
struct Commit {
    message: Option<String>,
}

#[derive(Deserialize)]
struct PullRequest {
    number: u64,
    updated_at: Option<DateTime<Utc>>,
    user: Option<User>,
    head: Side,
    base: Side,
}

/// How a pull request ended.
#[derive(Deserialize)]
struct End {
    merged: Option<Value>,
    merged_at: Option<Value>,
}

#[derive(Deserialize)]
struct Numbered {
    #[serde(rename = "number")]
    _number: u64,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
    repo: Option<Repository>,
}

pub(super) fn read(event: &str, body: &[u8]) -> Result<Reading, BadPayload> {
    let text = parts::text(body);
    let payload = Parts::of(&text)?;
    let action: Option<String> = payload.get("action");
    let action = action.as_deref();
    let name = match action {
        Some(action) => format!("{}.{}", bound::cut(event, 64), bound::cut(action, 64)),
        None => bound::cut(event, 64),
    };
    let known = match (event, action) {
        ("ping", _) => Some((key_of_body(&name, body), Signal::Ping)),
        ("workflow_run", Some("completed")) => Some(workflow_run(&payload)?),
        ("pull_request", Some(action)) => match pull_request_action(action, &payload) {
            Some(what) => Some(pull_request(action, what, &payload)?),
            None => None,
        },
        ("push", _) => Some(push(&payload)?),
        _ => None,
    };
    let reason = || Signal::Ignored {
        reason: format!("`{name}` is not an event that Fixpoint acts on"),
    };
    let (semantic_key, mut signal) = known.unwrap_or_else(|| (String::new(), reason()));
    let semantic_key = if semantic_key.is_empty() {
        key_of_body(&name, body)
    } else {
        semantic_key
    };
    bound::fit(&mut signal);
    Ok(Reading {
        event: name,
        semantic_key,
        signal,
    })
}

fn repository(payload: &Parts<'_>) -> Result<(Repository, RepoName), BadPayload> {
    let repository: Repository = payload.part("repository")?;
    let name = RepoName::parse(&repository.full_name).map_err(|_| BadPayload::Missing("repository.full_name"))?;
    Ok((repository, name))
}

fn actor(user: Option<User>) -> Option<Actor> {
    user.map(|user| {
        let bot = user.kind.as_deref() == Some("Bot") || user.login.ends_with("[bot]");
        Actor {
            login: bound::cut(&user.login, 100),
            bot,
        }
    })
}

/// A name that git knows but that is never handed to it is no error of the sender's: the delivery is ignored.
fn unusable(what: &str) -> (String, Signal) {
    (
        String::new(),
        Signal::Ignored {
            reason: format!("{what} is not one that Fixpoint works with"),
        },
    )
}

fn workflow_run(payload: &Parts<'_>) -> Result<(String, Signal), BadPayload> {
    let (repository, repo) = repository(payload)?;
    let run: Run = payload.part("workflow_run")?;
    let installation: Option<Installation> = payload.get("installation");
    let head_sha = CommitSha::parse(&run.head_sha).map_err(|_| BadPayload::Missing("workflow_run.head_sha"))?;
    // GitHub's own examples have completed runs without a conclusion.
    let Some(conclusion) = run.conclusion else {
        return Ok(unusable("a run without a conclusion"));
    };
    let Some(head_branch) = run
        .head_branch
        .as_deref()
        .and_then(|branch| BranchName::parse(branch).ok())
    else {
        return Ok(unusable("the run's branch"));
    };
    let run_attempt = run.run_attempt.unwrap_or(1).max(1);
    let first_line = run
        .head_commit
        .and_then(|commit| commit.message)
        .and_then(|message| message.lines().next().map(str::to_owned));
    let signal = WorkflowRun {
        repo,
        head_repo: run
            .head_repository
            .and_then(|head| RepoName::parse(&head.full_name).ok()),
        run_id: run.id,
        run_attempt,
        workflow: bound::cut(&run.name.unwrap_or_else(|| "workflow".into()), bound::NAME),
        workflow_path: run.path.map(|path| bound::cut(&path, bound::NAME)),
        event: bound::cut(&run.event.unwrap_or_default(), 64),
        conclusion: bound::cut(&conclusion, 64),
        head_branch,
        head_sha,
        actor: actor(run.triggering_actor.or(run.actor)),
        url: run.html_url.filter(|url| is_web(url)),
        installation: installation.map(|installation| installation.id),
        default_branch: repository
            .default_branch
            .and_then(|branch| BranchName::parse(&branch).ok()),
        title: first_line.or(run.display_title).map(|title| bound::cut(&title, 300)),
    };
    Ok((
        format!("workflow_run:completed:{}:{run_attempt}", run.id),
        Signal::WorkflowRun(Box::new(signal)),
    ))
}

fn is_web(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://")) && url.len() <= 2048
}

fn pull_request_action(action: &str, payload: &Parts<'_>) -> Option<PullRequestAction> {
    Some(match action {
        "opened" => PullRequestAction::Opened,
        "synchronize" => PullRequestAction::Synchronized,
        "reopened" => PullRequestAction::Reopened,
        "ready_for_review" => PullRequestAction::ReadyForReview,
        "closed" => {
            let end: Option<End> = payload.get("pull_request");
            if end.is_some_and(|end| {
                end.merged == Some(Value::Bool(true)) || end.merged_at.is_some_and(|at| at.is_string())
            }) {
                PullRequestAction::Merged
            } else {
                PullRequestAction::Closed
            }
        }
        _ => return None,
    })
}

fn pull_request(word: &str, action: PullRequestAction, payload: &Parts<'_>) -> Result<(String, Signal), BadPayload> {
    // The guides' own example for trying a webhook by hand names a number and nothing else.
    if !payload.has("repository") && payload.get::<Numbered>("pull_request").is_some() {
        return Ok(unusable("a pull request without its repository"));
    }
    let (_, repo) = repository(payload)?;
    let found: PullRequest = payload.part("pull_request")?;
    let head_sha = CommitSha::parse(&found.head.sha).map_err(|_| BadPayload::Missing("pull_request.head.sha"))?;
    let (Ok(head_branch), Ok(base_branch)) = (
        BranchName::parse(&found.head.branch),
        BranchName::parse(&found.base.branch),
    ) else {
        return Ok(unusable("the pull request's branch"));
    };
    // Closing, reopening and closing again at one head are three deliveries; the time of the change tells them apart.
    let changed = found.updated_at.map_or(0, |at| at.timestamp());
    let key = format!("pull_request:{word}:{repo}#{}:{head_sha}:{changed}", found.number);
    let signal = PullRequestChange {
        repo,
        number: found.number,
        action,
        head_branch,
        head_sha,
        head_repo: found.head.repo.and_then(|head| RepoName::parse(&head.full_name).ok()),
        base_branch,
        actor: actor(payload.get("sender")),
        author: actor(found.user),
        updated_at: found.updated_at,
    };
    Ok((key, Signal::PullRequest(Box::new(signal))))
}

fn push(payload: &Parts<'_>) -> Result<(String, Signal), BadPayload> {
    let (repository, repo) = repository(payload)?;
    let name: String = payload.part("ref")?;
    let Some(branch) = name.strip_prefix("refs/heads/") else {
        return Ok(unusable("a tag"));
    };
    let Ok(branch) = BranchName::parse(branch) else {
        return Ok(unusable("the pushed branch"));
    };
    let after: String = payload.part("after")?;
    let after = CommitSha::parse(&after).map_err(|_| BadPayload::Missing("after"))?;
    let deleted = payload.get("deleted") == Some(true) || after.as_str().bytes().all(|digit| digit == b'0');
    let before: String = payload.get("before").unwrap_or_default();
    // A branch may be pushed back and forth between two commits; the time of the push tells these apart.
    let pushed = repository.pushed_at.map_or_else(String::new, |at| {
        at.as_str().map_or_else(|| at.to_string(), str::to_owned)
    });
    let key = format!(
        "push:{repo}:{branch}:{}:{after}:{}",
        bound::cut(&before, 64),
        bound::cut(&pushed, 32)
    );
    let signal = Push {
        repo,
        branch,
        head_sha: (!deleted).then_some(after),
        actor: actor(payload.get("sender")),
    };
    Ok((key, Signal::Push(signal)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use serde_json::json;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn reading(event: &str, payload: &Value) -> Reading {
        read(event, payload.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_red_run_is_read_with_what_the_guards_need() {
        let payload = json!({"action": "completed", "repository": {"full_name": "acme/shop", "default_branch": "main"}, "installation": {"id": 5},
            "workflow_run": {"id": 7, "run_attempt": 2, "name": "Tests", "path": ".github/workflows/ci.yml", "event": "push", "conclusion": "failure",
                "head_branch": "main", "head_sha": SHA, "triggering_actor": {"login": "fixpoint[bot]", "type": "Bot"},
                "head_repository": {"full_name": "eve/shop"}, "head_commit": {"message": "Add VAT\n\nlong"}}});
        let reading = reading("workflow_run", &payload);
        assert_eq!(reading.semantic_key, "workflow_run:completed:7:2");
        let Signal::WorkflowRun(run) = reading.signal else {
            panic!("no run")
        };
        assert_eq!(run.head_repo.unwrap().as_str(), "eve/shop");
        assert_eq!(
            run.actor,
            Some(Actor {
                login: "fixpoint[bot]".into(),
                bot: true
            })
        );
        assert_eq!((run.title.as_deref(), run.installation), (Some("Add VAT"), Some(5)));
    }

    fn pull_request(action: &str, merged: bool, updated: &str) -> Value {
        json!({"action": action, "number": 3, "repository": {"full_name": "acme/shop"}, "sender": {"login": "ann"},
            "pull_request": {"number": 3, "merged": merged, "updated_at": updated, "user": {"login": "bob"},
                "head": {"ref": "fix", "sha": SHA, "repo": null}, "base": {"ref": "main", "sha": SHA}}})
    }

    #[test]
    fn a_pull_request_says_what_happened_to_it() {
        let merged = reading("pull_request", &pull_request("closed", true, "2026-01-01T00:00:00Z"));
        let Signal::PullRequest(change) = merged.signal else {
            panic!("no change")
        };
        assert_eq!((change.action, change.head_repo), (PullRequestAction::Merged, None));
        let closed = reading("pull_request", &pull_request("closed", false, "2026-01-01T00:00:00Z"));
        let again = reading("pull_request", &pull_request("closed", false, "2026-01-02T00:00:00Z"));
        assert_ne!(closed.semantic_key, again.semantic_key);
        assert!(matches!(
            reading("pull_request", &pull_request("labeled", false, "2026-01-01T00:00:00Z")).signal,
            Signal::Ignored { .. }
        ));
    }

    #[test]
    fn a_push_is_of_a_branch() {
        let payload = |name: &str, after: &str| json!({"ref": name, "before": SHA, "after": after, "repository": {"full_name": "a/b", "pushed_at": 17}});
        let Signal::Push(push) = reading("push", &payload("refs/heads/x/y", SHA)).signal else {
            panic!("no push")
        };
        assert_eq!((push.branch.as_str(), push.head_sha.unwrap().as_str()), ("x/y", SHA));
        let Signal::Push(push) = reading("push", &payload("refs/heads/x", &"0".repeat(40))).signal else {
            panic!("no push")
        };
        assert_eq!(push.head_sha, None);
        assert!(matches!(
            reading("push", &payload("refs/tags/v1", SHA)).signal,
            Signal::Ignored { .. }
        ));
    }

    #[test]
    fn the_documented_try_by_hand_is_accepted() {
        let payload = json!({"action": "closed", "pull_request": {"merged": true, "number": 42}});
        assert!(matches!(
            reading("pull_request", &payload).signal,
            Signal::Ignored { .. }
        ));
    }

    #[test]
    fn what_is_unknown_is_ignored_and_what_is_broken_refused() {
        for (event, payload) in [
            ("check_run", json!({"action": "created"})),
            ("brand_new", json!({})),
            ("workflow_run", json!({"action": "requested"})),
        ] {
            assert!(
                matches!(reading(event, &payload).signal, Signal::Ignored { .. }),
                "{event}"
            );
        }
        assert!(matches!(
            reading("ping", &json!({"zen": "Keep it simple."})).signal,
            Signal::Ping
        ));
        for (event, bad) in [
            ("push", "{}"),
            ("workflow_run", "{\"action\":\"completed\"}"),
            (
                "pull_request",
                "{\"action\":\"closed\",\"pull_request\":{\"merged\":true}}",
            ),
            ("ping", "x"),
            ("ping", "[]"),
        ] {
            assert!(read(event, bad.as_bytes()).is_err(), "{event} {bad}");
        }
    }
}
