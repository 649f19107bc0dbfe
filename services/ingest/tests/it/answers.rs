//! What senders are told.

use crate::site::{GITHUB_SECRET, Site, answer, event, push};
use domain::id::JobId;
use domain::job::SkipReason;
use domain::message::Decision;
use domain::signal::Signal;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{eventually, github_signature};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

#[tokio::test]
async fn sentry_is_told_the_job_or_why_there_is_none() {
    let mut site = Site::open().await;
    let job = JobId::from_uuid(Uuid::now_v7());
    let heard = site.decide(move |message| {
        let Signal::ErrorAlert(alert) = &message.signal else {
            return Some(Decision::Noted);
        };
        Some(match alert.issue_id.as_str() {
            "1" => Decision::Enqueued { job },
            "2" => Decision::Skipped {
                reason: SkipReason::RateLimited {
                    minutes_since: 3,
                    window_minutes: 60,
                },
            },
            _ => Decision::Noted,
        })
    });
    let sentry = site.sentry();

    let enqueued = sentry.raise("1", &event()).await.unwrap();
    assert_eq!(
        (enqueued.status, enqueued.body),
        (202, json!({ "jobId": job.to_string() }))
    );
    let skipped = sentry.raise("2", &event()).await.unwrap();
    assert_eq!(
        (skipped.status, &skipped.body["skipped"], &skipped.body["reason"]),
        (200, &json!(true), &json!("rate_limited"))
    );
    assert_eq!(skipped.body["detail"], "a job for the same problem began 3 min ago");
    let noted = sentry.raise("3", &event()).await.unwrap();
    assert_eq!(noted.status, 202);
    assert!(noted.body["deliveryId"].is_string());

    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard.len(), 3);
    assert!(heard[0].delivery.transport_id.is_some());
    assert!(heard[0].delivery.semantic_key.starts_with("event_alert:triggered:1:"));
}

#[tokio::test]
async fn a_slow_decision_costs_no_more_than_the_budget_and_soon_nothing() {
    let site = Site::open().await;
    let sentry = site.sentry();
    for _ in 0..3 {
        let begin = Instant::now();
        let answer = sentry.raise("1", &event()).await.unwrap();
        assert_eq!(answer.status, 202);
        assert!(answer.body["deliveryId"].is_string());
        assert!(begin.elapsed() < Duration::from_millis(900), "{:?}", begin.elapsed());
    }
    let begin = Instant::now();
    assert_eq!(sentry.raise("1", &event()).await.unwrap().status, 202);
    assert!(
        begin.elapsed() < Duration::from_millis(250),
        "nobody waits any more, and yet it took {:?}",
        begin.elapsed()
    );
    assert_eq!(site.ingest.depth().entries, 4);
}

#[tokio::test]
async fn what_asks_for_nothing_is_accepted() {
    let mut site = Site::open().await;
    let heard = site.decide(|_| Some(Decision::Noted));
    let ignored = site
        .sentry()
        .send(
            "installation",
            &json!({"action": "created", "data": {"installation": {}}}),
        )
        .await
        .unwrap();
    assert_eq!((ignored.status, &ignored.body["reason"]), (200, &json!("ignored")));
    let (status, body) = site
        .github("/webhooks/github", "star", &json!({"action": "created"}))
        .await;
    assert_eq!(status, 202);
    assert!(body["deliveryId"].is_string());
    eventually("both are with the planner", crate::site::PATIENT, async || {
        (heard.lock().unwrap().len() == 2).then_some(())
    })
    .await
    .unwrap();
    assert!(
        heard
            .lock()
            .unwrap()
            .iter()
            .all(|message| matches!(message.signal, Signal::Ignored { .. }))
    );
    let (status, _) = site
        .github(
            "/webhooks/github",
            "ping",
            &json!({"zen": "Design for failure.", "hook_id": 1}),
        )
        .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn every_name_of_githubs_door_is_the_same_door() {
    let mut site = Site::open().await;
    let heard = site.decide(|_| Some(Decision::Noted));
    let paths = [
        "/webhooks/github",
        "/api/webhooks/github",
        "/api/v1/webhooks/github",
        "/api/github/webhook",
    ];
    for (number, path) in (1..).zip(paths) {
        assert_eq!(site.github(path, "push", &push(number)).await.0, 202, "{path}");
        assert_eq!(
            answer(site.client.post(format!("{}{path}/ping", site.address))).await.0,
            200,
            "{path}/ping"
        );
    }
    eventually("all are with the planner", crate::site::PATIENT, async || {
        (heard.lock().unwrap().len() == 4).then_some(())
    })
    .await
    .unwrap();
    let delivery = heard.lock().unwrap()[0].delivery.clone();
    assert_eq!(delivery.transport_id.as_deref(), Some("guid-1"));
    eventually("the spool is empty", crate::site::PATIENT, async || {
        (site.ingest.depth().entries == 0).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_payload_travels_beside_the_message_and_forms_are_read() {
    let site = Site::open().await;
    let payload = json!({"ref": "refs/heads/a b", "note": "50% + 1 & more"});
    let mut payload_of_push = push(1);
    payload_of_push["note"] = payload["note"].clone();
    let text = payload_of_push.to_string();
    let form = format!(
        "other=1&payload={}",
        percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC)
            .to_string()
            .replace("%20", "+")
    );
    let request = site
        .client
        .post(format!("{}/webhooks/github", site.address))
        .header("X-GitHub-Event", "push");
    let request = request
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("X-Hub-Signature-256", github_signature(GITHUB_SECRET, form.as_bytes()));
    assert_eq!(answer(request.body(form)).await.0, 202);

    let (found, take) = tokio::sync::oneshot::channel();
    let found = std::sync::Mutex::new(Some(found));
    let found = std::sync::Arc::new(found);
    let bus = site.bus.clone();
    let taker = bus::handler(move |incoming| {
        let found = std::sync::Arc::clone(&found);
        async move {
            if let Some(found) = found.lock().unwrap().take() {
                found.send(incoming.envelope).unwrap();
            }
            bus::Answer::Done
        }
    });
    let consumer = tokio::spawn(async move {
        bus::Bus::consume(
            &*bus,
            bus::Consume::from(bus::Queue::PlannerSignals, 1),
            taker,
            tokio_util::sync::CancellationToken::new(),
        )
        .await
        .unwrap();
    });
    let envelope = tokio::time::timeout(crate::site::PATIENT, take).await.unwrap().unwrap();
    consumer.abort();
    let raw = bus::packed::unpack(&envelope.attachment.unwrap(), 1 << 20).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&raw).unwrap(), payload_of_push);
}

#[tokio::test]
async fn what_is_no_payload_is_refused_with_a_reason() {
    let site = Site::open().await;
    for (body, reason) in [
        ("nonsense", "not valid JSON"),
        ("[]", "data"),
        ("{\"action\":\"triggered\",\"data\":{}}", "data.event"),
        ("", "not valid JSON"),
    ] {
        let request = site
            .client
            .post(format!("{}/webhooks/sentry", site.address))
            .header("Sentry-Hook-Resource", "event_alert");
        let request = request
            .header(
                "Sentry-Hook-Signature",
                testkit::hmac(crate::site::SENTRY_SECRET, body.as_bytes()),
            )
            .body(body);
        let (status, answer) = answer(request).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer["error"].as_str().unwrap().contains(reason), "{answer}");
    }
    let request = site
        .client
        .post(format!("{}/webhooks/github", site.address))
        .header("X-Hub-Signature-256", github_signature(GITHUB_SECRET, b"{}"));
    assert_eq!(answer(request.body("{}")).await.0, 400);
}

#[tokio::test]
async fn a_body_has_a_largest_size_and_a_longest_time() {
    let site = Site::open_with(|settings| {
        settings.max_body_bytes = 64 * 1024;
        settings.body_timeout_ms = 200;
    })
    .await;
    let tag = github_signature(GITHUB_SECRET, b"");
    let too_long = site
        .client
        .post(format!("{}/webhooks/github", site.address))
        .header("X-Hub-Signature-256", &tag)
        .header("X-GitHub-Event", "push");
    assert_eq!(answer(too_long.body(vec![b' '; 64 * 1024 + 1])).await.0, 413);

    let announced = |length: &str| {
        format!(
            "POST /webhooks/github HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nX-Hub-Signature-256: {tag}\r\nContent-Length: {length}\r\n\r\n{{"
        )
    };
    for (length, status) in [("27000000", "413"), ("100", "408")] {
        let mut stream = tokio::net::TcpStream::connect(site.address.trim_start_matches("http://"))
            .await
            .unwrap();
        stream.write_all(announced(length).as_bytes()).await.unwrap();
        let mut head = [0; 12];
        tokio::time::timeout(crate::site::PATIENT, stream.read_exact(&mut head))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(std::str::from_utf8(&head).unwrap(), format!("HTTP/1.1 {status}"));
    }
}

#[tokio::test]
async fn the_doors_say_how_they_are() {
    let site = Site::open().await;
    assert_eq!(
        site.get("/webhooks/sentry").await,
        (200, json!({"ok": true, "configured": true, "enabled": true}))
    );
    assert_eq!(
        site.get("/api/webhooks/health").await,
        (200, json!({"status": "ok", "webhookSecret": true}))
    );
    assert_eq!(site.get("/health/live").await.0, 200);
    eventually("it is ready", crate::site::PATIENT, async || {
        (site.get("/health/ready").await.0 == 200).then_some(())
    })
    .await
    .unwrap();

    let bare = Site::open_with(|settings| {
        settings.github_secrets.clear();
        settings.sentry_secrets.clear();
        settings.sentry_enabled = false;
    })
    .await;
    assert_eq!(
        bare.get("/webhooks/sentry").await,
        (200, json!({"ok": true, "configured": false, "enabled": false}))
    );
    assert_eq!(
        bare.get("/api/webhooks/health").await,
        (200, json!({"status": "ok", "webhookSecret": false}))
    );
}
