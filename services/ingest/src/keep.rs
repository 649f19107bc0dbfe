//! How a delivery becomes durable: with the broker where there is one, else in the spool on disk. A broker that does not confirm in
//! time is left alone until the drain has reached it again; meanwhile nobody waits for it.

use crate::metric::Metrics;
use crate::reply::Patience;
use crate::spool::{Spool, SpoolError};
use bus::{Bus, Envelope, RequestError};
use domain::message::{Decision, SignalDecided};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long the broker may take to confirm, before the delivery goes to the spool.
const CONFIRM: Duration = Duration::from_millis(250);
/// How often one delivery finds out whether the broker is back.
const TRY: Duration = Duration::from_secs(1);

/// Everything that keeps deliveries.
pub(crate) struct Keeper {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) spool: Arc<Spool>,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) patience: Arc<Patience>,
    pub(crate) metrics: Arc<Metrics>,
}

/// Whether the broker is worth asking: not after it failed once, until a delivery has reached it. Once a second somebody tries.
#[derive(Default)]
pub(crate) struct Breaker(Mutex<Option<Instant>>);

impl Breaker {
    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this delivery may go to the broker.
    fn lets_through(&self) -> bool {
        let mut next_try = self.lock();
        let now = Instant::now();
        match *next_try {
            Some(at) if at > now => false,
            Some(_) => {
                // The others go on to the spool while this one finds out.
                *next_try = Some(now + TRY);
                true
            }
            None => true,
        }
    }

    fn open(&self, why: &NotTaken) {
        if self.lock().replace(Instant::now() + TRY).is_none() {
            tracing::warn!(why = %why, "the broker did not take a delivery: deliveries go to the spool");
        }
    }

    /// The broker has taken something.
    pub(crate) fn close(&self) {
        if self.lock().take().is_some() {
            tracing::info!("the broker takes deliveries again");
        }
    }
}

/// What becomes of the planner's decision.
pub(crate) type Decided = Option<oneshot::Receiver<Decision>>;

/// The broker has not taken a delivery.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("it did not confirm within {CONFIRM:?}")]
    Late,
    #[error(transparent)]
    Refused(#[from] bus::PublishError),
}

impl Keeper {
    /// Returns once the delivery is durable. Where `asked`, the planner's decision may come after it; the sender is answered at
    /// `deadline`.
    pub(crate) async fn keep(&self, envelope: Envelope, asked: bool, deadline: Instant) -> Result<Decided, SpoolError> {
        if self.bus.durable() && self.breaker.lets_through() {
            let taken = if asked && self.patience.is_worth_it() {
                self.ask(&envelope, deadline).await
            } else {
                self.publish(&envelope).await.map(|()| None)
            };
            match taken {
                Ok(decided) => {
                    self.breaker.close();
                    return Ok(decided);
                }
                Err(why) => self.breaker.open(&why),
            }
        }
        let (waiter, decided) = if asked && !self.bus.durable() {
            Some(oneshot::channel()).unzip()
        } else {
            (None, None)
        };
        self.spool.append(envelope.encode().into(), waiter).await?;
        self.metrics.spooled();
        Ok(decided)
    }

    async fn publish(&self, envelope: &Envelope) -> Result<(), NotTaken> {
        let published = tokio::time::timeout(CONFIRM, self.bus.publish(envelope.clone())).await;
        // The broker owns it from here on.
        drop(published.map_err(|_| NotTaken::Late)??);
        Ok(())
    }

    /// Publishes, and waits for the decision as long as the sender does.
    async fn ask(&self, envelope: &Envelope, deadline: Instant) -> Result<Decided, NotTaken> {
        let begin = Instant::now();
        let wait = deadline.saturating_duration_since(begin).min(CONFIRM);
        match self.bus.request(envelope.clone(), wait).await {
            Ok(reply) => {
                self.patience.decided_after(begin.elapsed());
                let decided = reply
                    .read::<SignalDecided>()
                    .inspect_err(|e| tracing::error!(error = %e, "the planner's reply cannot be read"));
                let (tell, decision) = oneshot::channel();
                if let Ok(decided) = decided {
                    // It is received right behind this.
                    let _ = tell.send(decided.decision);
                }
                Ok(Some(decision))
            }
            Err(RequestError::Publish(why)) => Err(why.into()),
            Err(RequestError::TimedOut { .. }) => {
                self.patience.was_late();
                Ok(None)
            }
            Err(error @ (RequestError::Exhausted { .. } | RequestError::Unanswered { .. })) => {
                tracing::info!(%error, envelope = %envelope.id, "a delivery was taken, without a decision");
                Ok(None)
            }
        }
    }
}
