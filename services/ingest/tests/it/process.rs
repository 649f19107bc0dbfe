//! As a process of its own, and as a part of one trace.

use crate::site::{GITHUB_SECRET, PATIENT, Site, answer, push, settings};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{TappedBus, eventually, github_signature, http_client};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop_and_says_how_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut settings = settings(dir.path());
    settings.listen = free.to_string();
    settings.spool.max_entries = 1;
    let stop = CancellationToken::new();
    let served = tokio::spawn(ingest::serve(
        settings,
        Arc::new(bus::MemoryBus::default()),
        stop.clone(),
    ));
    let client = http_client(PATIENT).unwrap();
    let get = |path: &str| client.get(format!("http://{free}{path}"));
    let ready = async || {
        get("/health/ready")
            .send()
            .await
            .ok()
            .filter(|answer| answer.status() == 200)
    };
    eventually("it is ready", PATIENT, ready).await.unwrap();
    assert_eq!(answer(get("/health/live")).await, (200, json!({"status": "ok"})));
    // The numbers themselves are the whole process's, other tests included.
    let measured = async || {
        let text = get("/metrics").send().await.ok()?.text().await.ok()?;
        text.contains("ingest_spool_deliveries ").then_some(())
    };
    eventually("the spool is measured", PATIENT, measured).await.unwrap();

    // Nobody takes deliveries, and the spool has room for one.
    for (number, status) in [(1, 202), (2, 503)] {
        let body = push(number).to_string();
        let tag = github_signature(GITHUB_SECRET, body.as_bytes());
        let door = client.post(format!("http://{free}/webhooks/github"));
        let request = door.header("X-GitHub-Event", "push").header("X-Hub-Signature-256", tag);
        assert_eq!(answer(request.body(body)).await.0, status);
    }
    let (status, said) = answer(get("/health/ready")).await;
    assert_eq!(
        (status, &said["status"], &said["spool"]["deliveries"]),
        (503, &json!("not ready"), &json!(1))
    );
    assert!(
        said["reasons"][0].as_str().unwrap().starts_with("the spool is full"),
        "{said}"
    );
    stop.cancel();
    tokio::time::timeout(PATIENT, served).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn it_is_not_ready_before_deliveries_are_passed_on() {
    let dir = tempfile::tempdir().unwrap();
    let ingest = ingest::Ingest::open(settings(dir.path()), Arc::new(bus::MemoryBus::default())).unwrap();
    let wrong = ["deliveries are stored, but not passed on: the drain does not run"];
    assert_eq!(ingest.health().reasons().await, wrong);
    let stop = CancellationToken::new();
    let health = ingest.health();
    let ask = async {
        assert!(health.reasons().await.is_empty());
        stop.cancel();
    };
    let (run, ()) = tokio::join!(ingest.run(stop.clone()), ask);
    run.unwrap();
    assert_eq!(ingest.health().reasons().await, wrong);
}

#[tokio::test]
async fn a_delivery_carries_its_trace() {
    let quiet = telemetry::Settings {
        level: "error,ingest=info".into(),
        ..telemetry::Settings::default()
    };
    let telemetry = telemetry::start(&quiet, "ingest").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let tap = TappedBus::new(Arc::new(bus::MemoryBus::default()));
    let ingest = Arc::new(ingest::Ingest::open(settings(dir.path()), Arc::new(tap.clone())).unwrap());
    let routes = ingest.routes();
    let server = actix_web::HttpServer::new(move || actix_web::App::new().configure(routes.clone()));
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/webhooks/github", server.addrs()[0]);
    tokio::spawn(server.run());
    tokio::spawn(async move { ingest.run(CancellationToken::new()).await });
    let body = push(1).to_string();
    let tag = github_signature(GITHUB_SECRET, body.as_bytes());
    let request = http_client(PATIENT).unwrap().post(url).header("X-GitHub-Event", "push");
    assert_eq!(
        answer(request.header("X-Hub-Signature-256", tag).body(body)).await.0,
        202
    );
    let envelope = eventually("it is published", PATIENT, async || tap.envelopes().pop())
        .await
        .unwrap();
    assert!(envelope.trace.contains_key("traceparent"), "{:?}", envelope.trace);
    telemetry.stop().await;
}

/// Not a benchmark: it would notice a wait in the path of a single delivery.
#[tokio::test]
async fn one_delivery_after_the_other_is_quick() {
    let site = Site::open().await;
    let mut times = Vec::new();
    for number in 0..100 {
        let begin = Instant::now();
        assert_eq!(site.github("/webhooks/github", "push", &push(number)).await.0, 202);
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    println!("durable and answered: p50 {:?}, p99 {:?}", times[50], times[98]);
    assert!(times[50] < Duration::from_millis(150), "{:?}", times[50]);
}
