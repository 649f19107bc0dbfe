//! Runs of GitHub Actions: runs, jobs, and their logs behind links that live for a minute.

use crate::call::{Answer, Call, Outcome, Refusal, shared};
use crate::log;
use crate::pull;
use crate::repository;
use crate::state::{Links, Repository, State, node_id, now, stamp, user};
use actix_web::{HttpRequest, HttpResponse};
use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// What a run is to look like; see [`crate::Sim::run_workflow`].
#[derive(Debug, Clone)]
pub struct RunSpec {
    /// Name of the workflow, e.g. `Tests`.
    pub name: String,
    /// Path of the workflow file.
    pub path: String,
    /// Branch that it ran for.
    pub branch: String,
    /// Commit that it ran for.
    pub sha: String,
    /// `push`, `pull_request`, ….
    pub event: String,
    /// Login of who caused it.
    pub actor: String,
    /// Full name of the fork that the commit came from, if it did.
    pub fork: Option<String>,
    /// Jobs with their steps.
    pub jobs: Vec<JobSpec>,
}

impl RunSpec {
    /// A run of `.github/workflows/ci.yml` on a push by `octocat`, without jobs yet.
    pub fn new(name: &str, branch: &str, sha: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: ".github/workflows/ci.yml".to_owned(),
            branch: branch.to_owned(),
            sha: sha.to_owned(),
            event: "push".to_owned(),
            actor: "octocat".to_owned(),
            fork: None,
            jobs: Vec::new(),
        }
    }

    /// With one more job.
    pub fn job(mut self, name: &str, steps: Vec<Step>) -> Self {
        self.jobs.push(JobSpec {
            name: name.to_owned(),
            steps,
        });
        self
    }
}

/// A job of a [`RunSpec`].
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// Name that people see.
    pub name: String,
    /// Its steps in order.
    pub steps: Vec<Step>,
}

/// A step of a job.
#[derive(Debug, Clone)]
pub struct Step {
    /// Name that people see.
    pub name: String,
    /// The command under `run:`.
    pub run: String,
    /// What it printed.
    pub log: String,
    /// Whether it succeeded; the steps after a failed one are skipped.
    pub ok: bool,
}

impl Step {
    /// A step that succeeds.
    pub fn passes(name: &str, run: &str, log: &str) -> Self {
        Self {
            name: name.to_owned(),
            run: run.to_owned(),
            log: log.to_owned(),
            ok: true,
        }
    }

    /// A step that fails with exit code 1.
    pub fn fails(name: &str, run: &str, log: &str) -> Self {
        Self {
            ok: false,
            ..Self::passes(name, run, log)
        }
    }
}

/// A completed run.
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) spec: RunSpec,
    pub(crate) number: u64,
    pub(crate) attempt: u64,
    pub(crate) ok: bool,
    pub(crate) logs_gone: bool,
    pub(crate) created_at: DateTime<Utc>,
}

/// A completed job.
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) run: u64,
    pub(crate) attempt: u64,
    pub(crate) spec: JobSpec,
    pub(crate) started_at: DateTime<Utc>,
}

impl Job {
    pub(crate) fn ok(&self) -> bool {
        self.spec.steps.iter().all(|step| step.ok)
    }
}

/// A short-lived link to a log.
pub(crate) struct Ticket {
    content_type: &'static str,
    content: Vec<u8>,
    expires_at: DateTime<Utc>,
}

fn conclusion(ok: bool) -> &'static str {
    if ok { "success" } else { "failure" }
}

/// Adds a run, or one more attempt of it, and returns its id.
pub(crate) fn add(state: &mut State, name: &str, spec: RunSpec, again: Option<u64>) -> Result<u64> {
    let fresh = state.id();
    let jobs: Vec<u64> = spec.jobs.iter().map(|_| state.id()).collect();
    let repository = state
        .repository_mut(name)
        .with_context(|| format!("no repository {name}"))?;
    let (id, attempt) = match again {
        Some(id) => (id, repository.runs.get(&id).map_or(1, |run| run.attempt + 1)),
        None => (fresh, 1),
    };
    let number = repository
        .runs
        .get(&id)
        .map_or(repository.runs.len() as u64 + 1, |run| run.number);
    let at = now();
    let mut ok = true;
    for (job, spec) in jobs.into_iter().zip(&spec.jobs) {
        let job = Job {
            id: job,
            run: id,
            attempt,
            spec: spec.clone(),
            started_at: at,
        };
        ok &= job.ok();
        repository.jobs.insert(job.id, job);
    }
    repository.runs.insert(
        id,
        Run {
            id,
            spec,
            number,
            attempt,
            ok,
            logs_gone: false,
            created_at: at,
        },
    );
    Ok(id)
}

/// GitHub's `workflow-run`.
pub(crate) fn shape(run: &Run, repository: &Repository, links: &Links) -> Result<Value> {
    let full = repository.full_name();
    let (api, web) = (format!("{}/repos/{full}", links.api), format!("{}/{full}", links.web));
    let this = format!("{api}/actions/runs/{}", run.id);
    let workflow = crate::state::user_id(&run.spec.path);
    let info = repository.git.info(&run.spec.sha)?;
    let mut head = repository::minimal(repository, links);
    let mut pulls = Vec::new();
    match &run.spec.fork {
        Some(fork) => {
            // GitHub names no pull requests for runs of forks.
            let (owner, name) = fork.split_once('/').unwrap_or((fork, &repository.name));
            let id = crate::state::user_id(fork);
            head = serde_json::from_str(&head.to_string().replace(&format!("/{full}"), &format!("/{fork}")))?;
            head["id"] = json!(id);
            head["node_id"] = json!(node_id("R", id));
            head["full_name"] = json!(fork);
            head["name"] = json!(name);
            head["owner"] = user(owner, links);
            head["fork"] = json!(true);
        }
        None => {
            let open = repository
                .pulls
                .values()
                .filter(|one| one.is_open() && one.head == run.spec.branch);
            pulls.extend(open.map(|one| pull::minimal(one, repository, links)));
        }
    }
    let suite = run.id + 1_000_000;
    let at = stamp(run.created_at);
    Ok(json!({
        "id": run.id, "node_id": node_id("WFR", run.id), "name": run.spec.name, "path": run.spec.path,
        "head_branch": run.spec.branch, "head_sha": run.spec.sha, "run_number": run.number, "run_attempt": run.attempt,
        "display_title": info.message.lines().next(), "event": run.spec.event, "status": "completed",
        "conclusion": conclusion(run.ok), "workflow_id": workflow, "check_suite_id": suite,
        "check_suite_node_id": node_id("CS", suite), "url": this, "html_url": format!("{web}/actions/runs/{}", run.id),
        "pull_requests": pulls, "created_at": at, "updated_at": at, "run_started_at": at,
        "actor": user(&run.spec.actor, links), "triggering_actor": user(&run.spec.actor, links), "referenced_workflows": [],
        "jobs_url": format!("{this}/jobs"), "logs_url": format!("{this}/logs"), "artifacts_url": format!("{this}/artifacts"),
        "cancel_url": format!("{this}/cancel"), "rerun_url": format!("{this}/rerun"),
        "check_suite_url": format!("{api}/check-suites/{suite}"), "workflow_url": format!("{api}/actions/workflows/{workflow}"),
        "previous_attempt_url": (run.attempt > 1).then(|| format!("{this}/attempts/{}", run.attempt - 1)),
        "head_commit": {
            "id": info.sha, "tree_id": info.tree, "message": info.message, "timestamp": info.committed_at,
            "author": { "name": info.author.name, "email": info.author.email },
            "committer": { "name": info.committer.name, "email": info.committer.email },
        },
        "repository": repository::minimal(repository, links), "head_repository": head,
    }))
}

/// The `workflow` part of a `workflow_run` event.
pub(crate) fn workflow(run: &Run, repository: &Repository, links: &Links) -> Value {
    let full = repository.full_name();
    let id = crate::state::user_id(&run.spec.path);
    let web = format!("{}/{full}", links.web);
    json!({
        "id": id, "node_id": node_id("W", id), "name": run.spec.name, "path": run.spec.path, "state": "active",
        "created_at": stamp(repository.created_at), "updated_at": stamp(repository.created_at),
        "url": format!("{}/repos/{full}/actions/workflows/{id}", links.api),
        "html_url": format!("{web}/blob/{}/{}", repository.default_branch, run.spec.path),
        "badge_url": format!("{web}/workflows/{}/badge.svg", run.spec.name.replace(' ', "%20")),
    })
}

fn job_shape(job: &Job, run: &Run, repository: &Repository, links: &Links) -> Value {
    let full = repository.full_name();
    let (api, at) = (format!("{}/repos/{full}", links.api), stamp(job.started_at));
    let done = stamp(job.started_at + TimeDelta::seconds(20));
    let mut failed = false;
    let mut steps = vec![json!({
        "name": "Set up job", "status": "completed", "conclusion": "success", "number": 1, "started_at": at, "completed_at": at,
    })];
    for (index, step) in job.spec.steps.iter().enumerate() {
        let word = if failed { "skipped" } else { conclusion(step.ok) };
        failed |= !step.ok;
        steps.push(json!({
            "name": step.name, "status": "completed", "conclusion": word, "number": index + 2, "started_at": at, "completed_at": done,
        }));
    }
    steps.push(json!({
        "name": "Complete job", "status": "completed", "conclusion": "success", "number": steps.len() + 1, "started_at": done, "completed_at": done,
    }));
    json!({
        "id": job.id, "node_id": node_id("CR", job.id), "run_id": run.id, "run_attempt": job.attempt, "name": job.spec.name,
        "run_url": format!("{api}/actions/runs/{}", run.id), "url": format!("{api}/actions/jobs/{}", job.id),
        "html_url": format!("{}/{full}/actions/runs/{}/job/{}", links.web, run.id, job.id),
        "check_run_url": format!("{api}/check-runs/{}", job.id), "workflow_name": run.spec.name,
        "head_sha": run.spec.sha, "head_branch": run.spec.branch, "status": "completed", "conclusion": conclusion(job.ok()),
        "created_at": at, "started_at": at, "completed_at": done, "steps": steps, "labels": ["ubuntu-latest"],
        "runner_id": 1, "runner_name": "GitHub Actions 1", "runner_group_id": 1, "runner_group_name": "GitHub Actions",
    })
}

fn find<'a>(call: &Call, repository: &'a Repository) -> Result<&'a Run, Refusal> {
    repository.runs.get(&call.number("id")?).ok_or_else(Refusal::not_found)
}

/// `GET /repos/{owner}/{repo}/actions/runs`
pub(crate) async fn list(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "actions")?;
    let is = |name: &str, value: &str| call.query(name).is_none_or(|wanted| wanted == value);
    let mut items = Vec::new();
    for run in repository.runs.values().rev() {
        let status = call
            .query("status")
            .is_none_or(|wanted| wanted == "completed" || wanted == conclusion(run.ok));
        let spec = &run.spec;
        if status
            && is("branch", &spec.branch)
            && is("head_sha", &spec.sha)
            && is("event", &spec.event)
            && is("actor", &spec.actor)
        {
            items.push(shape(run, repository, &call.shared.links)?);
        }
    }
    Ok(call.counted(repository, "workflow_runs", &items))
}

/// `GET /repos/{owner}/{repo}/actions/runs/{id}`
pub(crate) async fn show(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "actions")?;
    Ok(Answer::ok(shape(
        find(&call, repository)?,
        repository,
        &call.shared.links,
    )?))
}

/// `GET /repos/{owner}/{repo}/actions/runs/{id}/jobs`
pub(crate) async fn jobs(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "actions")?;
    let run = find(&call, repository)?;
    let all = match call.query("filter").as_deref() {
        None | Some("latest") => false,
        Some("all") => true,
        Some(_) => {
            return Err(Refusal::invalid(
                json!({ "resource": "WorkflowJob", "field": "filter", "code": "invalid" }),
            ));
        }
    };
    let items: Vec<Value> = repository
        .jobs
        .values()
        .filter(|job| job.run == run.id && (all || job.attempt == run.attempt))
        .map(|job| job_shape(job, run, repository, &call.shared.links))
        .collect();
    Ok(call.counted(repository, "jobs", &items))
}

/// `GET /repos/{owner}/{repo}/actions/jobs/{id}`
pub(crate) async fn job(call: Call) -> Outcome {
    let state = call.shared.state();
    let repository = call.reading(&state, "actions")?;
    let job = repository
        .jobs
        .get(&call.number("id")?)
        .ok_or_else(Refusal::not_found)?;
    let run = repository.runs.get(&job.run).ok_or_else(Refusal::not_found)?;
    Ok(Answer::ok(job_shape(job, run, repository, &call.shared.links)))
}

/// `GET /repos/{owner}/{repo}/actions/runs/{id}/logs`: a redirect to a zip.
pub(crate) async fn run_logs(call: Call) -> Outcome {
    let mut state = call.shared.state();
    let repository = call.reading(&state, "actions")?;
    let run = find(&call, repository)?;
    if run.logs_gone {
        return Err(Refusal::new(410, "Server Error"));
    }
    let jobs: Vec<&Job> = repository
        .jobs
        .values()
        .filter(|job| job.run == run.id && job.attempt == run.attempt)
        .collect();
    let content = log::archive(&jobs)?;
    Ok(Answer::redirect(ticket(&call, &mut state, "application/zip", content)))
}

/// `GET /repos/{owner}/{repo}/actions/jobs/{id}/logs`: a redirect to plain text.
pub(crate) async fn job_logs(call: Call) -> Outcome {
    let mut state = call.shared.state();
    let repository = call.reading(&state, "actions")?;
    let job = repository
        .jobs
        .get(&call.number("id")?)
        .ok_or_else(Refusal::not_found)?;
    if repository.runs.get(&job.run).is_none_or(|run| run.logs_gone) {
        return Err(Refusal::not_found());
    }
    let content = log::job(job).into_bytes();
    Ok(Answer::redirect(ticket(
        &call,
        &mut state,
        "text/plain; charset=utf-8",
        content,
    )))
}

fn ticket(call: &Call, state: &mut State, content_type: &'static str, content: Vec<u8>) -> String {
    let key = uuid::Uuid::new_v4().simple().to_string();
    let expires_at = now() + TimeDelta::minutes(1);
    state.tickets.retain(|_, ticket| ticket.expires_at > now());
    state.tickets.insert(
        key.clone(),
        Ticket {
            content_type,
            content,
            expires_at,
        },
    );
    format!("{}/_storage/{key}?sig=simulated", call.shared.links.web)
}

/// `GET /_storage/{key}`: the storage host refuses whoever brings GitHub's credential along.
pub(crate) async fn storage(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let shared = shared(&request)?;
    if request.headers().contains_key("authorization") {
        let body = "<?xml version=\"1.0\"?><Error><Code>InvalidAuthenticationInfo</Code></Error>";
        return Ok(HttpResponse::BadRequest().content_type("application/xml").body(body));
    }
    let state = shared.state();
    let found = state
        .tickets
        .get(request.match_info().query("key"))
        .filter(|ticket| ticket.expires_at > now());
    Ok(match found {
        Some(ticket) => HttpResponse::Ok()
            .content_type(ticket.content_type)
            .body(ticket.content.clone()),
        None => HttpResponse::Forbidden()
            .content_type("application/xml")
            .body("<Error><Code>AuthenticationFailed</Code></Error>"),
    })
}
