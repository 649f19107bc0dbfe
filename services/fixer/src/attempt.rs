//! The story of one attempt: claim → check out → diagnose → prepare → reproduce → propose → judge → prove → ask → publish.

use crate::diagnose::{self, LogReading};
use crate::progress::Progress;
use crate::publish::{self, Publication, PublishError};
use crate::repair::{Case, Change, Repaired};
use crate::reproduce::Symptom;
use crate::text;
use crate::workspace::git::{Credential, GitError};
use crate::workspace::mirror::Mirror;
use crate::workspace::tree::Committer;
use crate::{Fixer, ask, heartbeat};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use domain::attempt::{Fence, Outcome, Report, Stage};
use domain::incident::Trigger;
use domain::job::SkipReason;
use domain::message::{AttemptFinished, AttemptRequested, MayPublish, MayPublishAnswer};
use domain::repo::{BranchName, CommitSha};
use domain::signal::WorkflowRun;
use github::{Door, GitHubError};
use std::time::Duration;
use tokio::time::Instant;

/// What is left of an attempt's time for its report.
const REPORT: Duration = Duration::from_secs(1);

/// How an attempt is over for its message.
pub enum Ended {
    /// This outcome was reported.
    Reported(Outcome),
    /// It is nobody's business any more.
    NotOurs,
    /// It has to be given back.
    GiveBack(String),
}

/// What an attempt ends with before its time.
enum Stop {
    /// A report that says so.
    Report(Box<Report>),
    /// Something of ours that nobody thought of.
    Broken(anyhow::Error),
    /// It is somebody else's now, from its beginning.
    GiveBack(&'static str),
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

/// The code under repair and the words around it.
struct Scene {
    mirror: Mirror,
    door: Door,
    commit: CommitSha,
    base: BranchName,
    default_commit: CommitSha,
}

/// Carries out one attempt.
pub async fn carry_out(fixer: &Fixer, request: &AttemptRequested) -> Ended {
    let started = Instant::now();
    let (progress, heartbeat) = heartbeat::start();
    progress.enter(Stage::Claim);
    let granted = match ask::claim(fixer, request).await {
        Ok(Some(granted)) => granted,
        Ok(None) => return Ended::NotOurs,
        Err(error) => return Ended::GiveBack(format!("{error:#}")),
    };
    let fence = granted.fence;
    let mut report = {
        let end = Instant::now() + (request.deadline - fixer.now()).to_std().unwrap_or_default();
        let work = carry_through(fixer, request, granted, &progress, end);
        tokio::select! {
            // What is done counts, also in its last moment.
            biased;
            done = work => match done {
                Ok(report) => report,
                Err(Stop::Report(report)) => *report,
                Err(Stop::GiveBack(why)) => return Ended::GiveBack(why.to_owned()),
                Err(Stop::Broken(error)) => {
                    tracing::error!(attempt = %request.attempt, error = %github::redact(&format!("{error:#}")), "the attempt broke");
                    failed(&error)
                }
            },
            () = heartbeat.beat(fixer, request, fence) => Report::new(Outcome::Failed, "the heartbeat ended"),
            () = tokio::time::sleep_until(end) => {
                let mut report = Report::new(Outcome::Failed, "the attempt ran past its deadline");
                report.worth_retrying = true;
                report
            }
        }
    };
    report.wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    report.stages = progress.times();
    fixer
        .measure
        .sandboxed(request.kind, Duration::from_millis(report.sandbox_ms));
    heartbeat.finish(fixer, request, fence).await;
    let outcome = report.outcome;
    tracing::info!(attempt = %request.attempt, outcome = outcome.as_str(), wall_ms = report.wall_ms, detail = %report.message, "attempt ended");
    match fixer
        .publish_durably(&AttemptFinished {
            attempt: request.attempt,
            fence,
            report: Box::new(report),
        })
        .await
    {
        Ok(()) => Ended::Reported(outcome),
        Err(error) => Ended::GiveBack(format!("the outcome could not be reported: {error:#}")),
    }
}

async fn carry_through(
    fixer: &Fixer,
    request: &AttemptRequested,
    granted: ask::Granted,
    progress: &Progress,
    end: Instant,
) -> Result<Report, Stop> {
    let scratch = tempfile::Builder::new()
        .prefix("attempt-")
        .tempdir_in(fixer.scratch())
        .context("cannot make a folder for the attempt")?;
    progress.enter(Stage::CheckOut);
    let scene = check_out(fixer, request, &granted).await?;
    progress.enter(Stage::Diagnose);
    let symptom = diagnose(request, &scene, progress, fixer.now()).await?;
    let case = Case {
        git: scene.mirror.git().clone(),
        commit: scene.commit.clone(),
        default_commit: scene.default_commit.clone(),
        release_commit: release_commit(request, &scene).await,
        symptom,
        project: request.project.clone(),
        track_record: request.track_record.clone(),
        scratch: scratch.path().to_owned(),
    };
    let Repaired { mut report, change } = fixer.workshop.repair(&case, progress).await?;
    let Some(change) = change else { return Ok(report) };
    progress.enter(Stage::Ask);
    let Some((branch, token, until)) = may_publish(fixer, request, granted.fence, &scene, &report, &change).await?
    else {
        return Ok(report);
    };
    progress.enter(Stage::Publish);
    let words = text::pull_request(
        Some(&request.trigger),
        &report,
        &change.draft_reasons,
        change.unverified,
    );
    let committer = Committer {
        name: fixer.settings.committer_name.clone(),
        email: fixer.settings.committer_email.clone(),
        at: fixer.now().timestamp(),
    };
    let what = Publication {
        repo: &request.project.repo,
        branch: &branch,
        base: &scene.base,
        base_sha: &scene.commit,
        tree: &change.tree,
        words: &words,
        committer: &committer,
        draft_reasons: &change.draft_reasons,
        proof: &report.message,
        unverified: change.unverified,
        until: until.unwrap_or(end),
        mark_until: end.checked_sub(REPORT).unwrap_or(end),
    };
    let door = fixer.door(&request.project.repo, token.as_ref());
    let url = door.clone_url(&request.project.repo);
    let mirror = scene
        .mirror
        .with_credential(token.as_ref().map(|token| credential(&url, token)));
    match publish::publish(&mirror, &door, &what).await {
        Ok(opened) => {
            progress.line(format!("pull request #{}: {}", opened.number, opened.url));
            report.pull_request = Some(opened);
            Ok(report)
        }
        Err(error) => Err(not_published(report, error, fixer.now())),
    }
}

async fn check_out(fixer: &Fixer, request: &AttemptRequested, granted: &ask::Granted) -> Result<Scene, Stop> {
    let door = fixer.door(&request.project.repo, granted.token.as_ref());
    let url = door.clone_url(&request.project.repo);
    let mirror = fixer
        .mirrors
        .open(
            &request.project.repo,
            url.clone(),
            granted.token.as_ref().map(|token| credential(&url, token)),
        )
        .await
        .context("cannot open the mirror")?;
    let default = match &request.project.base_branch {
        Some(branch) => branch.clone(),
        None => mirror
            .default_branch()
            .await
            .map_err(|e| from_git(&e, "asking for the default branch"))?,
    };
    let default_commit = mirror
        .fetch(&default)
        .await
        .map_err(|e| from_git(&e, "fetching the default branch"))?;
    let (base, commit) = match &request.trigger {
        Trigger::ErrorAlert(_) => (default, default_commit.clone()),
        Trigger::WorkflowRun(run) => (run.head_branch.clone(), newest(&mirror, run).await?),
    };
    Ok(Scene {
        mirror,
        door,
        commit,
        base,
        default_commit,
    })
}

/// The head that failed, if it is still the newest of its branch.
async fn newest(mirror: &Mirror, run: &WorkflowRun) -> Result<CommitSha, Stop> {
    let head = mirror
        .remote_head(&run.head_branch)
        .await
        .map_err(|e| from_git(&e, "asking for the branch"))?;
    let Some(head) = head else {
        return Err(skip(SkipReason::NothingToDo {
            detail: format!("the branch `{}` is gone", run.head_branch),
        }));
    };
    if head != run.head_sha {
        return Err(skip(SkipReason::NotTheNewestHead {
            head: run.head_sha.to_string(),
            newest: head.to_string(),
        }));
    }
    mirror
        .fetch(&run.head_branch)
        .await
        .map_err(|e| from_git(&e, "fetching the branch"))
}

async fn diagnose(
    request: &AttemptRequested,
    scene: &Scene,
    progress: &Progress,
    now: DateTime<Utc>,
) -> Result<Symptom, Stop> {
    match &request.trigger {
        Trigger::ErrorAlert(alert) => Ok(Symptom::Alert(alert.clone())),
        Trigger::WorkflowRun(run) => {
            let reading = read_logs(scene, run, now).await?;
            progress.line(format!("log: {}", reading.headline));
            Ok(Symptom::Log(Box::new(reading)))
        }
    }
}

/// Reads the logs of the failed jobs; the first that names failing tests decides, else the first.
async fn read_logs(scene: &Scene, run: &WorkflowRun, now: DateTime<Utc>) -> Result<LogReading, Stop> {
    let jobs = scene
        .door
        .jobs(&run.repo, run.run_id)
        .await
        .map_err(|e| from_github(&e, "listing the run's jobs", now))?;
    let mut first = None;
    let failed: Vec<u64> = jobs.iter().filter(|job| job.failed()).map(|job| job.id).collect();
    for job in failed {
        let log = match scene.door.job_log(&run.repo, job).await {
            Ok(log) => log,
            Err(GitHubError::NotFound { .. }) => continue,
            Err(error) => return Err(from_github(&error, "fetching the job's log", now)),
        };
        let reading = diagnose::read(log.as_bytes());
        if !reading.failed.is_empty() {
            return Ok(reading);
        }
        first.get_or_insert(reading);
    }
    first.ok_or_else(|| {
        skip(SkipReason::NothingToDo {
            detail: "the run has no failed job with a log".into(),
        })
    })
}

/// The commit that the alert's release names, where it is one that the mirror has.
async fn release_commit(request: &AttemptRequested, scene: &Scene) -> Option<CommitSha> {
    let Trigger::ErrorAlert(alert) = &request.trigger else {
        return None;
    };
    scene.mirror.release(alert.release.as_deref()?).await
}

/// Asks for the right to publish; `None` when the report already says why not.
async fn may_publish(
    fixer: &Fixer,
    request: &AttemptRequested,
    fence: Fence,
    scene: &Scene,
    report: &Report,
    change: &Change,
) -> Result<Option<(BranchName, Option<github::Token>, Option<Instant>)>, Stop> {
    let question = MayPublish {
        attempt: request.attempt,
        fence,
        diagnosis: report.diagnosis.clone().unwrap_or_default(),
        tree: change.tree.clone(),
        base: scene.base.clone(),
        base_sha: scene.commit.clone(),
        public_key: String::new(),
    };
    let Some(ruled) = ask::may_publish(fixer, question, request.deadline).await? else {
        return Err(Stop::GiveBack("the fixer ends, and publishing was put off"));
    };
    match ruled.answer {
        MayPublishAnswer::Granted { branch, .. } => Ok(Some((branch, ruled.token, ruled.until))),
        MayPublishAnswer::Refused { reason, message } => {
            let mut refused = report.clone();
            refused.outcome = if reason.is_some() {
                Outcome::Skipped
            } else {
                Outcome::Failed
            };
            refused.skipped = reason;
            refused.message = message;
            Err(Stop::Report(Box::new(refused)))
        }
        MayPublishAnswer::Later {
            reason,
            retry_after_seconds,
        } => {
            let mut later = Report::new(Outcome::Failed, reason);
            // How long is the planner's own word, so that nothing has to be reported.
            tracing::info!(retry_after_seconds, "publishing was put off until the deadline");
            later.worth_retrying = true;
            Err(Stop::Report(Box::new(later)))
        }
    }
}

/// The token as git's credential for the server of `url`, and for no other.
fn credential(url: &str, token: &github::Token) -> Credential {
    let (user, password) = github::git_credential(&token.secret);
    let origin = url.split_once("://").map_or_else(String::new, |(scheme, rest)| {
        format!("{scheme}://{}", rest.split('/').next().unwrap_or(""))
    });
    Credential {
        origin,
        user: user.to_owned(),
        password,
    }
}

fn skip(reason: SkipReason) -> Stop {
    let mut report = Report::new(Outcome::Skipped, reason.observed());
    report.skipped = Some(reason);
    Stop::Report(Box::new(report))
}

fn not_published(mut report: Report, error: PublishError, now: DateTime<Utc>) -> Stop {
    match error {
        PublishError::HandsOff(branch) => skip(SkipReason::HandsOff {
            branch: branch.to_string(),
        }),
        PublishError::Push(error) => {
            let Stop::Report(mut stopped) = from_git(&error, "pushing the branch") else {
                return Stop::Report(Box::new(report));
            };
            stopped.diagnosis = report.diagnosis.take();
            Stop::Report(stopped)
        }
        PublishError::TooLate => {
            let mut late = Report::new(Outcome::Failed, error.to_string());
            late.worth_retrying = true;
            Stop::Report(Box::new(late))
        }
        PublishError::Open(error) => from_github(&error, "opening the pull request", now),
    }
}

/// What becomes of an attempt when git fails: a server that refuses us needs a person, everything else another time.
fn from_git(error: &GitError, doing: &str) -> Stop {
    let refused = error.is_refused();
    let hint = if refused {
        ". Set GITHUB_TOKEN, or the App, so that this repository may be read and written"
    } else {
        ""
    };
    let mut report = Report::new(Outcome::Failed, format!("{doing}: {error}{hint}"));
    report.worth_retrying = !refused;
    Stop::Report(Box::new(report))
}

fn from_github(error: &GitHubError, doing: &str, now: DateTime<Utc>) -> Stop {
    let mut report = Report::new(Outcome::Failed, format!("{doing}: {error}"));
    report.worth_retrying = error.is_passing();
    if let GitHubError::Limited { until, .. } = error {
        report.retry_after_seconds = u64::try_from((*until - now).num_seconds()).ok();
    }
    Stop::Report(Box::new(report))
}

fn failed(error: &anyhow::Error) -> Report {
    let mut report = Report::new(Outcome::Failed, github::redact(&format!("{error:#}")));
    report.worth_retrying = true;
    report
}
