//! The bus over RabbitMQ: quorum queues, confirmed publishes, and a connection that comes back by itself.
//!
//! `link` keeps the connection, `layout` declares what the map says, `parcel` is the form of a message at the broker,
//! `publish` and `ask` send, `lane` takes, and `desk` deals with what was taken. A message is acknowledged when its handler has answered, never before.

mod ask;
mod desk;
mod in_hand;
mod lane;
mod layout;
mod link;
mod parcel;
mod publish;

use crate::consume::Consume;
use crate::envelope::Envelope;
use crate::error::{ConsumeError, PublishError, RequestError};
use crate::handler::Handler;
use crate::settled::Settled;
use crate::topology::{self, Pull, Queue};
use crate::{Bus, QueueDepth};
use async_trait::async_trait;
use futures::future::try_join_all;
use in_hand::InHand;
use lane::Lane;
use layout::Layout;
use link::Link;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// How long the broker may take to say how full its queues are.
const DEPTH_TIMEOUT: Duration = Duration::from_secs(2);

/// What differs between brokers; the defaults are those of [`topology`].
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a message that is to come again waits.
    pub retry_delay: Duration,
    /// How long a publish waits for a connection, a place and the confirm.
    pub publish_timeout: Duration,
    /// The bound of every queue, where it is not to be the queue's own.
    pub bound: Option<usize>,
    /// What the names of the exchange and of all queues begin with, so that several systems can share a broker.
    pub prefix: String,
    /// After how long the broker deletes a queue that nobody has used, with what is in it: for tests. Without it queues stay.
    pub forget_after: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retry_delay: topology::RETRY_DELAY,
            publish_timeout: topology::PUBLISH_TIMEOUT,
            bound: None,
            prefix: String::new(),
            forget_after: None,
        }
    }
}

/// An address that is none, or of something else.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(pub(crate) String);

/// The bus over RabbitMQ. Clones share one connection.
#[derive(Clone)]
pub struct RabbitBus {
    link: Arc<Link>,
    layout: Arc<Layout>,
    in_hand: Arc<InHand>,
    publish_timeout: Duration,
}

impl RabbitBus {
    /// Begins to connect, and goes on until the last clone is dropped: a broker that is away is no error, it is waited for.
    /// Needs a tokio runtime. `address` is `amqp://` or `amqps://`.
    ///
    /// # Errors
    /// [`BadAddress`]. It does not repeat the address, which may hold a password.
    pub fn open(address: &str, options: &Options) -> Result<Self, BadAddress> {
        let layout = Arc::new(Layout::new(options));
        Ok(Self {
            link: Arc::new(Link::open(address, Arc::clone(&layout))?),
            layout,
            in_hand: Arc::default(),
            publish_timeout: options.publish_timeout,
        })
    }

    /// Waits for a connection; `false` when there is none in time.
    pub async fn connected(&self, within: Duration) -> bool {
        timeout(within, self.link.up()).await.is_ok()
    }

    /// Takes everything out of a queue's dead queue, oldest first, with the reasons. What is no envelope is left out.
    ///
    /// # Errors
    /// What the broker said.
    pub async fn take_dead(&self, queue: &Queue) -> Result<Vec<(Envelope, String)>, crate::error::Cause> {
        let up = timeout(self.publish_timeout, self.link.up()).await?;
        let channel = up.connection.create_channel().await?;
        let mut dead = Vec::new();
        while let Some(message) = channel
            .basic_get(
                self.layout.dead(queue),
                lapin::options::BasicGetOptions { no_ack: true },
            )
            .await?
        {
            if let Ok(envelope) = Envelope::decode(&message.delivery.data) {
                dead.push((envelope, parcel::reason(&message.delivery.properties)));
            }
        }
        Ok(dead)
    }

    /// Deletes the exchange and all standing queues, with what is in them: for tests, and for whoever retires a prefix.
    ///
    /// # Errors
    /// What the broker said.
    pub async fn remove(&self) -> Result<(), crate::error::Cause> {
        let up = timeout(self.publish_timeout, self.link.up()).await?;
        let channel = up.connection.create_channel().await?;
        self.layout.remove(&channel).await?;
        Ok(())
    }

    async fn ask_depth(&self) -> Result<Vec<QueueDepth>, crate::error::Cause> {
        let up = self.link.up().await;
        let channel = up.connection.create_channel().await?;
        let mut depths = Vec::new();
        for queue in Queue::standing() {
            let (waiting, running, oldest) = self.in_hand.of(&queue);
            let mut depth = QueueDepth {
                queue: queue.name().into_owned(),
                ready: layout::count(&channel, self.layout.work(&queue)).await? + waiting,
                delayed: 0,
                unacknowledged: running,
                dead: 0,
                oldest: None,
            };
            if queue.durable() {
                depth.delayed = layout::count(&channel, self.layout.retry(&queue)).await?;
                depth.dead = layout::count(&channel, self.layout.dead(&queue)).await?;
            }
            depth.oldest = self.in_hand.age(&queue, depth.ready + depth.delayed > 0, oldest);
            depths.push(depth);
        }
        Ok(depths)
    }
}

#[async_trait]
impl Bus for RabbitBus {
    async fn publish(&self, envelope: Envelope) -> Result<Settled, PublishError> {
        let until = Instant::now() + self.publish_timeout;
        publish::publish(&self.link, &self.layout, &envelope, until).await?;
        Ok(Settled::now())
    }

    async fn request(&self, envelope: Envelope, timeout: Duration) -> Result<Envelope, RequestError> {
        ask::ask(&self.link, &self.layout, &envelope, timeout, self.publish_timeout).await
    }

    async fn consume(
        &self,
        consume: Consume,
        handler: Arc<dyn Handler>,
        stop: CancellationToken,
    ) -> Result<(), ConsumeError> {
        if consume.concurrency == 0 {
            return Err(ConsumeError::NoConcurrency {
                queue: consume.queue.name().into_owned(),
            });
        }
        // One by one: every worker has a lane of its own, which asks for a message when the worker is free.
        let (lanes, prefetch, concurrency) = match consume.queue.pull() {
            Pull::OneByOne => (consume.concurrency, 1, 1),
            Pull::Ahead(count) => {
                let least = u16::try_from(consume.concurrency).unwrap_or(u16::MAX);
                (1, count.max(least), consume.concurrency)
            }
        };
        let lanes = (0..lanes).map(|_| {
            Lane {
                link: Arc::clone(&self.link),
                layout: Arc::clone(&self.layout),
                in_hand: Arc::clone(&self.in_hand),
                handler: Arc::clone(&handler),
                queue: consume.queue.clone(),
                prefetch,
                concurrency,
                drain: consume.drain,
            }
            .run(&stop)
        });
        try_join_all(lanes).await?;
        Ok(())
    }

    async fn depth(&self) -> Vec<QueueDepth> {
        match timeout(DEPTH_TIMEOUT, self.ask_depth()).await {
            Ok(Ok(depths)) => depths,
            Ok(Err(error)) => {
                tracing::debug!(error, "the broker does not say how full its queues are");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }

    fn durable(&self) -> bool {
        true
    }
}
