//! A running ingest and what speaks to it.

use actix_web::{App, HttpServer, dev::ServerHandle};
use bus::{Answer, Bus, Consume, MemoryBus, Queue, handler, reply};
use domain::message::{Decision, SignalDecided, SignalReceived};
use ingest::{Ingest, Settings};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use testkit::{SentryStandIn, github_signature, http_client};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const GITHUB_SECRET: &str = "It's a Secret to Everybody";
pub const SENTRY_SECRET: &str = "c0ffee";
pub const PATIENT: Duration = Duration::from_secs(10);

pub struct Site {
    pub address: String,
    pub bus: Arc<dyn Bus>,
    pub ingest: Arc<Ingest>,
    pub client: reqwest::Client,
    pub dir: Arc<TempDir>,
    server: ServerHandle,
    run: Option<JoinHandle<anyhow::Result<()>>>,
    planner: Vec<JoinHandle<()>>,
}

/// A bus of one process.
pub fn memory() -> Arc<dyn Bus> {
    Arc::new(MemoryBus::default())
}

/// What the planner has been told, oldest first.
pub type Heard = Arc<Mutex<Vec<SignalReceived>>>;

pub fn settings(dir: &Path) -> Settings {
    let mut settings = Settings {
        github_secrets: vec!["the older one".into(), GITHUB_SECRET.into()],
        sentry_secrets: vec![SENTRY_SECRET.into(), "the newer one".into()],
        sentry_enabled: true,
        ..Settings::default()
    };
    settings.spool.dir = dir.join("spool");
    settings
}

impl Site {
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub async fn open_with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::reopen(dir, memory(), change).await
    }

    pub async fn reopen(dir: Arc<TempDir>, bus: Arc<dyn Bus>, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings(dir.path());
        change(&mut settings);
        let ingest = Arc::new(Ingest::open(settings, Arc::clone(&bus)).unwrap());
        let (routes, watched) = (ingest.routes(), ingest::watched(&ingest.health()));
        let server = HttpServer::new(move || App::new().configure(routes.clone()).configure(watched.clone()))
            .workers(1)
            .disable_signals()
            .bind("127.0.0.1:0")
            .unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        let running = Arc::clone(&ingest);
        let run = tokio::spawn(async move { running.run(CancellationToken::new()).await });
        let client = http_client(PATIENT).unwrap();
        Self {
            address,
            bus,
            ingest,
            client,
            dir,
            server: handle,
            run: Some(run),
            planner: Vec::new(),
        }
    }

    /// A planner that decides like this, and says so.
    pub fn decide(&mut self, decide: impl Fn(&SignalReceived) -> Option<Decision> + Send + Sync + 'static) -> Heard {
        let heard = Heard::default();
        let (bus, hears) = (Arc::clone(&self.bus), Arc::clone(&heard));
        let decide = Arc::new(decide);
        let planner = handler(move |incoming| {
            let (hears, decide) = (Arc::clone(&hears), Arc::clone(&decide));
            async move {
                let message: SignalReceived = incoming.envelope.read().unwrap();
                hears.lock().unwrap().push(message.clone());
                match decide(&message) {
                    Some(decision) => reply(&SignalDecided {
                        delivery: message.delivery.id,
                        decision,
                    }),
                    None => Answer::Done,
                }
            }
        });
        self.planner.push(tokio::spawn(async move {
            bus.consume(
                Consume::from(Queue::PlannerSignals, 8),
                planner,
                CancellationToken::new(),
            )
            .await
            .unwrap();
        }));
        heard
    }

    pub fn sentry(&self) -> SentryStandIn {
        SentryStandIn::new(format!("{}/webhooks/sentry", self.address), SENTRY_SECRET).unwrap()
    }

    pub async fn github(&self, path: &str, event: &str, payload: &Value) -> (u16, Value) {
        let body = payload.to_string();
        let request = self
            .client
            .post(format!("{}{path}", self.address))
            .header("X-GitHub-Event", event)
            .header("X-GitHub-Delivery", "guid-1");
        let request = request.header("X-Hub-Signature-256", github_signature(GITHUB_SECRET, body.as_bytes()));
        answer(request.header("Content-Type", "application/json").body(body)).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.client.get(format!("{}{path}", self.address))).await
    }

    /// As if the process had been killed: nothing is drained or said goodbye to.
    pub async fn kill(mut self) -> (Arc<TempDir>, Arc<dyn Bus>) {
        let run = self.run.take().unwrap();
        run.abort();
        let _ = run.await;
        self.server.stop(false).await;
        // What was aborted lets go of the spool at its next turn.
        tokio::time::sleep(Duration::from_millis(50)).await;
        (Arc::clone(&self.dir), Arc::clone(&self.bus))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for task in &self.planner {
            task.abort();
        }
        if let Some(run) = &self.run {
            run.abort();
        }
        drop(self.server.stop(false));
    }
}

pub async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

/// A push that is different for every number.
pub fn push(number: u32) -> Value {
    json!({"ref": "refs/heads/main", "before": "0".repeat(40), "after": format!("{number:040x}"), "repository": {"full_name": "acme/shop"}})
}

pub fn event() -> Value {
    json!({"platform": "python", "environment": "production", "exception": {"values": [{"type": "ZeroDivisionError", "value": "division by zero",
        "stacktrace": {"frames": [{"filename": "shop/cart.py", "function": "average", "lineno": 12, "in_app": true, "vars": {"items": []}}]}}]}})
}
