//! What the planner says of itself: whether it lives, whether it can do its work, and what waits.

use crate::case::{Case, settings};
use crate::signal::{alert, diagnosis, red_run};
use bus::{Bus, MemoryBus};
use domain::job::{JobKind, JobState};
use planner::store::{Store, jobs, pull_requests};
use planner::{Planner, api, process};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use testkit::{eventually, http_client};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

struct Asker {
    address: SocketAddr,
    client: reqwest::Client,
}

impl Asker {
    /// Of somebody who is still to listen.
    fn somewhere() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            address: free.local_addr().unwrap(),
            client: http_client(PATIENCE).unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = self
            .client
            .get(format!("http://{}{path}", self.address))
            .send()
            .await
            .ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// Waits until this is what it says.
    async fn ready(&self, status: u16, reasons: &[&str]) {
        let wanted = json!({"status": if status == 200 { "ok" } else { "not ready" }, "reasons": reasons});
        let said = async || {
            let (now, said) = self.get("/health/ready").await?;
            let said: Value = serde_json::from_str(&said).unwrap();
            ((now, &said) == (status, &wanted)).then_some(())
        };
        eventually(&format!("it says {wanted}"), PATIENCE, said).await.unwrap();
    }

    async fn metrics(&self) -> String {
        self.get("/metrics").await.unwrap().1
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_says_whether_it_can_do_its_work() {
    let database = crate::case::Database::sqlite();
    let (asker, stop) = (Asker::somewhere(), CancellationToken::new());
    let served = tokio::spawn({
        let (own, address) = (settings(&database.url, &json!({})), asker.address.to_string());
        let (bus, stop): (Arc<dyn Bus>, _) = (Arc::new(MemoryBus::default()), stop.clone());
        async move { process::serve(&own, &address, bus, stop).await }
    });
    asker.ready(200, &[]).await;
    assert_eq!(
        asker.get("/health/live").await,
        Some((200, r#"{"status":"ok"}"#.to_owned()))
    );
    assert_eq!(asker.get("/health").await.unwrap().0, 200);
    let measured = async || {
        let text = asker.metrics().await;
        let all = [
            "bus_queue_ready{queue=\"planner.signals\"}",
            "fixpoint_outbox_depth ",
            "kind=\"fix\",state=\"queued\"",
        ];
        all.iter().all(|name| text.contains(name)).then_some(())
    };
    eventually("queues and jobs are measured", PATIENCE, measured)
        .await
        .unwrap();

    // Somebody else has the whole database for a while.
    let url = database.url.clone();
    let other = tokio::task::spawn_blocking(move || Store::open(&url, 1).unwrap())
        .await
        .unwrap();
    let long = other.tx(|_, _| {
        std::thread::sleep(Duration::from_secs(4));
        Ok(())
    });
    let (locked, ()) = tokio::join!(long, asker.ready(503, &["the database does not answer"]));
    locked.unwrap();
    asker.ready(200, &[]).await;

    stop.cancel();
    tokio::time::timeout(PATIENCE, served).await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_away_is_a_reason() {
    let database = crate::case::Database::sqlite();
    let (asker, stop) = (Asker::somewhere(), CancellationToken::new());
    // Nobody listens there.
    let url = "amqp://127.0.0.1:9".to_owned().into();
    let bus = bus::open(&bus::Settings { url }).await.unwrap();
    let (own, address) = (settings(&database.url, &json!({})), asker.address.to_string());
    let until = stop.clone();
    let served = tokio::spawn(async move { process::serve(&own, &address, bus, until).await });
    asker.ready(503, &["the broker does not answer"]).await;
    assert_eq!(asker.get("/health/live").await.unwrap().0, 200);
    stop.cancel();
    tokio::time::timeout(PATIENCE, served).await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_not_ready_before_its_queues_are_consumed() {
    let database = crate::case::Database::sqlite();
    let bus: Arc<dyn Bus> = Arc::new(MemoryBus::default());
    let planner = Planner::open(&settings(&database.url, &json!({})), bus).await.unwrap();
    let (asker, stop) = (Asker::somewhere(), CancellationToken::new());
    let address = asker.address.to_string();
    tokio::spawn(api::listen(&planner, &planner.health(), &address, stop.clone()).unwrap());
    let unheard = ["signals", "requests", "progress", "finished", "delivered"]
        .map(|queue| format!("the queue planner.{queue} is not consumed"));
    asker.ready(503, &unheard.each_ref().map(String::as_str)).await;
    assert_eq!(asker.get("/health/live").await.unwrap().0, 200);
    let running = tokio::spawn(planner.run(stop.clone()));
    asker.ready(200, &[]).await;
    stop.cancel();
    running.await.unwrap().unwrap();
}

both! {
    async fn what_waits_is_known_by_kind_and_state(database: Database) {
        let case = Case::eager(database).await;
        let ages = async || {
            let mut ages = case.store.tx(|db, now| Ok(jobs::oldest_due(db, now)?)).await.unwrap();
            ages.sort_unstable();
            ages.into_iter().map(|(kind, state, age)| (kind, state, age.as_secs() / 60)).collect::<Vec<_>>()
        };
        let began = case.store.now().await.unwrap();
        let per_incident = async |since: chrono::DateTime<chrono::Utc>| {
            case.store.tx(move |db, _| Ok(pull_requests::per_incident(db, since.into())?)).await.unwrap()
        };
        assert_eq!((ages().await, per_incident(began).await), (vec![], None));
        let begun = case.admitted(alert("1")).await;
        case.claim(&begun).await;
        case.admitted(red_run('a')).await;
        case.age("jobs", "not_before", 7).await;
        assert_eq!(ages().await, [(JobKind::Fix, JobState::Queued, 7), (JobKind::Fix, JobState::Running, 7)]);
        case.age("jobs", "not_before", -7).await;
        assert_eq!(ages().await, [], "they are not due yet");
        for number in 1..=3 {
            case.opened(alert(&format!("2{number}")), &diagnosis(&format!("test_{number}")), number).await;
        }
        assert_eq!(per_incident(began).await, Some(1.0));
        assert_eq!(per_incident(began + chrono::Duration::hours(1)).await, None, "they are older");
    }
}
