//! Webhooks as a receiver gets them.

use crate::{SHOP, sim};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use github_sim::Step;
use ring::hmac;
use std::sync::{Arc, Mutex};

type Seen = Arc<Mutex<Vec<(String, String, serde_json::Value)>>>;

/// A receiver that checks signatures itself, and answers 500 to the first `failures` requests.
fn receiver(failures: usize) -> (String, Seen) {
    let seen = Seen::default();
    let left = Arc::new(Mutex::new(failures));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let record = Arc::clone(&seen);
    let server = HttpServer::new(move || {
        let (record, left) = (Arc::clone(&record), Arc::clone(&left));
        let take = move |request: HttpRequest, body: web::Bytes| {
            let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
            let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cret");
            let signature = hex::decode(header("x-hub-signature-256").strip_prefix("sha256=").unwrap()).unwrap();
            hmac::verify(&key, &body, &signature).unwrap();
            assert!(header("user-agent").starts_with("GitHub-Hookshot/"));
            let payload = serde_json::from_slice(&body).unwrap();
            record
                .lock()
                .unwrap()
                .push((header("x-github-event"), header("x-github-delivery"), payload));
            let mut left = left.lock().unwrap();
            let fail = *left > 0;
            *left = left.saturating_sub(1);
            async move {
                if fail {
                    HttpResponse::InternalServerError().finish()
                } else {
                    HttpResponse::Accepted().finish()
                }
            }
        };
        App::new()
            .app_data(web::PayloadConfig::new(1 << 25))
            .route("/hook", web::post().to(take))
    });
    tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
    (url, seen)
}

fn kinds(seen: &Seen) -> Vec<String> {
    let seen = seen.lock().unwrap();
    seen.iter()
        .map(|(event, _, payload)| format!("{event} {}", payload["action"].as_str().unwrap_or("-")))
        .collect()
}

#[tokio::test]
async fn tells_what_happens_in_order() {
    let sim = sim().await;
    let (url, seen) = receiver(0);
    sim.add_webhook(&url, "s3cret");
    let sha = sim.commit(SHOP, "fix", [("n", "1")], "ada", "Fix").unwrap();
    let body = serde_json::json!({ "title": "Fix", "head": "fix", "base": "main", "draft": true });
    crate::call(&sim, "POST", "/repos/acme/shop/pulls", crate::WRITER, Some(body)).await;
    sim.ready_for_review(SHOP, 1, "ada").unwrap();
    sim.push_human_commit(SHOP, "fix", [("n", "2")], "grace").unwrap();
    sim.close_pull(SHOP, 1, "grace").unwrap();
    sim.reopen_pull(SHOP, 1, "grace").unwrap();
    sim.merge_pull(SHOP, 1, "grace").unwrap();
    sim.fail_workflow(
        SHOP,
        "fix",
        &sha,
        "Tests",
        "test",
        vec![Step::fails("Test", "pytest", "no")],
    )
    .unwrap();
    sim.webhooks_settled().await;
    let expected = [
        "push -",
        "pull_request opened",
        "pull_request ready_for_review",
        "push -",
        "pull_request synchronize",
        "pull_request closed",
        "pull_request reopened",
        "pull_request closed",
        "push -",
        "workflow_run completed",
    ];
    assert_eq!(kinds(&seen), expected);
    let seen = seen.lock().unwrap();
    let run = &seen.last().unwrap().2;
    assert_eq!(
        (
            run["workflow_run"]["conclusion"].as_str(),
            run["workflow_run"]["head_sha"].as_str()
        ),
        (Some("failure"), Some(sha.as_str()))
    );
    assert_eq!(run["installation"]["id"], serde_json::json!(1_004_711));
    assert_eq!(seen[7].2["pull_request"]["merged"], serde_json::json!(true));
}

#[tokio::test]
async fn failed_ones_are_not_retried_but_can_be_sent_again() {
    let sim = sim().await;
    let (url, seen) = receiver(1);
    sim.add_webhook(&url, "s3cret");
    sim.commit(SHOP, "main", [("n", "1")], "ada", "One").unwrap();
    sim.webhooks_settled().await;
    let failed = sim.deliveries().pop().unwrap();
    assert_eq!((failed.status, failed.succeeded()), (Some(500), false));
    sim.redeliver(failed.id).unwrap();
    sim.webhooks_settled().await;
    let again = sim.deliveries().pop().unwrap();
    assert!(again.succeeded() && again.redelivery && again.guid == failed.guid && again.body == failed.body);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn held_ones_come_late_doubled_and_out_of_order() {
    let sim = sim().await;
    let (url, seen) = receiver(0);
    sim.add_webhook(&url, "s3cret");
    sim.hold_webhooks();
    sim.deliver(
        "ping",
        &serde_json::json!({ "zen": "Keep it logically awesome.", "hook_id": 1 }),
    );
    sim.commit(SHOP, "main", [("n", "1")], "ada", "One").unwrap();
    sim.webhooks_settled().await;
    assert!(seen.lock().unwrap().is_empty());
    sim.release_webhooks_as(|count| vec![count - 1, 0, count - 1]);
    sim.webhooks_settled().await;
    assert_eq!(kinds(&seen), ["push -", "ping -", "push -"]);
}
