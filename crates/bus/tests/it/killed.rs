//! A broker that is killed with messages on their way to it: what was told to be safe is there when it comes back.

use crate::suite::numbered;
use bus::rabbit::Options;
use bus::{Answer, Bus, Consume, Queue, RabbitBus, handler};
use futures::future::join_all;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use testkit::Broker;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_broker_has_not_confirmed_when_it_is_killed_is_not_called_safe() {
    if testkit::broker_url().unwrap().is_none() {
        return;
    }
    let broker = Broker::start().unwrap();
    let bus = RabbitBus::open(broker.url(), &Options::default()).unwrap();
    assert!(bus.connected(Duration::from_secs(60)).await);
    // It takes the bytes, and dies before it has looked at them.
    broker.freeze().unwrap();
    let safe = Arc::new(Mutex::new(BTreeSet::new()));
    let publishing = join_all((0..20).map(|number| {
        let (bus, safe) = (bus.clone(), Arc::clone(&safe));
        async move {
            let envelope = numbered(number);
            // Whoever owns a message offers it until it is confirmed.
            while bus.publish(envelope.clone()).await.map(drop).is_err() {}
            safe.lock().unwrap().insert(envelope.id);
        }
    }));
    let publishing = tokio::spawn(publishing);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let early = safe.lock().unwrap().len();
    broker.kill().unwrap();
    broker.start_again().unwrap();
    tokio::time::timeout(Duration::from_secs(30), publishing)
        .await
        .expect("all are confirmed in the end")
        .unwrap();

    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let stop = CancellationToken::new();
    let consumer = tokio::spawn({
        let (bus, stop, seen) = (bus.clone(), stop.clone(), Arc::clone(&seen));
        let note = handler(move |incoming| {
            seen.lock().unwrap().insert(incoming.envelope.id);
            async { Answer::Done }
        });
        async move { bus.consume(Consume::from(Queue::PlannerDelivered, 4), note, stop).await }
    });
    let began = Instant::now();
    while !safe.lock().unwrap().is_subset(&seen.lock().unwrap()) {
        let lost = safe.lock().unwrap().difference(&seen.lock().unwrap()).count();
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{lost} of {early} early ones are lost"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((early, seen.lock().unwrap().len()), (0, 20));
    stop.cancel();
    consumer.await.unwrap().unwrap();
}
