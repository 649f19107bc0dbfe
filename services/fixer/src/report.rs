//! What a repair says of itself: its evidence, its doubts, and the report of one that ended early.

use crate::prepare::PrepareError;
use crate::ready::Ready;
use crate::reproduce::{NotSeen, Reproduced, Symptom};
use domain::attempt::{Outcome, Report};
use domain::evidence::{CommandRun, CommandSource, Evidence, Oracle, TestId};
use domain::fix::Fix;

/// A project whose environment cannot be made; everything else is this machine's fault.
pub(crate) fn environment_failed(error: PrepareError) -> anyhow::Result<Box<Report>> {
    if matches!(error, PrepareError::Environment { .. }) {
        let mut report = Report::new(Outcome::Environment, github::redact(&error.to_string()));
        report.worth_retrying = true;
        return Ok(Box::new(report));
    }
    Err(anyhow::Error::new(error).context("the prepare stage failed"))
}

/// What was run all the same, so that people see with which command nothing was seen.
pub(crate) fn not_seen(missed: NotSeen, ready: &Ready, symptom: &Symptom) -> Report {
    let mut report = Report::new(missed.outcome, github::redact(&missed.message));
    report.cpu_ms = u64::try_from(missed.spent.cpu.as_millis()).unwrap_or(u64::MAX);
    report.sandbox_ms = u64::try_from(missed.spent.wall.as_millis()).unwrap_or(u64::MAX);
    report.evidence = Some(Evidence {
        command: ready.effective.suite.command.clone(),
        command_source: ready.effective.source,
        oracle: if matches!(symptom, Symptom::Alert(_)) {
            Oracle::NoLongerRaises
        } else {
            Oracle::FailingTests
        },
        reproduction: domain::evidence::Reproduction {
            exit_code: missed.runs.first().map_or(0, |run| run.exit_code),
            ..domain::evidence::Reproduction::default()
        },
        after: None,
        reruns: u32::try_from(missed.runs.len().saturating_sub(1)).unwrap_or(u32::MAX),
        tree_before: ready.tree.clone(),
        tree_after: None,
        runs: missed.runs,
        flaky: Vec::new(),
        known_failures: Vec::new(),
    });
    report.diagnosis = Some(missed.diagnosis);
    report
}

/// What is known before any fix was tried.
pub(crate) fn evidence(ready: &Ready, seen: &Reproduced) -> Evidence {
    let runs: Vec<CommandRun> = seen.runs.clone();
    Evidence {
        command: ready.effective.suite.command.clone(),
        command_source: ready.effective.source,
        oracle: seen.oracle,
        reproduction: domain::evidence::Reproduction {
            exit_code: seen.first.exit_code,
            failed: seen.failing.clone(),
            written_test: seen.written.clone(),
        },
        after: None,
        reruns: seen.reruns,
        tree_before: ready.tree.clone(),
        tree_after: None,
        runs,
        flaky: Vec::new(),
        known_failures: seen.known_failures.clone(),
    }
}

/// Says in the report which fix it is about.
pub(crate) fn describe(report: &mut Report, fix: &Fix, files: Vec<domain::fix::FileDiff>) {
    report.engine = Some(fix.engine.clone());
    report.template = Some(fix.template.clone());
    report.why = Some(fix.why.clone());
    report.files = files;
}

/// Why a proved fix needs a careful reader, in words.
pub(crate) fn doubts(seen: &Reproduced, unverified: bool, distinct: u32) -> Vec<String> {
    let mut reasons = Vec::new();
    if seen.oracle == Oracle::NoLongerRaises {
        reasons.push(
            "the only oracle is that the recorded call no longer raises; no test says what it should answer".to_owned(),
        );
    }
    if !seen.first.reported && !unverified {
        reasons.push(
            "the test runner told nothing of single tests: that the command passes is all that is known of the others"
                .to_owned(),
        );
    }
    if unverified {
        reasons.push("the whole test suite was not run".to_owned());
    }
    if distinct > 1 && seen.oracle == Oracle::NoLongerRaises {
        reasons.push(format!(
            "{distinct} different fixes pass all tests; this is the one that was preferred"
        ));
    }
    reasons
}

/// Why the command is red in the run with the fix, where it is.
pub(crate) fn still_red(evidence: &Evidence, red: &[TestId]) -> Option<String> {
    evidence.after.filter(|after| after.exit_code != 0)?;
    let loose: Vec<&str> = red
        .iter()
        .filter(|test| !evidence.known_failures.contains(test))
        .map(TestId::as_str)
        .collect();
    Some(if loose.is_empty() {
        "the command stays red for tests that failed before, too".to_owned()
    } else {
        format!(
            "the command was red with the fix for tests that give both answers by themselves: {}",
            loose.join(", ")
        )
    })
}

/// Where the effective command came from, for people.
#[must_use]
pub fn source_words(source: CommandSource) -> &'static str {
    match source {
        CommandSource::Setting => "setting",
        CommandSource::RepositoryFile => ".fixpoint.toml",
        CommandSource::WorkflowStep => "workflow step",
        CommandSource::Detected => "detected",
    }
}
