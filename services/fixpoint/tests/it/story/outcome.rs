//! Attempts that end without a pull request, and what people are told.

use crate::shop::{BROKEN_CART, BROKEN_SESSION, CART, DICE, HOPELESS};
use crate::world::World;
use serde_json::{Value, json};

/// The job's end and its last attempt.
async fn end(world: &World) -> (Value, Value) {
    let job = world.job().await;
    let attempt = job["attempts"].as_array().unwrap().last().unwrap().clone();
    (job, attempt)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fix_in_a_blocked_place_is_refused() {
    let world = World::new().await;
    world.github.break_main(&[BROKEN_SESSION]);
    world.settle().await;
    let (job, attempt) = end(&world).await;
    assert_eq!((&job["state"], &job["outcome"]), (&json!("failed"), &json!("refused")));
    assert_eq!(
        (world.pulls().len(), world.own_branches().len()),
        (0, 0),
        "nothing was pushed"
    );
    assert!(world.github.content_requests().is_empty(), "nothing was written");
    insta::assert_snapshot!(serde_json::to_string_pretty(&attempt["objections"]).unwrap(), @r#"
    [
      {
        "detail": "`auth/` is blocked; a person fixes it, or the project takes it out of its list",
        "path": "src/shop/auth/session.py",
        "rule": "blocked_path"
      }
    ]
    "#);
    insta::assert_snapshot!(world.said().join("\n=====\n"), @r#"
    ❌ CI Auto-Fix Failed

    Tests failed on main

    CI Run: View Run
    Retry: 0 / 2
    Outcome: refused

    Error:
    ```the only fix that was found is refused: `auth/` is blocked; a person fixes it, or the project takes it out of its list (src/shop/auth/session.py)```
    "#);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_is_not_seen_here_is_not_guessed_at() {
    let world = World::new().await;
    let (_, log) = world.pushed_by_mistake("main");
    let green = world.github.push("main", &[CART], "Take it back");
    world.github.webhooks_settled().await;
    world.github.fail_workflow_with("main", &green, &log);
    world.settle().await;
    let (job, attempt) = end(&world).await;
    assert_eq!(
        (&job["state"], &job["outcome"], &attempt["candidates_tried"]),
        (&json!("failed"), &json!("not_reproduced"), &json!(0))
    );
    assert_eq!((world.pulls().len(), world.own_branches().len()), (0, 0));
    insta::assert_snapshot!(world.said().join("\n=====\n"), @r#"
    ❌ CI Auto-Fix Failed

    Tests failed on main

    CI Run: View Run
    Retry: 0 / 2
    Outcome: not reproduced

    Error:
    ```the test that failed there passes here```
    "#);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_environment_is_tried_again_and_then_given_up() {
    let setup = "echo 'error: no such compiler: cc-42' >&2; exit 3";
    let world = World::with()
        .set("FIXPOINT__PROJECT__SETUP_COMMAND", setup)
        .set("SENTRY_FIXER_MAX_RETRIES", "1")
        .start()
        .await;
    world.github.break_main(&[BROKEN_CART]);
    world.settle().await;
    let (job, _) = end(&world).await;
    assert_eq!(
        (&job["state"], &job["outcome"], &job["retry_count"]),
        (&json!("failed"), &json!("environment"), &json!(1))
    );
    let outcomes: Vec<&Value> = job["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| &attempt["outcome"])
        .collect();
    assert_eq!(outcomes, ["environment", "environment"]);
    let said = world.said();
    assert_eq!(said.len(), 2, "{said:#?}");
    insta::assert_snapshot!(said[1], @r#"
    ❌ CI Auto-Fix Failed

    Tests failed on main

    CI Run: View Run
    Retry: 1 / 1
    Outcome: environment

    Error:
    ```the environment cannot be built: `echo 'error: no such compiler: cc-42' >&2; exit 3` ended with exit code 3: error: no such compiler: cc-42```
    "#);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_that_is_far_away_leaves_the_job_queued() {
    let back_off = [
        ("FIXPOINT__PLANNER__BACKOFF_SECONDS", "600"),
        ("FIXPOINT__PLANNER__BACKOFF_MAX_SECONDS", "600"),
    ];
    let world = World::with()
        .set("FIXPOINT__PROJECT__SETUP_COMMAND", "exit 3")
        .set(back_off[0].0, back_off[0].1)
        .set(back_off[1].0, back_off[1].1)
        .start()
        .await;
    world.github.break_main(&[BROKEN_CART]);
    world.settle().await;
    let (job, attempt) = end(&world).await;
    assert_eq!(
        (&job["state"], &job["retry_count"], &attempt["outcome"]),
        (&json!("queued"), &json!(1), &json!("environment"))
    );
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_small_change_helps_people_are_told_so() {
    let world = World::with()
        .set("FIXPOINT__PROJECT__BUDGET_SECONDS", "5")
        .start()
        .await;
    world.github.break_main(&HOPELESS);
    world.settle().await;
    let (job, attempt) = end(&world).await;
    assert_eq!((&job["state"], &job["outcome"]), (&json!("failed"), &json!("no_fix")));
    assert!(attempt["candidates_tried"].as_u64().unwrap() > 0);
    assert_eq!((world.pulls().len(), world.own_branches().len()), (0, 0));
    insta::assert_snapshot!(world.said().join("\n=====\n"), @r#"
    ❌ CI Auto-Fix Failed

    Tests failed on main

    CI Run: View Run
    Retry: 0 / 2
    Outcome: no fix

    Error:
    ```no fix among all <n> candidates```
    "#);
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_comes_and_goes_is_called_flaky() {
    let world = World::with()
        .set("FIXPOINT__PROJECT__BUDGET_SECONDS", "2")
        .start()
        .await;
    let log = "F\n======================================================================\n\
               FAIL: test_luck (tests.test_dice.DiceTest.test_luck)\n----------------------------------------------------------------------\n\
               Traceback (most recent call last):\n  File \"/home/runner/work/shop/shop/tests/test_dice.py\", line 7, in test_luck\n    \
               self.assertLess(os.urandom(1)[0], 128)\nAssertionError: 200 not less than 128\n\n\
               ----------------------------------------------------------------------\nRan 8 tests in 0.001s\n\nFAILED (failures=1)\n";
    // The dice fall the same way three times in one throw out of four; twelve throws in a row do not.
    for throw in 0..12 {
        let notes = format!("Throw {throw}.\n");
        let sha = world
            .github
            .commit(
                crate::SHOP,
                "main",
                [DICE, ("NOTES.md", notes.as_str())],
                "ada",
                "Throw",
            )
            .unwrap();
        world.github.webhooks_settled().await;
        world.github.fail_workflow_with("main", &sha, log);
        world.settle().await;
        if world.jobs().await.last().unwrap()["outcome"] == "flaky" {
            break;
        }
    }
    let job = world.jobs().await.pop().unwrap();
    assert_eq!(
        (&job["state"], &job["outcome"]),
        (&json!("failed"), &json!("flaky")),
        "{}",
        job["message"]
    );
    assert!(world.said().pop().unwrap().contains("it comes and goes"));
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tests_a_fix_is_an_unverified_draft() {
    let world = World::with().set("SENTRY_FIXER_RUN_TESTS", "false").start().await;
    world.github.break_main(&[BROKEN_CART]);
    world.settle().await;
    let pull = world.pull();
    assert!(pull.draft && pull.title.starts_with("[unverified] "), "{}", pull.title);
    assert!(pull.body.unwrap().starts_with("> **Unverified.**"));
    let job = world.job().await;
    assert_eq!(
        (&job["state"], &job["outcome"]),
        (&json!("succeeded"), &json!("unverified"))
    );
    world.done().await;
}
