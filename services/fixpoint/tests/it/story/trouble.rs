//! Bad days of others, and of ours.

use crate::SHOP;
use crate::shop::BROKEN_CART;
use crate::world::World;
use domain::message::{AttemptFinished, Kind};
use github_sim::{Fault, FaultKind};
use serde_json::json;
use std::time::Duration;

async fn one_pull_request(world: &World) {
    let job = world.job().await;
    assert_eq!(
        (&job["state"], &job["outcome"]),
        (&json!("succeeded"), &json!("proved")),
        "{}",
        world.state().await
    );
    assert_eq!((world.pulls().len(), world.own_branches().len()), (1, 1));
    assert_eq!(job["pull_request"]["hands_off"], json!(false));
    let told = world
        .said()
        .iter()
        .filter(|text| text.contains("Auto-Fix PR Created"))
        .count();
    assert_eq!(told, 1, "{:#?}", world.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn github_goes_down_and_comes_back() {
    let world = World::with().set("SENTRY_FIXER_MAX_RETRIES", "5").start().await;
    let (sha, log) = world.pushed_by_mistake("main");
    world.github.webhooks_settled().await;
    world.github.down();
    world.github.fail_workflow_with("main", &sha, &log);
    let job = world
        .job_until("an attempt fails", |job| job["retry_count"].as_u64() > Some(0))
        .await;
    assert_eq!(job["attempts"][0]["outcome"], json!("failed"));
    world.github.up();
    world.settle().await;
    one_pull_request(&world).await;
    let kinds = [Kind::AttemptRequested, Kind::AttemptFinished, Kind::NoticeRaised];
    let traces = world.traces(&kinds);
    assert_eq!(traces.len(), 1, "all attempts belong to one trace: {traces:?}");
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_502_that_hides_a_pull_request_does_not_make_two() {
    let world = World::new().await;
    let fault = world
        .github
        .faults()
        .push(Fault::once("POST", "/pulls$", FaultKind::DoThenStatus(502)))
        .unwrap();
    world.github.break_main(&[BROKEN_CART]);
    world.settle().await;
    assert_eq!(fault.hits(), 1);
    one_pull_request(&world).await;
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhook_may_come_before_the_answer() {
    let world = World::new().await;
    let fault = world
        .github
        .faults()
        .push(Fault::once(
            "POST",
            "/pulls$",
            FaultKind::DoThenDelay(Duration::from_secs(2)),
        ))
        .unwrap();
    world.github.break_main(&[BROKEN_CART]);
    world.within("the pull request is opened", fault.reached()).await;
    let known = || async {
        world.get("/api/v1/pull-requests").await["pull_requests"]
            .as_array()
            .filter(|rows| !rows.is_empty())
            .cloned()
    };
    let early = testkit::eventually("the webhook is noted", Duration::from_secs(20), known)
        .await
        .unwrap();
    assert!(
        world.tap.seen::<AttemptFinished>().is_empty(),
        "the attempt has not reported yet"
    );
    world.settle().await;
    one_pull_request(&world).await;
    let rows = world.get("/api/v1/pull-requests").await["pull_requests"].clone();
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["id"]), (1, &early[0]["id"]));
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planner_that_dies_between_commit_and_publish_forgets_nothing() {
    let mut world = World::new().await;
    let requested = world.hold(Kind::AttemptRequested);
    world.github.break_main(&[BROKEN_CART]);
    requested.caught().await;
    world.restart_planner().await;
    requested.release();
    world.settle().await;
    one_pull_request(&world).await;
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planner_that_dies_while_an_attempt_runs_takes_its_outcome_later() {
    let mut world = World::new().await;
    let finished = world.hold(Kind::AttemptFinished);
    world.github.break_main(&[BROKEN_CART]);
    finished.caught().await;
    world.kill_planner().await;
    finished.release();
    world.start_planner().await;
    world.settle().await;
    one_pull_request(&world).await;
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planner_that_dies_while_the_pull_request_is_opened_knows_it_afterwards() {
    let mut world = World::new().await;
    let opening = world
        .github
        .faults()
        .push(Fault::once("POST", "/pulls$", FaultKind::Block))
        .unwrap();
    world.github.break_main(&[BROKEN_CART]);
    world.within("the pull request is opened", opening.reached()).await;
    world.kill_planner().await;
    opening.release();
    world.start_planner().await;
    world.settle().await;
    one_pull_request(&world).await;
    assert_eq!(world.job().await["attempts"].as_array().unwrap().len(), 1);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn githubs_secondary_limit_is_waited_for() {
    let world = World::new().await;
    let limit = FaultKind::Status {
        code: 403,
        body: json!({ "message": "You have exceeded a secondary rate limit. Please wait." }).to_string(),
        headers: vec![("retry-after".to_owned(), "2".to_owned())],
    };
    let fault = world
        .github
        .faults()
        .push(Fault::once("POST", "/pulls$", limit))
        .unwrap();
    world.github.break_main(&[BROKEN_CART]);
    world.settle().await;
    assert_eq!(fault.hits(), 1);
    one_pull_request(&world).await;
    let posts: Vec<_> = world
        .github
        .content_requests()
        .into_iter()
        .filter(|request| request.path.ends_with("/pulls"))
        .collect();
    assert!(
        (posts[1].at - posts[0].at).num_milliseconds() >= 2000,
        "it waits as long as it was told"
    );
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_while_the_planner_is_dead_waits_in_the_spool() {
    let mut world = World::new().await;
    let (sha, log) = world.pushed_by_mistake("main");
    world.settle().await;
    world.kill_planner().await;
    world.github.fail_workflow_with("main", &sha, &log);
    world.github.webhooks_settled().await;
    assert_eq!(
        world.github.deliveries().last().unwrap().status,
        Some(202),
        "it is safe, so it is accepted"
    );
    world.restart_ingest().await;
    world.start_planner().await;
    world.settle().await;
    one_pull_request(&world).await;
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fixer_that_falls_silent_is_replaced_and_may_not_publish() {
    let mut world = World::with()
        // Longer than the five seconds between two heartbeats of a fixer that lives.
        .set("FIXPOINT__PLANNER__HEARTBEAT_TIMEOUT_SECONDS", "8")
        .start()
        .await;
    let (silence, asking) = (world.hold(Kind::AttemptProgressed), world.hold(Kind::MayPublish));
    world.github.break_main(&[BROKEN_CART]);
    silence.caught().await;
    asking.caught().await;
    world
        .job_until("it is given up", |job| job["attempts"][0]["state"] == "lost")
        .await;
    // It wakes up again, and asks under its old fence.
    silence.release();
    asking.release();
    world.settle().await;
    one_pull_request(&world).await;
    let states: Vec<_> = world.job().await["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["state"].clone())
        .collect();
    assert_eq!(states, ["lost", "finished"]);
    world.kill_fixer().await;
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slack_is_away_for_a_while_and_hears_it_once() {
    let world = World::new().await;
    world.slack.take_down().await;
    world.github.break_main(&[BROKEN_CART]);
    world
        .job_until("the pull request is there without Slack", |job| {
            job["state"] == "succeeded"
        })
        .await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(world.said().len(), 0);
    world.slack.bring_up().await.unwrap();
    world.settle().await;
    one_pull_request(&world).await;
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notifier_that_dies_before_it_speaks_speaks_after_its_restart() {
    let mut world = World::new().await;
    world.slack.take_down().await;
    world.github.break_main(&[BROKEN_CART]);
    world
        .job_until("the pull request is there", |job| job["state"] == "succeeded")
        .await;
    world.kill_notifier().await;
    world.slack.bring_up().await.unwrap();
    world.start_notifier();
    world.settle().await;
    one_pull_request(&world).await;
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_secrets_sign_while_they_are_rotated_and_a_wrong_one_never() {
    let two = "the old secret,the new secret";
    let world = World::with()
        .github_signs_with("the new secret")
        .set("GITHUB_WEBHOOK_SECRET", "")
        .set("FIXPOINT__INGEST__GITHUB_SECRETS", two)
        .start()
        .await;
    let (sha, log) = world.pushed_by_mistake("main");
    world.settle().await;
    let door = world.github.deliveries()[0].url.clone();
    world.github.add_webhook(&door, "the old secret");
    world.github.add_webhook(&door, "a guess");
    world.github.hold_webhooks();
    world.github.fail_workflow_with("main", &sha, &log);
    world.github.release_webhooks();
    world.github.webhooks_settled().await;
    let mut statuses: Vec<_> = world
        .github
        .deliveries()
        .iter()
        .filter(|one| one.event == "workflow_run")
        .map(|one| one.status.unwrap())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 202, 401]);
    world.settle().await;
    one_pull_request(&world).await;
    assert!(world.github.head(SHOP, "main").unwrap().is_some());
    world.done().await;
}
