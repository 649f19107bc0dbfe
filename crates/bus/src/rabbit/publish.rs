//! Publishing: it is done when the broker has confirmed it and some queue has it.

use super::layout::Layout;
use super::link::{Link, Up};
use super::parcel;
use crate::envelope::Envelope;
use crate::error::PublishError;
use crate::topology;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How soon it is tried again: a full queue, or over a new connection.
const PAUSE: Duration = Duration::from_millis(20);

/// Bytes for the broker.
pub(super) struct Bytes<'a> {
    pub(super) exchange: ShortString,
    pub(super) key: ShortString,
    pub(super) body: &'a [u8],
    pub(super) properties: BasicProperties,
}

/// What the broker said.
enum Said {
    /// It has it.
    Kept,
    /// No queue takes it.
    NoRoute,
    /// A queue is full.
    Full,
}

/// Publishes an envelope to the queues that are bound to its key.
pub(super) async fn publish(
    link: &Link,
    layout: &Layout,
    envelope: &Envelope,
    until: Instant,
) -> Result<(), PublishError> {
    let key = topology::route(envelope);
    let body = envelope.encode();
    let bytes = |durable| Bytes {
        exchange: layout.exchange(),
        key: key.as_str().into(),
        body: &body,
        properties: parcel::properties(envelope, durable),
    };
    if topology::is_transient(envelope.kind) {
        let up = timeout_at(until, link.up())
            .await
            .map_err(|_| PublishError::Unavailable(link.trouble()))?;
        return tell(&up.chatter, bytes(false)).await.map_err(|error| {
            up.is_lost();
            PublishError::Unavailable(error.into())
        });
    }
    confirmed(link, |up| &up.publisher, &key, until, |_| Some((bytes(true), ()))).await
}

/// Sends over one of the shared channels until it is confirmed, or the time is over. `prepare` says what is sent over a connection,
/// and what is kept with it; `None` when that connection is of no use any more. What was sent over a connection that broke is sent
/// again: it may then be there twice.
pub(super) async fn confirmed<'a, T>(
    link: &Link,
    channel: impl Fn(&Up) -> &Channel,
    key: &str,
    until: Instant,
    prepare: impl Fn(&Up) -> Option<(Bytes<'a>, T)>,
) -> Result<T, PublishError> {
    let began = Instant::now();
    let late = || PublishError::Unavailable(link.trouble());
    loop {
        let up = timeout_at(until, link.up()).await.map_err(|_| late())?;
        if let Some((bytes, kept)) = prepare(&up) {
            match timeout_at(until, send(channel(&up), bytes)).await.map_err(|_| late())? {
                Ok(Said::Kept) => return Ok(kept),
                Ok(Said::NoRoute) => return Err(PublishError::Unroutable { key: key.to_owned() }),
                Ok(Said::Full) if Instant::now() + PAUSE >= until => {
                    return Err(PublishError::Full {
                        queue: key.to_owned(),
                        waited: began.elapsed(),
                    });
                }
                Ok(Said::Full) => {}
                Err(error) => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "a message has lost its connection"
                    );
                    up.is_lost();
                }
            }
        } else {
            up.is_lost();
        }
        // Whoever makes a place, or a new connection, needs a turn.
        sleep(PAUSE).await;
    }
}

/// Sends once, and waits for the confirm.
async fn send(channel: &Channel, bytes: Bytes<'_>) -> lapin::Result<Said> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let confirm = channel
        .basic_publish(bytes.exchange, bytes.key, options, bytes.body, bytes.properties)
        .await?
        .await?;
    Ok(match confirm {
        Confirmation::Ack(None) => Said::Kept,
        Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => Said::NoRoute,
        Confirmation::Nack(None) | Confirmation::NotRequested => Said::Full,
    })
}

/// Sends once, and waits for nothing.
pub(super) async fn tell(channel: &Channel, bytes: Bytes<'_>) -> lapin::Result<()> {
    let options = BasicPublishOptions::default();
    drop(
        channel
            .basic_publish(bytes.exchange, bytes.key, options, bytes.body, bytes.properties)
            .await?,
    );
    Ok(())
}
