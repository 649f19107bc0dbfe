//! How long things took, and how often.

use super::Measure;
use super::duplicated::Messages;
use super::history::{Death, History, Window};
use crate::fault::{Fault, Lane};
use crate::ledger::Attempt;
use domain::attempt::Stage;
use std::collections::BTreeMap;

/// Seconds until an attempt of a dead fixer runs again.
const RESUMED: f64 = 5.0;
/// Seconds until the planner works again after its database was away.
const RECOVERED: f64 = 5.0;

pub fn all(history: &History<'_>, messages: &Messages<'_>) -> Vec<Measure> {
    let mut all = work(history);
    all.extend(super::doors::all(history));
    all.extend(resumed(history));
    all.extend(recovered(history));
    let deaths = history
        .down
        .iter()
        .filter(|(process, _)| process.starts_with("notifier"))
        .count();
    all.push(Measure::told(
        "messages said twice since Slack or the notifier ended in the act",
        format!("{} (the notifier ended {deaths} times)", messages.doubtful.len()),
    ));
    all.extend(history.used.iter().map(|(process, peak, cpu)| {
        let seconds = std::time::Duration::from_millis(*cpu).as_secs_f64();
        Measure::told(
            &format!("{process}, last life"),
            format!("{} MiB at most, {seconds:.1} s of CPU", peak >> 20),
        )
    }));
    all
}

#[allow(clippy::cast_precision_loss, reason = "counts are small")]
pub fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 1.0 } else { part as f64 / all as f64 }
}

fn work(history: &History<'_>) -> Vec<Measure> {
    let jobs = |state: &str| history.jobs.iter().filter(|job| job.state == state).count();
    let pulls: usize = history
        .repositories
        .iter()
        .map(|repository| repository.pulls.len())
        .sum();
    let openings: usize = history.repositories.iter().map(|repository| repository.openings).sum();
    let attempts: usize = history.jobs.iter().map(|job| job.attempts.len()).sum();
    let (looks, idle) = history.looks;
    let idle = share(usize::try_from(idle).unwrap_or(0), usize::try_from(looks).unwrap_or(0));
    vec![
        Measure::told("incidents", history.incidents.len().to_string()),
        Measure::told(
            "jobs that succeeded, failed",
            format!("{}, {}", jobs("succeeded"), jobs("failed")),
        ),
        Measure::told("attempts", attempts.to_string()),
        Measure::told(
            "pull requests, and requests to open one",
            format!("{pulls}, {openings}"),
        ),
        Measure::told(
            "webhooks, and answers to their copies",
            format!("{}, {}", history.sent.len(), history.answers.len()),
        ),
        Measure::told("faults", history.faults.len().to_string()),
        Measure::told("attempts whose fixer was killed, by stage", killed(history)),
        Measure::told("time without anything to do", format!("{:.1} %", idle * 100.0)),
    ]
}

fn killed(history: &History<'_>) -> String {
    let mut stages: BTreeMap<Option<Stage>, usize> = BTreeMap::new();
    for held in history.deaths.iter().flat_map(|death| death.held) {
        *stages.entry(held.stage).or_default() += 1;
    }
    let name = |stage: Option<Stage>| stage.map_or("not known", Stage::as_str);
    let all: Vec<String> = stages
        .into_iter()
        .map(|(stage, count)| format!("{} {count}", name(stage)))
        .collect();
    all.join(", ")
}

/// Seconds from a fixer's death until the attempt runs again, and whether anything else was away meanwhile. Nothing where the
/// attempt had reported before its fixer died.
fn resumption(history: &History<'_>, death: &Death<'_>, held: &Attempt) -> Option<(f64, bool)> {
    let job = history.jobs.iter().find(|job| job.id == held.job)?;
    let stages = job.attempts.iter().flat_map(|attempt| &attempt.stages);
    let claims = stages.filter(|entered| entered.stage == Stage::Claim && entered.fence > held.fence);
    let next = claims
        .map(|entered| entered.entered_at)
        .filter(|at| *at >= death.at)
        .min();
    let window = Window {
        from: death.at,
        to: next?,
    };
    let elsewhere = history.was_cut_off(&window) || history.was_down("planner", &window);
    Some(((window.to - window.from).as_seconds_f64(), elsewhere))
}

fn resumed(history: &History<'_>) -> Vec<Measure> {
    let held = history
        .deaths
        .iter()
        .flat_map(|death| death.held.iter().map(move |held| (death, held)));
    let all: Vec<(f64, bool)> = held
        .filter_map(|(death, held)| resumption(history, death, held))
        .collect();
    let mut clear: Vec<f64> = all
        .iter()
        .filter(|(_, elsewhere)| !elsewhere)
        .map(|(seconds, _)| *seconds)
        .collect();
    let mut rest: Vec<f64> = all
        .iter()
        .filter(|(_, elsewhere)| *elsewhere)
        .map(|(seconds, _)| *seconds)
        .collect();
    let holds = percentile(&mut clear, 99).is_none_or(|seconds| seconds <= RESUMED);
    vec![
        Measure::bound(
            "from a fixer's death until its attempt runs again",
            spread(&mut clear),
            format!("p99 <= {RESUMED} s"),
            holds,
        ),
        Measure::told(
            "the same, while broker, database or a planner were away too",
            spread(&mut rest),
        ),
    ]
}

fn recovered(history: &History<'_>) -> Vec<Measure> {
    let after = |wanted: fn(&Fault) -> bool| {
        let of_kind = history.faults.iter().filter(|happened| wanted(happened.fault));
        let seconds = |ms: u64| std::time::Duration::from_millis(ms).as_secs_f64();
        of_kind
            .filter_map(|happened| happened.recovered_ms.map(seconds))
            .collect::<Vec<f64>>()
    };
    let mut postgres = after(|fault| fault.lane() == Lane::Postgres);
    let mut broker = after(|fault| fault.lane() == Lane::Broker);
    let holds = percentile(&mut postgres, 100).is_none_or(|seconds| seconds <= RECOVERED);
    vec![
        Measure::bound(
            "from Postgres' return until planners work",
            spread(&mut postgres),
            format!("max <= {RECOVERED} s"),
            holds,
        ),
        Measure::told("from the broker's return until all are ready", spread(&mut broker)),
    ]
}

/// The smallest number that so many of a hundred do not exceed.
pub fn percentile(all: &mut [f64], percent: usize) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    let last = (all.len() * percent).div_ceil(100).checked_sub(1)?;
    all.get(last).copied()
}

fn spread(all: &mut [f64]) -> String {
    match (percentile(all, 50), percentile(all, 99), percentile(all, 100)) {
        (Some(half), Some(most), Some(max)) => {
            format!("p50 {half:.2} s, p99 {most:.2} s, max {max:.2} s of {}", all.len())
        }
        _ => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let mut all: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut all, 50), Some(100.0));
        assert_eq!(percentile(&mut all, 99), Some(198.0));
        assert_eq!(percentile(&mut all, 100), Some(200.0));
        assert_eq!(percentile(&mut [], 99), None);
    }
}
