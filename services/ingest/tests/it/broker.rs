//! With a broker: it is asked first, and the spool is for the time when it does not answer.

use crate::site::{PATIENT, Site, event, push};
use bus::rabbit::Options;
use bus::{Bus, RabbitBus};
use domain::id::JobId;
use domain::message::Decision;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{Broker, broker_url, eventually};
use uuid::Uuid;

async fn connect(url: &str, prefix: &str) -> Arc<dyn Bus> {
    let options = Options {
        prefix: prefix.to_owned(),
        forget_after: (!prefix.is_empty()).then_some(Duration::from_secs(60)),
        ..Options::default()
    };
    let bus = RabbitBus::open(url, &options).unwrap();
    assert!(
        bus.connected(Duration::from_secs(60)).await,
        "the broker does not answer"
    );
    Arc::new(bus)
}

async fn site(bus: Arc<dyn Bus>) -> Site {
    Site::reopen(Arc::new(tempfile::tempdir().unwrap()), bus, |_| {}).await
}

/// Sends one, and says how long the answer took.
async fn accept(site: &Site, number: u32) -> (String, Duration) {
    let began = Instant::now();
    let (status, body) = site.github("/webhooks/github", "push", &push(number)).await;
    assert_eq!(status, 202, "{body}");
    (body["deliveryId"].as_str().unwrap().to_owned(), began.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_answers_has_every_delivery_and_the_spool_none() {
    let Some(url) = broker_url().unwrap() else { return };
    let mut site = site(connect(&url, &format!("i{}.", Uuid::new_v4().simple())).await).await;
    let mut accepted = BTreeSet::new();
    for number in 0..50 {
        accepted.insert(accept(&site, number).await.0);
    }
    assert_eq!(site.ingest.depth().entries, 0);
    let job = Uuid::now_v7();
    let heard = site.decide(move |_| {
        Some(Decision::Enqueued {
            job: JobId::from_uuid(job),
        })
    });
    let all = || async {
        let heard: BTreeSet<String> = heard
            .lock()
            .unwrap()
            .iter()
            .map(|one| one.delivery.id.to_string())
            .collect();
        (heard == accepted).then_some(())
    };
    eventually("the planner has them all", PATIENT, all).await.unwrap();

    let answer = site.sentry().raise("4711", &event()).await.unwrap();
    assert_eq!((answer.status, &answer.body["jobId"]), (202, &job.to_string().into()));
    assert_eq!(site.ingest.depth().entries, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_broker_is_frozen_or_gone_every_delivery_is_taken_and_none_is_lost() {
    if broker_url().unwrap().is_none() {
        return;
    }
    let broker = Broker::start().unwrap();
    let site = site(connect(broker.url(), "").await).await;
    let mut accepted = BTreeSet::new();
    let mut slowest = Duration::ZERO;
    accepted.insert(accept(&site, 0).await.0);
    broker.freeze().unwrap();
    for number in 1..40 {
        let (delivery, took) = accept(&site, number).await;
        accepted.insert(delivery);
        slowest = slowest.max(took);
    }
    assert!(site.ingest.depth().entries > 0, "the spool holds what nobody confirmed");
    let (status, ready) = site.get("/health/ready").await;
    assert_eq!(status, 200, "{ready}");
    broker.kill().unwrap();
    for number in 40..60 {
        let (delivery, took) = accept(&site, number).await;
        accepted.insert(delivery);
        slowest = slowest.max(took);
    }
    assert!(
        slowest < Duration::from_secs(1),
        "Sentry would have given up: {slowest:?}"
    );

    // The process dies as well, and starts while the broker is still away.
    let (dir, _) = site.kill().await;
    let bus = Arc::new(RabbitBus::open(broker.url(), &Options::default()).unwrap());
    let mut site = Site::reopen(dir, bus, |_| {}).await;
    accepted.insert(accept(&site, 60).await.0);
    broker.start_again().unwrap();
    let heard = site.decide(|_| Some(Decision::Noted));
    let all = || async {
        let heard: BTreeSet<String> = heard
            .lock()
            .unwrap()
            .iter()
            .map(|one| one.delivery.id.to_string())
            .collect();
        accepted.is_subset(&heard).then_some(())
    };
    eventually("the planner has them all", Duration::from_secs(30), all)
        .await
        .unwrap();
    eventually("the spool is empty", PATIENT, async || {
        (site.ingest.depth().entries == 0).then_some(())
    })
    .await
    .unwrap();
    // The next one goes to the broker again.
    let until = Instant::now() + PATIENT;
    loop {
        let before = site.ingest.depth().bytes;
        accept(&site, 61).await;
        if site.ingest.depth().bytes == before {
            break;
        }
        assert!(Instant::now() < until, "deliveries still go to the spool");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
