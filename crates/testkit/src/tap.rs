//! A bus that a test can look into: it sees every envelope, and can hold one back to stop a service at an exact stage.

use async_trait::async_trait;
use bus::{Bus, Consume, ConsumeError, Envelope, Handler, PublishError, QueueDepth, RequestError, Settled};
use domain::message::{Kind, Message};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

type Predicate = Box<dyn Fn(&Envelope) -> bool + Send + Sync>;

/// A bus that a test can look into. Clones are the same tap.
#[derive(Clone)]
pub struct TappedBus {
    inner: Arc<dyn Bus>,
    seen: Arc<Mutex<Vec<Envelope>>>,
    holds: Arc<Mutex<Vec<Arc<Hold>>>>,
}

struct Hold {
    predicate: Predicate,
    caught: watch::Sender<Option<Envelope>>,
    released: CancellationToken,
}

/// A hold on envelopes; what it catches waits until it is released or dropped.
pub struct Held(Arc<Hold>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TappedBus {
    /// Wraps a bus.
    #[must_use]
    pub fn new(inner: Arc<dyn Bus>) -> Self {
        Self {
            inner,
            seen: Arc::default(),
            holds: Arc::default(),
        }
    }

    /// Holds back every envelope that fits, in `publish` and `request`, until the returned hold is released.
    #[must_use = "dropping the hold releases it"]
    pub fn hold_when(&self, predicate: impl Fn(&Envelope) -> bool + Send + Sync + 'static) -> Held {
        let hold = Arc::new(Hold {
            predicate: Box::new(predicate),
            caught: watch::Sender::new(None),
            released: CancellationToken::new(),
        });
        lock(&self.holds).push(Arc::clone(&hold));
        Held(hold)
    }

    /// Holds back every envelope of a kind.
    #[must_use = "dropping the hold releases it"]
    pub fn hold(&self, kind: Kind) -> Held {
        self.hold_when(move |envelope| envelope.kind == kind)
    }

    /// Every message of a kind that was published or requested so far, held ones included, oldest first. What does not fit
    /// its schema is left out.
    #[must_use]
    pub fn seen<M: Message>(&self) -> Vec<M> {
        lock(&self.seen)
            .iter()
            .filter_map(|envelope| envelope.read().ok())
            .collect()
    }

    /// Every envelope that was published or requested so far, oldest first.
    #[must_use]
    pub fn envelopes(&self) -> Vec<Envelope> {
        lock(&self.seen).clone()
    }

    async fn pass(&self, envelope: &Envelope) {
        lock(&self.seen).push(envelope.clone());
        let holds: Vec<Arc<Hold>> = {
            let mut holds = lock(&self.holds);
            holds.retain(|hold| !hold.released.is_cancelled());
            holds
                .iter()
                .filter(|hold| (hold.predicate)(envelope))
                .map(Arc::clone)
                .collect()
        };
        for hold in holds {
            hold.caught.send_replace(Some(envelope.clone()));
            hold.released.cancelled().await;
        }
    }
}

impl Held {
    /// Waits until an envelope is held, and returns the newest. Bound it with a timeout.
    pub async fn caught(&self) -> Envelope {
        let mut caught = self.0.caught.subscribe();
        loop {
            if let Some(envelope) = caught.borrow_and_update().clone() {
                return envelope;
            }
            // It cannot fail: `self` keeps the sender.
            let _ = caught.changed().await;
        }
    }

    /// Lets everything go that is held, and holds nothing more.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.released.cancel();
    }
}

#[async_trait]
impl Bus for TappedBus {
    async fn publish(&self, envelope: Envelope) -> Result<Settled, PublishError> {
        self.pass(&envelope).await;
        self.inner.publish(envelope).await
    }

    async fn request(&self, envelope: Envelope, timeout: Duration) -> Result<Envelope, RequestError> {
        self.pass(&envelope).await;
        self.inner.request(envelope, timeout).await
    }

    async fn consume(
        &self,
        consume: Consume,
        handler: Arc<dyn Handler>,
        stop: CancellationToken,
    ) -> Result<(), ConsumeError> {
        self.inner.consume(consume, handler, stop).await
    }

    async fn depth(&self) -> Vec<QueueDepth> {
        self.inner.depth().await
    }

    fn durable(&self) -> bool {
        self.inner.durable()
    }
}
