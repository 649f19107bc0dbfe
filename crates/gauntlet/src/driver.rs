//! A run from its beginning to its end: incidents and faults by the plan, then rest, then what everybody has recorded.

use crate::arena::{Arena, Given};
use crate::clock::now;
use crate::collect;
use crate::fault::Lane;
use crate::inject::inject;
use crate::ledger::Entry;
use crate::noise;
use crate::repository::turn_red;
use crate::schedule::{Incident, Planned, Schedule};
use crate::settle::settle;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Incidents that are open at once, at most: enough that nobody is idle, few enough that nobody waits in a line.
const OPEN: usize = 4;
/// Fewer than so many leave a fixer without work.
const IDLE: usize = 2;
/// How long an incident waits for those before it.
const SHORT_WAIT: Duration = Duration::from_secs(3);
const LONG_WAIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(250);
/// How long processes may take to end at the very end.
const END: Duration = Duration::from_secs(45);

/// Runs a plan; the ledger's lines.
pub async fn run(given: &Given, schedule: &Schedule) -> Result<Vec<Entry>> {
    println!("seed {}\n{schedule}", given.seed);
    let arena = Arena::set(given, schedule).await?;
    println!("everything runs; the ledger is {}", arena.ledger.path().display());
    arena.ledger.add(&Entry::Begun {
        at: now(),
        seed: given.seed,
        incidents: schedule.incidents.len(),
    });

    let mut companions = JoinSet::new();
    companions.spawn(Arc::clone(&arena).supervise());
    companions.spawn(watch(Arc::clone(&arena)));
    let quiet = CancellationToken::new();
    let noise = tokio::spawn(noise::make(Arc::clone(&arena), given.noise, quiet.clone()));
    let over = CancellationToken::new();
    let faults = async {
        make_faults(&arena, schedule, given.seed).await;
        over.cancel();
    };
    let (incidents, ()) = tokio::join!(make_incidents(&arena, given, schedule, &over), faults);
    let incidents = incidents?;
    quiet.cancel();
    noise.await?;
    println!("nothing more goes wrong; waiting for rest");
    heal(&arena).await?;
    settle(&arena, given.short).await;
    arena.ledger.add(&arena.watch.looks());
    collect::everything(&arena, incidents).await?;
    companions.shutdown().await;
    end(arena).await
}

/// Looks at the jobs for as long as it is polled.
async fn watch(arena: Arc<Arena>) {
    loop {
        // Nobody answers at times; that is what is tried here.
        let _ = arena.watch.look(&arena.planner, &arena.fleet, &arena.ledger).await;
        tokio::time::sleep(LOOK).await;
    }
}

/// Starts each incident at its time, or a while later when those before it do not end, or earlier when there is nothing else
/// to do. When all have begun and the faults are not over, there are more. Returns how many.
async fn make_incidents(
    arena: &Arc<Arena>,
    given: &Given,
    schedule: &Schedule,
    over: &CancellationToken,
) -> Result<usize> {
    let wait = if given.short { SHORT_WAIT } else { LONG_WAIT };
    let (mut begun, mut last) = (0, Instant::now());
    while begun < schedule.incidents.len() || (!given.short && begun > 0 && !over.is_cancelled()) {
        let open = begun.saturating_sub(arena.watch.over());
        let planned = schedule.incidents.get(begun);
        let is_due = planned.is_some_and(|planned| arena.began.0.elapsed() >= planned.at);
        let has_room = open < OPEN || last.elapsed() >= wait;
        if (is_due && has_room) || (open < IDLE && !given.short) {
            begun += 1;
            last = Instant::now();
            let incident = planned.map_or_else(|| Incident::more(given.seed, begun), |planned| planned.what);
            begin(arena, &incident).await?;
        } else {
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(begun)
}

async fn begin(arena: &Arc<Arena>, incident: &Incident) -> Result<()> {
    arena.ledger.add(&Entry::Incident {
        at: now(),
        number: incident.number,
        repo: incident.repository(),
        bug: incident.bug.template.name.to_owned(),
        alert: incident.is_alert(),
    });
    let made = turn_red(&arena.github, &arena.sentry, incident).await;
    made.with_context(|| format!("incident {} could not be made", incident.number))
}

/// Starts each fault at its time; those of one lane wait for each other.
async fn make_faults(arena: &Arc<Arena>, schedule: &Schedule, seed: u64) {
    let mut lanes: BTreeMap<Lane, Arc<Mutex<()>>> = BTreeMap::new();
    let mut faults = JoinSet::new();
    for (index, Planned { at, what }) in schedule.faults.iter().cloned().enumerate() {
        let lane = Arc::clone(lanes.entry(what.lane()).or_default());
        let arena = Arc::clone(arena);
        faults.spawn(async move {
            tokio::time::sleep_until((arena.began.0 + at).into()).await;
            let _turn = lane.lock().await;
            println!("{:>7.1} s  {what}", arena.began.0.elapsed().as_secs_f64());
            inject(Arc::clone(&arena), index + 1, what, seed).await;
        });
    }
    while faults.join_next().await.is_some() {}
}

/// From now on all is well.
async fn heal(arena: &Arc<Arena>) -> Result<()> {
    arena.github.faults().clear();
    arena.github.up();
    arena.slack.bring_up().await?;
    for process in arena.fleet.processes() {
        process.thaw();
    }
    Ok(())
}

/// Asks everything to end, and closes the ledger.
async fn end(arena: Arc<Arena>) -> Result<Vec<Entry>> {
    let ends = arena.fleet.processes().iter().map(|process| async {
        let ended = process.terminate(END).await;
        let in_time = matches!(ended, fleet::Ended::Asked(_));
        Entry::Stopped {
            process: process.name().to_owned(),
            in_time,
        }
    });
    for entry in futures::future::join_all(ends).await {
        arena.ledger.add(&entry);
    }
    arena.ledger.close()
}
