//! Takes deliveries from the spool to the bus, and deletes each once somebody else owns it.

use crate::keep::Breaker;
use crate::metric::Metrics;
use crate::reply::Patience;
use crate::spool::{Entry, Spool};
use bus::{Bus, Envelope, PublishError, RequestError};
use domain::message::SignalDecided;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Deliveries on their way at once.
const FLIGHTS: usize = 64;
/// How long the planner may think before it is asked once more. A second question is harmless: it knows the delivery again.
const DECISION_TIMEOUT: Duration = Duration::from_secs(600);
/// How often the depth of the spool is measured.
const LOOK: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long deliveries on their way may take to arrive after `stop`; the others are still in the spool.
const LAST_FLIGHTS: Duration = Duration::from_secs(2);

pub(crate) struct Drain {
    pub(crate) spool: Arc<Spool>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) patience: Arc<Patience>,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Drain {
    /// Runs until `stop`. Dropping it aborts what is on its way, which then comes again after the next start.
    pub(crate) async fn run(self, mut entries: mpsc::UnboundedReceiver<Entry>, stop: &CancellationToken) {
        let this = Arc::new(self);
        let mut flights = JoinSet::new();
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = look.tick() => this.metrics.spool(&this.spool.depth()),
                Some(landed) = flights.join_next(), if !flights.is_empty() => note(landed),
                Some(entry) = entries.recv(), if flights.len() < FLIGHTS => {
                    flights.spawn(Arc::clone(&this).carry(entry));
                }
                else => break,
            }
        }
        let landing = async {
            while let Some(landed) = flights.join_next().await {
                note(landed);
            }
        };
        if tokio::time::timeout(LAST_FLIGHTS, landing).await.is_err() {
            tracing::info!("some deliveries have not arrived before the stop; they stay in the spool");
        }
    }

    async fn carry(self: Arc<Self>, mut entry: Entry) {
        let envelope = match self
            .spool
            .read(&entry)
            .await
            .map_err(anyhow::Error::from)
            .and_then(|bytes| Ok(Envelope::decode(&bytes)?))
        {
            Ok(envelope) => envelope,
            Err(error) => {
                // It stays on disk for a person to look at, and is tried again after the next start.
                return tracing::error!(
                    error = format!("{error:#}"),
                    sequence = entry.sequence,
                    "a spooled delivery cannot be read"
                );
            }
        };
        let mut pause = FIRST_PAUSE;
        loop {
            let carried = match entry.waiter.take() {
                Some(waiter) => self.ask(&envelope, &entry, waiter).await,
                None => self.hand_over(&envelope).await,
            };
            match carried {
                Ok(()) => break self.spool.done(entry.sequence).await,
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), envelope = %envelope.id, "a delivery is not with the planner yet; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Publishes, and waits until somebody else owns the delivery.
    async fn hand_over(&self, envelope: &Envelope) -> anyhow::Result<()> {
        match self.bus.publish(envelope.clone()).await {
            Ok(settled) => match settled.wait().await {
                Ok(()) => {
                    self.breaker.close();
                    Ok(())
                }
                Err(bus::NotSettled::Dead { reason }) => {
                    tracing::error!(reason, envelope = %envelope.id, "a delivery is in the dead queue");
                    Ok(())
                }
                // The spool owns it: what was only put off is offered again for as long as it takes.
                Err(error @ (bus::NotSettled::Exhausted { .. } | bus::NotSettled::BusEnded)) => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for the decision, and tells whoever waits for it.
    async fn ask(
        &self,
        envelope: &Envelope,
        entry: &Entry,
        waiter: tokio::sync::oneshot::Sender<domain::message::Decision>,
    ) -> anyhow::Result<()> {
        match self.bus.request(envelope.clone(), DECISION_TIMEOUT).await {
            Ok(reply) => {
                self.patience.decided_after(entry.since.elapsed());
                let decided = reply
                    .read::<SignalDecided>()
                    .inspect_err(|e| tracing::error!(error = %e, "the planner's reply cannot be read"));
                if let Ok(decided) = decided {
                    // The sender may have been answered already.
                    let _ = waiter.send(decided.decision);
                }
                Ok(())
            }
            Err(RequestError::Unanswered { reason }) => {
                tracing::info!(reason, envelope = %envelope.id, "a delivery was dealt with, without a decision");
                Ok(())
            }
            Err(RequestError::Publish(error @ PublishError::Unroutable { .. })) => {
                Err(anyhow::Error::from(error).context("nobody takes signals"))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn note(landed: Result<(), tokio::task::JoinError>) {
    if let Err(error) = landed {
        tracing::error!(error = %error, "carrying a delivery ended early; it stays in the spool");
    }
}
