//! The clock of the planner: ticks once a second, and knows since when it has heard all that was said.

use crate::flow::Flow;
use crate::leader::Leader;
use anyhow::Result;
use bus::{Bus, Queue};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracing::error;

const TICK: Duration = Duration::from_secs(1);
/// A process that was stopped, or starved, for so long has not listened.
const GAP: Duration = Duration::from_secs(5);
const HOUSEKEEPING: u32 = 15;
/// How often somebody looks how full the queues are.
const QUEUES: Duration = Duration::from_secs(5);

/// Ticks until `stop`.
///
/// # Errors
/// Never: what fails is tried again at the next tick.
pub(crate) async fn run(flow: Arc<Flow>, bus: Arc<dyn Bus>, leader: Leader, stop: CancellationToken) -> Result<()> {
    let mut listening = Listening::default();
    let mut count = 0_u32;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(TICK) => {}
        }
        if !leader.leads() {
            // Another planner looks after them.
            listening.interrupted();
            continue;
        }
        let done = tick(&flow, &*bus, &mut listening, count).await;
        if let Err(cause) = done {
            listening.interrupted();
            error!(cause = format!("{cause:#}"), "a tick failed");
        }
        count = count.wrapping_add(1);
    }
}

/// Shows how full the queues are, until `stop`. Every planner does, whoever leads: when the database is away nobody leads, and that
/// is when it matters.
///
/// # Errors
/// Never: who cannot be asked is asked again.
pub(crate) async fn queues(flow: Arc<Flow>, bus: Arc<dyn Bus>, stop: CancellationToken) -> Result<()> {
    loop {
        flow.measure.queues(&bus.depth().await);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(QUEUES) => {}
        }
    }
}

async fn tick(flow: &Flow, bus: &dyn Bus, listening: &mut Listening, count: u32) -> Result<()> {
    let depth = bus.depth().await;
    // Without an answer from the broker nobody knows what waits there.
    let drained = depth
        .iter()
        .find(|queue| queue.queue == Queue::PlannerProgress.name())
        .is_some_and(|queue| queue.ready == 0);
    let now = flow.store.now().await?;
    let since = listening.look(drained, Instant::now(), now);
    flow.on_tick(since).await?;
    if count.is_multiple_of(HOUSEKEEPING) {
        flow.housekeeping().await?;
    }
    Ok(())
}

/// Since when the planner has heard all that was said.
#[derive(Debug, Default)]
struct Listening {
    since: Option<DateTime<Utc>>,
    looked: Option<Instant>,
}

impl Listening {
    fn look(&mut self, drained: bool, at: Instant, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let slept = self.looked.is_none_or(|looked| at.duration_since(looked) > GAP);
        self.looked = Some(at);
        if slept || !drained {
            self.since = None;
        }
        if drained && self.since.is_none() {
            self.since = Some(now);
        }
        self.since
    }

    const fn interrupted(&mut self) {
        self.since = None;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use super::*;

    #[test]
    fn silence_counts_only_while_everything_is_heard() {
        let mut listening = Listening::default();
        let (start, now) = (Instant::now(), "2026-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let mut look = |seconds: u64, drained| {
            let later = Duration::from_secs(seconds);
            listening
                .look(drained, start + later, now + later)
                .map(|since| (since - now).num_seconds())
        };
        assert_eq!(look(0, true), Some(0));
        assert_eq!(look(1, true), Some(0));
        assert_eq!(look(2, false), None, "messages wait");
        assert_eq!(look(3, true), Some(3));
        assert_eq!(look(60, true), Some(60), "the process was stopped");
    }
}
