//! Whoever holds an old fence may not publish and is not listened to.

use crate::case::Case;
use crate::signal::{diagnosis, proved, red_run};
use domain::attempt::{Outcome, Report, Stage};
use domain::job::JobState;
use domain::message::{ClaimAnswer, MayPublishAnswer};
use planner::store::attempts;
use planner::store::types::Id;
use secrecy::ExposeSecret as _;
use serde_json::json;

both! {
    async fn an_old_fence_is_refused_and_ignored(database: Database) {
        let case = Case::on(database).await;
        let request = case.admitted(red_run('a')).await;
        let old = case.claim(&request).await;
        // The broker lost the first fixer and gave the message to another one.
        let new = case.claim(&request).await;
        assert!(new > old && old > request.fence);

        let refused = case.may_publish(request.attempt, old, &diagnosis("t")).await;
        assert!(matches!(refused, MayPublishAnswer::Refused { reason: None, .. }), "{refused:?}");
        case.finish(request.attempt, old, Report::new(Outcome::NoFix, "from the dead")).await;
        case.progress(request.attempt, old, Stage::Publish, &["from the dead"]).await;
        assert_eq!(case.job(&request).await.state.0, JobState::Running);

        case.progress(request.attempt, new, Stage::Prove, &["one", "two\u{0}"]).await;
        let id = Id::from(request.attempt);
        let attempt = case.store.tx(move |db, _| Ok(attempts::find(db, id)?.unwrap())).await.unwrap();
        assert_eq!(attempt.stage.map(|stage| stage.0), Some(Stage::Prove));
        assert_eq!(*attempt.lines.unwrap(), json!(["one", "two\u{fffd}"]));

        let branch = case.granted(request.attempt, new, &diagnosis("t")).await;
        assert_eq!(case.granted(request.attempt, new, &diagnosis("t")).await, branch, "to ask again does no harm");
        let report = proved(1, &branch, &diagnosis("t"));
        case.finish(request.attempt, new, report.clone()).await;
        case.told().await;
        // The report comes again, and another one after it.
        case.finish(request.attempt, new, report).await;
        case.finish(request.attempt, new, Report::new(Outcome::NoFix, "changed its mind")).await;
        let job = case.job(&request).await;
        assert_eq!((job.state.0, job.outcome.unwrap().0, job.retry), (JobState::Succeeded, Outcome::Proved, 0));
        assert!(matches!(case.claim_answer(&request, "").await, ClaimAnswer::Refused { .. }));
        case.silence().await;
    }

    async fn a_silent_fixer_loses_its_fence(database: Database) {
        let case = Case::with(database, json!({"planner": {"heartbeat_timeout_seconds": 1, "backoff_seconds": 0}})).await;
        let request = case.admitted(red_run('a')).await;
        let old = case.claim(&request).await;
        let again = case.requested().await;
        assert_ne!(again.attempt, request.attempt);
        assert_eq!((again.job, again.retry), (request.job, 1));
        assert!(again.fence > old);
        let notice = case.told().await;
        assert!(matches!(notice.notice.content, domain::notice::NoticeContent::FixFailed { retry: 0, max_retries: 3, .. }));
        let refused = case.may_publish(request.attempt, old, &diagnosis("t")).await;
        assert!(matches!(refused, MayPublishAnswer::Refused { .. }));
        assert!(matches!(case.claim_answer(&request, "").await, ClaimAnswer::Refused { .. }), "the message comes back after all");
    }

    async fn waiting_in_a_queue_costs_no_retry(database: Database) {
        let case = Case::on(database).await;
        let request = case.admitted(red_run('a')).await;
        // The message has been taken, so nothing of it is in the outbox; its deadline passes unclaimed.
        case.bus.idle().await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        case.age("attempts", "deadline", 1).await;
        let again = case.requested().await;
        assert_eq!((again.job, again.retry), (request.job, 0));
        assert!(matches!(case.claim_answer(&request, "").await, ClaimAnswer::Refused { .. }));
        case.claim(&again).await;
        case.silence().await;
    }

    async fn a_deadline_ends_an_attempt_that_is_still_talking(database: Database) {
        let case = Case::with(database, json!({"sentry": {"max_retries": 0}})).await;
        let request = case.admitted(red_run('a')).await;
        let fence = case.claim(&request).await;
        case.age("attempts", "deadline", 1).await;
        case.told().await;
        let job = case.job(&request).await;
        assert_eq!(job.state.0, JobState::Failed);
        assert!(job.message.unwrap().contains("deadline"));
        assert!(matches!(case.may_publish(request.attempt, fence, &diagnosis("t")).await, MayPublishAnswer::Refused { .. }));
    }

    async fn tokens_are_sealed_to_the_asker(database: Database) {
        let case = Case::with(database, json!({"github": {"auth": {"token": "ghp_secret"}}})).await;
        let request = case.admitted(red_run('a')).await;
        let (opener, public_key) = github::Opener::new().unwrap();
        let ClaimAnswer::Granted { read_token: Some(token), .. } = case.claim_answer(&request, &public_key).await else { panic!("no token") };
        assert!(!token.sealed.contains("ghp_secret"));
        assert_eq!(opener.open(&token.sealed).unwrap().expose_secret(), "ghp_secret");
        let nonsense = case.claim_answer(&request, "not a key").await;
        assert!(matches!(nonsense, ClaimAnswer::Refused { .. }), "{nonsense:?}");
    }
}
