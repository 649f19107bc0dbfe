//! What was accepted is not lost, and what cannot be kept is not accepted.

use crate::site::{PATIENT, Site, memory, push};
use domain::message::{Decision, SignalReceived};
use std::collections::BTreeMap;
use std::time::Duration;
use testkit::eventually;

fn count(heard: &[SignalReceived]) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for message in heard {
        *count.entry(message.delivery.id.to_string()).or_default() += 1;
    }
    count
}

async fn accept(site: &Site, numbers: std::ops::Range<u32>) -> Vec<String> {
    let sends = numbers.map(async |number| {
        let (status, body) = site.github("/webhooks/github", "push", &push(number)).await;
        assert_eq!(status, 202, "{body}");
        body["deliveryId"].as_str().unwrap().to_owned()
    });
    futures::future::join_all(sends).await
}

#[tokio::test]
async fn what_was_accepted_survives_a_kill_and_comes_at_most_twice() {
    let site = Site::open().await;
    // Nobody consumes: some are on their way when the process dies, the others are only on disk.
    let accepted = accept(&site, 0..200).await;
    assert_eq!(site.ingest.depth().entries, 200);
    let (dir, _) = site.kill().await;

    let mut site = Site::reopen(dir, memory(), |_| {}).await;
    let heard = site.decide(|_| Some(Decision::Noted));
    eventually("the spool is empty", PATIENT, async || {
        (site.ingest.depth().entries == 0).then_some(())
    })
    .await
    .unwrap();
    let count = count(&heard.lock().unwrap());
    for delivery in &accepted {
        assert_eq!(count.get(delivery), Some(&1), "{delivery}");
    }
    assert_eq!(count.len(), 200);
}

#[tokio::test]
async fn killed_in_the_middle_nothing_is_lost_and_little_repeated() {
    let mut site = Site::open().await;
    let heard = site.decide(|_| Some(Decision::Noted));
    let accepted = accept(&site, 0..100).await;
    let (dir, bus) = site.kill().await;

    let mut site = Site::reopen(dir, bus, |_| {}).await;
    let heard_later = site.decide(|_| Some(Decision::Noted));
    eventually("the spool is empty", PATIENT, async || {
        (site.ingest.depth().entries == 0).then_some(())
    })
    .await
    .unwrap();
    let mut all = heard.lock().unwrap().clone();
    all.extend(heard_later.lock().unwrap().clone());
    let count = count(&all);
    assert!(
        accepted
            .iter()
            .all(|delivery| matches!(count.get(delivery), Some(1 | 2))),
        "{count:?}"
    );
}

#[tokio::test]
async fn what_is_settled_leaves_no_file_behind() {
    let mut site = Site::open().await;
    site.decide(|_| Some(Decision::Noted));
    accept(&site, 0..50).await;
    eventually("the spool is empty", PATIENT, async || {
        (site.ingest.depth().entries == 0).then_some(())
    })
    .await
    .unwrap();
    let (dir, bus) = site.kill().await;
    let mut site = Site::reopen(dir, bus, |_| {}).await;
    let heard = site.decide(|_| Some(Decision::Noted));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(heard.lock().unwrap().len(), 0);
    assert_eq!(site.ingest.depth().bytes, 0);
}

#[tokio::test]
async fn a_full_spool_is_a_503_until_there_is_room() {
    let mut site = Site::open_with(|settings| settings.spool.max_entries = 3).await;
    let accepted = accept(&site, 0..3).await;
    assert_eq!(accepted.len(), 3);
    let body = push(4).to_string();
    let request = || {
        let tag = testkit::github_signature(crate::site::GITHUB_SECRET, body.as_bytes());
        site.client
            .post(format!("{}/webhooks/github", site.address))
            .header("X-GitHub-Event", "push")
            .header("X-Hub-Signature-256", tag)
            .body(body.clone())
    };
    let refused = request().send().await.unwrap();
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers()["retry-after"].to_str().unwrap()
        ),
        (503, "5")
    );
    let (status, ready) = site.get("/health/ready").await;
    assert_eq!(status, 503);
    assert!(
        ready["reasons"][0].as_str().unwrap().contains("ingest.spool.max_bytes"),
        "{ready}"
    );

    site.decide(|_| Some(Decision::Noted));
    eventually("the spool is empty", PATIENT, async || {
        (site.ingest.depth().entries == 0).then_some(())
    })
    .await
    .unwrap();
    // Before anybody has sent anything: who asks first may be the one who decides whether something is sent.
    assert_eq!(site.get("/health/ready").await.0, 200);
    accept(&site, 4..5).await;
    assert_eq!(site.get("/health/ready").await.0, 200);
}

#[tokio::test]
async fn bytes_are_bounded_too() {
    let site = Site::open_with(|settings| settings.spool.max_bytes = 3000).await;
    let mut statuses = Vec::new();
    for number in 0..8 {
        statuses.push(site.github("/webhooks/github", "push", &push(number)).await.0);
    }
    assert_eq!(statuses[0], 202);
    assert_eq!(statuses[7], 503);
    let on_disk: u64 = std::fs::read_dir(site.dir.path().join("spool"))
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(on_disk <= 3000, "{on_disk}");
}

#[tokio::test]
async fn a_disk_that_refuses_is_a_503_and_may_recover() {
    let site = Site::open().await;
    // A folder stands where the log's first file belongs: opening it fails whoever asks.
    let obstacle = site.dir.path().join("spool/0000000001.spool");
    std::fs::create_dir(&obstacle).unwrap();
    assert_eq!(site.github("/webhooks/github", "push", &push(1)).await.0, 503);
    assert_eq!(site.ingest.depth().entries, 0);
    std::fs::remove_dir(&obstacle).unwrap();
    assert_eq!(site.github("/webhooks/github", "push", &push(1)).await.0, 202);
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("not a folder");
    std::fs::write(&file, "").unwrap();
    let settings = crate::site::settings(&file);
    let error = ingest::Ingest::open(settings, memory()).err().unwrap();
    assert!(format!("{error:#}").contains("ingest.spool.dir"), "{error:#}");
}

#[tokio::test]
async fn one_folder_has_one_user() {
    let site = Site::open().await;
    let error = ingest::Ingest::open(crate::site::settings(site.dir.path()), std::sync::Arc::clone(&site.bus))
        .err()
        .unwrap();
    assert!(format!("{error:#}").contains("used by another process"), "{error:#}");
}

#[tokio::test]
async fn a_torn_end_is_put_aside_and_the_rest_delivered() {
    let site = Site::open().await;
    accept(&site, 0..3).await;
    let (dir, _) = site.kill().await;
    let log = dir.path().join("spool/0000000001.spool");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.truncate(bytes.len() - 7);
    std::fs::write(&log, bytes).unwrap();

    let mut site = Site::reopen(dir, memory(), |_| {}).await;
    let heard = site.decide(|_| Some(Decision::Noted));
    eventually("two are delivered", PATIENT, async || {
        (heard.lock().unwrap().len() == 2).then_some(())
    })
    .await
    .unwrap();
    assert!(site.dir.path().join("spool/0000000001.damaged").exists());
}

#[tokio::test]
async fn a_planner_that_is_in_trouble_for_longer_than_any_limit_gets_the_delivery_in_the_end() {
    let limit = bus::Queue::PlannerSignals.delivery_limit();
    let quick = bus::memory::Options {
        retry_delay: Duration::from_millis(1),
        ..bus::memory::Options::default()
    };
    let site = Site::reopen(
        std::sync::Arc::new(tempfile::tempdir().unwrap()),
        std::sync::Arc::new(bus::MemoryBus::new(quick)),
        |_| {},
    )
    .await;
    let tries = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&tries);
    let troubled = bus::handler::handler(move |_| {
        let done = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 2 * limit;
        async move {
            if done {
                bus::Answer::Done
            } else {
                bus::Answer::Again {
                    reason: "the database is away".into(),
                }
            }
        }
    });
    let bus = std::sync::Arc::clone(&site.bus);
    tokio::spawn(async move {
        let consume = bus::Consume::from(bus::Queue::PlannerSignals, 1);
        bus.consume(consume, troubled, tokio_util::sync::CancellationToken::new())
            .await
    });
    accept(&site, 0..1).await;
    eventually("the spool is empty", PATIENT, async || {
        (site.ingest.depth().entries == 0).then_some(())
    })
    .await
    .unwrap();
    assert!(tries.load(std::sync::atomic::Ordering::SeqCst) > 2 * limit);
}
