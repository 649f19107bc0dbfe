//! Decks of faults: everything that is to go wrong in a run, before it is laid out in time.

use crate::fault::{Fault, GitHubTrouble, Held, SlackTrouble};
use crate::random::Random;
use domain::attempt::Stage;
use domain::message::Kind;
use std::time::Duration;

/// How many of each service run.
pub const FLEET: [(&str, u64); 4] = [("ingest", 1), ("planner", 2), ("fixer", 2), ("notifier", 1)];
/// A deck of faults is for about so much time; longer runs get more of them.
const DECK: Duration = Duration::from_secs(15 * 60);

fn a_process(random: &mut Random, service: &str) -> String {
    let count = FLEET
        .iter()
        .find(|(name, _)| *name == service)
        .map_or(1, |(_, count)| *count);
    format!("{service}-{}", random.between(1, count))
}

/// What is bad on any day: every kind of trouble of the world around, once.
fn world(random: &mut Random, most: u64) -> Vec<Fault> {
    let mut deck = vec![Fault::PostgresRestarted, Fault::BackendsTerminated, Fault::BrokerKilled];
    for trouble in GitHubTrouble::ALL {
        let times = usize::try_from(random.between(1, most)).unwrap_or(1);
        deck.push(Fault::GitHub { trouble, times });
    }
    for trouble in [SlackTrouble::TooMany, SlackTrouble::Broken] {
        let times = usize::try_from(random.between(1, most)).unwrap_or(1);
        deck.push(Fault::Slack { trouble, times });
    }
    for renumbered in [false, true] {
        let deliveries = usize::try_from(random.between(5, 25)).unwrap_or(5);
        deck.push(Fault::Replayed { deliveries, renumbered });
    }
    for kind in [
        Kind::SignalReceived,
        Kind::AttemptRequested,
        Kind::AttemptFinished,
        Kind::NoticeRaised,
    ] {
        deck.push(Fault::Poison { kind });
    }
    deck
}

/// What goes wrong in a first look.
pub fn short(seed: u64) -> Vec<Fault> {
    let mut random = Random::of(seed, "deck");
    let mut deck = world(&mut random, 1);
    deck.extend([
        Fault::BrokerStopped { for_ms: 8_000 },
        Fault::BrokerFrozen { for_ms: 4_000 },
        Fault::GitHubDown { for_ms: 3_000 },
        Fault::SlackDown { for_ms: 4_000 },
        Fault::Frozen {
            process: a_process(&mut random, "planner"),
            for_ms: 6_000,
        },
        Fault::Frozen {
            process: a_process(&mut random, "fixer"),
            for_ms: 15_000,
        },
    ]);
    for (service, _) in FLEET {
        let process = a_process(&mut random, service);
        deck.push(Fault::Killed {
            process,
            down_ms: random.between(0, 1_000),
        });
    }
    let stages = [Stage::Prepare, Stage::Reproduce, Stage::Propose, Stage::Prove];
    let stage = *random.pick(&stages).unwrap_or(&Stage::Prove);
    deck.push(Fault::KilledInStage { stage, down_ms: 500 });
    deck.push(Fault::KilledInRequest {
        request: Held::Push,
        early: random.between(0, 1) == 0,
        down_ms: 500,
    });
    deck.push(Fault::KilledInRequest {
        request: Held::Open,
        early: random.between(0, 1) == 0,
        down_ms: 500,
    });
    deck
}

/// What goes wrong in so much time.
pub fn long(seed: u64, over: Duration) -> Vec<Fault> {
    let rounds = (over.as_secs() / DECK.as_secs()).max(1);
    let mut random = Random::of(seed, "deck");
    let mut deck = Vec::new();
    for _ in 0..rounds {
        deck.extend(world(&mut random, 4));
        deck.extend([
            Fault::BrokerStopped { for_ms: 60_000 },
            Fault::BrokerFrozen { for_ms: 15_000 },
            Fault::BrokerKilled,
            Fault::PostgresRestarted,
            Fault::BackendsTerminated,
            Fault::BackendsTerminated,
            Fault::GitHubDown { for_ms: 15_000 },
            Fault::SlackDown { for_ms: 60_000 },
            Fault::Frozen {
                process: a_process(&mut random, "planner"),
                for_ms: 60_000,
            },
            Fault::Frozen {
                process: a_process(&mut random, "fixer"),
                for_ms: 90_000,
            },
        ]);
        for (service, times) in [("ingest", 4), ("planner", 5), ("fixer", 6), ("notifier", 3)] {
            for _ in 0..times {
                let process = a_process(&mut random, service);
                deck.push(Fault::Killed {
                    process,
                    down_ms: random.between(0, 1_500),
                });
            }
            let process = a_process(&mut random, service);
            deck.push(Fault::Terminated { process });
        }
        for stage in Stage::ALL {
            deck.push(Fault::KilledInStage {
                stage,
                down_ms: random.between(0, 1_500),
            });
        }
        for request in Held::ALL {
            for early in [false, true] {
                deck.push(Fault::KilledInRequest {
                    request,
                    early,
                    down_ms: random.between(0, 1_500),
                });
            }
        }
    }
    deck
}
