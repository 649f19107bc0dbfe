//! Webhooks: signed over the exact bytes, sent once within ten seconds, never retried, and all remembered.

use crate::repository;
use crate::state::{Repository, Shared, node_id, now, stamp, user};
use chrono::{DateTime, Utc};
use ring::hmac;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// GitHub cuts the connection after this and counts the delivery as failed.
const TIMEOUT: Duration = Duration::from_secs(10);
const HOOK_ID: u64 = 292_430_182;

/// Where webhooks go.
#[derive(Debug, Clone)]
pub struct WebhookTarget {
    /// Address that gets the POST.
    pub url: String,
    /// Key of the signature.
    pub secret: String,
}

/// One attempt to deliver a webhook.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Number by which it is redelivered.
    pub id: u64,
    /// The value of `X-GitHub-Delivery`; a redelivery keeps it.
    pub guid: String,
    /// The value of `X-GitHub-Event`.
    pub event: String,
    /// The payload's action, if it has one.
    pub action: Option<String>,
    /// Address it was sent to.
    pub url: String,
    /// The exact body.
    pub body: Vec<u8>,
    /// Status that the receiver answered, if it did in time.
    pub status: Option<u16>,
    /// What went wrong, or the beginning of the answer's body.
    pub error: Option<String>,
    /// When it was sent.
    pub delivered_at: DateTime<Utc>,
    /// How long it took.
    pub duration: Duration,
    /// Whether it repeats an earlier one.
    pub redelivery: bool,
    repository_id: Option<u64>,
    installation_id: Option<u64>,
}

impl Delivery {
    /// Whether the receiver answered 2xx.
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// The payload, parsed; null if it is not JSON.
    pub fn payload(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// GitHub's `hook-delivery-item`.
    pub(crate) fn summary(&self) -> Value {
        json!({
            "id": self.id, "guid": self.guid, "delivered_at": stamp(self.delivered_at), "redelivery": self.redelivery,
            "duration": self.duration.as_secs_f64(), "status": if self.succeeded() { "OK" } else { "failed" },
            "status_code": self.status.unwrap_or(0), "event": self.event, "action": self.action,
            "installation_id": self.installation_id, "repository_id": self.repository_id, "throttled_at": null,
        })
    }
}

#[derive(Debug, Clone)]
struct Outgoing {
    guid: String,
    event: String,
    action: Option<String>,
    body: Vec<u8>,
    repository_id: Option<u64>,
    installation_id: Option<u64>,
    /// Only to this address; otherwise to all.
    only: Option<String>,
    redelivery: bool,
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<Outgoing>,
    held: Option<Vec<Outgoing>>,
    targets: Vec<WebhookTarget>,
    deliveries: Vec<Delivery>,
}

/// Webhooks on their way.
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    wake: Notify,
    pending: watch::Sender<usize>,
}

impl Outbox {
    pub(crate) fn new(targets: Vec<WebhookTarget>) -> Self {
        let queue = Queue {
            targets,
            ..Queue::default()
        };
        Self {
            queue: Mutex::new(queue),
            wake: Notify::new(),
            pending: watch::Sender::new(0),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_target(&self, target: WebhookTarget) {
        self.queue().targets.push(target);
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.queue().deliveries.clone()
    }

    fn push(&self, outgoing: Outgoing) {
        let mut queue = self.queue();
        match &mut queue.held {
            Some(held) => held.push(outgoing),
            None => {
                queue.ready.push_back(outgoing);
                self.pending.send_modify(|count| *count += 1);
                self.wake.notify_one();
            }
        }
    }

    /// From now on webhooks wait.
    pub(crate) fn hold(&self) {
        self.queue().held.get_or_insert_default();
    }

    /// Lets the waiting webhooks go, after `arrange` has put them in an order, doubled or dropped them by index.
    pub(crate) fn release(&self, arrange: impl FnOnce(usize) -> Vec<usize>) {
        let held = self.queue().held.take().unwrap_or_default();
        for index in arrange(held.len()) {
            if let Some(outgoing) = held.get(index) {
                self.push(outgoing.clone());
            }
        }
    }

    /// Sends a delivery again to where it went; false if there is no such delivery.
    pub(crate) fn redeliver(&self, id: u64) -> bool {
        let Some(found) = self.deliveries().into_iter().find(|one| one.id == id) else {
            return false;
        };
        self.push(Outgoing {
            guid: found.guid,
            event: found.event,
            action: found.action,
            body: found.body,
            repository_id: found.repository_id,
            installation_id: found.installation_id,
            only: Some(found.url),
            redelivery: true,
        });
        true
    }

    /// Waits until nothing is on its way; what is held does not count.
    pub(crate) async fn settled(&self) {
        let mut pending = self.pending.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = pending.wait_for(|count| *count == 0).await;
    }

    fn next(&self) -> Option<(Outgoing, Vec<WebhookTarget>)> {
        let mut queue = self.queue();
        let outgoing = queue.ready.pop_front()?;
        let targets = queue
            .targets
            .iter()
            .filter(|target| outgoing.only.as_ref().is_none_or(|url| *url == target.url));
        let targets = targets.cloned().collect();
        Some((outgoing, targets))
    }

    fn record(&self, mut delivery: Delivery) {
        let mut queue = self.queue();
        delivery.id = 5_000 + queue.deliveries.len() as u64;
        queue.deliveries.push(delivery);
    }
}

impl Shared {
    /// Queues a webhook about a repository: adds what every payload has.
    pub(crate) fn emit(
        &self,
        repository: &Repository,
        event: &str,
        action: Option<&str>,
        actor: &str,
        mut payload: Value,
    ) {
        if payload.get("repository").is_none() {
            payload["repository"] = repository::full(repository, &self.links);
        }
        payload["sender"] = user(actor, &self.links);
        if let Some(app) = &self.app {
            payload["installation"] =
                json!({ "id": app.installation_id, "node_id": node_id("MDIz", app.installation_id) });
        }
        self.post(event, action, &payload, Some(repository.id));
    }

    /// Queues any webhook.
    pub(crate) fn post(&self, event: &str, action: Option<&str>, payload: &Value, repository_id: Option<u64>) {
        self.outbox.push(Outgoing {
            guid: uuid::Uuid::new_v4().to_string(),
            event: event.to_owned(),
            action: action.map(str::to_owned),
            body: payload.to_string().into_bytes(),
            repository_id,
            installation_id: self.app.as_ref().map(|app| app.installation_id),
            only: None,
            redelivery: false,
        });
    }
}

/// Sends what is queued, in order, until the simulator stops.
pub(crate) async fn dispatch(shared: Arc<Shared>, client: reqwest::Client) {
    let send_all = async {
        loop {
            let Some((outgoing, targets)) = shared.outbox.next() else {
                shared.outbox.wake.notified().await;
                continue;
            };
            for target in targets {
                let delivery = send(&shared, &client, &outgoing, &target).await;
                shared.outbox.record(delivery);
            }
            shared
                .outbox
                .pending
                .send_modify(|count| *count = count.saturating_sub(1));
        }
    };
    tokio::select! {
        () = send_all => {}
        () = shared.stopped.cancelled() => {}
    }
}

async fn send(shared: &Shared, client: &reqwest::Client, outgoing: &Outgoing, target: &WebhookTarget) -> Delivery {
    let (kind, target_id) = match &shared.app {
        Some(app) => ("integration", app.id),
        None => ("repository", outgoing.repository_id.unwrap_or_default()),
    };
    let started = Instant::now();
    let request = client
        .post(&target.url)
        .timeout(TIMEOUT)
        .header("accept", "*/*")
        .header("content-type", "application/json")
        .header("user-agent", "GitHub-Hookshot/51a0d2b")
        .header("x-github-event", &outgoing.event)
        .header("x-github-delivery", &outgoing.guid)
        .header("x-github-hook-id", HOOK_ID.to_string())
        .header("x-github-hook-installation-target-id", target_id.to_string())
        .header("x-github-hook-installation-target-type", kind)
        .header("x-hub-signature-256", signature(&target.secret, &outgoing.body))
        .body(outgoing.body.clone());
    let (status, error) = match request.send().await {
        Ok(response) => {
            let status = response.status();
            let text = response.text().await.unwrap_or_default();
            (
                Some(status.as_u16()),
                (!status.is_success()).then(|| text.chars().take(500).collect()),
            )
        }
        Err(error) if error.is_timeout() => (None, Some("timed out".to_owned())),
        Err(error) => (None, Some(error.to_string())),
    };
    Delivery {
        id: 0,
        guid: outgoing.guid.clone(),
        event: outgoing.event.clone(),
        action: outgoing.action.clone(),
        url: target.url.clone(),
        body: outgoing.body.clone(),
        status,
        error,
        delivered_at: now(),
        duration: started.elapsed(),
        redelivery: outgoing.redelivery,
        repository_id: outgoing.repository_id,
        installation_id: outgoing.installation_id,
    }
}

/// The value of `X-Hub-Signature-256`.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, body)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn signs_githubs_own_example() {
        let signature = super::signature("It's a Secret to Everybody", b"Hello, World!");
        assert_eq!(
            signature,
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
