//! The ledger of tests that give both answers.

use crate::api::get;
use crate::case::Case;
use crate::signal::{diagnosis, proved, red_run};
use domain::attempt::{Outcome, Report};
use domain::evidence::{FlakyTest, TestId};
use planner::store::flaky_tests::{self, Page};
use serde_json::json;

fn flake(test: &str, failed: u32, runs: u32) -> FlakyTest {
    FlakyTest {
        test: TestId::new(test),
        failed,
        runs,
    }
}

fn seen(flaky: Vec<FlakyTest>) -> Report {
    let mut report = proved(1, &crate::signal::branch("fixpoint/x"), &diagnosis("t"));
    report.evidence.as_mut().unwrap().flaky = flaky;
    report
}

both! {
    async fn reports_add_up_per_repository_and_test(database: Database) {
        let store = planner_store(&database.url).await;
        let rows = store.tx(|db, now| {
            let later = now + chrono::Duration::hours(1);
            flaky_tests::reported(db, "acme/shop", &seen(vec![flake("b", 1, 5), flake("a\u{0}", 2, 5), flake("b", 1, 5)]), now)?;
            flaky_tests::reported(db, "acme/till", &seen(vec![flake("b", 5, 5)]), now)?;
            // What cannot be is not kept: no runs at all, more failures than runs.
            flaky_tests::reported(db, "acme/shop", &seen(vec![flake("b", 9, 5), flake("none", 0, 0)]), later)?;
            let page = Page { repo: Some("acme/shop".into()), limit: 10, ..Page::default() };
            Ok(flaky_tests::page(db, &page)?)
        }).await.unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.test.as_str(), row.failed, row.runs, (row.last_seen - row.first_seen).num_minutes())).collect();
        assert_eq!(told, [("b", 7, 15, 60), ("a\u{fffd}", 2, 5, 0)]);
    }

    async fn the_ledger_is_fed_by_reports_and_shown(database: Database) {
        let case = Case::eager(database).await;
        let request = case.admitted(red_run('a')).await;
        let fence = case.claim(&request).await;
        let branch = case.granted(request.attempt, fence, &diagnosis("test_total")).await;
        let mut report = proved(4, &branch, &diagnosis("test_total"));
        report.evidence.as_mut().unwrap().flaky = vec![flake("tests/test_clock.py::test_now", 2, 5)];
        case.finish(request.attempt, fence, report.clone()).await;
        // The same report once more counts nothing.
        case.finish(request.attempt, fence, report).await;

        let request = case.admitted(red_run('b')).await;
        let fence = case.claim(&request).await;
        let report = Report { diagnosis: Some(diagnosis("tests/test_net.py::test_get")), ..Report::new(Outcome::Flaky, "it comes and goes") };
        case.finish(request.attempt, fence, report).await;

        let (_, first) = get(&case, "/api/v1/flaky-tests?repo=acme/shop&limit=1").await;
        let item = &first["flaky_tests"][0];
        assert_eq!((&item["test"], &item["failed"], &item["runs"], &item["rate"]), (&json!("tests/test_net.py::test_get"), &json!(1), &json!(2), &json!(0.5)));
        let (_, second) = get(&case, &format!("/api/v1/flaky-tests?limit=1&before={}", first["next"].as_str().unwrap())).await;
        let item = &second["flaky_tests"][0];
        assert_eq!((&item["repo"], &item["test"], &item["rate"]), (&json!("acme/shop"), &json!("tests/test_clock.py::test_now"), &json!(0.4)));
        assert_eq!(get(&case, "/api/v1/flaky-tests?repo=acme/till").await.1["flaky_tests"], json!([]));
        assert_eq!(get(&case, "/api/v1/flaky-tests?test=x").await.0, 400);
    }
}

async fn planner_store(url: &str) -> planner::store::Store {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || planner::store::Store::open(&url, 2))
        .await
        .unwrap()
        .unwrap()
}
