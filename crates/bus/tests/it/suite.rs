//! What every bus must do. `suite!(name, factory, offered)` makes one test of each sentence for one kind of bus, where this
//! machine offers what it needs.

use async_trait::async_trait;
use bus::{
    Answer, Bus, Consume, ConsumeError, Envelope, Handler, Incoming, NotSettled, PublishError, Queue, RequestError,
    handler, reply,
};
use bytes::Bytes;
use domain::attempt::Fence;
use domain::id::{AttemptId, NoticeId};
use domain::message::{AttemptClaim, ClaimAnswer, NoticeDelivered};
use domain::repo::RepoName;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What the factory is asked for.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    pub retry_delay: Option<Duration>,
    pub publish_timeout: Option<Duration>,
    pub bound: Option<usize>,
}

/// A fresh bus, and what a test may look at that services may not.
#[async_trait]
pub trait Subject: Send + Sync {
    fn bus(&self) -> Arc<dyn Bus>;
    /// What is in a dead queue, with the reasons.
    async fn dead(&self, queue: &Queue) -> Vec<(Envelope, String)>;
    /// Whether `Settled::wait` resolves only when the consumer is done (a broker's resolves with its confirm).
    fn settles_with_the_consumer(&self) -> bool;
}

macro_rules! suite {
    ($name:ident, $factory:path, $offered:path, [$($test:ident),* $(,)?]) => {
        mod $name {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if !$offered() {
                    return;
                }
                let limit = std::time::Duration::from_secs(60);
                tokio::time::timeout(limit, crate::suite::$test(&$factory)).await.expect("the test takes too long");
            })*
        }
    };
    ($name:ident, $factory:path, $offered:path) => {
        crate::suite::suite!($name, $factory, $offered, [
            what_is_published_is_consumed_and_settled,
            messages_keep_their_order,
            no_more_handlers_run_than_permitted,
            again_comes_again_after_the_delay,
            a_message_that_never_works_dies_at_the_limit,
            never_is_dead_at_once_with_its_reason,
            a_panic_counts_as_again,
            a_request_is_answered,
            a_request_that_nobody_answers_times_out,
            a_request_that_is_dealt_with_silently_or_refused_is_unanswered,
            what_no_queue_takes_is_an_error,
            a_consumer_that_is_dropped_gives_its_message_back,
            stop_lets_handlers_end_and_takes_no_more,
            stop_gives_back_what_does_not_end_in_time,
            a_full_queue_pushes_back,
            attachment_and_trace_survive,
            ten_thousand_messages_none_lost_none_twice,
            depth_tells_ready_unacknowledged_and_dead,
            two_channels_do_not_delay_each_other,
            no_concurrency_is_an_error,
        ]);
    };
}
pub(crate) use suite;

type Factory = dyn AsyncFactory;

/// `async Fn(Wanted) -> Box<dyn Subject>`, as a trait so that a plain `async fn` fits.
#[async_trait]
pub trait AsyncFactory: Sync {
    async fn make(&self, wanted: Wanted) -> Box<dyn Subject>;
}

#[async_trait]
impl<F, Fut> AsyncFactory for F
where
    F: Fn(Wanted) -> Fut + Sync,
    Fut: Future<Output = Box<dyn Subject>> + Send,
{
    async fn make(&self, wanted: Wanted) -> Box<dyn Subject> {
        self(wanted).await
    }
}

const SOON: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_millis(40);

pub fn numbered(number: usize) -> Envelope {
    Envelope::of(&NoticeDelivered {
        notice: NoticeId::from_uuid(Uuid::now_v7()),
        channel: "slack".into(),
        external_id: Some(number.to_string()),
        repo: RepoName::parse("acme/shop").unwrap(),
        at: chrono::DateTime::from_timestamp(1_760_000_000, 0).unwrap(),
    })
    .unwrap()
}

fn number(envelope: &Envelope) -> usize {
    envelope
        .read::<NoticeDelivered>()
        .unwrap()
        .external_id
        .unwrap()
        .parse()
        .unwrap()
}

pub fn claim(fence: i64) -> Envelope {
    Envelope::of(&AttemptClaim {
        attempt: AttemptId::from_uuid(Uuid::now_v7()),
        fence: Fence(fence),
        worker: "w".into(),
        public_key: String::new(),
    })
    .unwrap()
}

fn notice(channel: &str) -> Envelope {
    Envelope::new(
        domain::message::Kind::NoticeRaised,
        1,
        serde_json::json!({ "channel": channel }),
    )
}

/// A consumer in the background.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), ConsumeError>>,
}

impl Running {
    fn start(bus: &Arc<dyn Bus>, queue: Queue, concurrency: usize, handler: Arc<dyn Handler>) -> Self {
        Self::with_drain(bus, Consume::from(queue, concurrency), handler)
    }

    fn with_drain(bus: &Arc<dyn Bus>, consume: Consume, handler: Arc<dyn Handler>) -> Self {
        let (bus, stop) = (Arc::clone(bus), CancellationToken::new());
        let token = stop.clone();
        Self {
            stop,
            task: tokio::spawn(async move { bus.consume(consume, handler, token).await }),
        }
    }

    async fn stopped(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until it is so; fails with the sentence.
async fn until(what: &str, check: impl Fn() -> bool) {
    let began = Instant::now();
    while !check() {
        assert!(began.elapsed() < SOON, "it did not come to this: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn until_dead(subject: &dyn Subject, queue: &Queue, count: usize) -> Vec<(Envelope, String)> {
    let began = Instant::now();
    loop {
        let dead = subject.dead(queue).await;
        if dead.len() == count {
            return dead;
        }
        assert!(began.elapsed() < SOON, "{} dead messages, not {count}", dead.len());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn publish(bus: &Arc<dyn Bus>, envelope: Envelope) {
    drop(bus.publish(envelope).await.unwrap());
}

pub async fn what_is_published_is_consumed_and_settled(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sent = numbered(7);
    let settled = bus.publish(sent.clone()).await.unwrap();
    if subject.settles_with_the_consumer() {
        let mut waiting = Box::pin(settled.wait());
        let early = tokio::time::timeout(Duration::from_millis(30), &mut waiting).await;
        assert!(early.is_err(), "settled before anybody consumed it");
        let consumer = Running::start(&bus, Queue::PlannerDelivered, 1, keep(&seen));
        waiting.await.unwrap();
        consumer.stopped().await;
    } else {
        settled.wait().await.unwrap();
        let consumer = Running::start(&bus, Queue::PlannerDelivered, 1, keep(&seen));
        until("consumed", || seen.lock().unwrap().len() == 1).await;
        consumer.stopped().await;
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].envelope, sent);
    assert_eq!((seen[0].attempt, seen[0].redelivered), (1, false));
}

fn keep(seen: &Arc<Mutex<Vec<Incoming>>>) -> Arc<dyn Handler> {
    let seen = Arc::clone(seen);
    handler(move |incoming| {
        seen.lock().unwrap().push(incoming);
        async { Answer::Done }
    })
}

pub async fn messages_keep_their_order(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for n in 0..50 {
        publish(&bus, numbered(n)).await;
    }
    let consumer = Running::start(&bus, Queue::PlannerDelivered, 1, keep(&seen));
    for n in 50..100 {
        publish(&bus, numbered(n)).await;
    }
    until("all consumed", || seen.lock().unwrap().len() == 100).await;
    consumer.stopped().await;
    let numbers: Vec<_> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|incoming| number(&incoming.envelope))
        .collect();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}

pub async fn no_more_handlers_run_than_permitted(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let (running, most, done) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicUsize::new(0)),
    );
    let consumer = Running::start(&bus, Queue::PlannerDelivered, 3, {
        let (running, most, done) = (running.clone(), most.clone(), done.clone());
        handler(move |_| {
            let (running, most, done) = (running.clone(), most.clone(), done.clone());
            async move {
                most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                running.fetch_sub(1, SeqCst);
                done.fetch_add(1, SeqCst);
                Answer::Done
            }
        })
    });
    for n in 0..30 {
        publish(&bus, numbered(n)).await;
    }
    until("all consumed", || done.load(SeqCst) == 30).await;
    consumer.stopped().await;
    assert_eq!(most.load(SeqCst), 3);
}

pub async fn again_comes_again_after_the_delay(factory: &Factory) {
    let subject = factory
        .make(Wanted {
            retry_delay: Some(RETRY),
            ..Wanted::default()
        })
        .await;
    let bus = subject.bus();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let consumer = Running::start(&bus, Queue::PlannerDelivered, 1, {
        let seen = seen.clone();
        handler(move |incoming| {
            seen.lock().unwrap().push((
                Instant::now(),
                incoming.attempt,
                incoming.redelivered,
                incoming.envelope.id,
            ));
            async move {
                if incoming.attempt < 3 {
                    Answer::Again {
                        reason: "not yet".into(),
                    }
                } else {
                    Answer::Done
                }
            }
        })
    });
    let sent = numbered(1);
    bus.publish(sent.clone()).await.unwrap().wait().await.unwrap();
    until("three attempts", || seen.lock().unwrap().len() == 3).await;
    consumer.stopped().await;
    let seen = seen.lock().unwrap().clone();
    assert_eq!(
        seen.iter().map(|s| (s.1, s.2)).collect::<Vec<_>>(),
        [(1, false), (2, true), (3, true)]
    );
    assert!(seen.iter().all(|s| s.3 == sent.id));
    for pair in seen.windows(2) {
        assert!(
            pair[1].0 - pair[0].0 >= RETRY,
            "came again after {:?}",
            pair[1].0 - pair[0].0
        );
    }
    assert!(subject.dead(&Queue::PlannerDelivered).await.is_empty());
}

pub async fn a_message_that_never_works_dies_at_the_limit(factory: &Factory) {
    let subject = factory
        .make(Wanted {
            retry_delay: Some(Duration::from_millis(1)),
            ..Wanted::default()
        })
        .await;
    let bus = subject.bus();
    let attempts = Arc::new(AtomicUsize::new(0));
    let consumer = Running::start(&bus, Queue::PlannerDelivered, 1, {
        let attempts = attempts.clone();
        handler(move |_| {
            attempts.fetch_add(1, SeqCst);
            async {
                Answer::Again {
                    reason: "the table is locked".into(),
                }
            }
        })
    });
    let settled = bus.publish(numbered(1)).await.unwrap();
    if subject.settles_with_the_consumer() {
        let Err(NotSettled::Exhausted { reason }) = settled.wait().await else {
            panic!("it settled")
        };
        assert!(reason.contains("the table is locked"), "{reason}");
    }
    let dead = until_dead(subject.as_ref(), &Queue::PlannerDelivered, 1).await;
    consumer.stopped().await;
    assert!(dead[0].1.contains("the table is locked"), "{}", dead[0].1);
    assert_eq!(attempts.load(SeqCst), Queue::PlannerDelivered.delivery_limit() as usize);
}

pub async fn never_is_dead_at_once_with_its_reason(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let attempts = Arc::new(AtomicUsize::new(0));
    let consumer = Running::start(&bus, Queue::PlannerDelivered, 1, {
        let attempts = attempts.clone();
        handler(move |_| {
            attempts.fetch_add(1, SeqCst);
            async {
                Answer::Never {
                    reason: "no such notice".into(),
                }
            }
        })
    });
    let sent = numbered(1);
    publish(&bus, sent.clone()).await;
    let dead = until_dead(subject.as_ref(), &Queue::PlannerDelivered, 1).await;
    consumer.stopped().await;
    assert_eq!(dead, [(sent, "no such notice".to_string())]);
    assert_eq!(attempts.load(SeqCst), 1);
}

pub async fn a_panic_counts_as_again(factory: &Factory) {
    let subject = factory
        .make(Wanted {
            retry_delay: Some(RETRY),
            ..Wanted::default()
        })
        .await;
    let bus = subject.bus();
    let attempts = Arc::new(AtomicUsize::new(0));
    let consumer = Running::start(&bus, Queue::PlannerDelivered, 1, {
        let attempts = attempts.clone();
        handler(move |incoming| {
            attempts.fetch_add(1, SeqCst);
            async move {
                assert!(
                    incoming.attempt > 1,
                    "a bug in a handler; this panic is part of the test"
                );
                Answer::Done
            }
        })
    });
    bus.publish(numbered(1)).await.unwrap().wait().await.unwrap();
    until("the second attempt", || attempts.load(SeqCst) == 2).await;
    consumer.stopped().await;
}

pub async fn a_request_is_answered(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let consumer = Running::start(
        &bus,
        Queue::PlannerRequests,
        4,
        handler(|incoming| async move {
            match incoming.envelope.read::<AttemptClaim>() {
                Ok(claim) => reply(&ClaimAnswer::Granted {
                    fence: Fence(claim.fence.0 + 1),
                    read_token: None,
                }),
                Err(error) => Answer::Never {
                    reason: error.to_string(),
                },
            }
        }),
    );
    let answers = futures::future::join_all((0..20).map(|fence| {
        let bus = Arc::clone(&bus);
        async move { (fence, bus.request(claim(fence), SOON).await.unwrap()) }
    }));
    for (fence, answer) in answers.await {
        let ClaimAnswer::Granted { fence: granted, .. } = answer.read().unwrap() else {
            panic!("refused")
        };
        assert_eq!(granted, Fence(fence + 1), "somebody else's answer");
    }
    consumer.stopped().await;
}

pub async fn a_request_that_nobody_answers_times_out(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let began = Instant::now();
    let error = subject
        .bus()
        .request(claim(1), Duration::from_millis(200))
        .await
        .unwrap_err();
    assert!(matches!(error, RequestError::TimedOut { .. }), "{error:?}");
    assert!(began.elapsed() >= Duration::from_millis(200) && began.elapsed() < Duration::from_secs(5));
}

pub async fn a_request_that_is_dealt_with_silently_or_refused_is_unanswered(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let consumer = Running::start(
        &bus,
        Queue::PlannerRequests,
        1,
        handler(|incoming| async move {
            match incoming.envelope.read::<AttemptClaim>().unwrap().fence {
                Fence(1) => Answer::Done,
                _ => Answer::Never {
                    reason: "no such attempt".into(),
                },
            }
        }),
    );
    let silent = bus.request(claim(1), SOON).await.unwrap_err();
    assert!(matches!(silent, RequestError::Unanswered { .. }), "{silent:?}");
    let refused = bus.request(claim(2), SOON).await.unwrap_err();
    assert!(
        matches!(&refused, RequestError::Unanswered { reason } if reason == "no such attempt"),
        "{refused:?}"
    );
    consumer.stopped().await;
}

pub async fn what_no_queue_takes_is_an_error(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let answer = Envelope::of(&ClaimAnswer::Refused { reason: "late".into() }).unwrap();
    for (envelope, key) in [(answer, "attempt.claimed"), (notice("pigeon"), "notice.raised.pigeon")] {
        let error = bus.publish(envelope.clone()).await.map(drop).unwrap_err();
        assert!(
            matches!(&error, PublishError::Unroutable { key: found } if found == key),
            "{error:?}"
        );
        let error = bus.request(envelope, SOON).await.unwrap_err();
        assert!(
            matches!(error, RequestError::Publish(PublishError::Unroutable { .. })),
            "{error:?}"
        );
    }
}

pub async fn a_consumer_that_is_dropped_gives_its_message_back(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let (began, seen) = (Arc::new(Notify::new()), Arc::new(Mutex::new(Vec::new())));
    let ended = Arc::new(AtomicUsize::new(0));
    let dying = Running::start(&bus, Queue::FixerFix, 1, {
        let (began, ended) = (began.clone(), ended.clone());
        handler(move |_| {
            let (began, ended) = (began.clone(), ended.clone());
            async move {
                began.notify_one();
                tokio::time::sleep(Duration::from_secs(30)).await;
                ended.fetch_add(1, SeqCst);
                Answer::Done
            }
        })
    });
    let attempt = Envelope::new(
        domain::message::Kind::AttemptRequested,
        1,
        serde_json::json!({ "kind": "fix" }),
    );
    let settled = bus.publish(attempt.clone()).await.unwrap();
    began.notified().await;
    dying.task.abort();
    assert!(dying.task.await.unwrap_err().is_cancelled());
    let other = Running::start(&bus, Queue::FixerFix, 1, keep(&seen));
    settled.wait().await.unwrap();
    until("the other consumer gets it", || seen.lock().unwrap().len() == 1).await;
    other.stopped().await;
    let seen = seen.lock().unwrap();
    assert_eq!((&seen[0].envelope, seen[0].redelivered), (&attempt, true));
    assert_eq!(ended.load(SeqCst), 0, "the aborted handler went on");
}

pub async fn stop_lets_handlers_end_and_takes_no_more(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let (began, gate, done) = (
        Arc::new(Notify::new()),
        Arc::new(Semaphore::new(0)),
        Arc::new(AtomicUsize::new(0)),
    );
    let consumer = Running::start(&bus, Queue::PlannerDelivered, 1, {
        let (began, gate, done) = (began.clone(), gate.clone(), done.clone());
        handler(move |_| {
            let (began, gate, done) = (began.clone(), gate.clone(), done.clone());
            async move {
                began.notify_one();
                gate.acquire().await.unwrap().forget();
                done.fetch_add(1, SeqCst);
                Answer::Done
            }
        })
    });
    publish(&bus, numbered(1)).await;
    publish(&bus, numbered(2)).await;
    began.notified().await;
    consumer.stop.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!consumer.task.is_finished(), "it did not wait for its handler");
    gate.add_permits(10);
    consumer.stopped().await;
    assert_eq!(done.load(SeqCst), 1, "it took another message after stop");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let other = Running::start(&bus, Queue::PlannerDelivered, 1, keep(&seen));
    until("the second message is still there", || seen.lock().unwrap().len() == 1).await;
    other.stopped().await;
    assert_eq!(number(&seen.lock().unwrap()[0].envelope), 2);
}

pub async fn stop_gives_back_what_does_not_end_in_time(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let began = Arc::new(Notify::new());
    let hanging = {
        let began = began.clone();
        handler(move |_| {
            began.notify_one();
            std::future::pending()
        })
    };
    let consume = Consume {
        drain: Duration::from_millis(30),
        ..Consume::from(Queue::PlannerDelivered, 1)
    };
    let consumer = Running::with_drain(&bus, consume, hanging);
    publish(&bus, numbered(1)).await;
    began.notified().await;
    consumer.stopped().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let other = Running::start(&bus, Queue::PlannerDelivered, 1, keep(&seen));
    until("it comes again", || seen.lock().unwrap().len() == 1).await;
    other.stopped().await;
    assert!(seen.lock().unwrap()[0].redelivered);
}

pub async fn a_full_queue_pushes_back(factory: &Factory) {
    let wanted = Wanted {
        bound: Some(3),
        publish_timeout: Some(Duration::from_millis(150)),
        ..Wanted::default()
    };
    let subject = factory.make(wanted).await;
    let bus = subject.bus();
    for n in 0..3 {
        publish(&bus, numbered(n)).await;
    }
    let error = bus.publish(numbered(3)).await.map(drop).unwrap_err();
    assert!(
        matches!(error, PublishError::Full { .. } | PublishError::Unavailable(_)),
        "{error:?}"
    );
    let waiting = tokio::spawn({
        let bus = Arc::clone(&bus);
        async move { bus.publish(numbered(4)).await.map(drop) }
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let consumer = Running::start(&bus, Queue::PlannerDelivered, 1, keep(&seen));
    waiting.await.unwrap().expect("a place became free while it waited");
    until("all consumed", || seen.lock().unwrap().len() == 4).await;
    consumer.stopped().await;
    let numbers: Vec<_> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|incoming| number(&incoming.envelope))
        .collect();
    assert_eq!(numbers, [0, 1, 2, 4]);
}

pub async fn attachment_and_trace_survive(factory: &Factory) {
    let subject = factory
        .make(Wanted {
            retry_delay: Some(RETRY),
            ..Wanted::default()
        })
        .await;
    let bus = subject.bus();
    let trace = BTreeMap::from([(
        "traceparent".to_string(),
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_string(),
    )]);
    let bytes = Bytes::from((0..=u8::MAX).cycle().take(1 << 20).collect::<Vec<_>>());
    let sent = numbered(1).traced(trace).with_attachment(bytes);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let consumer = Running::start(&bus, Queue::PlannerDelivered, 1, {
        let seen = seen.clone();
        handler(move |incoming| {
            let again = incoming.attempt == 1;
            seen.lock().unwrap().push(incoming);
            async move {
                if again {
                    Answer::Again { reason: "once".into() }
                } else {
                    Answer::Done
                }
            }
        })
    });
    publish(&bus, sent.clone()).await;
    until("both attempts", || seen.lock().unwrap().len() == 2).await;
    consumer.stopped().await;
    assert!(seen.lock().unwrap().iter().all(|incoming| incoming.envelope == sent));
}

pub async fn ten_thousand_messages_none_lost_none_twice(factory: &Factory) {
    const COUNT: usize = 10_000;
    let subject = factory
        .make(Wanted {
            retry_delay: Some(Duration::from_millis(5)),
            ..Wanted::default()
        })
        .await;
    let bus = subject.bus();
    let counts: Arc<Vec<AtomicUsize>> = Arc::new((0..COUNT).map(|_| AtomicUsize::new(0)).collect());
    let done = Arc::new(AtomicUsize::new(0));
    let consumers: Vec<_> = (0..8)
        .map(|_| {
            let (counts, done) = (counts.clone(), done.clone());
            let count = handler(move |incoming: Incoming| {
                let (counts, done) = (counts.clone(), done.clone());
                async move {
                    let n = number(&incoming.envelope);
                    if n.is_multiple_of(100) && incoming.attempt == 1 {
                        return Answer::Again {
                            reason: "every hundredth comes twice".into(),
                        };
                    }
                    counts[n].fetch_add(1, SeqCst);
                    done.fetch_add(1, SeqCst);
                    Answer::Done
                }
            });
            Running::start(&bus, Queue::PlannerDelivered, 4, count)
        })
        .collect();
    let publishers = (0..4).map(|part| {
        let bus = Arc::clone(&bus);
        async move {
            for n in (part..COUNT).step_by(4) {
                publish(&bus, numbered(n)).await;
            }
        }
    });
    futures::future::join_all(publishers).await;
    until("all consumed", || done.load(SeqCst) >= COUNT).await;
    for consumer in consumers {
        consumer.stopped().await;
    }
    let wrong: Vec<_> = counts
        .iter()
        .map(|count| count.load(SeqCst))
        .enumerate()
        .filter(|(_, count)| *count != 1)
        .collect();
    assert_eq!(wrong, [], "(message, how often)");
}

pub async fn depth_tells_ready_unacknowledged_and_dead(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let gate = Arc::new(Notify::new());
    let consumer = Running::start(&bus, Queue::FixerFix, 1, {
        let gate = gate.clone();
        handler(move |_| {
            let gate = gate.clone();
            async move {
                gate.notified().await;
                Answer::Never { reason: "no".into() }
            }
        })
    });
    for _ in 0..3 {
        publish(
            &bus,
            Envelope::new(
                domain::message::Kind::AttemptRequested,
                1,
                serde_json::json!({ "kind": "fix" }),
            ),
        )
        .await;
    }
    let is = async |expected: (usize, usize, usize)| {
        let began = Instant::now();
        loop {
            let depth = bus
                .depth()
                .await
                .into_iter()
                .find(|depth| depth.queue == "fixer.fix")
                .expect("the queue is known");
            if (depth.ready, depth.unacknowledged, depth.dead) == expected {
                return depth;
            }
            assert!(began.elapsed() < SOON, "{depth:?} is not {expected:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    is((2, 1, 0)).await;
    gate.notify_one();
    is((1, 1, 1)).await;
    gate.notify_one();
    is((0, 1, 2)).await;
    gate.notify_one();
    is((0, 0, 3)).await;
    consumer.stopped().await;
}

pub async fn two_channels_do_not_delay_each_other(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let bus = subject.bus();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let slack = Running::start(
        &bus,
        Queue::NotifierNotices("slack".into()),
        1,
        handler(|_| std::future::pending()),
    );
    let log = Running::start(&bus, Queue::NotifierNotices("log".into()), 1, keep(&seen));
    publish(&bus, notice("slack")).await;
    publish(&bus, notice("log")).await;
    publish(&bus, notice("slack")).await;
    publish(&bus, notice("log")).await;
    until("the log has both", || seen.lock().unwrap().len() == 2).await;
    assert!(
        seen.lock()
            .unwrap()
            .iter()
            .all(|incoming| incoming.envelope.body["channel"] == "log")
    );
    log.stopped().await;
    slack.task.abort();
}

pub async fn no_concurrency_is_an_error(factory: &Factory) {
    let subject = factory.make(Wanted::default()).await;
    let consume = Consume::from(Queue::PlannerDelivered, 0);
    let error = subject
        .bus()
        .consume(consume, handler(|_| async { Answer::Done }), CancellationToken::new())
        .await
        .unwrap_err();
    assert!(matches!(error, ConsumeError::NoConcurrency { .. }), "{error:?}");
}
