//! Stands between the senders and the doors: whatever webhook comes is delivered many times, at the same moment, late, and in
//! another order. What each copy was answered is written down.

use crate::clock::{millis, now};
use crate::ledger::{Answered, Entry, Ledger};
use crate::random::Random;
use actix_web::dev::ServerHandle;
use actix_web::http::header::HeaderMap;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Context as _, Result};
use bytes::Bytes;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// What the doors read of a request, besides its body.
const HEADERS: [&str; 8] = [
    "content-type",
    "x-github-event",
    "x-github-delivery",
    "x-hub-signature-256",
    "request-id",
    "sentry-hook-resource",
    "sentry-hook-timestamp",
    "sentry-hook-signature",
];
/// GitHub gives up after ten seconds.
const GIVES_UP: Duration = Duration::from_secs(10);
/// A webhook that nobody accepted is sent again after so long, as a person can ask for.
const AGAIN: Duration = Duration::from_secs(2);
/// So often; then it is lost, and that is the doors' fault.
const TRIES: usize = 90;
/// Copies on their way at once, so that it is the doors that are tried and not this machine's connections.
const AT_ONCE: usize = 512;

/// A webhook as it came.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its number at the sender's.
    pub number: String,
    /// What it says that happened.
    pub event: String,
    /// The repository that it is about.
    pub repo: Option<String>,
    /// Where it was sent to, without the host.
    pub path: String,
    /// What is passed on besides the body.
    pub headers: Vec<(String, String)>,
    /// The exact body.
    pub body: Bytes,
}

/// Between the senders and the doors.
pub struct FanOut {
    address: SocketAddr,
    server: ServerHandle,
    pub(crate) sender: Arc<Sender>,
}

/// Delivers webhooks.
pub struct Sender {
    /// The doors; before they are known, webhooks are only kept.
    doors: OnceLock<String>,
    client: reqwest::Client,
    ledger: Arc<Ledger>,
    /// Copies of each webhook that comes.
    copies: usize,
    random: Mutex<Random>,
    kept: Mutex<Vec<Webhook>>,
    flying: AtomicUsize,
    places: Semaphore,
}

impl FanOut {
    /// Listens on a free port.
    pub fn start(ledger: Arc<Ledger>, seed: u64, copies: usize) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening for webhooks")?;
        let address = listener.local_addr()?;
        let sender = Arc::new(Sender {
            doors: OnceLock::new(),
            client: client(GIVES_UP)?,
            ledger,
            copies,
            random: Mutex::new(Random::of(seed, "fan out")),
            kept: Mutex::default(),
            flying: AtomicUsize::new(0),
            places: Semaphore::new(AT_ONCE),
        });
        let state = web::Data::from(Arc::clone(&sender));
        let app = move || {
            let limit = web::PayloadConfig::new(26 << 20);
            App::new()
                .app_data(state.clone())
                .app_data(limit)
                .default_service(web::post().to(take))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .shutdown_timeout(1)
            .listen(listener)?
            .run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self {
            address,
            server: handle,
            sender,
        })
    }

    /// Where senders deliver to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on webhooks go to these doors.
    pub fn open(&self, doors: String) {
        // They are known once.
        let _ = self.sender.doors.set(doors);
    }

    /// Copies that are still on their way, or are still to come.
    pub fn flying(&self) -> usize {
        self.sender.flying.load(Ordering::SeqCst)
    }

    /// Every webhook that came, oldest first.
    pub fn kept(&self) -> Vec<Webhook> {
        lock(&self.sender.kept).clone()
    }
}

impl Drop for FanOut {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client that opens a connection for each request, as senders do that have many receivers.
pub fn client(gives_up: Duration) -> Result<reqwest::Client> {
    // The provider of cryptography is installed by it; these connections need none.
    drop(stand_in::http_client(gives_up)?);
    let client = reqwest::Client::builder().timeout(gives_up).no_proxy();
    Ok(client.pool_max_idle_per_host(0).build()?)
}

async fn take(sender: web::Data<Sender>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let webhook = Webhook::of(request.path(), request.headers(), body);
    lock(&sender.kept).push(webhook.clone());
    if sender.doors.get().is_some() {
        let sender = sender.into_inner();
        let copies = sender.copies;
        sender.spread(webhook, copies);
    }
    HttpResponse::Accepted().finish()
}

impl Webhook {
    fn of(path: &str, headers: &HeaderMap, body: Bytes) -> Self {
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let payload: Value = serde_json::from_slice(&body).unwrap_or_default();
        let event = header("x-github-event").or_else(|| header("sentry-hook-resource"));
        let action = payload["action"].as_str().map(|action| format!(".{action}"));
        Self {
            number: header("x-github-delivery")
                .or_else(|| header("request-id"))
                .unwrap_or_default(),
            event: event.unwrap_or_default() + &action.unwrap_or_default(),
            repo: payload
                .pointer("/repository/full_name")
                .and_then(Value::as_str)
                .map(str::to_owned),
            path: path.to_owned(),
            headers: HEADERS
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), header(name)?)))
                .collect(),
            body,
        }
    }

    /// The same, under another number.
    pub fn renumbered(mut self) -> Self {
        self.number = uuid::Uuid::new_v4().to_string();
        for (name, value) in &mut self.headers {
            if name == "x-github-delivery" || name == "request-id" {
                value.clone_from(&self.number);
            }
        }
        self
    }
}

impl Sender {
    /// Sends so many copies of a webhook, each at its time; and again while nobody has accepted it.
    pub fn spread(self: &Arc<Self>, webhook: Webhook, copies: usize) {
        let waits = self.waits(copies);
        let entry = Entry::Sent {
            at: now(),
            webhook: webhook.number.clone(),
            event: webhook.event.clone(),
            repo: webhook.repo.clone(),
            copies: waits.len(),
        };
        self.ledger.add(&entry);
        self.flying.fetch_add(1, Ordering::SeqCst);
        let sender = Arc::clone(self);
        tokio::spawn(async move {
            let (sender, webhook) = (&sender, &webhook);
            let copies = waits.into_iter().map(|wait| async move {
                tokio::time::sleep(wait).await;
                sender.deliver(webhook).await
            });
            let mut accepted = futures::future::join_all(copies).await.contains(&true);
            for _ in 0..TRIES {
                if accepted {
                    break;
                }
                tokio::time::sleep(AGAIN).await;
                accepted = sender.deliver(webhook).await;
            }
            sender.flying.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// When each copy goes: two at once, most of them soon, the last ones late.
    fn waits(&self, copies: usize) -> Vec<Duration> {
        let mut random = lock(&self.random);
        let first = random.millis(0, 400);
        let wait = |copy: usize| match copy {
            0 | 1 => first,
            8.. => random.millis(3_000, 20_000),
            _ => random.millis(0, 2_500),
        };
        (0..copies.max(1)).map(wait).collect()
    }

    /// Sends one copy; whether it was accepted.
    pub async fn deliver(&self, webhook: &Webhook) -> bool {
        let Some(doors) = self.doors.get() else { return false };
        // Whoever waits for a place waits for an answer, too.
        let (at, began) = (now(), Instant::now());
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        let mut request = self
            .client
            .post(format!("{doors}{}", webhook.path))
            .body(webhook.body.clone());
        for (name, value) in &webhook.headers {
            request = request.header(name, value);
        }
        let answer = async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            let body = answer.bytes().await?;
            Ok::<_, reqwest::Error>((status, serde_json::from_slice::<Value>(&body).unwrap_or_default()))
        };
        let answer = answer.await;
        let took_ms = millis(began.elapsed());
        let (status, body, error) = match answer {
            Ok((status, body)) => (Some(status), body, None),
            Err(error) => (None, Value::Null, Some(reason(&error))),
        };
        let text = |key: &str| body[key].as_str().map(str::to_owned);
        let answered = Answered {
            at,
            webhook: webhook.number.clone(),
            took_ms,
            status,
            delivery: text("deliveryId"),
            job: text("jobId"),
            error: error.or_else(|| text("error")),
        };
        let accepted = answered.accepted();
        self.ledger.add(&Entry::Answered(answered));
        accepted
    }
}

/// The innermost reason, which says most.
fn reason(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// What a door has seen: the webhooks' numbers and bodies.
    type Visits = Arc<Mutex<Vec<(String, Bytes)>>>;

    /// A door that refuses everything until it was asked so often.
    async fn door(refuses: usize) -> (String, Visits) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Visits::default();
        let state = web::Data::new((Arc::clone(&seen), refuses));
        let app = move || {
            App::new()
                .app_data(state.clone())
                .default_service(web::post().to(knock))
        };
        tokio::spawn(
            HttpServer::new(app)
                .workers(1)
                .disable_signals()
                .listen(listener)
                .unwrap()
                .run(),
        );
        (url, seen)
    }

    async fn knock(state: web::Data<(Visits, usize)>, request: HttpRequest, body: Bytes) -> HttpResponse {
        let number = request
            .headers()
            .get("x-github-delivery")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let mut seen = state.0.lock().unwrap();
        seen.push((number, body));
        match seen.len() > state.1 {
            true => HttpResponse::Accepted().json(serde_json::json!({ "deliveryId": "d" })),
            false => HttpResponse::ServiceUnavailable().finish(),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_copy_arrives_as_it_was_and_a_refused_webhook_comes_again() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Arc::new(Ledger::create(&folder.path().join("ledger")).unwrap());
        let (url, seen) = door(5).await;
        let fan_out = FanOut::start(Arc::clone(&ledger), 1, 5).unwrap();
        fan_out.open(url);
        let post = client(GIVES_UP)
            .unwrap()
            .post(format!("{}/webhooks/github", fan_out.url()));
        let post = post.header("x-github-delivery", "g-1").header("x-github-event", "push");
        let answer = post
            .body(r#"{"repository":{"full_name":"acme/r1"}}"#)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 202);
        while fan_out.flying() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let seen = seen.lock().unwrap().clone();
        assert_eq!(seen.len(), 6, "five copies were refused, and it came again");
        assert!(
            seen.iter()
                .all(|(number, body)| number == "g-1" && body.starts_with(b"{\"repository\""))
        );
        let kept = fan_out.kept().remove(0);
        assert_eq!((kept.event.as_str(), kept.repo.as_deref()), ("push", Some("acme/r1")));
        let again = kept.renumbered();
        assert!(
            again.number != "g-1"
                && again
                    .headers
                    .contains(&("x-github-delivery".into(), again.number.clone()))
        );
        let answers = ledger.close().unwrap();
        let accepted = answers
            .iter()
            .filter(|entry| matches!(entry, Entry::Answered(answer) if answer.accepted()));
        assert_eq!(accepted.count(), 1);
    }
}
