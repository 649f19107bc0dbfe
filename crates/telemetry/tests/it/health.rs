//! What a process without any other server says of itself.

use serde_json::{Value, json};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use telemetry::Health;
use telemetry::health::{LIVE, METRICS, READY, Underway, listen};
use tokio_util::sync::CancellationToken;

async fn get(address: &str, path: &str) -> (u16, String) {
    telemetry::crypto();
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build();
    let answer = client
        .unwrap()
        .get(format!("http://{address}{path}"))
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn three_paths_are_answered_until_the_work_has_ended() {
    let well = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&well);
    let health = Health::default()
        .ask("the broker does not answer", move || {
            let asked = Arc::clone(&asked);
            async move { asked.load(Ordering::SeqCst) }
        })
        .show("spool", || json!({ "deliveries": 0 }));
    let listener = listen("127.0.0.1:0", health).await.unwrap();
    let address = listener.address.to_string();
    let taken = listen(&address, Health::default()).await.err().unwrap();
    assert_eq!(
        taken.to_string(),
        format!("server.listen `{address}` cannot be used: choose another address or PORT")
    );
    telemetry::metric::counter("test.health", "Of the test").add(1, &[]);
    let work = async {
        assert_eq!(get(&address, LIVE).await, (200, r#"{"status":"ok"}"#.to_owned()));
        let (status, said) = get(&address, READY).await;
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(
            (status, said),
            (
                503,
                json!({"status": "not ready", "reasons": ["the broker does not answer"], "spool": {"deliveries": 0}})
            )
        );
        well.store(true, Ordering::SeqCst);
        let (status, said) = get(&address, READY).await;
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(
            (status, &said["status"], &said["reasons"]),
            (200, &json!("ok"), &json!([]))
        );
        let (status, said) = get(&address, METRICS).await;
        assert!(status == 200 && said.contains("test_health_total 1"), "{said}");
        assert_eq!(get(&address, "/health").await.0, 404);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let posted = client.post(format!("http://{address}{READY}")).send().await.unwrap();
        assert_eq!(
            (posted.status().as_u16(), &posted.headers()["allow"]),
            (405, &"GET, HEAD".parse().unwrap())
        );
        "done"
    };
    assert_eq!(listener.during(work).await, "done");
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for_longer_than_two_seconds_and_asked_once() {
    let questions = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&questions);
    let health = Health::default().ask("the database does not answer", move || {
        counted.fetch_add(1, Ordering::SeqCst);
        pending::<bool>()
    });
    let begin = Instant::now();
    let (one, two) = tokio::join!(health.reasons(), health.reasons());
    let took = begin.elapsed();
    assert!(
        (Duration::from_millis(1800)..Duration::from_millis(3000)).contains(&took),
        "{took:?}"
    );
    assert_eq!(
        (one, two),
        (
            vec!["the database does not answer".to_owned()],
            vec!["the database does not answer".to_owned()]
        )
    );
    assert_eq!(questions.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_parts_of_a_process_say_each_reason_once() {
    let (consuming, stop) = (Underway::default(), CancellationToken::new());
    let part = |queue: &str| {
        Health::default()
            .ask("the broker does not answer", || async { false })
            .while_underway(format!("the queue {queue} is not consumed"), &consuming)
            .until(stop.clone())
    };
    let all = part("a").and(part("b"));
    let broker = "the broker does not answer";
    assert_eq!(
        all.reasons().await,
        [broker, "the queue a is not consumed", "the queue b is not consumed"]
    );
    consuming
        .during(async {
            assert_eq!(all.reasons().await, [broker]);
            stop.cancel();
            assert_eq!(all.reasons().await, [broker, "it is stopping"]);
        })
        .await;
    assert!(!consuming.is());
}
