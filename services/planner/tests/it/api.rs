//! What may be asked of the planner.

use crate::case::Case;
use crate::signal::{alert, diagnosis, proved, red_run};
use actix_web::http::StatusCode;
use actix_web::{App, test};
use domain::attempt::{Outcome, Report, Stage};
use serde_json::{Value, json};

pub async fn get(case: &Case, path: &str) -> (StatusCode, Value) {
    ask(case, test::TestRequest::get(), path).await
}

async fn ask(case: &Case, request: test::TestRequest, path: &str) -> (StatusCode, Value) {
    let app = test::init_service(App::new().configure(case.planner.routes())).await;
    let answer = test::call_service(&app, request.uri(path).to_request()).await;
    let status = answer.status();
    (status, test::read_body_json(answer).await)
}

both! {
    async fn a_job_tells_its_whole_story(database: Database) {
        let case = Case::eager(database).await;
        let request = case.admitted(alert("7")).await;
        let fence = case.claim(&request).await;
        case.progress(request.attempt, fence, Stage::Propose, &["12 candidates"]).await;
        let branch = case.granted(request.attempt, fence, &diagnosis("test_total")).await;
        case.finish(request.attempt, fence, proved(4, &branch, &diagnosis("test_total"))).await;
        case.told().await;
        case.skipped(alert("7")).await;

        let (status, job) = get(&case, &format!("/api/v1/jobs/{}", request.job)).await;
        assert_eq!(status, StatusCode::OK);
        for (pointer, expected) in [
            ("/state", json!("succeeded")),
            ("/status", json!("succeeded")),
            ("/sentry_issue_id", json!("7")),
            ("/organization_slug", json!("acme")),
            ("/pr_number", json!(4)),
            ("/branch_name", json!(branch)),
            ("/retry_count", json!(0)),
            ("/max_retries", json!(3)),
            ("/incident/bound", json!(true)),
            ("/attempts/0/state", json!("finished")),
            ("/attempts/0/evidence/command", json!("pytest -q")),
            ("/attempts/0/lines/0", json!("12 candidates")),
            ("/attempts/0/stages/0/stage", json!("claim")),
            ("/attempts/0/stages/1/stage", json!("propose")),
            ("/attempts/0/stages/1/wall_ms", json!(1200)),
            ("/pull_request/title", json!("Guard the empty cart")),
            ("/pull_request/confidence", json!(0.8)),
            ("/notices/0/channel", json!("slack")),
        ] {
            assert_eq!(job.pointer(pointer), Some(&expected), "{pointer} in {job:#}");
        }
        let (_, listed) = get(&case, "/api/v1/pull-requests?state=open&repo=acme/shop").await;
        assert_eq!(listed["pull_requests"][0]["number"], 4);
        let (_, reasons) = get(&case, "/api/v1/decisions?code=pull_request_open").await;
        assert_eq!(reasons["decisions"][0]["would_change"], "merging or closing that pull request");
        assert_eq!(reasons["decisions"][0]["incident_id"], json!(request.incident));
    }

    async fn lists_come_in_pages(database: Database) {
        let case = Case::eager(database).await;
        let mut made = Vec::new();
        for commit in ['1', '2', '3', '4', '5'] {
            made.push(case.admitted(red_run(commit)).await.job.to_string());
        }
        made.reverse();
        let (mut seen, mut path) = (Vec::new(), "/api/v1/jobs?state=queued&repo=acme/shop&limit=2".to_owned());
        loop {
            let (status, page) = get(&case, &path).await;
            assert_eq!(status, StatusCode::OK);
            seen.extend(page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/api/v1/jobs?state=queued&repo=acme/shop&limit=2&before={next}");
        }
        assert_eq!(seen, made);
        assert_eq!(get(&case, "/api/v1/jobs?repo=acme/till").await.1["jobs"], json!([]));
    }

    async fn a_wrong_question_says_how_to_ask(database: Database) {
        let case = Case::on(database).await;
        for (path, status, said) in [
            ("/api/v1/jobs?state=done", 400, "state is `done`: write one of queued, running, succeeded, failed, cancelled, skipped"),
            ("/api/v1/jobs?limit=0", 400, "limit is `0`: write a number from 1 to 200"),
            ("/api/v1/jobs?before=x", 400, "before is `x`: write an identifier as the API gives it"),
            ("/api/v1/jobs/01890000-0000-7000-8000-000000000000", 404, "there is no job 01890000-0000-7000-8000-000000000000"),
        ] {
            let (answered, body) = get(&case, path).await;
            assert_eq!((answered.as_u16(), body), (status, json!({ "error": said })), "{path}");
        }
        let (status, body) = get(&case, "/api/v1/jobs?stat=queued").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body["error"].as_str().unwrap().contains("stat"));
        assert_eq!(get(&case, "/health").await.1["status"], "ok");
    }

    async fn the_documented_processor_works(database: Database) {
        let case = Case::eager(database).await;
        let (_, idle) = get(&case, "/api/sentry-fixer/process").await;
        assert_eq!(idle, json!({"ok": true, "enabled": true, "configured": {"github": false, "slack": false}, "hasPendingJobs": false}));
        for batch in ["0", "6", "-1", "x"] {
            let (status, _) = ask(&case, test::TestRequest::post(), &format!("/api/sentry-fixer/process?batch={batch}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{batch}");
        }
        let (_, nothing) = ask(&case, test::TestRequest::post(), "/api/sentry-fixer/process").await;
        assert_eq!(nothing, json!({"ok": true, "processed": 0, "succeeded": 0, "failed": 0, "results": []}));

        let (good, bad) = (case.admitted(alert("1")).await, case.admitted(alert("2")).await);
        assert_eq!(get(&case, "/api/sentry-fixer/process").await.1["hasPendingJobs"], true);
        let working = async {
            let fence = case.claim(&good).await;
            let branch = case.granted(good.attempt, fence, &diagnosis("t")).await;
            case.finish(good.attempt, fence, proved(1, &branch, &diagnosis("t"))).await;
            let fence = case.claim(&bad).await;
            case.finish(bad.attempt, fence, Report::new(Outcome::NoFix, "nothing helps")).await;
        };
        let ((status, answer), ()) = tokio::join!(ask(&case, test::TestRequest::post(), "/api/sentry-fixer/process?batch=5"), working);
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&answer["processed"], &answer["succeeded"], &answer["failed"]), (&json!(2), &json!(1), &json!(1)));
        assert_eq!(answer["results"][0], json!({"jobId": good.job, "success": true}));
        assert_eq!(answer["results"][1], json!({"jobId": bad.job, "success": false}));
    }
}
