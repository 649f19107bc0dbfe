//! Moves envelopes safely between the services, and knows nothing of what a message means.
//!
//! [`topology`] is the map: which queues there are, what goes into them, and their limits. [`MemoryBus`] is the bus of a
//! single process, [`RabbitBus`] that of many.
//!
//! The one rule for those who use it: a handler never publishes while it holds a place in a queue that it feeds, since a
//! full queue would then wait for itself. Handlers write down what is to be published, answer, and somebody else publishes.

pub mod consume;
pub mod envelope;
pub mod error;
pub mod handler;
pub mod memory;
pub mod packed;
pub mod rabbit;
pub mod settings;
pub mod settled;
pub mod topology;

use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub use consume::Consume;
pub use envelope::{Envelope, EnvelopeError};
pub use error::{ConsumeError, NotSettled, PublishError, RequestError};
pub use handler::{Answer, Handler, Incoming, handler, reply};
pub use memory::MemoryBus;
pub use rabbit::RabbitBus;
pub use settings::{OpenError, Settings, open};
pub use settled::Settled;
pub use topology::Queue;

/// How the services speak to each other.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Resolves when the broker has it (in memory: when every bound queue has accepted it, which waits while a bounded queue
    /// is full, up to [`topology::PUBLISH_TIMEOUT`]).
    ///
    /// # Errors
    /// [`PublishError`]: nobody has the message, and whoever owns it must keep it.
    async fn publish(&self, envelope: Envelope) -> Result<Settled, PublishError>;

    /// Publishes and waits for the consumer's reply, `timeout` for both together. A request that gets no reply in time is not
    /// taken back: whoever consumes it may still act on it.
    ///
    /// # Errors
    /// [`RequestError`], which tells a request that was never accepted from one that was accepted and not answered.
    async fn request(&self, envelope: Envelope, timeout: Duration) -> Result<Envelope, RequestError>;

    /// Runs until `stop`; then takes no more, lets running handlers end (bounded by [`Consume::drain`]) and returns. What has
    /// not ended by then is aborted and given back. Dropping the future aborts the handlers and gives their messages back at
    /// once.
    ///
    /// # Errors
    /// [`ConsumeError`]: nothing is being consumed.
    async fn consume(
        &self,
        consume: Consume,
        handler: Arc<dyn Handler>,
        stop: CancellationToken,
    ) -> Result<(), ConsumeError>;

    /// How full each queue is. Empty when the broker cannot be asked.
    async fn depth(&self) -> Vec<QueueDepth>;

    /// Whether what it has accepted outlives this process: then whoever published may forget it.
    fn durable(&self) -> bool;
}

/// How full a queue is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// Its name, [`Queue::name`].
    pub queue: String,
    /// Messages that a consumer could take now.
    pub ready: usize,
    /// Messages that wait for their next attempt.
    pub delayed: usize,
    /// Messages that a handler has; over a broker, a handler of this process.
    pub unacknowledged: usize,
    /// Messages in its dead queue.
    pub dead: usize,
    /// How long the oldest message that is not dead has been waiting, where that is known. Over a broker it is what this process
    /// can know: the oldest that it has in hand, else since when it has not seen the queue empty.
    pub oldest: Option<Duration>,
}
