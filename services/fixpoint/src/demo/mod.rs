//! `fixpoint demo`: the main job, before your eyes, with no account. A GitHub and a Slack on loopback, a real shop
//! application with real bugs, an exception captured by the official Sentry SDK, and a commit that turns CI red.

mod application;
mod narrator;
mod stage;
mod system;

use crate::cli::Demo;
use anyhow::{Context as _, ensure};
use narrator::Narrator;
use serde_json::Value;
use stage::{Stage, Watched};

/// The bugs of the application that the demo provokes; what they are is in demo/BUGS.md, which Fixpoint does not read.
const RAISED: &str = "reviews";
const FORBIDDEN: &str = "auth";

/// Runs the demo; exit code 0 says that everything went as it should.
///
/// # Errors
/// What did not.
pub async fn run(arguments: Demo) -> anyhow::Result<u8> {
    let narrator = Narrator::new();
    narrator.title("Fixpoint: from an alert to a proved fix, on this machine");
    let stage = Stage::set(&arguments, &narrator).await?;

    narrator.title("1. A customer meets a bug, and Sentry raises an alert");
    narrator.say("The shop's tests are green, and none of them knows this bug. The exception was captured by the official Sentry SDK with its local variables.");
    let event = stage.capture(RAISED, &narrator).await?;
    narrator.exception(&event);
    let answer = stage.alert("4711", &event).await?;
    ensure!(
        answer.status == 202,
        "the alert was answered with {}: {}",
        answer.status,
        answer.body
    );
    narrator.say(&format!(
        "POST /webhooks/sentry answered {} {}",
        answer.status, answer.body
    ));
    let job = answer.body["jobId"]
        .as_str()
        .context("the answer names no job")?
        .to_owned();
    let first = stage.watch(&job, &narrator).await?;
    expect(&first, "proved")?;

    narrator.title("2. A colleague pushes a commit, and CI turns red");
    let run = stage.push_regression(&narrator).await?;
    narrator.say(&format!(
        "GitHub has sent workflow_run.completed for run {run}; its log will be fetched from the API and read."
    ));
    let job = stage.job_of_run(run).await?;
    let second = stage.watch(&job, &narrator).await?;
    expect(&second, "proved")?;

    narrator.title("3. The same exception is raised once more");
    let mut again = event.clone();
    again["event_id"] = Value::from(uuid::Uuid::new_v4().simple().to_string());
    let answer = stage.alert("4711", &again).await?;
    ensure!(
        answer.status == 200 && answer.body["skipped"] == true,
        "the repeated alert was answered with {}: {}",
        answer.status,
        answer.body
    );
    let reason = stage.newest_decision().await?;
    narrator.skipped(&answer.body, &reason);

    narrator.title("4. An alert whose only fix would touch auth/");
    let event = stage.capture(FORBIDDEN, &narrator).await?;
    narrator.exception(&event);
    let answer = stage.alert("4712", &event).await?;
    let job = answer.body["jobId"]
        .as_str()
        .context("the answer names no job")?
        .to_owned();
    let refused = stage.watch(&job, &narrator).await?;
    expect(&refused, "refused")?;
    narrator.refused(&refused.job);

    narrator.title("What people see on GitHub");
    for pull in stage.pulls() {
        let job = [&first, &second]
            .into_iter()
            .find(|watched| watched.job["pr_number"] == pull.number);
        narrator.pull_request(&pull, job.map(|watched| &watched.job));
    }
    narrator.title("What people see in Slack");
    let messages = stage.slack_messages(3).await?;
    for message in &messages {
        narrator.boxed(message);
    }
    narrator.title("Where to look further");
    for watched in [&first, &second] {
        narrator.times(&watched.job);
    }
    stage.keep(&narrator, &[&first.job, &second.job, &refused.job])?;
    if arguments.stay {
        narrator.say(&format!("Still running for you at {}: try /api/v1/jobs, /api/v1/pull-requests, /api/v1/decisions, /metrics. Ctrl-C ends it.", stage.address()));
        stage.until_interrupted().await;
    }
    stage.end().await?;
    narrator.say("All four ended as they should.");
    narrator.check()?;
    Ok(0)
}

fn expect(watched: &Watched, outcome: &str) -> anyhow::Result<()> {
    let is = watched.job["outcome"].as_str().unwrap_or("nothing");
    ensure!(
        is == outcome,
        "the job ended with `{is}` instead of `{outcome}`: {}",
        watched.job["message"].as_str().unwrap_or("")
    );
    ensure!(
        outcome != "proved" || watched.job["pr_url"] != Value::Null,
        "the job has no pull request"
    );
    Ok(())
}
