//! The bus of a single process. What is in it is lost with the process; spool and outbox keep what must not be.

mod line;
mod work;

use crate::envelope::Envelope;
use crate::error::{ConsumeError, PublishError, RequestError};
use crate::handler::Handler;
use crate::settled::Settled;
use crate::topology::{self, Queue};
use crate::{Bus, Consume, QueueDepth};
use async_trait::async_trait;
use line::{Line, Parcel};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// What may differ from [`topology`].
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a message that is to come again waits.
    pub retry_delay: Duration,
    /// How long a publish waits for a place.
    pub publish_timeout: Duration,
    /// The bound of every queue, where it is not to be the queue's own.
    pub bound: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retry_delay: topology::RETRY_DELAY,
            publish_timeout: topology::PUBLISH_TIMEOUT,
            bound: None,
        }
    }
}

/// The bus of a single process. Clones are the same bus.
#[derive(Clone)]
pub struct MemoryBus {
    lines: Arc<RwLock<BTreeMap<Queue, Arc<Line>>>>,
    flights: watch::Sender<usize>,
    options: Arc<Options>,
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl MemoryBus {
    /// An empty bus with all standing queues.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let bus = Self {
            lines: Arc::default(),
            flights: watch::Sender::new(0),
            options: Arc::new(options),
        };
        for queue in Queue::standing() {
            bus.line(&queue);
        }
        bus
    }

    /// How many messages are ready, delayed or being handled, in all queues together. Dead ones are not counted.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        *self.flights.borrow()
    }

    /// Resolves when no message is ready, delayed or being handled.
    pub async fn idle(&self) {
        // It fails only when the sender is gone, and `self` holds it.
        let _ = self.flights.subscribe().wait_for(|count| *count == 0).await;
    }

    /// What has gone to a queue's dead queue and why, oldest first.
    #[must_use]
    pub fn dead(&self, queue: &Queue) -> Vec<(Envelope, String)> {
        self.line(queue).dead()
    }

    /// Finds a queue, or makes it.
    fn line(&self, queue: &Queue) -> Arc<Line> {
        if let Some(line) = self.lines.read().unwrap_or_else(PoisonError::into_inner).get(queue) {
            return Arc::clone(line);
        }
        let mut lines = self.lines.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            lines
                .entry(queue.clone())
                .or_insert_with(|| Arc::new(Line::new(queue.clone(), &self.options))),
        )
    }

    fn lines(&self) -> Vec<Arc<Line>> {
        self.lines
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .map(Arc::clone)
            .collect()
    }

    /// Gives the envelope to every queue that is bound to its routing key, or to none of them.
    async fn accept(
        &self,
        envelope: Envelope,
        until: Instant,
        mut reply: Option<line::ReplyTo>,
    ) -> Result<Settled, PublishError> {
        let key = topology::route(&envelope);
        let lines: Vec<_> = self.lines().into_iter().filter(|line| line.takes(&key)).collect();
        if lines.is_empty() {
            return Err(PublishError::Unroutable { key });
        }
        let began = Instant::now();
        let mut places = Vec::with_capacity(lines.len());
        for line in &lines {
            let place = timeout_at(until, line.place()).await;
            places.push(place.map_err(|_| PublishError::Full {
                queue: line.queue.name().into_owned(),
                waited: began.elapsed(),
            })?);
        }
        let mut settling = Vec::new();
        for (line, place) in lines.iter().zip(places) {
            let (parcel, settled) = Parcel::new(envelope.clone(), reply.take(), place, self.flights.clone());
            line.push(parcel);
            if line.queue.durable() {
                settling.push(settled);
            }
        }
        Ok(Settled::when_all(settling))
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, envelope: Envelope) -> Result<Settled, PublishError> {
        self.accept(envelope, Instant::now() + self.options.publish_timeout, None)
            .await
    }

    async fn request(&self, envelope: Envelope, timeout: Duration) -> Result<Envelope, RequestError> {
        let until = Instant::now() + timeout;
        let (reply_to, reply) = oneshot::channel();
        drop(
            self.accept(
                envelope,
                until.min(Instant::now() + self.options.publish_timeout),
                Some(reply_to),
            )
            .await?,
        );
        match timeout_at(until, reply).await {
            Ok(Ok(Ok(reply))) => Ok(reply),
            Ok(Ok(Err(error))) => Err(error),
            Ok(Err(_)) => Err(RequestError::Unanswered {
                reason: "the request was dropped".into(),
            }),
            Err(_) => Err(RequestError::TimedOut { waited: timeout }),
        }
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
        let line = self.line(&consume.queue);
        work::run(line, &consume, handler, &stop).await;
        Ok(())
    }

    async fn depth(&self) -> Vec<QueueDepth> {
        self.lines().iter().map(|line| line.depth()).collect()
    }

    fn durable(&self) -> bool {
        false
    }
}
