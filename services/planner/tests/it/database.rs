//! A Postgres that ends a connection in the middle, has no room left, holds a lock for somebody who has stopped, or has another time than this machine.

use crate::case::{Case, Database};
use crate::signal::{alert, red_run};
use diesel::connection::SimpleConnection as _;
use domain::job::SkipReason;
use domain::message::Decision;
use planner::store::types::Id;
use planner::store::{Store, jobs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

async fn execute(store: &Store, statement: impl Into<String>) {
    let statement = statement.into();
    store.tx(move |db, _| Ok(db.batch_execute(&statement)?)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_while_the_disk_is_full_is_dealt_with_when_there_is_room() {
    let Some(database) = Database::postgres() else { return };
    let case = Case::on(database).await;
    execute(
        &case.store,
        "create function no_room() returns trigger language plpgsql as $$ begin \
             raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$; \
         create trigger no_room before insert on deliveries for each row execute function no_room()",
    )
    .await;
    let make_room = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(case.jobs().await.is_empty(), "what can be read is read");
        execute(&case.store, "drop trigger no_room on deliveries").await;
    };
    let (decision, ()) = tokio::join!(case.signal(red_run('a')), make_room);
    assert!(matches!(decision, Decision::Enqueued { .. }), "{decision:?}");
    case.requested().await;
    case.silence().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_whose_connection_is_ended_in_the_middle_is_made_again() {
    let Some(database) = Database::postgres() else { return };
    let case = Case::on(database).await;
    // A sequence counts also what is rolled back.
    execute(
        &case.store,
        "create sequence ended; \
         create function ends() returns trigger language plpgsql as $$ begin \
             if nextval('ended') <= 2 then perform pg_terminate_backend(pg_backend_pid()); end if; return new; end $$; \
         create trigger ends before insert on jobs for each row execute function ends()",
    )
    .await;
    let decision = case.signal(red_run('a')).await;
    assert!(matches!(decision, Decision::Enqueued { .. }), "{decision:?}");
    case.requested().await;
    assert_eq!(case.jobs().await.len(), 1);
    case.silence().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planner_that_stops_within_a_transaction_holds_up_the_others_for_seconds_only() {
    let Some(database) = Database::postgres() else { return };
    let case = Case::on(database).await;
    let request = case.admitted(red_run('a')).await;
    let (job, (held, holds)) = (Id::from(request.job), mpsc::channel());
    let (go_on, stopped) = mpsc::channel::<()>();
    let other = case.store.clone();
    let stuck = tokio::spawn(async move {
        other
            .tx(move |db, _| {
                jobs::hold(db, job)?;
                held.send(())?;
                // It ends with the test.
                let _ = stopped.recv();
                Ok(())
            })
            .await
    });
    tokio::task::spawn_blocking(move || holds.recv())
        .await
        .unwrap()
        .unwrap();
    let began = Instant::now();
    case.claim(&request).await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    drop(go_on);
    assert!(stuck.await.unwrap().is_err(), "Postgres has ended its transaction");
}

/// A schema whose clock is set by the test stands for a host whose clock is wrong: the two differ, and the database is right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_and_deadlines_are_counted_by_the_databases_clock() {
    let Some(mut database) = Database::postgres() else {
        return;
    };
    database.url = database
        .url
        .replace("&application_name", "%2Cpg_catalog&application_name");
    let case = Case::on(database).await;
    execute(
        &case.store,
        "create table ahead (minutes int); insert into ahead values (0); \
         create function clock_timestamp() returns timestamptz language sql volatile as \
             'select pg_catalog.clock_timestamp() + (select make_interval(mins => minutes) from ahead)'",
    )
    .await;
    let set = async |minutes: i64| execute(&case.store, format!("update ahead set minutes = {minutes}")).await;
    let waiting = case.admitted(alert("7")).await;
    assert_eq!(case.skipped(alert("7")).await.code(), "duplicate_alert");
    set(45).await;
    let skipped = SkipReason::RateLimited {
        minutes_since: 45,
        window_minutes: 60,
    };
    assert_eq!(case.skipped(alert("7")).await, skipped);
    // Whoever is an hour back grants no second job for that.
    set(-60).await;
    assert_eq!(case.skipped(alert("7")).await.code(), "duplicate_alert");
    // Its deadline has passed, so that another attempt stands for it.
    set(24 * 60).await;
    let later = case.requested().await;
    assert_eq!((later.job, later.retry), (waiting.job, 0));
    assert!((later.deadline - waiting.deadline).num_minutes() >= 24 * 60);
}
