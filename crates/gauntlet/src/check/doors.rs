//! How the doors answered, above all while the broker was away.

use super::Measure;
use super::history::{Happened, History, Window};
use super::timing::{percentile, share};
use crate::fault::{Fault, Lane};
use crate::ledger::Answered;
use chrono::{DateTime, TimeDelta, Utc};

/// Sentry waits for a second.
const IN_TIME_MS: u64 = 1_000;
/// Of a thousand webhooks, one may come too late.
const IN_TIME: f64 = 0.999;
/// Seconds until what was kept at the doors is with the planner.
const DRAINED: f64 = 30.0;

type IsOutage = fn(&Fault) -> bool;

const OUTAGES: [(&str, IsOutage); 4] = [
    ("while the broker is stopped", |fault| {
        matches!(fault, Fault::BrokerStopped { .. })
    }),
    ("while the broker is frozen", |fault| {
        matches!(fault, Fault::BrokerFrozen { .. })
    }),
    ("while the broker is killed and comes back", |fault| {
        matches!(fault, Fault::BrokerKilled)
    }),
    ("while the broker is away in any way", |fault| {
        matches!(fault.lane(), Lane::Broker)
    }),
];

pub fn all(history: &History<'_>) -> Vec<Measure> {
    // Whoever is dead answers nobody; that is not what is measured.
    let (dead, alive): (Vec<&Answered>, Vec<&Answered>) = history
        .answers
        .iter()
        .partition(|answer| history.was_down("ingest", &window(answer)));
    let mut all = Vec::new();
    for (name, is_outage) in OUTAGES {
        let outages: Vec<&Happened<'_>> = history
            .faults
            .iter()
            .filter(|happened| is_outage(happened.fault))
            .collect();
        let meets = |answer: &&Answered| outages.iter().any(|outage| outage.window.meets(&window(answer)));
        all.push(bound(name, &alive.iter().copied().filter(meets).collect::<Vec<_>>()));
    }
    all.push(bound("always", &alive));
    all.push(Measure::told(
        "2xx within 1 s while ingest itself is dead",
        Answers(&dead).text(),
    ));
    all.extend(drained(history));
    all
}

fn window(answer: &Answered) -> Window {
    let took = TimeDelta::milliseconds(i64::try_from(answer.took_ms).unwrap_or(i64::MAX / 2));
    Window {
        from: answer.at,
        to: answer.at + took,
    }
}

fn bound(when: &str, answers: &[&Answered]) -> Measure {
    let answers = Answers(answers);
    let bound = format!(">= {:.1} %", IN_TIME * 100.0);
    Measure::bound(
        &format!("2xx within 1 s {when}"),
        answers.text(),
        bound,
        answers.in_time() >= IN_TIME,
    )
}

struct Answers<'a>(&'a [&'a Answered]);

impl Answers<'_> {
    fn in_time(&self) -> f64 {
        let good = self
            .0
            .iter()
            .filter(|answer| answer.accepted() && answer.took_ms <= IN_TIME_MS);
        share(good.count(), self.0.len())
    }

    #[allow(clippy::cast_precision_loss, reason = "no answer takes so many milliseconds")]
    fn text(&self) -> String {
        let mut took: Vec<f64> = self.0.iter().map(|answer| answer.took_ms as f64).collect();
        let mut at = |percent| percentile(&mut took, percent).unwrap_or(0.0);
        let (half, most, max) = (at(50), at(99), at(100));
        let share = self.in_time() * 100.0;
        format!(
            "{share:.3} % of {}; p50 {half:.0} ms, p99 {most:.0} ms, max {max:.0} ms",
            self.0.len()
        )
    }
}

/// Where nothing but webhooks came, how long it took after the last one until the planner had them all.
fn drained(history: &History<'_>) -> Option<Measure> {
    let last: DateTime<Utc> = history.answers.iter().map(|answer| answer.at).max()?;
    let rest = history.settled.filter(|_| history.incidents.is_empty())?;
    let seconds = (rest - last).as_seconds_f64();
    let name = "from the last webhook until the planner has them all";
    Some(Measure::bound(
        name,
        format!("{seconds:.1} s"),
        format!("<= {DRAINED} s"),
        seconds <= DRAINED,
    ))
}
