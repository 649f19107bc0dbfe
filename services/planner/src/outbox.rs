//! Publishes what was committed, one lane per destination, so that a dead one delays nobody. A row stays until the bus says
//! that somebody else keeps the message; after a restart what is left is published again, and whoever gets it twice knows it.

use crate::leader::Leader;
use crate::store::Store;
use crate::store::outbox::{self, Parcel};
use crate::store::types::Id;
use anyhow::{Context as _, Result};
use bus::{Bus, Envelope, NotSettled, PublishError, Queue};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

/// Published and not settled, per lane. In memory a message is settled when its consumer is done with it, which for an
/// attempt is when it has ended: the bound says how far a lane runs ahead of its consumers.
const AHEAD: usize = 256;
/// Commits of this process wake the lanes; those of another planner are found by looking.
const LOOK: Duration = Duration::from_secs(1);
/// The longest wait between two tries.
const MOST: Duration = Duration::from_secs(60);

/// What every lane works with.
#[derive(Clone)]
pub(crate) struct Outbox {
    pub(crate) store: Store,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) committed: Arc<Notify>,
    pub(crate) leader: Leader,
}

impl Outbox {
    /// Publishes until `stop`, while this planner leads. Lanes are started for the standing destinations and for whatever the
    /// table holds.
    ///
    /// # Errors
    /// Never by itself: what fails is tried again. An error is a lane that ended without being asked.
    pub(crate) async fn run(self, channels: Vec<String>, stop: CancellationToken) -> Result<()> {
        let mut lanes: BTreeMap<String, Arc<Notify>> = BTreeMap::new();
        let mut tasks = JoinSet::new();
        let standing = [Queue::FixerFix, Queue::FixerAnalyse, Queue::FixerValidate]
            .into_iter()
            .chain(channels.into_iter().map(Queue::NotifierNotices));
        let mut wanted: Vec<String> = standing.map(|queue| queue.name().into_owned()).collect();
        loop {
            for name in wanted.drain(..) {
                lanes.entry(name).or_insert_with_key(|name| {
                    let wake = Arc::new(Notify::new());
                    let lane = Lane {
                        name: name.clone(),
                        outbox: self.clone(),
                        wake: Arc::clone(&wake),
                    };
                    tasks.spawn(lane.run(stop.clone()));
                    wake
                });
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.committed.notified() => {}
                () = tokio::time::sleep(LOOK) => {
                    match self.store.tx(|db, _| Ok(outbox::lanes(db)?)).await {
                        Ok(found) => wanted = found,
                        Err(cause) => warn!(cause = format!("{cause:#}"), "the outbox cannot be read"),
                    }
                }
                Some(ended) = tasks.join_next() => ended.context("a lane of the outbox has ended")?,
            }
            lanes.values().for_each(|wake| wake.notify_one());
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }
}

struct Lane {
    name: String,
    outbox: Outbox,
    wake: Arc<Notify>,
}

/// What became of a parcel.
enum Fate {
    /// Somebody else keeps it, or nobody ever can.
    Gone,
    /// Again, later.
    Back,
}

impl Lane {
    async fn run(self, stop: CancellationToken) {
        let mut out = BTreeSet::<Id>::new();
        let mut flights = FuturesUnordered::new();
        loop {
            match self.due(&out).await {
                Ok(parcels) => {
                    for parcel in parcels {
                        // The time between the look and this may have been long, for a process that was stopped.
                        if !self.outbox.leader.leads() {
                            break;
                        }
                        // Published one after the other, so that the order of the lane is the order at the broker.
                        match self.publish(&parcel).await {
                            Published::Accepted(settled) => {
                                out.insert(parcel.id);
                                flights.push(async move { (parcel.id, parcel.tries, fate(&settled.wait().await)) });
                            }
                            Published::Hopeless => self.settle(parcel.id).await,
                            Published::Later => {
                                self.postpone(parcel.id, parcel.tries).await;
                                break;
                            }
                        }
                    }
                }
                Err(cause) => {
                    warn!(
                        lane = self.name,
                        cause = format!("{cause:#}"),
                        "the outbox cannot be read"
                    );
                    tokio::time::sleep(LOOK).await;
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                Some((id, tries, fate)) = flights.next(), if !flights.is_empty() => {
                    match fate {
                        Fate::Gone => self.settle(id).await,
                        Fate::Back => self.postpone(id, tries).await,
                    }
                    out.remove(&id);
                }
            }
        }
    }

    async fn due(&self, out: &BTreeSet<Id>) -> Result<Vec<Parcel>> {
        let room = AHEAD.saturating_sub(out.len());
        if room == 0 || !self.outbox.leader.leads() {
            return Ok(Vec::new());
        }
        let (lane, out) = (self.name.clone(), out.iter().copied().collect::<Vec<_>>());
        self.outbox
            .store
            .tx(move |db, now| Ok(outbox::due(db, &lane, &out, now, i64::try_from(room).unwrap_or(1))?))
            .await
    }

    async fn publish(&self, parcel: &Parcel) -> Published {
        let envelope = match Envelope::decode(&parcel.envelope) {
            Ok(envelope) => envelope,
            Err(cause) => {
                error!(lane = self.name, parcel = %*parcel.id, cause = format!("{:#}", anyhow::Error::from(cause)), "a message in the outbox cannot be read and is dropped");
                return Published::Hopeless;
            }
        };
        match self.outbox.bus.publish(envelope).await {
            Ok(settled) => Published::Accepted(settled),
            Err(cause @ PublishError::Unroutable { .. }) => {
                // A channel whose notifier has not started yet looks the same as one that nobody serves: keep trying, rarely.
                warn!(lane = self.name, %cause, tries = parcel.tries, "nobody takes a message yet");
                Published::Later
            }
            Err(cause) => {
                warn!(
                    lane = self.name,
                    cause = format!("{:#}", anyhow::Error::from(cause)),
                    tries = parcel.tries,
                    "a message could not be published"
                );
                Published::Later
            }
        }
    }

    async fn settle(&self, id: Id) {
        if let Err(cause) = self.outbox.store.tx(move |db, _| Ok(outbox::settle(db, id)?)).await {
            // It will be published again, and known again.
            warn!(
                lane = self.name,
                cause = format!("{cause:#}"),
                "a settled message could not be taken out"
            );
        }
    }

    async fn postpone(&self, id: Id, tries: i64) {
        let wait = Duration::from_secs(1) * 2_u32.saturating_pow(u32::try_from(tries).unwrap_or(u32::MAX).min(6));
        let wait = chrono::Duration::from_std(wait.min(MOST)).unwrap_or(chrono::Duration::seconds(60));
        if let Err(cause) = self
            .outbox
            .store
            .tx(move |db, now| Ok(outbox::postpone(db, id, now + wait)?))
            .await
        {
            warn!(
                lane = self.name,
                cause = format!("{cause:#}"),
                "a message could not be put off"
            );
        }
    }
}

enum Published {
    Accepted(bus::Settled),
    Hopeless,
    Later,
}

fn fate(settled: &Result<(), NotSettled>) -> Fate {
    match settled {
        // What can never work is in the dead queue, which says why; the deadline of an attempt sees to the rest. What was only
        // put off, by a Slack that is down for instance, is offered again for as long as it takes.
        Ok(()) | Err(NotSettled::Dead { .. }) => Fate::Gone,
        Err(NotSettled::Exhausted { .. } | NotSettled::BusEnded) => Fate::Back,
    }
}
