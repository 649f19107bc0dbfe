//! One trace, from the signal to the last attempt and notice of its job.

use crate::case::settings;
use crate::signal::red_run;
use bus::{Envelope, MemoryBus, Queue};
use diesel::RunQueryDsl as _;
use domain::message::{AttemptClaim, AttemptRequested, ClaimAnswer};
use planner::Planner;
use planner::store::{Store, outbox};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What waits for a queue. Nobody takes it away: the planner does not run.
async fn waiting(store: &Store, queue: Queue) -> Vec<Envelope> {
    let parcels = store
        .tx(move |db, now| Ok(outbox::due(db, &queue.name(), &[], now, 100)?))
        .await
        .unwrap();
    parcels
        .iter()
        .map(|parcel| Envelope::decode(&parcel.envelope).unwrap())
        .collect()
}

both! {
    async fn a_retry_belongs_to_the_trace_of_its_signal(database: Database) {
        let planner = Planner::open(&settings(&database.url, &json!({"planner": {"backoff_seconds": 0}})), Arc::new(MemoryBus::default())).await.unwrap();
        let url = database.url.clone();
        let store = tokio::task::spawn_blocking(move || Store::open(&url, 2)).await.unwrap().unwrap();
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let trace = BTreeMap::from([("traceparent".to_owned(), header.to_owned())]);
        planner.flow().on_signal(red_run('a'), None, trace.clone()).await.unwrap();

        let request: AttemptRequested = waiting(&store, Queue::FixerFix).await[0].read().unwrap();
        let claim = AttemptClaim { attempt: request.attempt, fence: request.fence, worker: "test".into(), public_key: String::new() };
        let answer = planner.flow().on_claim(claim).await.unwrap();
        assert!(matches!(answer, ClaimAnswer::Granted { .. }), "{answer:?}");
        // Its deadline passes: a tick, which nobody's message has brought about, gives it up and asks for another one.
        store.tx(|db, _| Ok(diesel::sql_query("update attempts set deadline = requested_at").execute(db)?)).await.unwrap();
        planner.flow().on_tick(None).await.unwrap();
        planner.flow().on_tick(None).await.unwrap();

        let (requests, notices) = (waiting(&store, Queue::FixerFix).await, waiting(&store, Queue::NotifierNotices("slack".into())).await);
        assert_eq!((requests.len(), notices.len()), (2, 1));
        for envelope in requests.iter().chain(&notices) {
            assert_eq!(envelope.trace, trace, "{}", envelope.kind.as_str());
        }
    }
}
