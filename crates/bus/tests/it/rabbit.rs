//! The suite on RabbitMQ, and what only a broker can do: go away and come back.

use crate::suite::{Subject, Wanted, claim, numbered, suite};
use async_trait::async_trait;
use bus::rabbit::Options;
use bus::{Answer, Bus, Consume, Envelope, PublishError, Queue, RabbitBus, RequestError, handler, reply};
use domain::attempt::Fence;
use domain::message::{AttemptClaim, ClaimAnswer, Kind};
use lapin::BasicProperties;
use lapin::options::{BasicGetOptions, BasicPublishOptions};
use lapin::types::AMQPValue;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use testkit::Broker;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

fn broker() -> Option<String> {
    testkit::broker_url().unwrap()
}

struct Rabbit {
    bus: RabbitBus,
    dead: Mutex<Vec<(Queue, Envelope, String)>>,
}

#[async_trait]
impl Subject for Rabbit {
    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.bus.clone())
    }

    async fn dead(&self, queue: &Queue) -> Vec<(Envelope, String)> {
        let taken = self.bus.take_dead(queue).await.unwrap();
        let mut dead = self.dead.lock().unwrap();
        dead.extend(
            taken
                .into_iter()
                .map(|(envelope, reason)| (queue.clone(), envelope, reason)),
        );
        dead.iter()
            .filter(|(of, ..)| of == queue)
            .map(|(_, envelope, reason)| (envelope.clone(), reason.clone()))
            .collect()
    }

    fn settles_with_the_consumer(&self) -> bool {
        false
    }
}

fn options(wanted: Wanted) -> Options {
    let usual = Options::default();
    Options {
        retry_delay: wanted.retry_delay.unwrap_or(usual.retry_delay),
        publish_timeout: wanted.publish_timeout.unwrap_or(usual.publish_timeout),
        bound: wanted.bound,
        prefix: format!("t{}.", Uuid::new_v4().simple()),
        forget_after: Some(Duration::from_secs(60)),
    }
}

fn offered() -> bool {
    broker().is_some()
}

async fn fresh(wanted: Wanted) -> Box<dyn Subject> {
    let bus = RabbitBus::open(&broker().unwrap(), &options(wanted)).unwrap();
    assert!(
        bus.connected(Duration::from_secs(60)).await,
        "the broker does not answer"
    );
    Box::new(Rabbit {
        bus,
        dead: Mutex::default(),
    })
}

suite!(every_bus, crate::rabbit::fresh, crate::rabbit::offered);

/// Looks at the broker past the bus.
async fn raw(url: &str) -> lapin::Channel {
    let connection = lapin::Connection::connect(url, lapin::ConnectionProperties::default())
        .await
        .unwrap();
    connection.create_channel().await.unwrap()
}

fn header(properties: &lapin::BasicProperties, name: &str) -> String {
    let headers = properties.headers().clone().unwrap_or_default();
    match headers.inner().get(name) {
        Some(AMQPValue::LongString(text)) => text.to_string(),
        Some(AMQPValue::LongInt(number)) => number.to_string(),
        other => panic!("{name} is {other:?}"),
    }
}

async fn dead_count(bus: &RabbitBus, queue: &Queue) -> usize {
    let depths = bus.depth().await;
    depths
        .iter()
        .find(|depth| depth.queue == queue.name())
        .map_or(0, |depth| depth.dead)
}

#[tokio::test]
async fn the_broker_shows_what_a_message_is_and_to_which_trace_it_belongs() {
    let Some(url) = broker() else { return };
    let options = options(Wanted::default());
    let bus = RabbitBus::open(&url, &options).unwrap();
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let sent = numbered(1).traced(BTreeMap::from([("traceparent".to_owned(), traceparent.to_owned())]));
    drop(bus.publish(sent.clone()).await.unwrap());
    let channel = raw(&url).await;
    let queue = format!("{}planner.delivered", options.prefix);
    let got = channel
        .basic_get(queue.into(), BasicGetOptions { no_ack: true })
        .await
        .unwrap()
        .unwrap();
    let properties = &got.delivery.properties;
    assert_eq!(properties.message_id().as_ref().unwrap().as_str(), sent.id.to_string());
    assert_eq!(properties.kind().as_ref().unwrap().as_str(), "notice.delivered");
    assert_eq!(*properties.delivery_mode(), Some(2));
    assert_eq!(header(properties, "fixpoint-version"), "1");
    assert_eq!(header(properties, "traceparent"), traceparent);
    assert_eq!(Envelope::decode(&got.delivery.data).unwrap(), sent);
}

#[tokio::test]
async fn what_is_no_envelope_is_set_aside_with_the_reason_however_often_it_comes() {
    let Some(url) = broker() else { return };
    let options = options(Wanted::default());
    let bus = RabbitBus::open(&url, &options).unwrap();
    assert!(bus.connected(Duration::from_secs(60)).await);
    let channel = raw(&url).await;
    for _ in 0..25 {
        let key = format!("{}planner.delivered", options.prefix);
        let options = BasicPublishOptions::default();
        let published = channel.basic_publish("".into(), key.into(), options, b"poison", BasicProperties::default());
        drop(published.await.unwrap());
    }
    let stop = CancellationToken::new();
    let consumer = tokio::spawn({
        let (bus, stop) = (bus.clone(), stop.clone());
        let handled = handler(|_| async { panic!("nobody can handle it") });
        async move {
            bus.consume(Consume::from(Queue::PlannerDelivered, 2), handled, stop)
                .await
        }
    });
    let began = Instant::now();
    while dead_count(&bus, &Queue::PlannerDelivered).await < 25 {
        assert!(began.elapsed() < Duration::from_secs(20), "they are not set aside");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    consumer.await.unwrap().unwrap();
    let queue = format!("{}planner.delivered.dead", options.prefix);
    let got = channel
        .basic_get(queue.into(), BasicGetOptions { no_ack: true })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(got.delivery.data, b"poison");
    assert!(header(&got.delivery.properties, "fixpoint-reason").contains("magic"));
}

#[tokio::test]
async fn a_message_whose_consumers_die_is_set_aside_and_not_dropped() {
    let Some(url) = broker() else { return };
    let bus = RabbitBus::open(
        &url,
        &options(Wanted {
            retry_delay: Some(Duration::from_millis(5)),
            ..Wanted::default()
        }),
    )
    .unwrap();
    drop(bus.publish(numbered(1)).await.unwrap());
    let attempts = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    while dead_count(&bus, &Queue::PlannerDelivered).await == 0 {
        assert!(began.elapsed() < Duration::from_secs(40), "it is not set aside");
        let met = Arc::new(Notify::new());
        let hanging = handler({
            let (met, attempts) = (Arc::clone(&met), Arc::clone(&attempts));
            move |_| {
                attempts.fetch_add(1, SeqCst);
                met.notify_one();
                std::future::pending()
            }
        });
        let dying = tokio::spawn({
            let bus = bus.clone();
            async move {
                bus.consume(
                    Consume::from(Queue::PlannerDelivered, 1),
                    hanging,
                    CancellationToken::new(),
                )
                .await
            }
        });
        let _ = tokio::time::timeout(Duration::from_millis(400), met.notified()).await;
        dying.abort();
        let _ = dying.await;
    }
    let dead = bus.take_dead(&Queue::PlannerDelivered).await.unwrap();
    assert!(dead[0].1.contains("went away"), "{}", dead[0].1);
    let limit = Queue::PlannerDelivered.delivery_limit() as usize;
    assert!(
        (limit..=limit + 1).contains(&attempts.load(SeqCst)),
        "{attempts:?} attempts"
    );
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_any_more_is_not_put() {
    let Some(url) = broker() else { return };
    let bus = RabbitBus::open(
        &url,
        &options(Wanted {
            retry_delay: Some(Duration::from_millis(20)),
            ..Wanted::default()
        }),
    )
    .unwrap();
    assert!(bus.connected(Duration::from_secs(60)).await);
    let asked = bus.request(claim(1), Duration::from_millis(400)).await.unwrap_err();
    assert!(matches!(asked, RequestError::TimedOut { .. }), "{asked:?}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let stop = CancellationToken::new();
    let consumer = tokio::spawn({
        let (bus, stop, seen) = (bus.clone(), stop.clone(), Arc::clone(&seen));
        let answers = handler(move |incoming| {
            let claim: AttemptClaim = incoming.envelope.read().unwrap();
            seen.lock().unwrap().push(claim.fence);
            async { reply(&ClaimAnswer::Refused { reason: "no".into() }) }
        });
        async move {
            bus.consume(Consume::from(Queue::PlannerRequests, 1), answers, stop)
                .await
        }
    });
    bus.request(claim(2), Duration::from_secs(10)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.cancel();
    consumer.await.unwrap().unwrap();
    assert_eq!(*seen.lock().unwrap(), [Fence(2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_broker_has_confirmed_is_there_when_it_comes_back() {
    if broker().is_none() {
        return;
    }
    let broker = Broker::start().unwrap();
    let bus = RabbitBus::open(broker.url(), &Options::default()).unwrap();
    let seen = Arc::new(Mutex::new(BTreeMap::<Uuid, u32>::new()));
    let stop = CancellationToken::new();
    let consumer = tokio::spawn({
        let (bus, stop, seen) = (bus.clone(), stop.clone(), Arc::clone(&seen));
        let count = handler(move |incoming| {
            *seen.lock().unwrap().entry(incoming.envelope.id).or_default() += 1;
            async { Answer::Done }
        });
        async move {
            bus.consume(Consume::from(Queue::PlannerDelivered, 4), count, stop)
                .await
        }
    });
    let mut confirmed = Vec::new();
    let mut killed = None;
    for n in 0..600 {
        let envelope = numbered(n);
        // Whoever owns a message offers it until it is confirmed.
        while bus.publish(envelope.clone()).await.map(drop).is_err() {}
        confirmed.push(envelope.id);
        if n == 300 {
            broker.kill().unwrap();
            broker.start_again().unwrap();
            killed = Some(Instant::now());
        }
        if n == 301 {
            let took = killed.unwrap().elapsed();
            assert!(took < Duration::from_secs(5), "back {took:?} after the broker");
        }
    }
    let began = Instant::now();
    while confirmed.iter().any(|id| !seen.lock().unwrap().contains_key(id)) {
        assert!(began.elapsed() < Duration::from_secs(20), "a confirmed message is lost");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    consumer.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_outlives_the_connection_and_its_message_is_not_dealt_with_twice() {
    if broker().is_none() {
        return;
    }
    let broker = Broker::start().unwrap();
    let bus = RabbitBus::open(broker.url(), &Options::default()).unwrap();
    let (began, gate, runs) = (
        Arc::new(Notify::new()),
        Arc::new(Semaphore::new(0)),
        Arc::new(AtomicUsize::new(0)),
    );
    let stop = CancellationToken::new();
    let consumer = tokio::spawn({
        let (bus, stop) = (bus.clone(), stop.clone());
        let (began, gate, runs) = (Arc::clone(&began), Arc::clone(&gate), Arc::clone(&runs));
        let slow = handler(move |_| {
            let (began, gate, runs) = (Arc::clone(&began), Arc::clone(&gate), Arc::clone(&runs));
            async move {
                runs.fetch_add(1, SeqCst);
                began.notify_one();
                gate.acquire().await.unwrap().forget();
                Answer::Done
            }
        });
        async move { bus.consume(Consume::from(Queue::FixerFix, 1), slow, stop).await }
    });
    let attempt = Envelope::new(Kind::AttemptRequested, 1, serde_json::json!({ "kind": "fix" }));
    drop(bus.publish(attempt).await.unwrap());
    began.notified().await;
    broker.kill().unwrap();
    broker.start_again().unwrap();
    gate.add_permits(1);
    let empty = async {
        loop {
            let depths = bus.depth().await;
            let fix = depths.iter().find(|depth| depth.queue == "fixer.fix");
            if fix.is_some_and(|depth| depth.ready + depth.unacknowledged + depth.delayed == 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), empty)
        .await
        .expect("it is acknowledged in the end");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(runs.load(SeqCst), 1, "it ran again");
    stop.cancel();
    consumer.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_broker_is_an_error_in_time_and_is_used_again_when_it_thaws() {
    if broker().is_none() {
        return;
    }
    let broker = Broker::start().unwrap();
    let options = Options {
        publish_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let bus = RabbitBus::open(broker.url(), &options).unwrap();
    assert!(bus.connected(Duration::from_secs(60)).await);
    drop(bus.publish(numbered(1)).await.unwrap());
    broker.freeze().unwrap();
    let began = Instant::now();
    let error = bus.publish(numbered(2)).await.map(drop).unwrap_err();
    assert!(matches!(error, PublishError::Unavailable(_)), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(bus.depth().await.is_empty(), "nobody knows how full its queues are");
    broker.thaw().unwrap();
    let began = Instant::now();
    while bus.publish(numbered(3)).await.map(drop).is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "it is not used again");
    }
}
