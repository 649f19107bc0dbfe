//! What the notifier says of itself.

use crate::{Office, PATIENT};
use bus::{Bus, MemoryBus};
use notifier::{Notifier, Settings, process};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::Arc;
use testkit::{SlackStandIn, eventually, http_client};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_process_says_whether_it_can_do_its_work() {
    let office = Office::with_webhook().await;
    office.raise(1).await;
    office.all_told(1).await;

    let client = http_client(PATIENT).unwrap();
    let memory: Arc<dyn Bus> = Arc::new(MemoryBus::default());
    // Nobody listens there.
    let url = "amqp://127.0.0.1:9".to_owned().into();
    let away = bus::open(&bus::Settings { url }).await.unwrap();
    for (bus, status, wanted) in [
        (memory, 200, json!({"status": "ok", "reasons": []})),
        (
            away,
            503,
            json!({"status": "not ready", "reasons": ["the broker does not answer"]}),
        ),
    ] {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let stop = CancellationToken::new();
        let (own, until) = (Settings::default(), stop.clone());
        let served = tokio::spawn(async move { process::serve(&own, &address.to_string(), bus, until).await });
        let get = async |path: &str| {
            let answer = client.get(format!("http://{address}{path}")).send().await.ok()?;
            Some((answer.status().as_u16(), answer.text().await.ok()?))
        };
        let said = async || {
            let (now, said) = get("/health/ready").await?;
            let said: Value = serde_json::from_str(&said).unwrap();
            ((now, &said) == (status, &wanted)).then_some(())
        };
        eventually(&format!("it says {wanted}"), PATIENT, said).await.unwrap();
        assert_eq!(get("/health/live").await, Some((200, r#"{"status":"ok"}"#.to_owned())));
        let (_, metrics) = get("/metrics").await.unwrap();
        // The numbers themselves are the whole process's, other tests included.
        for name in ["notifier_notices_sent_total", "notifier_notices_waiting"] {
            let shown = metrics.contains(&format!("{name}{{channel=\"slack\"}}"));
            assert!(shown, "{name} is not in\n{metrics}");
        }
        stop.cancel();
        tokio::time::timeout(PATIENT, served).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn it_is_ready_while_its_queues_are_consumed_and_whatever_slack_does() {
    let slack = SlackStandIn::start().await.unwrap();
    slack.take_down().await;
    let settings = Settings {
        webhook_url: Some(slack.webhook_url().into()),
        ..Settings::default()
    };
    let (stop, bus): (_, Arc<dyn Bus>) = (CancellationToken::new(), Arc::new(MemoryBus::default()));
    let notifier = Notifier::open(&settings, bus).unwrap();
    let health = notifier.health();
    let unheard = [
        "the queue notifier.slack is not consumed",
        "the queue notifier.log is not consumed",
    ];
    assert_eq!(health.reasons().await, unheard);
    let running = tokio::spawn(notifier.run(stop.clone()));
    eventually("it is ready", PATIENT, async || {
        health.reasons().await.is_empty().then_some(())
    })
    .await
    .unwrap();
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(health.reasons().await, unheard);
}
