//! What was committed is said, whatever dies in between.

use crate::case::{Case, Database, settings};
use crate::signal::{alert, red_run};
use bus::{Answer, Bus as _, Consume, MemoryBus, Queue, handler};
use domain::attempt::{Outcome, Report};
use domain::message::{AttemptRequested, Decision};
use planner::Planner;
use planner::store::{Store, outbox};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

async fn depth(store: &Store) -> i64 {
    store.tx(|db, _| Ok(outbox::depth(db)?)).await.unwrap()
}

async fn empty(store: &Store) {
    for _ in 0..100 {
        if depth(store).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} messages are still in the outbox", depth(store).await);
}

both! {
    async fn a_planner_that_dies_after_the_commit_says_it_later(database: Database) {
        let bus = MemoryBus::default();
        let dead = Planner::open(&settings(&database.url, &json!({})), Arc::new(bus)).await.unwrap();
        let decision = dead.flow().on_signal(red_run('a'), None, BTreeMap::new()).await.unwrap();
        let Decision::Enqueued { job } = decision else { panic!("{decision:?}") };
        drop(dead);
        let case = Case::on(database).await;
        assert_eq!(case.requested().await.job, job);
        empty(&case.store).await;
    }

    async fn a_message_stays_until_its_consumer_is_done(database: Database) {
        let bus = MemoryBus::default();
        let planner = Planner::open(&settings(&database.url, &json!({})), Arc::new(bus.clone())).await.unwrap();
        let running = tokio::spawn(planner.clone().run(CancellationToken::new()));
        let (heard, mut hearing) = unbounded_channel();
        let stuck = handler(move |incoming| {
            heard.send(incoming.envelope.read::<AttemptRequested>().unwrap()).unwrap();
            async { std::future::pending::<Answer>().await }
        });
        let fixer = tokio::spawn({
            let bus = bus.clone();
            async move { bus.consume(Consume::from(Queue::FixerFix, 1), stuck, CancellationToken::new()).await }
        });
        planner.flow().on_signal(red_run('a'), None, BTreeMap::new()).await.unwrap();
        let request = tokio::time::timeout(Duration::from_secs(10), hearing.recv()).await.unwrap().unwrap();
        // Both die while the fixer works on it; the bus dies with them.
        running.abort();
        fixer.abort();
        let _ = (running.await, fixer.await);
        drop((planner, bus));
        let case = Case::on(database).await;
        let again = case.requested().await;
        assert_eq!(again, request, "the very same message");
        case.claim(&again).await;
        empty(&case.store).await;
    }

    async fn a_dead_slack_delays_no_attempt(database: Database) {
        let case = Case::with(database, json!({"planner": {"channels": ["slack", "log"], "backoff_seconds": 0}})).await;
        // Nobody reads the channel `log` here.
        let first = case.admitted(alert("1")).await;
        let fence = case.claim(&first).await;
        case.finish(first.attempt, fence, Report { worth_retrying: true, ..Report::new(Outcome::Failed, "x") }).await;
        assert_eq!(case.told().await.channel, "slack");
        assert_eq!(case.requested().await.job, first.job);
        for _ in 0..100 {
            if depth(&case.store).await == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(depth(&case.store).await, 1, "the line for the log waits for its reader");
    }

    async fn stopping_lets_what_is_under_way_end(database: Database) {
        let case = Case::on(database).await;
        case.admitted(alert("1")).await;
        case.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), case.running).await.unwrap().unwrap().unwrap();
    }

    async fn dropping_it_stops_everything(database: Database) {
        let case = Case::on(database).await;
        let bus = case.bus.clone();
        let _database: Database = case.kill().await;
        let envelope = bus::Envelope::of(&alert("1")).unwrap();
        let answer = bus.request(envelope, Duration::from_secs(2)).await;
        assert!(answer.is_err(), "nobody is there: {answer:?}");
    }
}
