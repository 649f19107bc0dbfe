//! A job as the API shows it. The fields of the documented `SentryFixJob` are all there, in snake case.

use crate::store::attempts::Attempt;
use crate::store::decisions::WhyNot;
use crate::store::incidents::Incident;
use crate::store::jobs::Job;
use crate::store::notices::Told;
use crate::store::pull_requests::PullRequest;
use crate::store::stages::Entered;
use crate::store::types::{Json, Time};
use anyhow::Result;
use chrono::{DateTime, Utc};
use domain::attempt::Report;
use domain::incident::Trigger;
use domain::job::JobState;
use serde_json::{Value, json};

pub(super) fn at(time: Time) -> DateTime<Utc> {
    *time
}

pub(super) fn maybe_at(time: Option<Time>) -> Option<DateTime<Utc>> {
    time.map(at)
}

/// The documented five words; a job that was skipped is one that was cancelled before it was worth a try.
const fn status(state: JobState) -> &'static str {
    match state {
        JobState::Skipped => JobState::Cancelled.as_str(),
        state => state.as_str(),
    }
}

/// One job in a list.
pub(super) fn item(job: &Job, opened: Option<&PullRequest>) -> Result<Value> {
    let trigger = job.trigger()?;
    let mut view = json!({
        "id": *job.id,
        "incident_id": *job.incident_id,
        "repo": job.repo,
        "kind": job.kind.0.as_str(),
        "state": job.state.0.as_str(),
        "status": status(job.state.0),
        "outcome": job.outcome.map(|outcome| outcome.0.as_str()),
        "message": job.message,
        "skip": job.skip.as_deref(),
        "generation": job.generation,
        "issue_title": trigger.title(),
        "issue_url": trigger.url(),
        "branch_name": job.branch,
        "pr_url": opened.map(PullRequest::address),
        "pr_number": opened.map(|opened| opened.number),
        "error_message": job.message.as_deref().filter(|_| job.state.0 == JobState::Failed),
        "retry_count": job.retry,
        "max_retries": job.max_retries,
        "not_before": at(job.not_before),
        "started_at": maybe_at(job.started_at),
        "completed_at": maybe_at(job.finished_at),
        "created_at": at(job.created_at),
        "updated_at": at(job.updated_at),
    });
    let source = match &trigger {
        Trigger::ErrorAlert(alert) => json!({
            "sentry_issue_id": alert.issue_id,
            "sentry_event_id": alert.event_id,
            "organization_slug": alert.organization,
            "project_slug": alert.project,
            "environment": alert.environment,
            "release": alert.release,
        }),
        Trigger::WorkflowRun(run) => json!({
            "workflow": run.workflow,
            "run_id": run.run_id,
            "head_branch": run.head_branch,
            "head_sha": run.head_sha,
        }),
    };
    if let (Value::Object(view), Value::Object(source)) = (&mut view, source) {
        view.extend(source);
    }
    Ok(view)
}

/// One job with everything that is known of it.
pub(super) fn detail(
    job: &Job,
    incident: &Incident,
    attempts: &[Attempt],
    stages: &[Entered],
    opened: Option<&PullRequest>,
    reasons: &[WhyNot],
    notices: &[Told],
) -> Result<Value> {
    let mut view = item(job, opened)?;
    let attempts = attempts
        .iter()
        .map(|attempt| tried(attempt, stages))
        .collect::<Result<Vec<_>>>()?;
    let more = json!({
        "incident": seen(incident),
        "project": *job.project,
        "attempts": attempts,
        "pull_request": opened.map(pull_request),
        "decisions": reasons.iter().map(reason).collect::<Vec<_>>(),
        "notices": notices.iter().map(notice).collect::<Vec<_>>(),
    });
    if let (Value::Object(view), Value::Object(more)) = (&mut view, more) {
        view.extend(more);
    }
    Ok(view)
}

fn tried(attempt: &Attempt, stages: &[Entered]) -> Result<Value> {
    let report = attempt.report.as_ref().map(Json::read::<Report>).transpose()?;
    let entered: Vec<Value> = stages
        .iter()
        .filter(|entered| entered.attempt_id == attempt.id)
        .map(|entered| json!({ "stage": entered.stage.0.as_str(), "fence": entered.fence, "entered_at": at(entered.entered_at), "wall_ms": entered.wall_ms }))
        .collect();
    Ok(json!({
        "id": *attempt.id,
        "state": attempt.state.0.as_str(),
        "retry": attempt.retry,
        "fence": attempt.fence,
        "worker": attempt.worker,
        "stage": attempt.stage.map(|stage| stage.0.as_str()),
        "percent": attempt.percent,
        "candidates_tried": attempt.candidates,
        "lines": attempt.lines.as_deref(),
        "outcome": attempt.outcome.map(|outcome| outcome.0.as_str()),
        "message": report.as_ref().map(|report| report.message.as_str()),
        "engine": report.as_ref().and_then(|report| report.engine.as_deref()),
        "template": report.as_ref().and_then(|report| report.template.as_deref()),
        "why": report.as_ref().and_then(|report| report.why.as_deref()),
        "confidence": report.as_ref().and_then(|report| report.confidence),
        "diagnosis": report.as_ref().and_then(|report| report.diagnosis.as_ref()),
        "files": report.as_ref().map(|report| &report.files),
        "evidence": report.as_ref().and_then(|report| report.evidence.as_ref()),
        "objections": report.as_ref().map(|report| &report.objections),
        "budget_exhausted": report.as_ref().map(|report| report.budget_exhausted),
        "wall_ms": report.as_ref().map(|report| report.wall_ms),
        "cpu_ms": report.as_ref().map(|report| report.cpu_ms),
        "sandbox_ms": report.as_ref().map(|report| report.sandbox_ms),
        "stages": entered,
        "requested_at": at(attempt.requested_at),
        "claimed_at": maybe_at(attempt.claimed_at),
        "heartbeat_at": maybe_at(attempt.heartbeat_at),
        "deadline": at(attempt.deadline),
        "finished_at": maybe_at(attempt.finished_at),
    }))
}

fn seen(incident: &Incident) -> Value {
    json!({
        "id": *incident.id,
        "what": incident.what,
        "state": incident.state.0.as_str(),
        "key": *incident.key_body,
        "fingerprint": incident.best_fingerprint(),
        "bound": incident.fingerprint.is_some(),
        "diagnosis": incident.diagnosis.as_deref(),
        "generation": incident.generation,
        "merged_into": incident.merged_into.map(|id| *id),
        "title": incident.title,
        "url": incident.url,
        "first_seen": at(incident.first_seen),
        "last_seen": at(incident.last_seen),
        "seen": incident.seen,
    })
}

/// One pull request.
pub(super) fn pull_request(row: &PullRequest) -> Value {
    json!({
        "id": *row.id,
        "repo": row.repo,
        "number": row.number,
        "url": row.address(),
        "title": row.title,
        "body": row.body,
        "state": row.state.0.as_str(),
        "draft": row.draft,
        "draft_reasons": *row.draft_reasons,
        "branch": row.branch,
        "base": row.base,
        "head_sha": row.head_sha,
        "job_id": *row.job_id,
        "incident_id": *row.incident_id,
        "generation": row.generation,
        "confidence": row.confidence,
        "engine": row.engine,
        "class": row.class.map(|class| class.0.as_str()),
        "additions": row.additions,
        "deletions": row.deletions,
        "opened_at": at(row.opened_at),
        "merged_at": maybe_at(row.merged_at),
        "closed_at": maybe_at(row.closed_at),
        "hands_off": row.hands_off,
        "hands_off_by": row.hands_off_by,
    })
}

/// One reason why not.
pub(super) fn reason(row: &WhyNot) -> Value {
    json!({
        "id": *row.id,
        "code": row.code,
        "reason": *row.reason,
        "observed": row.observed,
        "would_change": row.would_change,
        "delivery_id": row.delivery_id.map(|id| *id),
        "incident_id": row.incident_id.map(|id| *id),
        "job_id": row.job_id.map(|id| *id),
        "repo": row.repo,
        "at": at(row.decided_at),
    })
}

fn notice(row: &Told) -> Value {
    json!({
        "id": *row.id,
        "channel": row.channel,
        "content": *row.content,
        "raised_at": at(row.raised_at),
        "delivered_at": maybe_at(row.delivered_at),
        "external_id": row.external_id,
    })
}
