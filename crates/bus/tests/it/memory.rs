//! The suite on the memory bus, and what only the memory bus offers.

use crate::suite::{Subject, Wanted, numbered, suite};
use async_trait::async_trait;
use bus::memory::Options;
use bus::{Answer, Bus, Consume, Envelope, MemoryBus, NotSettled, Queue, handler};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

struct Memory(MemoryBus);

#[async_trait]
impl Subject for Memory {
    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.0.clone())
    }

    async fn dead(&self, queue: &Queue) -> Vec<(Envelope, String)> {
        self.0.dead(queue)
    }

    fn settles_with_the_consumer(&self) -> bool {
        true
    }
}

async fn fresh(wanted: Wanted) -> Box<dyn Subject> {
    let usual = Options::default();
    Box::new(Memory(MemoryBus::new(Options {
        retry_delay: wanted.retry_delay.unwrap_or(usual.retry_delay),
        publish_timeout: wanted.publish_timeout.unwrap_or(usual.publish_timeout),
        bound: wanted.bound,
    })))
}

const fn offered() -> bool {
    true
}

suite!(every_bus, crate::memory::fresh, crate::memory::offered);

#[tokio::test]
async fn idle_waits_for_what_is_delayed_and_for_what_a_handler_publishes() {
    let bus = MemoryBus::new(Options {
        retry_delay: Duration::from_millis(20),
        ..Options::default()
    });
    bus.idle().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let stop = CancellationToken::new();
    let planner = handler({
        let (bus, seen) = (bus.clone(), seen.clone());
        move |incoming| {
            let (bus, seen) = (bus.clone(), seen.clone());
            async move {
                seen.lock().unwrap().push(("planner", incoming.attempt));
                if incoming.attempt == 1 {
                    return Answer::Again {
                        reason: "once more".into(),
                    };
                }
                let notice = Envelope::new(
                    domain::message::Kind::NoticeRaised,
                    1,
                    serde_json::json!({ "channel": "log" }),
                );
                drop(bus.publish(notice).await.unwrap());
                Answer::Done
            }
        }
    });
    let notifier = handler({
        let seen = seen.clone();
        move |incoming| {
            let seen = seen.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                seen.lock().unwrap().push(("notifier", incoming.attempt));
                Answer::Done
            }
        }
    });
    for (queue, handler) in [
        (Queue::PlannerDelivered, planner),
        (Queue::NotifierNotices("log".into()), notifier),
    ] {
        let (bus, stop) = (bus.clone(), stop.clone());
        tokio::spawn(async move { bus.consume(Consume::from(queue, 1), handler, stop).await });
    }
    drop(bus.publish(numbered(1)).await.unwrap());
    assert_eq!(bus.in_flight(), 1);
    tokio::time::timeout(Duration::from_secs(5), bus.idle()).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [("planner", 1), ("planner", 2), ("notifier", 1)]);
    assert_eq!(bus.in_flight(), 0);
    stop.cancel();
}

#[tokio::test]
async fn a_transient_queue_never_blocks_and_drops_its_oldest() {
    let bus = MemoryBus::new(Options {
        bound: Some(2),
        ..Options::default()
    });
    let progress = |n: u64| {
        Envelope::new(
            domain::message::Kind::AttemptProgressed,
            1,
            serde_json::json!({ "n": n }),
        )
    };
    for n in 0..5 {
        bus.publish(progress(n)).await.unwrap().wait().await.unwrap();
    }
    assert_eq!(bus.in_flight(), 2);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let stop = CancellationToken::new();
    let keep = handler({
        let seen = seen.clone();
        move |incoming| {
            seen.lock().unwrap().push(incoming.envelope.body["n"].as_u64().unwrap());
            async {
                Answer::Never {
                    reason: "progress is never kept".into(),
                }
            }
        }
    });
    let consuming = tokio::spawn({
        let (bus, stop) = (bus.clone(), stop.clone());
        async move { bus.consume(Consume::from(Queue::PlannerProgress, 1), keep, stop).await }
    });
    bus.idle().await;
    stop.cancel();
    consuming.await.unwrap().unwrap();
    assert_eq!(*seen.lock().unwrap(), [3, 4]);
    assert!(bus.dead(&Queue::PlannerProgress).is_empty());
}

#[tokio::test]
async fn a_message_whose_bus_ends_is_not_settled() {
    let bus = MemoryBus::default();
    let settled = bus.publish(numbered(1)).await.unwrap();
    drop(bus);
    assert!(matches!(settled.wait().await, Err(NotSettled::BusEnded)));
}

#[tokio::test]
async fn a_consumer_that_dies_again_and_again_kills_the_message_in_the_end() {
    let bus = MemoryBus::default();
    drop(bus.publish(numbered(1)).await.unwrap());
    for _ in 0..Queue::PlannerDelivered.delivery_limit() {
        assert!(bus.dead(&Queue::PlannerDelivered).is_empty());
        let consume = bus.consume(
            Consume::from(Queue::PlannerDelivered, 1),
            handler(|_| std::future::pending()),
            CancellationToken::new(),
        );
        assert!(tokio::time::timeout(Duration::from_millis(5), consume).await.is_err());
    }
    assert_eq!(bus.dead(&Queue::PlannerDelivered).len(), 1);
    assert_eq!(bus.in_flight(), 0);
}
