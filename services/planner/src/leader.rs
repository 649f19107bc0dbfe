//! One planner of several publishes the outbox and looks after silent attempts: the one that holds a lease in the database. Every
//! planner tries to hold it, so whoever is left takes over within two seconds of the other's death.

use crate::store::Store;
use crate::store::leases;
use crate::store::types::Id;
use anyhow::Result;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

const LEASE: &str = "planner";
/// How long the lease lasts after it was renewed.
const LASTS: Duration = Duration::from_millis(1500);
/// How often it is renewed, or tried to get.
const RENEW: Duration = Duration::from_millis(400);
/// The end of the lease is not used: the clock of the database and ours do not tick alike.
const MARGIN: Duration = Duration::from_millis(200);

/// Whether this planner leads, for those who ask.
#[derive(Clone)]
pub(crate) struct Leader(watch::Receiver<Option<Instant>>);

impl Leader {
    /// Whether it leads now. A process that was stopped for a while does not, whatever it believed before.
    pub(crate) fn leads(&self) -> bool {
        self.0.borrow().is_some_and(|until| Instant::now() < until)
    }
}

/// Tries to lead, from now on until [`Candidate::run`] ends.
pub(crate) struct Candidate {
    store: Store,
    /// What has to begin when this planner begins to lead.
    wake: Arc<Notify>,
    tell: watch::Sender<Option<Instant>>,
}

impl Candidate {
    pub(crate) fn new(store: Store, wake: Arc<Notify>) -> (Self, Leader) {
        let (tell, leads) = watch::channel(None);
        (Self { store, wake, tell }, Leader(leads))
    }

    /// Tries until `stop`.
    ///
    /// # Errors
    /// Never: what fails is tried again.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<()> {
        let me = Id::new();
        let mut led = false;
        while !stop.is_cancelled() {
            // The lease counts from before the question, so that it never ends here later than there.
            let asked = Instant::now();
            let lasts = chrono::Duration::from_std(LASTS).unwrap_or_default();
            let held = self
                .store
                .tx(move |db, now| Ok(leases::hold(db, LEASE, me, now + lasts, now)?))
                .await;
            let leads = match held {
                Ok(held) => held,
                Err(cause) => {
                    warn!(cause = format!("{cause:#}"), "the lease could not be renewed");
                    false
                }
            };
            self.tell.send_replace(leads.then_some(asked + LASTS - MARGIN));
            if leads != led {
                info!(leads, "whether this planner publishes and looks after attempts");
                led = leads;
                self.wake.notify_one();
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(RENEW) => {}
            }
        }
        self.tell.send_replace(None);
        if led {
            let given = self.store.tx(move |db, _| Ok(leases::give_back(db, LEASE, me)?)).await;
            if let Err(cause) = given {
                debug!(
                    cause = format!("{cause:#}"),
                    "the lease was not given back, and ends by itself"
                );
            }
        }
        Ok(())
    }
}
