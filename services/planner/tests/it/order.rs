//! What comes in another order than it happened, and what comes again long after.

use crate::case::{Case, delivery_id};
use crate::signal::{PUSHED, change, diagnosis, now, proved, push, red_run};
use chrono::Duration;
use domain::attempt::{Outcome, Report, Stage};
use domain::job::{JobState, SkipReason};
use domain::message::{Decision, SignalReceived};
use domain::pull_request::PullRequestState;
use domain::repo::BranchName;
use domain::signal::PullRequestAction::{self, Closed, Opened, Reopened};
use domain::signal::Signal;
use planner::store::types::Id;
use planner::store::{attempts, pull_requests};

/// What a person does to a pull request, so many seconds after it was opened.
fn after(number: u64, action: PullRequestAction, name: &BranchName, seconds: i64) -> SignalReceived {
    let mut message = change(number, action, name, PUSHED);
    if let Signal::PullRequest(change) = &mut message.signal {
        change.updated_at = Some(now() + Duration::seconds(seconds));
    }
    message
}

async fn state(case: &Case, number: u64) -> PullRequestState {
    let row = case
        .store
        .tx(move |db, _| Ok(pull_requests::by_number(db, "acme/shop", number)?.unwrap()));
    row.await.unwrap().state.0
}

both! {
    async fn changes_of_a_pull_request_may_come_in_any_order(database: Database) {
        let case = Case::eager(database).await;
        let done = [(Closed, 10), (Reopened, 20), (Closed, 30)];
        for (number, order) in (1..).zip([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]) {
            let commit = char::from_digit(number, 10).unwrap();
            let number = u64::from(number);
            let branch = case.opened(red_run(commit), &diagnosis(&format!("test_{number}")), number).await;
            for (action, seconds) in order.map(|which| done[which]) {
                assert_eq!(case.signal(after(number, action, &branch, seconds)).await, Decision::Noted);
            }
            assert_eq!(state(&case, number).await, PullRequestState::Closed, "{order:?}");
        }
    }

    /// The fixer has opened it and not yet said so; a person closes it, and that webhook comes first.
    async fn a_close_before_the_opening_and_before_the_report_stays(database: Database) {
        let case = Case::eager(database).await;
        let request = case.admitted(red_run('a')).await;
        let fence = case.claim(&request).await;
        let branch = case.granted(request.attempt, fence, &diagnosis("test_total")).await;
        case.signal(after(1, Closed, &branch, 10)).await;
        case.signal(after(1, Opened, &branch, 0)).await;
        case.finish(request.attempt, fence, proved(1, &branch, &diagnosis("test_total"))).await;
        case.told().await;
        assert_eq!(state(&case, 1).await, PullRequestState::Closed);
        assert_eq!(case.job(&request).await.state.0, JobState::Succeeded);
        case.silence().await;
    }

    /// The broker keeps no order between two queues: a sign of life may come after the report.
    async fn what_is_heard_after_the_end_changes_nothing(database: Database) {
        let case = Case::eager(database).await;
        let request = case.admitted(red_run('a')).await;
        let fence = case.claim(&request).await;
        case.finish(request.attempt, fence, Report::new(Outcome::NoFix, "nothing helps")).await;
        case.told().await;
        case.progress(request.attempt, fence, Stage::Propose, &["still trying"]).await;
        let id = Id::from(request.attempt);
        let attempt = case.store.tx(move |db, _| Ok(attempts::find(db, id)?.unwrap())).await.unwrap();
        assert_eq!((attempt.state.0, attempt.percent, attempt.lines), (attempts::State::Finished, 100, None));
        assert_eq!(case.job(&request).await.state.0, JobState::Failed);
        case.silence().await;
    }

    /// Whoever has once seen a signed body can send it again, under another id. It is known for longer than anybody sends again.
    async fn a_body_that_is_replayed_after_two_months_is_known(database: Database) {
        let case = Case::eager(database).await;
        let (noted, led) = (push('a', "main", "ada"), red_run('b'));
        assert_eq!(case.signal(noted.clone()).await, Decision::Noted);
        case.admitted(led.clone()).await;
        case.age("deliveries", "received_at", 60 * 24 * 60).await;
        case.planner.flow().housekeeping().await.unwrap();
        for mut replayed in [noted, led] {
            replayed.delivery.id = delivery_id();
            replayed.delivery.transport_id = Some(replayed.delivery.id.to_string());
            let by = "semantic key".to_owned();
            assert_eq!(case.skipped(replayed).await, SkipReason::DuplicateDelivery { by });
        }
        assert_eq!(case.jobs().await.len(), 1);
        case.silence().await;
    }
}
