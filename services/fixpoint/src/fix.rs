//! `fixpoint fix`: the job on a local repository, with no server at all.

use crate::cli::{Fix, Usage};
use crate::show;
use anyhow::Context as _;
use domain::attempt::Outcome;
use domain::incident::Trigger;
use domain::project::Project;
use domain::repo::RepoName;
use domain::signal::{ErrorAlert, Signal};
use fixer::local::{self, LocalError, Request};
use fixer::progress::{Event, Progress};
use fixer::reproduce::Symptom;
use fixer::workspace::tree::Committer;
use ingest::BadPayload;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

/// The exit code of an outcome.
#[must_use]
pub const fn exit_code(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Proved => 0,
        Outcome::Failed | Outcome::Skipped => crate::INTERNAL,
        Outcome::NoFix => 3,
        Outcome::Refused => 4,
        Outcome::NotReproduced => 5,
        Outcome::Flaky => 6,
        Outcome::Environment => 7,
        Outcome::AlreadyFixed => 8,
        Outcome::Unverified => 9,
    }
}

/// Runs `fixpoint fix` and returns its exit code.
///
/// # Errors
/// [`Usage`] and [`settings::SettingsError`] are the caller's to mend, everything else is ours.
pub async fn run(arguments: Fix) -> anyhow::Result<u8> {
    let source = load(&arguments);
    let mut settings = fixer::Settings::read(&settings::Settings::load(&source)?)?;
    // Environments are kept with the person's other caches: nothing is left in the repository or in the current folder.
    let cache = settings::user_cache().unwrap_or_else(std::env::temp_dir);
    settings.data_dir = cache.join("fixpoint");
    let repo = arguments
        .repo
        .canonicalize()
        .map_err(|e| Usage(format!("--repo {}: {e}", arguments.repo.display())))?;
    let (symptom, trigger) = symptom(&arguments)?;
    let project = project(&source, &arguments, &repo)?;
    let workshop = settings.workshop().map_err(usage_of_sandbox)?;
    let progress = progress(&arguments);
    let committer = Committer {
        name: settings.committer_name,
        email: settings.committer_email,
        at: now().timestamp(),
    };
    let request = Request {
        repo,
        project,
        symptom,
        trigger,
        dry_run: arguments.dry_run,
        committer,
    };
    let done = match local::fix(&workshop, request, &progress).await {
        Ok(done) => done,
        Err(LocalError::Broken(error)) => return Err(error),
        Err(error) => return Err(Usage(error.to_string()).into()),
    };
    // Our own time, and that of everything in sandboxes, which their control groups count.
    let cpu_ms = show::cpu_ms_of_this_process() + done.report.cpu_ms;
    let mut out = std::io::stdout().lock();
    let written = if arguments.json {
        writeln!(out, "{}", as_json(&done, cpu_ms))
    } else {
        show::done(&mut out, &done, cpu_ms)
    };
    written.and_then(|()| out.flush()).with_context(|| {
        format!(
            "the outcome is {}, and it could not be written to standard output",
            done.report.outcome.as_str()
        )
    })?;
    Ok(exit_code(done.report.outcome))
}

/// A setting of the sandbox that cannot work is the caller's to mend; a machine that cannot confine is not.
fn usage_of_sandbox(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<sandbox::SandboxError>() {
        Ok(wrong @ sandbox::SandboxError::Setting { .. }) => Usage(wrong.to_string()).into(),
        Ok(other) => other.into(),
        Err(other) => other,
    }
}

#[allow(clippy::disallowed_methods, reason = "an edge of the system")]
fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

fn load(arguments: &Fix) -> settings::Source {
    let source = settings::Source::process();
    match &arguments.config {
        Some(file) => source.file(file),
        None => source,
    }
}

fn project(source: &settings::Source, arguments: &Fix, repo: &Path) -> anyhow::Result<Project> {
    let set: planner::Settings = settings::load(source)?;
    let folder = repo.file_name().map_or_else(
        || "repository".into(),
        |name| {
            name.to_string_lossy()
                .replace(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c), "-")
        },
    );
    let name = RepoName::parse(&format!("local/{folder}")).or_else(|_| RepoName::parse("local/repository"))?;
    let rules = planner::settings::Rules::of(&set).map_err(|error| Usage(format!("{error:#}")))?;
    let mut project = rules.project(&name)?;
    if let Some(test) = &arguments.test {
        project.test_command = Some(test.clone());
    }
    if let Some(budget) = arguments.budget {
        project.budget_seconds = budget.as_secs();
    }
    // A local repository is repaired where it stands.
    project.base_branch = None;
    Ok(project)
}

fn symptom(arguments: &Fix) -> anyhow::Result<(Symptom, Option<Trigger>)> {
    if let Some(file) = &arguments.event {
        let alert = read_event(file)?;
        return Ok((
            Symptom::Alert(Box::new(alert.clone())),
            Some(Trigger::ErrorAlert(Box::new(alert))),
        ));
    }
    if let Some(file) = &arguments.log {
        let log = std::fs::read(file).map_err(|e| Usage(format!("--log {}: {e}", file.display())))?;
        let reading = fixer::diagnose::read(&log);
        if reading.failed.is_empty() && reading.failing_step.is_none() {
            return Err(Usage(format!(
                "--log {}: no failing test or step could be read out of it ({})",
                file.display(),
                reading.headline
            ))
            .into());
        }
        return Ok((Symptom::Log(Box::new(reading)), None));
    }
    Ok((Symptom::Unknown, None))
}

fn read_event(file: &Path) -> anyhow::Result<ErrorAlert> {
    let bytes = std::fs::read(file).map_err(|e| Usage(format!("--event {}: {e}", file.display())))?;
    let bad = |why: String| Usage(format!("--event {}: {why}", file.display()));
    let json = ingest::provider::parse(&bytes).map_err(|e| match e {
        BadPayload::NotJson(why) => bad(format!("not JSON: {why}")),
        other => bad(other.to_string()),
    })?;
    // The body of a webhook carries the event under `data`; a bare event is put there.
    let mut webhook = match (json.is_object(), json.get("data")) {
        (true, Some(Value::Object(_))) => json,
        (true, None) => json!({"action": "triggered", "data": {"event": json}}),
        _ => {
            let holds = "it should hold a Sentry event, or the body of a Sentry webhook with an object under `data`";
            return Err(bad(holds.into()).into());
        }
    };
    // An event that an SDK wrote has not been grouped yet: it is an issue of its own.
    if let Some(event) = webhook
        .pointer_mut("/data/event")
        .and_then(Value::as_object_mut)
        .filter(|event| !event.contains_key("issue_id") && !event.contains_key("issue_url"))
    {
        let id = event.get("event_id").cloned().unwrap_or_else(|| json!("local"));
        event.insert("issue_id".into(), id);
    }
    let resource = if webhook.pointer("/data/error").is_some() {
        "error"
    } else {
        "event_alert"
    };
    let reading = ingest::provider::read_sentry(Some(resource), webhook.to_string().as_bytes())
        .map_err(|e| bad(e.to_string()))?;
    let Signal::ErrorAlert(alert) = reading.signal else {
        return Err(bad("it is not an error event".into()).into());
    };
    let alert = *alert;
    if alert.exceptions.is_empty() {
        return Err(Usage(format!("--event {}: it has no exception to reproduce", file.display())).into());
    }
    Ok(alert)
}

fn progress(arguments: &Fix) -> Progress {
    if arguments.json {
        return Progress::to(|_| {});
    }
    let live = Arc::new(show::Live::new());
    Progress::to(move |event| match event {
        Event::Entered(stage) => live.stage(stage),
        Event::Line(line) => live.line(&line),
        Event::Tried(candidates) => live.tried(candidates),
    })
}

/// The one object that `--json` prints.
fn as_json(done: &local::Done, cpu_ms: u64) -> Value {
    let report = &done.report;
    json!({
        "outcome": report.outcome.as_str(),
        "message": report.message,
        "engine": report.engine,
        "template": report.template,
        "why": report.why,
        "files": report.files,
        "branch": done.branch,
        "confidence": report.confidence,
        "draft_reasons": done.draft_reasons,
        "diagnosis": report.diagnosis,
        "evidence": report.evidence,
        "candidates_tried": report.candidates_tried,
        "budget_exhausted": report.budget_exhausted,
        "wall_ms": report.wall_ms,
        "cpu_ms": cpu_ms,
        "objections": report.objections,
        "stages": report.stages,
    })
}
