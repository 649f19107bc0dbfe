//! Lost: what was accepted, or ought to have been, and is gone.

use super::history::History;
use crate::record::Job;
use std::collections::{BTreeMap, BTreeSet};

pub fn all(history: &History<'_>) -> Vec<String> {
    let mut lost = deliveries(history);
    lost.extend(webhooks(history));
    lost.extend(history.incidents.keys().flat_map(|repo| incident(history, repo)));
    lost.extend(history.jobs.iter().filter_map(|job| notice(job)));
    lost.extend(said(history));
    lost
}

/// A delivery that was accepted and that the planner never knew.
fn deliveries(history: &History<'_>) -> Vec<String> {
    let jobs: BTreeSet<&str> = history.jobs.iter().map(|job| job.id.as_str()).collect();
    let mut lost = Vec::new();
    for answer in history.answers.iter().filter(|answer| answer.accepted()) {
        let event = history.sent.get(answer.webhook.as_str()).copied().unwrap_or("an event");
        if let Some(delivery) = &answer.delivery
            && !history.known.contains(delivery.as_str())
        {
            lost.push(format!(
                "delivery {delivery} ({event}) was accepted, and the planner does not know it"
            ));
        }
        if let Some(job) = &answer.job
            && !jobs.contains(job.as_str())
        {
            lost.push(format!("job {job} was promised for {event}, and is not there"));
        }
    }
    lost
}

/// A webhook that nobody accepted, however often it came.
fn webhooks(history: &History<'_>) -> Vec<String> {
    let mut accepted: BTreeMap<&str, bool> = history.sent.keys().map(|webhook| (*webhook, false)).collect();
    for answer in &history.answers {
        *accepted.entry(answer.webhook.as_str()).or_default() |= answer.accepted();
    }
    let refused = accepted
        .into_iter()
        .filter(|(webhook, accepted)| !accepted && history.sent.contains_key(webhook));
    let event = |webhook| history.sent.get(webhook).copied().unwrap_or_default();
    refused
        .map(|(webhook, _)| format!("webhook {webhook} ({}) was never accepted", event(webhook)))
        .collect()
}

/// An incident without an end that a person could understand.
fn incident(history: &History<'_>, repo: &str) -> Option<String> {
    let mut jobs = history.jobs_of(repo).peekable();
    if jobs.peek().is_none() {
        return Some(format!("the incident of {repo} has become no job"));
    }
    jobs.find_map(|job| {
        let pulls = || {
            history
                .repositories
                .iter()
                .filter(|found| found.name == repo)
                .flat_map(|found| &found.pulls)
        };
        match job.state.as_str() {
            "succeeded" => {
                let known = job.pull_request.as_ref()?;
                let there = pulls().any(|pull| pull.number == known.number);
                (!there).then(|| format!("pull request #{} of {repo} is known and not there", known.number))
            }
            "failed" | "cancelled" | "skipped" => {
                let silent = job.message.as_deref().unwrap_or_default().is_empty() && job.outcome.is_none();
                silent.then(|| format!("the job of {repo} is {} and nobody says why", job.state))
            }
            state => Some(format!("the job of {repo} is {state} for ever")),
        }
    })
}

/// A job whose end nobody was told.
fn notice(job: &Job) -> Option<String> {
    let told = matches!(job.state.as_str(), "succeeded" | "failed");
    if told && job.notices.is_empty() {
        return Some(format!("nobody is told of the end of the job of {}", job.repo));
    }
    let untold = job.notices.iter().find(|notice| notice.delivered_at.is_none())?;
    Some(format!("notice {} about {} was never said", untold.id, job.repo))
}

/// A notice that is known to be said, and that nobody has heard.
fn said(history: &History<'_>) -> Vec<String> {
    let heard: BTreeSet<&str> = history.messages.iter().map(|message| message.ts.as_str()).collect();
    let all = history
        .jobs
        .iter()
        .flat_map(|job| job.notices.iter().map(move |notice| (job, notice)));
    let said = all.filter_map(|(job, notice)| Some((job, notice, notice.external_id.as_deref()?)));
    said.filter(|(_, _, ts)| !heard.contains(ts))
        .map(|(job, notice, ts)| {
            format!(
                "notice {} about {} is message {ts}, which nobody has heard",
                notice.id, job.repo
            )
        })
        .collect()
}
