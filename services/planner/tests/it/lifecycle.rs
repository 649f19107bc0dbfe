//! What people make of a pull request.

use crate::case::Case;
use crate::signal::{PUSHED, change, diagnosis, proved, push, red_run};
use domain::message::MayPublishAnswer;
use domain::pull_request::PullRequestState;
use domain::signal::PullRequestAction::{Closed, Merged, Opened, Reopened, Synchronized};
use planner::store::incidents::{self, State};
use planner::store::pull_requests::{self, PullRequest};
use planner::store::types::Id;

async fn row(case: &Case, number: u64) -> PullRequest {
    case.store
        .tx(move |db, _| Ok(pull_requests::by_number(db, "acme/shop", number)?.unwrap()))
        .await
        .unwrap()
}

both! {
    async fn a_merge_starts_the_next_generation(database: Database) {
        let case = Case::eager(database).await;
        let branch = case.opened(red_run('a'), &diagnosis("test_total"), 1).await;
        assert!(branch.as_str().starts_with("fixpoint/ci-") && branch.as_str().ends_with("-g1"), "{branch}");
        assert_eq!(case.skipped(red_run('a')).await.code(), "pull_request_open");

        case.signal(change(1, Merged, &branch, PUSHED)).await;
        let merged = row(&case, 1).await;
        assert_eq!((merged.state.0, merged.merged_at.is_some()), (PullRequestState::Merged, true));
        let incident = case.store.tx(move |db, _| Ok(incidents::get(db, merged.incident_id)?)).await.unwrap();
        assert_eq!((incident.state.0, incident.generation), (State::Resolved, 2));

        // It fails again, on a later commit: the same incident, its next generation.
        let again = case.opened(red_run('b'), &diagnosis("test_total"), 2).await;
        assert_eq!(again.as_str(), branch.as_str().replace("-g1", "-g2"));
        let second = row(&case, 2).await;
        assert_eq!((second.incident_id, second.generation), (incident.id, 2));
        let incident = case.store.tx(move |db, _| Ok(incidents::get(db, second.incident_id)?)).await.unwrap();
        assert_eq!(incident.state.0, State::Open);
    }

    async fn a_close_and_a_second_thought(database: Database) {
        let case = Case::eager(database).await;
        let branch = case.opened(red_run('a'), &diagnosis("test_total"), 1).await;
        case.signal(change(1, Closed, &branch, PUSHED)).await;
        case.signal(change(1, Reopened, &branch, PUSHED)).await;
        assert_eq!(row(&case, 1).await.state.0, PullRequestState::Open);
        assert_eq!(case.skipped(red_run('a')).await.code(), "pull_request_open");
        case.signal(change(1, Closed, &branch, PUSHED)).await;
        assert!(case.opened(red_run('a'), &diagnosis("test_total"), 2).await.as_str().ends_with("-g2"));
    }

    async fn a_persons_commit_makes_it_theirs(database: Database) {
        let case = Case::eager(database).await;
        let branch = case.opened(red_run('a'), &diagnosis("test_total"), 1).await;
        case.signal(change(1, Synchronized, &branch, PUSHED)).await;
        assert!(!row(&case, 1).await.hands_off, "that was our own push");
        case.signal(change(1, Synchronized, &branch, '9')).await;
        let taken = row(&case, 1).await;
        assert_eq!((taken.hands_off, taken.hands_off_by.as_deref()), (true, Some("ada")));
        assert_eq!(case.skipped(red_run('a')).await.code(), "hands_off");
    }

    async fn a_push_alone_makes_it_theirs(database: Database) {
        let case = Case::eager(database).await;
        let branch = case.opened(red_run('a'), &diagnosis("test_total"), 1).await;
        case.signal(push('9', branch.as_str(), "grace")).await;
        assert_eq!(row(&case, 1).await.hands_off_by.as_deref(), Some("grace"));
    }

    /// The fixer opened it and died; the webhook is all that we know of it. The next attempt takes it on.
    async fn a_pull_request_that_nobody_reported_is_taken_on(database: Database) {
        let case = Case::eager(database).await;
        let request = case.admitted(red_run('a')).await;
        let dead = case.claim(&request).await;
        let branch = case.granted(request.attempt, dead, &diagnosis("test_total")).await;
        case.signal(change(1, Opened, &branch, PUSHED)).await;
        assert_eq!(row(&case, 1).await.title, "");
        let fence = case.claim(&request).await;
        assert_eq!(case.granted(request.attempt, fence, &diagnosis("test_total")).await, branch);
        case.finish(request.attempt, fence, proved(1, &branch, &diagnosis("test_total"))).await;
        let known = row(&case, 1).await;
        assert_eq!((known.title.as_str(), known.generation), ("Guard the empty cart", 1));
    }

    /// A person closes it while the next attempt of the same job is still at work.
    async fn settled_meanwhile_means_refused(database: Database) {
        let case = Case::eager(database).await;
        let request = case.admitted(red_run('a')).await;
        let dead = case.claim(&request).await;
        let branch = case.granted(request.attempt, dead, &diagnosis("test_total")).await;
        case.signal(change(1, Opened, &branch, PUSHED)).await;
        case.signal(change(1, Closed, &branch, PUSHED)).await;
        let fence = case.claim(&request).await;
        let answer = case.may_publish(request.attempt, fence, &diagnosis("test_total")).await;
        assert!(matches!(answer, MayPublishAnswer::Refused { reason: None, .. }), "{answer:?}");
    }

    async fn a_second_pull_request_of_a_generation_is_not_kept(database: Database) {
        let case = Case::eager(database).await;
        let request = case.admitted(red_run('a')).await;
        let fence = case.claim(&request).await;
        let branch = case.granted(request.attempt, fence, &diagnosis("test_total")).await;
        case.signal(change(1, Opened, &branch, PUSHED)).await;
        case.finish(request.attempt, fence, proved(2, &branch, &diagnosis("test_total"))).await;
        let second = case.store.tx(|db, _| Ok(pull_requests::by_number(db, "acme/shop", 2)?)).await.unwrap();
        assert!(second.is_none());
        let id = Id::from(request.job);
        let rows = case.store.tx(move |db, _| Ok(pull_requests::of_jobs(db, &[id])?)).await.unwrap();
        assert_eq!(rows.len(), 1);
    }
}
