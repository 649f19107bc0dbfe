//! Signals that lead to nothing, each with its reason.

use crate::SHOP;
use crate::shop::{BROKEN_CART, CART, a_day_without_orders};
use crate::world::World;
use domain::message::Kind;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_delivery_ten_times_is_one_job() {
    let world = World::new().await;
    let (sha, log) = world.pushed_by_mistake("main");
    world.github.webhooks_settled().await;
    world.github.hold_webhooks();
    world.github.fail_workflow_with("main", &sha, &log);
    world.github.release_webhooks_as(|waiting| {
        assert_eq!(waiting, 1);
        vec![0; 10]
    });
    world.settle().await;

    assert_eq!(
        (world.jobs().await.len(), world.pulls().len(), world.said().len()),
        (1, 1, 1)
    );
    assert!(
        world
            .github
            .deliveries()
            .iter()
            .all(|delivery| delivery.status == Some(202)),
        "each of them was accepted"
    );
    let decisions = world.decisions().await;
    assert_eq!(decisions.len(), 9, "{decisions:#?}");
    insta::assert_snapshot!(decisions[0], @r#"duplicate_delivery: a delivery with the same transport id came before; it would take nothing: one delivery is dealt with once"#);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_that_comes_again_within_the_window_is_a_duplicate() {
    let world = World::new().await;
    world.alert("4711", &a_day_without_orders()).await;
    world.settle().await;
    if let Some(answer) = world.alert("4711", &a_day_without_orders()).await {
        assert_eq!(
            (answer.status, &answer.body["skipped"]),
            (200, &json!(true)),
            "{answer:?}"
        );
    }
    world.settle().await;
    assert_eq!(
        (world.jobs().await.len(), world.pulls().len(), world.said().len()),
        (1, 1, 1)
    );
    insta::assert_snapshot!(world.decisions().await.join("\n"), @r#"duplicate_alert: the same problem was signalled 0 min ago; it would take a signal more than 30 min after that one"#);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_issue_gets_no_second_job_within_an_hour() {
    let world = World::with().set("SENTRY_FIXER_DEDUP_MINUTES", "0").start().await;
    world.alert("4711", &a_day_without_orders()).await;
    world.settle().await;
    world.alert("4711", &a_day_without_orders()).await;
    world.settle().await;
    assert_eq!(world.jobs().await.len(), 1);
    insta::assert_snapshot!(world.decisions().await.join("\n"), @r#"rate_limited: a job for the same problem began 0 min ago; it would take a signal more than 60 min after that job began"#);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_are_skipped_while_the_pipeline_is_off() {
    let world = World::with().set("SENTRY_FIXER_ENABLED", "false").start().await;
    world.alert("4711", &a_day_without_orders()).await;
    world.settle().await;
    assert_eq!(world.jobs().await.len(), 0);
    insta::assert_snapshot!(world.decisions().await.join("\n"), @r#"disabled: SENTRY_FIXER_ENABLED is off; it would take switching SENTRY_FIXER_ENABLED on"#);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_failures_and_those_of_forks_are_not_ours_to_fix() {
    let world = World::new().await;
    let main = world.github.head(SHOP, "main").unwrap().unwrap();
    let own = world.github.push("fixpoint/ci-0123456789ab-g1", &[BROKEN_CART], "Ours");
    world
        .github
        .fail_workflow_as("fixpoint/ci-0123456789ab-g1", &own, |_| {});
    world.settle().await;
    world
        .github
        .fail_workflow_as("main", &main, |run| run.actor = "fixpoint-bot".into());
    world.settle().await;
    world
        .github
        .fail_workflow_as("main", &main, |run| run.fork = Some("mallory/shop".into()));
    world.settle().await;
    assert_eq!(world.jobs().await.len(), 0);
    insta::assert_snapshot!(world.decisions().await.join("\n"), @r#"
    own_branch: `fixpoint/ci-0123456789ab-g1` is a branch of ours; it would take a failure on a branch that is not ours
    own_bot: `fixpoint-bot` is our own account; it would take a run that somebody else started
    fork: the code comes from `mallory/shop`; it would take the same failure on a branch of the repository itself
    "#);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_has_moved_on_is_left_alone() {
    let world = World::new().await;
    let (first, log) = world.pushed_by_mistake("main");
    world.github.push("main", &[("NOTES.md", "Nothing to see.\n")], "Notes");
    world.github.webhooks_settled().await;
    world.github.fail_workflow_with("main", &first, &log);
    world.settle().await;
    assert_eq!(world.jobs().await.len(), 0);
    insta::assert_snapshot!(crate::mask::mask(&world.decisions().await.join("\n")), @r#"not_the_newest_head: the run was for <short>, the branch is at <short>; it would take a failure of the newest commit"#);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_moves_on_while_the_attempt_waits_is_left_alone() {
    let world = World::new().await;
    let requested = world.hold(Kind::AttemptRequested);
    world.github.break_main(&[BROKEN_CART]);
    requested.caught().await;
    world.github.push("main", &[CART], "Take it back");
    requested.release();
    world.settle().await;
    let job = world.job().await;
    assert_eq!(
        (&job["state"], &job["skip"]["code"]),
        (&json!("skipped"), &json!("not_the_newest_head"))
    );
    assert_eq!(
        (world.pulls().len(), world.said().len()),
        (0, 0),
        "nobody has anything to do"
    );
    world.done().await;
}
