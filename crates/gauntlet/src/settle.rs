//! Waiting until nothing more happens by itself.

use crate::arena::Arena;
use crate::clock::now;
use crate::collect::known_deliveries;
use crate::ledger::{Entry, read};
use anyhow::Result;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_secs(1);
/// Patience without a notice.
const SHORT: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(300);
/// Slack takes one message a second.
const PER_NOTICE: Duration = Duration::from_millis(1_500);

/// Waits for rest, and writes down whether it came.
pub async fn settle(arena: &Arc<Arena>, short: bool) {
    let began = Instant::now();
    let mut done = BTreeSet::new();
    loop {
        let (left, notices) = match left(arena, &mut done).await {
            Ok(left) => left,
            Err(error) => (format!("it cannot be asked: {error:#}"), 0),
        };
        let patience = if short { SHORT } else { LONG };
        let patience = patience + PER_NOTICE * u32::try_from(notices).unwrap_or(u32::MAX);
        if left.is_empty() || began.elapsed() > patience {
            if !left.is_empty() {
                println!("it does not come to rest: {left}");
            }
            arena.ledger.add(&Entry::Settled {
                at: now(),
                in_time: left.is_empty(),
                left,
            });
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What is still to be done, in words, and how many notices are among it. Jobs that are `done` are not asked for again.
async fn left(arena: &Arc<Arena>, done: &mut BTreeSet<String>) -> Result<(String, usize)> {
    let mut left = String::new();
    let flying = arena.fan_out.flying();
    if flying > 0 {
        write!(left, "{flying} webhooks are on their way; ")?;
    }
    let (mut open, mut untold) = (Vec::new(), 0);
    for listed in arena.planner.jobs(&arena.fleet).await? {
        if done.contains(&listed.id) {
            continue;
        }
        let (job, _) = arena.planner.job(&arena.fleet, &listed.id).await?;
        untold += job
            .notices
            .iter()
            .filter(|notice| notice.delivered_at.is_none())
            .count();
        match job.is_over() {
            true if job.is_told() => drop(done.insert(job.id)),
            true => {}
            false => open.push(format!("{} {}", job.repo, job.state)),
        }
    }
    if !open.is_empty() {
        write!(left, "{} jobs are open ({}); ", open.len(), open.join(", "))?;
    }
    if untold > 0 {
        write!(left, "{untold} notices are not said; ")?;
    }
    for queue in arena.bus.depth().await {
        let waiting = queue.ready + queue.delayed + queue.unacknowledged;
        if waiting > 0 {
            write!(left, "{waiting} messages wait in {}; ", queue.queue)?;
        }
    }
    // The rest is costly, and matters last.
    if left.is_empty() {
        let known: BTreeSet<String> = known_deliveries(arena).await?.into_iter().collect();
        let accepted = read(arena.ledger.path())?.into_iter().filter_map(|entry| match entry {
            Entry::Answered(answered) if answered.accepted() => answered.delivery,
            _ => None,
        });
        let unknown = accepted.filter(|delivery| !known.contains(delivery)).count();
        if unknown > 0 {
            write!(left, "{unknown} deliveries are not with the planner; ")?;
        }
    }
    Ok((left, untold))
}
