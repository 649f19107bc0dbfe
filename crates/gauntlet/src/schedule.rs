//! The plan of a run, from its seed alone: when which incident begins, and when what goes wrong.

use crate::deck;
use crate::fault::{Fault, Lane};
use crate::random::Random;
use crate::template::{Bug, RAISED, RED};
use std::fmt;
use std::time::Duration;

/// Of so many incidents one is an alert.
const ALERTS: u64 = 5;
/// Between outages.
const CALM: Duration = Duration::from_secs(5);

/// How large a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// How many incidents.
    pub incidents: usize,
    /// For how long incidents begin and things go wrong.
    pub over: Duration,
    /// Everything short: for a first look.
    pub short: bool,
}

/// Something at its time after the beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned<T> {
    /// When.
    pub at: Duration,
    /// What.
    pub what: T,
}

/// An incident to come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Incident {
    /// From 1; its repository has the same number.
    pub number: usize,
    /// What is wrong.
    pub bug: Bug,
}

/// The repository of the incident of a number.
pub fn repository(number: usize) -> String {
    format!("acme/r{number:04}")
}

impl Incident {
    /// One that was not planned, by a failed run.
    pub fn more(seed: u64, number: usize) -> Self {
        let mut random = Random::of(seed, &format!("incident {number}"));
        let template = *random.pick(&RED).unwrap_or(&RED[0]);
        Self {
            number,
            bug: Bug::of(template, &mut random),
        }
    }

    /// Its repository.
    pub fn repository(&self) -> String {
        repository(self.number)
    }

    /// Its project at Sentry.
    pub fn project(&self) -> String {
        format!("r{:04}", self.number)
    }

    /// Whether it comes to light by an alert and not by a failed run.
    pub fn is_alert(&self) -> bool {
        self.bug.template == RAISED
    }
}

/// The plan of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// What the incidents are, in order.
    pub incidents: Vec<Planned<Incident>>,
    /// What goes wrong, in order.
    pub faults: Vec<Planned<Fault>>,
}

impl Schedule {
    /// Nothing but outages of the broker, one after the other.
    pub fn of_outages(stopped: Duration, frozen: Duration) -> Self {
        let for_ms = crate::clock::millis;
        let outages = [
            Fault::BrokerStopped {
                for_ms: for_ms(stopped),
            },
            Fault::BrokerFrozen { for_ms: for_ms(frozen) },
            Fault::BrokerKilled,
        ];
        let mut at = CALM;
        let mut faults = Vec::new();
        for what in outages {
            let lasts = what.lasts();
            faults.push(Planned { at, what });
            at += lasts + CALM;
        }
        Self {
            incidents: Vec::new(),
            faults,
        }
    }

    /// The plan of a seed.
    pub fn of(seed: u64, size: Size) -> Self {
        let deck = if size.short {
            deck::short(seed)
        } else {
            deck::long(seed, size.over)
        };
        let mut faults: Vec<Planned<Fault>> = Vec::new();
        for lane in LANES {
            let of_lane = deck.iter().filter(|fault| fault.lane() == lane).cloned().collect();
            faults.extend(laid_out(
                of_lane,
                size.over,
                &mut Random::of(seed, &format!("{lane:?}")),
            ));
        }
        faults.sort_by_key(|fault| fault.at);
        Self {
            incidents: incidents(seed, size),
            faults,
        }
    }
}

const LANES: [Lane; 8] = [
    Lane::Broker,
    Lane::Postgres,
    Lane::Death,
    Lane::Ambush,
    Lane::Sleep,
    Lane::GitHub,
    Lane::Slack,
    Lane::Sender,
];

fn incidents(seed: u64, size: Size) -> Vec<Planned<Incident>> {
    let mut random = Random::of(seed, "incidents");
    let step = size.over / u32::try_from(size.incidents.max(1)).unwrap_or(u32::MAX);
    let one = |index: usize| {
        let alert = random.between(1, ALERTS) == 1;
        let template = if alert {
            RAISED
        } else {
            *random.pick(&RED).unwrap_or(&RED[0])
        };
        let jitter = random.millis(0, crate::clock::millis(step));
        Planned {
            at: step * u32::try_from(index).unwrap_or(u32::MAX) + jitter,
            what: Incident {
                number: index + 1,
                bug: Bug::of(template, &mut random),
            },
        }
    };
    (0..size.incidents).map(one).collect()
}

/// Puts the faults of one lane in another order, with pauses by chance, so that none meets the next and all fit.
fn laid_out(mut faults: Vec<Fault>, over: Duration, random: &mut Random) -> Vec<Planned<Fault>> {
    random.shuffle(&mut faults);
    let lasts = |faults: &[Fault]| faults.iter().map(Fault::lasts).sum::<Duration>();
    while lasts(&faults) > over {
        faults.pop();
    }
    let free = crate::clock::millis(over - lasts(&faults));
    let mut pauses: Vec<u64> = faults.iter().map(|_| random.between(0, free)).collect();
    pauses.sort_unstable();
    let mut taken = Duration::ZERO;
    let mut plan = Vec::new();
    for (fault, pause) in faults.into_iter().zip(pauses) {
        let at = Duration::from_millis(pause) + taken;
        taken += fault.lasts();
        plan.push(Planned { at, what: fault });
    }
    plan
}

impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.incidents.last().map_or(Duration::ZERO, |incident| incident.at);
        let alerts = self
            .incidents
            .iter()
            .filter(|incident| incident.what.is_alert())
            .count();
        writeln!(
            out,
            "{} incidents ({alerts} by alert) within {} s",
            self.incidents.len(),
            last.as_secs()
        )?;
        for Planned { at, what } in &self.faults {
            writeln!(out, "{:>7.1} s  {what}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::GitHubTrouble;
    use domain::attempt::Stage;

    const LONG: Size = Size {
        incidents: 300,
        over: Duration::from_secs(900),
        short: false,
    };
    const SHORT: Size = Size {
        incidents: 12,
        over: Duration::from_secs(60),
        short: true,
    };

    #[test]
    fn the_same_seed_is_the_same_plan() {
        assert_eq!(Schedule::of(7, LONG), Schedule::of(7, LONG));
        assert_ne!(Schedule::of(7, LONG), Schedule::of(8, LONG));
        assert_eq!(Schedule::of(7, SHORT).to_string(), Schedule::of(7, SHORT).to_string());
    }

    #[test]
    fn faults_of_a_lane_never_meet_and_all_have_their_time() {
        for seed in 0..50 {
            for size in [LONG, SHORT] {
                let plan = Schedule::of(seed, size);
                for lane in LANES {
                    let of_lane: Vec<_> = plan.faults.iter().filter(|fault| fault.what.lane() == lane).collect();
                    assert!(!of_lane.is_empty(), "{lane:?}");
                    let apart = |pair: &[&Planned<Fault>]| pair[0].at + pair[0].what.lasts() <= pair[1].at;
                    assert!(of_lane.windows(2).all(apart), "{lane:?} of seed {seed}");
                    assert!(of_lane.iter().all(|fault| fault.at + fault.what.lasts() <= size.over));
                }
            }
        }
    }

    #[test]
    fn outages_come_one_after_the_other_with_calm_between() {
        let plan = Schedule::of_outages(Duration::from_secs(60), Duration::from_secs(15));
        assert_eq!((plan.incidents.len(), plan.faults.len()), (0, 3));
        assert_eq!(plan.faults[0].at, CALM);
        let calm = |pair: &[Planned<Fault>]| pair[0].at + pair[0].what.lasts() + CALM == pair[1].at;
        assert!(plan.faults.windows(2).all(calm));
    }

    #[test]
    fn every_stage_and_every_trouble_has_its_turn() {
        let plan = Schedule::of(3, LONG);
        let has = |wanted: &dyn Fn(&Fault) -> bool| plan.faults.iter().any(|fault| wanted(&fault.what));
        for stage in Stage::ALL {
            assert!(
                has(&|fault| matches!(fault, Fault::KilledInStage { stage: at, .. } if *at == stage)),
                "{stage:?}"
            );
        }
        for trouble in GitHubTrouble::ALL {
            assert!(
                has(&|fault| matches!(fault, Fault::GitHub { trouble: one, .. } if *one == trouble)),
                "{trouble:?}"
            );
        }
        for wanted in [60_000, 15_000] {
            assert!(has(&|fault| matches!(
                fault,
                Fault::BrokerStopped { for_ms } | Fault::BrokerFrozen { for_ms } if *for_ms == wanted
            )));
        }
        assert!(has(
            &|fault| matches!(fault, Fault::Frozen { process, .. } if process.starts_with("fixer"))
        ));
        assert_eq!(plan.incidents.len(), 300);
        assert!(plan.incidents.iter().any(|incident| incident.what.is_alert()));
    }
}
