//! The two happy ways: a red CI run and a Sentry alert each become one proved pull request and one message.

use crate::SHOP;
use crate::mask::mask;
use crate::shop::{BROKEN_CART, a_day_without_orders};
use crate::world::World;
use domain::message::Kind;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_red_run_becomes_a_proved_pull_request() {
    let world = World::new().await;
    let broken = world.github.break_main(&[BROKEN_CART]);
    world.settle().await;

    let pull = world.pull();
    assert_eq!(
        (pull.base.as_str(), pull.base_sha.as_str(), pull.draft),
        ("main", broken.as_str(), false)
    );
    insta::assert_snapshot!(mask(&format!("{}\n\n{}", pull.title, pull.body.clone().unwrap())), @r#"
    Fix tests.test_cart.CartTest.test_shipping_is_free_from_fifty_on

    > **Proved by execution.** `tests.test_cart.CartTest.test_shipping_is_free_from_fifty_on` failed before and passes now. 7 tests pass with the change.

    ### What happened

    [Tests #<run>](http://<host>/acme/shop/actions/runs/<run>) failed on `main` at `<short>`, raised at `tests/test_cart.py:24`.

    ```text
    AssertionError: 55 != 50
    ```

    ### The change

    Compare with `>=` instead of `>` in `src/shop/cart.py`.

    ### Proof

    Command (the failing step's own command), in a sandbox without network:

    ```text
    python3 -m unittest
    ```

    | | before | with this change |
    |---|---|---|
    | exit code | 1 | 0 |
    | passed | 6 | 7 |
    | failed | 1 | 0 |
    | skipped | 0 | 0 |
    | tree | `<sha>` | `<sha>` |

    The failing tests were run 6 more times, before and after, always with the same answers: a flake of any rate fools this in less than 1 % of cases.

    **Failed before, pass now**

    - `tests.test_cart.CartTest.test_shipping_is_free_from_fifty_on`

    <details><summary>Every run</summary>

    | purpose | tree | exit | passed | failed | skipped | ms |
    |---|---|---|---|---|---|---|
    | suite before | `<short>` | 1 | 6 | 1 | 0 | <ms> |
    | failing tests before, 2 of 3 | `<short>` | 1 | 6 | 1 | 0 | <ms> |
    | failing tests before, 3 of 3 | `<short>` | 1 | 6 | 1 | 0 | <ms> |
    | suite after | `<short>` | 0 | 7 | 0 | 0 | <ms> |
    | failing tests after, 2 of 4 | `<short>` | 0 | 7 | 0 | 0 | <ms> |
    | failing tests after, 3 of 4 | `<short>` | 0 | 7 | 0 | 0 | <ms> |
    | failing tests after, 4 of 4 | `<short>` | 0 | 7 | 0 | 0 | <ms> |
    | failing tests before, after all others | `<short>` | 1 | 6 | 1 | 0 | <ms> |

    </details>

    ---
    <sub>Opened by Fixpoint · engine `search` (`T01.relational`) · <n> candidates tried · confidence <c> % · Fixpoint never merges it: a person decides.</sub>
    "#);
    insta::assert_snapshot!(mask(&world.github.diff(SHOP, "main", &pull.head).unwrap()), @r#"
    diff --git a/src/shop/cart.py b/src/shop/cart.py
    index 5d01afe..50de543 100644
    --- a/src/shop/cart.py
    +++ b/src/shop/cart.py
    @@ -19,6 +19,6 @@ class Cart:
     
     def shipping(total):
         """Free from 50 on."""
    -    if total > 50:
    +    if total >= 50:
             return 0
         return 5
    "#);
    insta::assert_snapshot!(world.said().join("\n=====\n"), @r#"
    🤖 CI Auto-Fix PR Created

    Tests failed on main

    Pull Request: #1
    CI Run: View Run
    Branch: `fixpoint/ci-<cause>-g1`

    Title: Fix tests.test_cart.CartTest.test_shipping_is_free_from_fifty_on

    Proof: before: 1 test failed; after: 7 passed, 0 failed

    ⚠️ Please review carefully before merging. This PR should never be auto-merged.

    [ Review pull request ]
    "#);
    assert!(world.github.run_tests(&pull.head_sha).0, "the branch is green");

    let traces = world.traces(&[
        Kind::AttemptRequested,
        Kind::AttemptClaim,
        Kind::AttemptProgressed,
        Kind::MayPublish,
        Kind::AttemptFinished,
        Kind::NoticeRaised,
        Kind::NoticeDelivered,
    ]);
    assert_eq!(
        traces.len(),
        1,
        "from the webhook to the message it is one trace: {traces:?}"
    );
    assert!(traces.is_subset(&world.traces(&[Kind::SignalReceived])));

    let job = world.job().await;
    assert_eq!(
        (&job["state"], &job["outcome"], &job["pr_number"]),
        (&json!("succeeded"), &json!("proved"), &json!(1))
    );
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_becomes_a_draft_that_says_how_weak_its_oracle_is() {
    let world = World::with().app().start().await;
    world.alert("4711", &a_day_without_orders()).await;
    world.settle().await;

    let pull = world.pull();
    assert_eq!(
        (pull.base.as_str(), pull.draft, pull.author.as_str()),
        ("main", true, "fixpoint[bot]")
    );
    insta::assert_snapshot!(mask(&format!("{}\n\n{}", pull.title, pull.body.clone().unwrap())), @r#"
    Fix ZeroDivisionError in average

    > **Proved by execution.** The call recorded by the alert raised before and no longer raises. 8 tests pass with the change.

    ### What happened

    Sentry issue [ZeroDivisionError: division by zero](https://sentry.io/organizations/acme/issues/4711/events/<id>/) in `production`, raised at `src/shop/report.py:5`.

    ```text
    ZeroDivisionError: division by zero
    ```

    ### The change

    Use `0` when `len(prices)` is zero in `src/shop/report.py`.

    ### Proof

    Command (suggested by the repository's files), in a sandbox without network:

    ```text
    python -m unittest discover
    ```

    | | before | with this change |
    |---|---|---|
    | exit code | 1 | 0 |
    | passed | 7 | 8 |
    | failed | 2 | 0 |
    | skipped | 0 | 0 |
    | tree | `<sha>` | `<sha>` |

    The failing tests were run 6 more times, before and after, always with the same answers: a flake of any rate fools this in less than 1 % of cases.

    **Failed before, pass now**

    - `tests.test_fixpoint_<tag>_0.WrittenFromAlert.test_daily_summary_does_not_raise_zero_division_error`

    <details><summary>The test that was written from the alert</summary>

    Rebuilt from the event: orders. It is not part of this change, and its recorded values are left out here, since they can be private; the API has them.

    ```text
    """Written from an alert: the recorded call must no longer raise."""

    import unittest
    from shop.report import daily_summary


    class WrittenFromAlert(unittest.TestCase):
        def test_daily_summary_does_not_raise_zero_division_error(self):
            orders = …
            try:
                daily_summary(orders)
            except Exception as answer:
                # An exception of the application's own is an answer, too.
                if type(answer).__module__.split(".")[0] != "shop":
                    raise
    ```
    </details>

    <details><summary>Every run</summary>

    | purpose | tree | exit | passed | failed | skipped | ms |
    |---|---|---|---|---|---|---|
    | calls rebuilt from the alert | `<short>` | 1 | 7 | 2 | 0 | <ms> |
    | failing tests before, 2 of 3 | `<short>` | 1 | 7 | 1 | 0 | <ms> |
    | failing tests before, 3 of 3 | `<short>` | 1 | 7 | 1 | 0 | <ms> |
    | suite after | `<short>` | 0 | 8 | 0 | 0 | <ms> |
    | failing tests after, 2 of 4 | `<short>` | 0 | 8 | 0 | 0 | <ms> |
    | failing tests after, 3 of 4 | `<short>` | 0 | 8 | 0 | 0 | <ms> |
    | failing tests after, 4 of 4 | `<short>` | 0 | 8 | 0 | 0 | <ms> |
    | failing tests before, after all others | `<short>` | 1 | 7 | 1 | 0 | <ms> |

    </details>

    ### Why this is a draft

    - the only oracle is that the recorded call no longer raises; no test says what it should answer
    - <n> different fixes pass all tests; this is the one that was preferred

    ---
    <sub>Opened by Fixpoint · engine `search` (`T09.zero-else`) · <n> candidates tried · confidence <c> % · Fixpoint never merges it: a person decides.</sub>
    "#);
    insta::assert_snapshot!(mask(&world.github.diff(SHOP, "main", &pull.head).unwrap()), @r#"
    diff --git a/src/shop/report.py b/src/shop/report.py
    index 0265c6b..a6c99c3 100644
    --- a/src/shop/report.py
    +++ b/src/shop/report.py
    @@ -2,7 +2,7 @@
     
     
     def average(prices):
    -    return sum(prices) / len(prices)
    +    return sum(prices) / len(prices) if prices else 0
     
     
     def daily_summary(orders):
    "#);
    insta::assert_snapshot!(world.said().join("\n=====\n"), @r#"
    🤖 Sentry Auto-Fix PR Created

    ZeroDivisionError: division by zero

    Pull Request: #1
    Environment: production
    Sentry Issue: View Issue
    Branch: `fixpoint/sentry-<cause>-g1`

    Title: Fix ZeroDivisionError in average

    Proof: before: the call raised; after: 8 passed, 0 failed

    Draft: the only oracle is that the recorded call no longer raises; no test says what it should answer; <n> different fixes pass all tests; this is the one that was preferred

    ⚠️ Please review carefully before merging. This PR should never be auto-merged.

    [ Review pull request ]
    "#);
    assert!(world.github.run_tests(&pull.head_sha).0, "the branch is green");
    assert!(
        world
            .github
            .requests()
            .iter()
            .all(|request| request.token_kind != "unknown")
    );
    world.done().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_the_same_on_postgres() {
    let Some(database) = testkit::FreshDatabase::postgres().unwrap() else {
        return;
    };
    let mut world = World::with().set("DATABASE_URL", database.url()).start().await;
    let requested = world.hold(Kind::AttemptRequested);
    world.github.break_main(&[BROKEN_CART]);
    requested.caught().await;
    world.restart_planner().await;
    requested.release();
    world.settle().await;
    let job = world.job().await;
    assert_eq!(
        (&job["state"], &job["outcome"]),
        (&json!("succeeded"), &json!("proved"))
    );
    world.github.merge_pull(SHOP, world.pull().number, "ada").unwrap();
    world.settle().await;
    assert_eq!(world.job().await["incident"]["state"], json!("resolved"));
    assert_eq!(world.said().len(), 1);
    world.done().await;
}
