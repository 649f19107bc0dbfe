//! What people do with our pull requests, and what follows.

use crate::SHOP;
use crate::shop::{BROKEN_CART, CART};
use crate::world::World;
use github_sim::{Fault, FaultKind};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_back_after_a_merge_is_the_next_generation() {
    let world = World::new().await;
    world.github.break_main(&[BROKEN_CART]);
    world.settle().await;
    let first = world.pull();
    world.github.merge_pull(SHOP, first.number, "ada").unwrap();
    world.settle().await;
    let job = world.job().await;
    assert_eq!(
        (&job["state"], &job["pull_request"]["state"], &job["incident"]["state"]),
        (&json!("succeeded"), &json!("merged"), &json!("resolved"))
    );
    let main = world.github.head(SHOP, "main").unwrap().unwrap();
    assert!(world.github.run_tests(&main).0, "the merge has mended main");

    world.github.break_main(&[BROKEN_CART]);
    world.settle().await;
    let second = world.pulls().pop().unwrap();
    assert_ne!(second.number, first.number);
    assert_eq!(second.head, first.head.replace("-g1", "-g2"));
    assert!(first.head.ends_with("-g1") && second.is_open());
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_pull_request_is_open_the_same_cause_gets_no_second_one() {
    let world = World::new().await;
    world.github.break_main(&[BROKEN_CART]);
    world.settle().await;
    world.github.break_main(&[("NOTES.md", "Still red.\n")]);
    world.settle().await;
    let jobs = world.jobs().await;
    assert_eq!(
        (&jobs[1]["state"], &jobs[1]["skip"]["code"]),
        (&json!("skipped"), &json!("pull_request_open"))
    );
    assert_eq!((world.pulls().len(), world.said().len()), (1, 1));
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_commit_on_our_branch_makes_it_theirs() {
    let world = World::new().await;
    world.github.break_main(&[BROKEN_CART]);
    world.settle().await;
    let branch = world.pull().head;
    let theirs = world
        .github
        .push_human_commit(
            SHOP,
            &branch,
            [(CART.0, format!("{}\n# Checked by hand.\n", CART.1))],
            "ada",
        )
        .unwrap();
    world.settle().await;
    let job = world.job().await;
    assert_eq!(
        (&job["pull_request"]["hands_off"], &job["pull_request"]["hands_off_by"]),
        (&json!(true), &json!("ada"))
    );

    world.github.break_main(&[("NOTES.md", "Still red.\n")]);
    world.settle().await;
    let again = world.jobs().await.pop().unwrap();
    assert_eq!(
        (&again["state"], &again["skip"]["code"]),
        (&json!("skipped"), &json!("hands_off")),
        "{again:#}"
    );
    assert_eq!(
        world.github.head(SHOP, &branch).unwrap(),
        Some(theirs),
        "their commit is untouched"
    );
    assert_eq!(world.pulls().len(), 1);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_pull_request_is_an_answer_too() {
    let world = World::new().await;
    world.github.break_main(&[BROKEN_CART]);
    world.settle().await;
    world.github.close_pull(SHOP, world.pull().number, "ada").unwrap();
    world.settle().await;
    let job = world.job().await;
    assert_eq!(
        (&job["state"], &job["pull_request"]["state"]),
        (&json!("succeeded"), &json!("closed"))
    );
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_a_person_takes_before_our_push_is_theirs() {
    let world = World::new().await;
    let (sha, log) = world.pushed_by_mistake("main");
    let push = Fault::once("POST", r"shop\.git/git-receive-pack$", FaultKind::Block);
    let push = world.github.faults().push(push).unwrap();
    world.github.fail_workflow_with("main", &sha, &log);
    world.within("we push", push.reached()).await;
    let job = world
        .job_until("the branch is known", |job| job["branch_name"].is_string())
        .await;
    let branch = job["branch_name"].as_str().unwrap();
    let theirs = world.github.push(branch, &[("NOTES.md", "Mine.\n")], "I was first");
    push.release();
    world.settle().await;
    let job = world.job().await;
    assert_eq!(
        (&job["state"], &job["skip"]["code"]),
        (&json!("skipped"), &json!("hands_off")),
        "{job:#}"
    );
    assert_eq!(world.github.head(SHOP, branch).unwrap(), Some(theirs));
    assert_eq!((world.pulls().len(), world.said().len()), (0, 0));
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workflows_that_fail_for_one_cause_get_one_pull_request() {
    let world = World::new().await;
    let (sha, log) = world.pushed_by_mistake("main");
    for workflow in ["Tests", "Nightly"] {
        world.github.fail_workflow_as("main", &sha, |run| {
            workflow.clone_into(&mut run.name);
            run.jobs[0].steps[0].log.clone_from(&log);
        });
    }
    world.settle().await;
    let mut states: Vec<_> = world
        .jobs()
        .await
        .iter()
        .map(|job| job["state"].as_str().unwrap().to_owned())
        .collect();
    states.sort_unstable();
    assert_eq!(states, ["skipped", "succeeded"]);
    assert_eq!(
        (world.pulls().len(), world.own_branches().len(), world.said().len()),
        (1, 1, 1)
    );
    world.done().await;
}
