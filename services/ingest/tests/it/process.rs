//! As a process of its own, and as a part of one trace.

use crate::site::{GITHUB_SECRET, PATIENT, Site, answer, push, settings};
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{TappedBus, eventually, github_signature, http_client};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop() {
    let dir = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut settings = settings(dir.path());
    settings.listen = free.to_string();
    let stop = CancellationToken::new();
    let served = tokio::spawn(ingest::serve(
        settings,
        Arc::new(bus::MemoryBus::default()),
        stop.clone(),
    ));
    let client = http_client(PATIENT).unwrap();
    let ready = async || {
        client
            .get(format!("http://{free}/health/ready"))
            .send()
            .await
            .ok()
            .filter(|answer| answer.status() == 200)
    };
    eventually("it is ready", PATIENT, ready).await.unwrap();
    // The numbers themselves are the whole process's, other tests included.
    let measured = async || {
        let text = client
            .get(format!("http://{free}/metrics"))
            .send()
            .await
            .ok()?
            .text()
            .await
            .ok()?;
        text.contains("ingest_spool_deliveries ").then_some(())
    };
    eventually("the spool is measured", PATIENT, measured).await.unwrap();
    stop.cancel();
    tokio::time::timeout(PATIENT, served).await.unwrap().unwrap().unwrap();
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
