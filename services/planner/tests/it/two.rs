//! Two planners on one database and one bus: what is said is said once, whoever lives; and a database that goes away and comes back.

use crate::case::{Database, settings};
use crate::signal::red_run;
use bus::{Answer, Bus, Consume, Envelope, MemoryBus, Queue, handler};
use domain::message::{AttemptRequested, Decision, Kind, SignalDecided};
use planner::Planner;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use testkit::{TappedBus, eventually};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

type Running = JoinHandle<anyhow::Result<()>>;

async fn start(url: &str, bus: &MemoryBus) -> Running {
    let planner = Planner::open(&settings(url, &json!({})), Arc::new(bus.clone()))
        .await
        .unwrap();
    tokio::spawn(planner.run(CancellationToken::new()))
}

/// How often each attempt was requested.
type Requests = Arc<Mutex<BTreeMap<String, usize>>>;

/// Hears of every request, and takes so long to deal with one.
fn requests(bus: &MemoryBus, takes: Duration) -> Requests {
    let heard = Arc::new(Mutex::new(BTreeMap::new()));
    let (bus, count) = (bus.clone(), Arc::clone(&heard));
    let counting = handler(move |incoming| {
        let request: AttemptRequested = incoming.envelope.read().unwrap();
        *count.lock().unwrap().entry(request.attempt.to_string()).or_default() += 1;
        async move {
            tokio::time::sleep(takes).await;
            Answer::Done
        }
    });
    tokio::spawn(async move {
        bus.consume(Consume::from(Queue::FixerFix, 4), counting, CancellationToken::new())
            .await
    });
    heard
}

/// A red run of a commit; later commits have greater characters. Whether it became a job.
async fn signal(bus: &MemoryBus, sha: char) -> bool {
    let envelope = Envelope::of(&red_run(sha)).unwrap();
    let reply = bus.request(envelope, PATIENCE).await.unwrap();
    matches!(
        reply.read::<SignalDecided>().unwrap().decision,
        Decision::Enqueued { .. }
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_planners_commit_is_published_once_and_the_one_that_is_left_takes_over() {
    let Some(database) = Database::postgres() else { return };
    let bus = MemoryBus::default();
    let requested = requests(&bus, Duration::ZERO);
    let first = start(&database.url, &bus).await;
    // The first one leads by the time that the second begins.
    assert!(signal(&bus, '0').await);
    eventually("the first is published", PATIENCE, async || {
        (requested.lock().unwrap().len() == 1).then_some(())
    })
    .await
    .unwrap();
    let _second = start(&database.url, &bus).await;
    for sha in "12345".chars() {
        assert!(signal(&bus, sha).await);
    }
    eventually("all are published", PATIENCE, async || {
        (requested.lock().unwrap().len() == 6).then_some(())
    })
    .await
    .unwrap();

    first.abort();
    let _ = first.await;
    // The dying one may have committed it, and then the other one knows it already.
    signal(&bus, 'a').await;
    let began = Instant::now();
    eventually("the other one publishes", PATIENCE, async || {
        (requested.lock().unwrap().len() == 7).then_some(())
    })
    .await
    .unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let twice: Vec<_> = requested
        .lock()
        .unwrap()
        .iter()
        .filter(|(_, count)| **count != 1)
        .map(|(id, count)| (id.clone(), *count))
        .collect();
    assert_eq!(twice, [], "(attempt, how often)");
}

/// A message is in the outbox for as long as it is dealt with, where every planner finds it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_long_is_said_once_though_two_planners_look() {
    let Some(database) = Database::postgres() else { return };
    let bus = MemoryBus::default();
    let requested = requests(&bus, Duration::from_secs(5));
    let _first = start(&database.url, &bus).await;
    let _second = start(&database.url, &bus).await;
    for sha in "123".chars() {
        assert!(signal(&bus, sha).await);
    }
    eventually("all are published", PATIENCE, async || {
        (requested.lock().unwrap().len() == 3).then_some(())
    })
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let counts: Vec<usize> = requested.lock().unwrap().values().copied().collect();
    assert_eq!(counts, [1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planner_whose_connections_are_ended_goes_on_and_loses_nothing() {
    let Some(database) = Database::postgres() else { return };
    let bus = MemoryBus::default();
    let requested = requests(&bus, Duration::ZERO);
    let planner = start(&database.url, &bus).await;
    let mut accepted = 0;
    for sha in "0123456789abcdef".chars() {
        if sha.is_ascii_digit() {
            database.fresh.end_connections().unwrap();
        }
        let began = Instant::now();
        accepted += usize::from(signal(&bus, sha).await);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    assert_eq!(accepted, 16);
    eventually("all are published", PATIENCE, async || {
        (requested.lock().unwrap().len() == 16).then_some(())
    })
    .await
    .unwrap();
    assert!(!planner.is_finished());
}

/// Runs a planner on a thread of its own. What is sent to it freezes it, with everything that it does, until it hears of that.
fn apart(url: &str, bus: Arc<dyn Bus>) -> oneshot::Sender<mpsc::Receiver<()>> {
    let (freeze, frozen) = oneshot::channel::<mpsc::Receiver<()>>();
    let settings = settings(url, &json!({}));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let planner = Planner::open(&settings, bus).await.unwrap();
            let running = tokio::spawn(planner.run(CancellationToken::new()));
            let until = frozen.await.unwrap();
            // It has the only thread.
            until.recv().unwrap();
            tokio::time::sleep(Duration::from_secs(2)).await;
            running.abort();
        });
    });
    freeze
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planner_that_was_frozen_says_nothing_that_another_has_said_meanwhile() {
    let Some(database) = Database::postgres() else { return };
    let bus = MemoryBus::default();
    let requested = requests(&bus, Duration::ZERO);
    let committed = Planner::open(&settings(&database.url, &json!({})), Arc::new(bus.clone()))
        .await
        .unwrap();
    for sha in "123".chars() {
        let decided = committed.flow().on_signal(red_run(sha), None, BTreeMap::new());
        assert!(matches!(decided.await.unwrap(), Decision::Enqueued { .. }));
    }
    // It has read all three, and is about to say the first.
    let tap = TappedBus::new(Arc::new(bus.clone()));
    let hold = tap.hold(Kind::AttemptRequested);
    let freeze = apart(&database.url, Arc::new(tap));
    tokio::time::timeout(PATIENCE, hold.caught()).await.unwrap();
    let (thaw, until) = mpsc::channel();
    freeze.send(until).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    hold.release();

    let _other = start(&database.url, &bus).await;
    eventually("the other one says them", PATIENCE, async || {
        (requested.lock().unwrap().len() == 3).then_some(())
    })
    .await
    .unwrap();
    thaw.send(()).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // What was in its hands when it froze comes again; whoever gets it knows it by its fence.
    let mut counts: Vec<usize> = requested.lock().unwrap().values().copied().collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 2]);
}
