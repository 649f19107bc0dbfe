//! What becomes of a job when an attempt has failed, and who is told.

use crate::case::Case;
use crate::signal::{alert, red_run};
use chrono::Duration;
use domain::attempt::{Outcome, Report};
use domain::diagnosis::Diagnosis;
use domain::job::JobState;
use domain::message::{ClaimAnswer, MayPublishAnswer};
use domain::notice::NoticeContent;
use github::Opener;
use github_sim::{AppIdentity, Fault, FaultKind, Sim, SimOptions};
use serde_json::json;

both! {
    async fn a_passing_failure_is_tried_again_later(database: Database) {
        let case = Case::on(database).await;
        let mut request = case.admitted(alert("7")).await;
        for (retry, minutes) in [(0, 1), (1, 5), (2, 25)] {
            assert_eq!(request.retry, retry);
            let fence = case.claim(&request).await;
            let report = Report { worth_retrying: true, ..Report::new(Outcome::Failed, "GitHub is down") };
            case.finish(request.attempt, fence, report).await;
            let told = case.told().await.notice.content;
            let NoticeContent::FixFailed { retry: used, max_retries, origin, .. } = told else { panic!("{told:?}") };
            assert_eq!((used, max_retries, origin.environment.as_deref()), (retry, 3, Some("production")));
            let job = case.job(&request).await;
            assert_eq!((job.state.0, job.retry), (JobState::Queued, i64::from(retry) + 1));
            let wait = job.not_before - job.updated_at;
            assert_eq!(wait, Duration::minutes(minutes));
            case.age("jobs", "not_before", 0).await;
            let next = case.requested().await;
            assert!(next.fence > fence && next.attempt != request.attempt && next.job == request.job);
            request = next;
        }
        let fence = case.claim(&request).await;
        case.finish(request.attempt, fence, Report { worth_retrying: true, ..Report::new(Outcome::Environment, "no index") }).await;
        let told = case.told().await.notice.content;
        assert!(matches!(told, NoticeContent::FixFailed { retry: 3, max_retries: 3, .. }), "{told:?}");
        assert_eq!(case.job(&request).await.state.0, JobState::Failed);
        case.silence().await;
    }

    async fn nothing_is_tried_before_its_time(database: Database) {
        let case = Case::on(database).await;
        let request = case.admitted(alert("7")).await;
        let fence = case.claim(&request).await;
        let asked = Report { worth_retrying: true, retry_after_seconds: Some(600), ..Report::new(Outcome::Failed, "limit") };
        case.finish(request.attempt, fence, asked).await;
        case.told().await;
        let job = case.job(&request).await;
        assert_eq!(job.not_before - job.updated_at, Duration::minutes(10));
        case.silence().await;
    }

    /// GitHub's limits are the credential's: what one attempt has met, all others wait for.
    async fn a_limit_that_one_attempt_has_met_holds_for_all(database: Database) {
        let case = Case::eager(database).await;
        let (first, second) = (case.admitted(red_run('a')).await, case.admitted(red_run('b')).await);
        let (one, two) = (case.claim(&first).await, case.claim(&second).await);
        let third = case.admitted(red_run('c')).await;
        let limited = Report { worth_retrying: true, retry_after_seconds: Some(90), ..Report::new(Outcome::Failed, "GitHub's limit is reached") };
        case.finish(first.attempt, one, limited).await;
        let answer = case.claim_answer(&third, &Opener::new().unwrap().1).await;
        assert!(matches!(answer, ClaimAnswer::Later { retry_after_seconds: 60..=90, .. }), "{answer:?}");
        let later = case.may_publish(second.attempt, two, &Diagnosis::default()).await;
        assert!(matches!(later, MayPublishAnswer::Later { retry_after_seconds: 60..=90, .. }), "{later:?}");
        case.age("publish_leases", "expires_at", 2).await;
        case.claim(&third).await;
    }

    /// GitHub refuses the token itself for a while.
    async fn a_limit_that_is_met_at_the_grant_holds_for_all(database: Database) {
        let app = AppIdentity::simulated(4711, "fixpoint").unwrap();
        let sim = Sim::start(SimOptions { app: Some(app), ..SimOptions::default() }).await.unwrap();
        sim.repository("acme/shop").create().unwrap();
        let limit = || {
            let kind = FaultKind::Status {
                code: 403,
                body: json!({"message": "API rate limit exceeded"}).to_string(),
                headers: vec![("retry-after".to_owned(), "600".to_owned())],
            };
            sim.faults().push(Fault::once("POST", "/access_tokens$", kind)).unwrap()
        };
        let more = json!({
            "sentry": {"dedup_minutes": 0, "rate_limit_minutes": 0},
            "github": {"api_url": sim.url(), "auth": {"app": {"id": 4711, "private_key": AppIdentity::simulated_key()}}},
        });
        let case = Case::with(database, more).await;
        let (first, second) = (case.admitted(red_run('a')).await, case.admitted(red_run('b')).await);
        let key = Opener::new().unwrap().1;
        let ClaimAnswer::Granted { fence, .. } = case.claim_answer(&first, &key).await else { panic!("not granted") };
        let fault = limit();
        for _ in 0..2 {
            // The second time it is told without GitHub being asked: the fault is used up, and would not hit again.
            let later = case.may_publish(first.attempt, fence, &Diagnosis::default()).await;
            assert!(matches!(later, MayPublishAnswer::Later { retry_after_seconds: 580..=601, .. }), "{later:?}");
        }
        let answer = case.claim_answer(&second, &key).await;
        assert!(matches!(answer, ClaimAnswer::Later { retry_after_seconds: 580..=601, .. }), "{answer:?}");
        assert_eq!(fault.hits(), 1);
    }

    /// The App is not installed on the repository: no attempt can begin, and somebody has to be told.
    async fn without_a_token_people_are_told(database: Database) {
        let mut app = AppIdentity::simulated(4711, "fixpoint").unwrap();
        app.repositories = Some(vec!["acme/other".into()]);
        let sim = Sim::start(SimOptions { app: Some(app), ..SimOptions::default() }).await.unwrap();
        let more = json!({
            "sentry": {"max_retries": 1},
            "planner": {"backoff_seconds": 0},
            "github": {"api_url": sim.url(), "auth": {"app": {"id": 4711, "private_key": AppIdentity::simulated_key()}}},
        });
        let case = Case::with(database, more).await;
        let mut request = case.admitted(red_run('a')).await;
        for retry in 0..=1 {
            let answer = case.claim_answer(&request, &Opener::new().unwrap().1).await;
            assert!(matches!(answer, ClaimAnswer::Refused { .. }), "{answer:?}");
            let told = case.told().await.notice.content;
            assert!(matches!(&told, NoticeContent::FixFailed { retry: used, error, .. } if *used == retry && error.contains("acme/shop")), "{told:?}");
            if retry == 0 {
                request = case.requested().await;
            }
        }
        assert_eq!(case.job(&request).await.state.0, JobState::Failed);
        case.silence().await;
    }

    async fn what_will_not_change_is_final_and_told_once(database: Database) {
        let case = Case::eager(database).await;
        for (commit, outcome) in [
            ('1', Outcome::NoFix),
            ('2', Outcome::Refused),
            ('3', Outcome::NotReproduced),
            ('4', Outcome::Flaky),
            ('5', Outcome::AlreadyFixed),
            ('6', Outcome::Environment),
        ] {
            let request = case.admitted(red_run(commit)).await;
            let fence = case.claim(&request).await;
            let report = Report::new(outcome, "that is how it is");
            case.finish(request.attempt, fence, report.clone()).await;
            case.finish(request.attempt, fence, report).await;
            let job = case.job(&request).await;
            assert_eq!((job.state.0, job.outcome.map(|outcome| outcome.0)), (JobState::Failed, Some(outcome)));
            let told = case.told().await.notice.content;
            assert!(matches!(&told, NoticeContent::FixFailed { outcome: word, .. } if word == outcome.as_str()), "{told:?}");
        }
        case.silence().await;
    }
}
