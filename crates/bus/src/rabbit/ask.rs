//! Request and reply: the reply comes back over the asker's own channel, to nobody else, and is lost with the connection.

use super::layout::Layout;
use super::link::Link;
use super::parcel::{self, Answered};
use super::publish::{Bytes, confirmed};
use crate::envelope::Envelope;
use crate::error::RequestError;
use crate::topology;
use futures::StreamExt as _;
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// RabbitMQ's name for "the channel that this came over".
const REPLY_TO: &str = "amq.rabbitmq.reply-to";

type Reply = Result<Envelope, RequestError>;

/// Who waits for which reply on one connection.
pub(super) struct Replies(Mutex<Option<HashMap<String, oneshot::Sender<Reply>>>>);

/// A place among those who wait; given up when it is dropped.
struct Place {
    replies: Arc<Replies>,
    correlation: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(waiting) = self.replies.lock().as_mut() {
            waiting.remove(&self.correlation);
        }
    }
}

impl Replies {
    /// Listens on a channel until it ends. Questions must be sent over the same one.
    pub(super) async fn listen(channel: &Channel) -> lapin::Result<Arc<Self>> {
        let options = BasicConsumeOptions {
            no_ack: true,
            ..BasicConsumeOptions::default()
        };
        let mut consumer = channel
            .basic_consume(REPLY_TO.into(), "".into(), options, FieldTable::default())
            .await?;
        let replies = Arc::new(Self(Mutex::new(Some(HashMap::new()))));
        let told = Arc::clone(&replies);
        tokio::spawn(async move {
            while let Some(Ok(delivery)) = consumer.next().await {
                told.tell(&delivery);
            }
            told.end();
        });
        Ok(replies)
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<String, oneshot::Sender<Reply>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(self: &Arc<Self>) -> Option<(Place, oneshot::Receiver<Reply>)> {
        let correlation = Uuid::new_v4().simple().to_string();
        let (tell, reply) = oneshot::channel();
        self.lock().as_mut()?.insert(correlation.clone(), tell);
        Some((
            Place {
                replies: Arc::clone(self),
                correlation,
            },
            reply,
        ))
    }

    fn tell(&self, delivery: &Delivery) {
        let Some(correlation) = delivery.properties.correlation_id() else {
            return;
        };
        let waiter = self
            .lock()
            .as_mut()
            .and_then(|waiting| waiting.remove(correlation.as_str()));
        // Whoever asked may have given up.
        let Some(waiter) = waiter else { return };
        let reason = || String::from_utf8_lossy(&delivery.data).into_owned();
        let reply = match Answered::of(&delivery.properties) {
            Some(Answered::Reply) => Envelope::decode(&delivery.data).map_err(|error| RequestError::Unanswered {
                reason: format!("the reply cannot be read: {error}"),
            }),
            Some(Answered::Exhausted) => Err(RequestError::Exhausted { reason: reason() }),
            Some(Answered::Unanswered) | None => Err(RequestError::Unanswered { reason: reason() }),
        };
        let _ = waiter.send(reply);
    }

    /// No reply will come any more.
    pub(super) fn end(&self) {
        *self.lock() = None;
    }
}

/// Asks, and waits for the reply.
pub(super) async fn ask(
    link: &Link,
    layout: &Layout,
    envelope: &Envelope,
    timeout: Duration,
    publish_timeout: Duration,
) -> Result<Envelope, RequestError> {
    let began = Instant::now();
    let until = began + timeout;
    let key = topology::route(envelope);
    let body = envelope.encode();
    let accepted_until = until.min(began + publish_timeout);
    let (_place, reply) = confirmed(
        link,
        |up| &up.asker,
        &key,
        accepted_until,
        |up| {
            let (place, reply) = up.replies.wait()?;
            let mut properties = parcel::properties(envelope, true)
                .with_reply_to(REPLY_TO.into())
                .with_correlation_id(place.correlation.as_str().into());
            if topology::expires(envelope.kind) {
                let left = until.saturating_duration_since(Instant::now()).as_millis().max(1);
                properties = properties.with_expiration(left.to_string().into());
            }
            let bytes = Bytes {
                exchange: layout.exchange(),
                key: key.as_str().into(),
                body: &body,
                properties,
            };
            Some((bytes, (place, reply)))
        },
    )
    .await?;
    match timeout_at(until, reply).await {
        Ok(Ok(reply)) => reply,
        // The connection is lost, and the reply with it; or it did not come in time.
        Ok(Err(_)) | Err(_) => Err(RequestError::TimedOut {
            waited: began.elapsed(),
        }),
    }
}
