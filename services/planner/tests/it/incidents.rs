//! Incidents are bound to their cause; two with the same cause become one.

use crate::case::Case;
use crate::signal::{diagnosis, proved, red_run};
use domain::attempt::{Outcome, Report};
use domain::job::{JobState, SkipReason};
use domain::message::MayPublishAnswer;
use planner::store::incidents::{self, State};
use planner::store::types::Id;

both! {
    async fn the_same_cause_gets_one_pull_request(database: Database) {
        let case = Case::eager(database).await;
        let first = case.admitted(red_run('a')).await;
        let second = case.admitted(red_run('b')).await;
        let (one, two) = (case.claim(&first).await, case.claim(&second).await);
        let branch = case.granted(first.attempt, one, &diagnosis("test_total")).await;

        let refused = case.may_publish(second.attempt, two, &diagnosis("test_total")).await;
        let MayPublishAnswer::Refused { reason: Some(reason), .. } = refused else { panic!("{refused:?}") };
        assert_eq!(reason, SkipReason::MergedInto { incident: first.incident.to_string() });
        let skipped = Report { skipped: Some(reason), ..Report::new(Outcome::Skipped, "merged") };
        case.finish(second.attempt, two, skipped).await;
        let job = case.job(&second).await;
        assert_eq!(job.state.0, JobState::Skipped);
        assert_eq!(case.reasons("merged_into").await[0].job_id, Some(job.id));

        case.finish(first.attempt, one, proved(1, &branch, &diagnosis("test_total"))).await;
        case.told().await;
        // What comes under the second's name is the first's now, and so is a third commit's failure, once it is diagnosed.
        assert_eq!(case.skipped(red_run('b')).await.code(), "pull_request_open");
        let third = case.admitted(red_run('c')).await;
        let three = case.claim(&third).await;
        let refused = case.may_publish(third.attempt, three, &diagnosis("test_total")).await;
        assert!(matches!(refused, MayPublishAnswer::Refused { reason: Some(SkipReason::PullRequestOpen { .. }), .. }), "{refused:?}");
        let id = Id::from(third.incident);
        let merged = case.store.tx(move |db, _| Ok(incidents::get(db, id)?)).await.unwrap();
        assert_eq!((merged.state.0, merged.merged_into), (State::Merged, Some(first.incident.into())));
        case.silence().await;
    }

    /// Nobody deals with the first any more: the second takes it on, under its name and generation.
    async fn a_cause_that_nobody_deals_with_is_taken_on(database: Database) {
        let case = Case::eager(database).await;
        let first = case.admitted(red_run('a')).await;
        let one = case.claim(&first).await;
        let branch = case.granted(first.attempt, one, &diagnosis("test_total")).await;
        case.finish(first.attempt, one, Report::new(Outcome::Failed, "GitHub refused the push")).await;
        case.told().await;

        let second = case.admitted(red_run('b')).await;
        let two = case.claim(&second).await;
        assert_eq!(case.granted(second.attempt, two, &diagnosis("test_total")).await, branch);
        assert_eq!(case.job(&second).await.incident_id, first.incident.into());
    }

    async fn writes_to_one_repository_are_serial(database: Database) {
        let case = Case::eager(database).await;
        let (first, second) = (case.admitted(red_run('a')).await, case.admitted(red_run('b')).await);
        let (one, two) = (case.claim(&first).await, case.claim(&second).await);
        let branch = case.granted(first.attempt, one, &diagnosis("test_one")).await;
        let later = case.may_publish(second.attempt, two, &diagnosis("test_two")).await;
        assert!(matches!(later, MayPublishAnswer::Later { retry_after_seconds: 1..=5, .. }), "{later:?}");
        case.finish(first.attempt, one, proved(1, &branch, &diagnosis("test_one"))).await;
        assert_ne!(case.granted(second.attempt, two, &diagnosis("test_two")).await, branch);
    }

    async fn a_lease_that_is_not_given_back_ends(database: Database) {
        let case = Case::eager(database).await;
        let (first, second) = (case.admitted(red_run('a')).await, case.admitted(red_run('b')).await);
        let (one, two) = (case.claim(&first).await, case.claim(&second).await);
        case.granted(first.attempt, one, &diagnosis("test_one")).await;
        case.age("publish_leases", "expires_at", 1).await;
        case.granted(second.attempt, two, &diagnosis("test_two")).await;
    }
}
