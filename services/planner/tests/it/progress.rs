//! What fixers say on their way, in whatever order it is heard.

use crate::api::get;
use crate::case::Case;
use crate::signal::{diagnosis, now, red_run};
use chrono::{DateTime, Duration, Utc};
use domain::attempt::{Fence, Stage};
use domain::message::{AttemptProgressed, AttemptRequested, ClaimAnswer, MayPublishAnswer};
use serde_json::{Value, json};

/// A sign of life, so many milliseconds after the start of the fixer's clock.
fn said(request: &AttemptRequested, fence: Fence, stage: Stage, millis: i64) -> AttemptProgressed {
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    AttemptProgressed {
        attempt: request.attempt,
        fence,
        stage,
        percent: stage.percent(),
        candidates_tried: stage.percent().into(),
        lines: vec![stage.as_str().to_owned()],
        at: start + Duration::milliseconds(millis),
        limited_until: None,
    }
}

async fn attempt(case: &Case, request: &AttemptRequested) -> Value {
    get(case, &format!("/api/v1/jobs/{}", request.job)).await.1["attempts"][0].clone()
}

fn words(attempt: &Value, fence: Fence) -> Vec<String> {
    let entered = attempt["stages"].as_array().unwrap().iter();
    entered
        .filter(|entered| entered["fence"] == json!(fence.0))
        .map(|entered| entered["stage"].as_str().unwrap().to_owned())
        .collect()
}

both! {
    async fn what_overtakes_on_its_way_is_put_in_order(database: Database) {
        let case = Case::on(database).await;
        let request = case.admitted(red_run('a')).await;
        let old = case.claim(&request).await;
        // The last two were said within one tick of the fixer's clock.
        for (stage, millis) in [
            (Stage::Diagnose, 2),
            (Stage::CheckOut, 1),
            (Stage::Publish, 9),
            (Stage::Ask, 9),
            (Stage::Prove, 8),
            (Stage::Propose, 5),
        ] {
            case.say(&said(&request, old, stage, millis)).await;
        }
        let seen = attempt(&case, &request).await;
        assert_eq!(words(&seen, old), ["claim", "check_out", "diagnose", "propose", "prove", "ask", "publish"]);
        let times: Vec<DateTime<Utc>> = seen["stages"].as_array().unwrap().iter().map(|entered| entered["entered_at"].as_str().unwrap().parse().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
        let standing = |attempt: &Value| (attempt["stage"].clone(), attempt["percent"].clone(), attempt["candidates_tried"].clone(), attempt["lines"].clone());
        assert_eq!(standing(&seen), (json!("publish"), json!(90), json!(90), json!(["publish"])));

        // A fixer may go back to a stage, and the next one has a clock of its own.
        case.say(&said(&request, old, Stage::Prove, 10)).await;
        assert_eq!(attempt(&case, &request).await["stage"], "prove");
        let new = case.claim(&request).await;
        case.say(&said(&request, new, Stage::CheckOut, -5_000)).await;
        let seen = attempt(&case, &request).await;
        assert_eq!((words(&seen, new), &seen["stage"]), (vec!["claim".to_owned(), "check_out".to_owned()], &json!("check_out")));
    }

    /// Pushing can take longer than a lease lasts.
    async fn a_writer_keeps_its_lease(database: Database) {
        let case = Case::eager(database).await;
        let (first, second) = (case.admitted(red_run('a')).await, case.admitted(red_run('b')).await);
        let (one, two) = (case.claim(&first).await, case.claim(&second).await);
        case.granted(first.attempt, one, &diagnosis("test_one")).await;
        case.age("publish_leases", "expires_at", 1).await;
        case.progress(first.attempt, one, Stage::Publish, &[]).await;
        let later = case.may_publish(second.attempt, two, &diagnosis("test_two")).await;
        assert!(matches!(later, MayPublishAnswer::Later { retry_after_seconds: 1..=5, .. }), "{later:?}");
        // Neither one that does something else, nor one whose fence is old, is a writer.
        case.age("publish_leases", "expires_at", 1).await;
        case.progress(first.attempt, one, Stage::Ask, &[]).await;
        let again = case.claim(&first).await;
        case.progress(first.attempt, one, Stage::Publish, &[]).await;
        case.progress(first.attempt, again, Stage::Publish, &[]).await;
        case.granted(second.attempt, two, &diagnosis("test_two")).await;
    }

    /// GitHub's limits are the credential's: nobody else has to run into one that is met at check-out.
    async fn a_limit_that_is_met_on_the_way_holds_for_all(database: Database) {
        let case = Case::eager(database).await;
        let (first, second) = (case.admitted(red_run('a')).await, case.admitted(red_run('b')).await);
        let fence = case.claim(&first).await;
        let mut met = said(&first, fence, Stage::CheckOut, 1);
        met.limited_until = Some(now() + Duration::seconds(90));
        case.say(&met).await;
        let answer = case.claim_answer(&second, "").await;
        assert!(matches!(answer, ClaimAnswer::Later { retry_after_seconds: 60..=90, .. }), "{answer:?}");
        // None is believed for more than an hour.
        met.limited_until = Some(now() + Duration::days(30));
        case.say(&met).await;
        let answer = case.claim_answer(&second, "").await;
        assert!(matches!(answer, ClaimAnswer::Later { retry_after_seconds: 3_500..=3_600, .. }), "{answer:?}");
        case.age("publish_leases", "expires_at", 1).await;
        // Nobody listens to an old fence.
        met.fence = first.fence;
        case.say(&met).await;
        case.claim(&second).await;
    }
}
