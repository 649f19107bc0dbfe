//! Reads what failed out of a CI log, terminal output or a JUnit report.
//!
//! One pass over the bytes. Each framework has a parser that sees every clean line (no timestamp, no colour) and keeps a bounded state;
//! the envelope of the CI (`actions`) knows which step a line belongs to. Nothing here trusts the text: all of it may have been written by
//! the tested code.
mod actions;
mod cargo;
mod class;
mod excerpt;
mod go;
mod javascript;
mod jest;
mod junit;
mod mocha;
mod pytest;
mod python;
mod reading;
mod redact;
mod surefire;
mod unittest;
mod vitest;
pub mod workflow;

pub use class::FailureClass;
pub use reading::{Counts, FailedTest, Frame, Framework, LogReading, Status, Step, TestRun};
pub use redact::redact;

use std::collections::HashMap;

use actions::Envelope;
use reading::ParsedRun;

/// Longest log that is read whole, in bytes. Of a longer one the first sixteenth and the end are read.
pub const MAX_LOG: usize = 64 << 20;
/// Most failed tests that a reading lists; the counts go on.
pub const MAX_TESTS: usize = 2_000;
/// Longest message of one failed test, in bytes.
pub const MAX_MESSAGE: usize = 4_000;
/// Most runs of one log that are told apart; what comes later counts to the last of its framework.
pub const MAX_RUNS: usize = 500;
/// Most frames of one failed test; the innermost are kept.
pub const MAX_FRAMES: usize = 40;

/// A parser of one framework's output.
trait Reader {
    /// Takes the next line, without timestamp, colour and trailing space. Finished runs go to `runs`.
    fn line(&mut self, line: &str, step: usize, runs: &mut Vec<ParsedRun>);
    /// The text is over.
    fn finish(&mut self, runs: &mut Vec<ParsedRun>);
}

/// Reads a log. Never fails: what is not understood has [`Status::Unknown`].
pub fn read(log: &[u8]) -> LogReading {
    let log = log.strip_prefix(b"\xef\xbb\xbf").unwrap_or(log);
    if junit::looks_like(log) {
        let runs = junit::parse(&log[..log.len().min(MAX_LOG)]);
        return conclude(&runs, Envelope::default());
    }
    let mut readers: Vec<Box<dyn Reader>> = vec![
        Box::<pytest::Pytest>::default(),
        Box::<unittest::Unittest>::default(),
        Box::<jest::Jest>::default(),
        Box::<vitest::Vitest>::default(),
        Box::<mocha::Mocha>::default(),
        Box::<go::Go>::default(),
        Box::<cargo::Cargo>::default(),
        Box::<surefire::Surefire>::default(),
    ];
    let (head, tail) = bounded(log);
    let mut envelope = Envelope::default();
    let mut runs: Vec<ParsedRun> = Vec::new();
    let mut kept = HashMap::new();
    for part in [head, tail] {
        actions::lines(part, |raw| {
            if let Some((line, step)) = envelope.take(raw) {
                let known = runs.len();
                for reader in &mut readers {
                    reader.line(line, step, &mut runs);
                }
                if runs.len() > known {
                    admit(&mut runs, known, &mut kept);
                }
            }
        });
    }
    for reader in &mut readers {
        let known = runs.len();
        reader.finish(&mut runs);
        admit(&mut runs, known, &mut kept);
    }
    conclude(&runs, envelope)
}

/// Bounds what new runs may keep, so that a log cannot make its reading larger than itself.
fn admit(runs: &mut Vec<ParsedRun>, known: usize, kept: &mut HashMap<Framework, usize>) {
    for run in runs.split_off(known) {
        let kept = kept.entry(run.framework).or_default();
        let mut run = run;
        run.failed.truncate(MAX_TESTS.saturating_sub(*kept));
        *kept += run.failed.len();
        let same =
            (runs.len() >= MAX_RUNS).then(|| runs.iter_mut().rev().find(|other| other.framework == run.framework));
        match same.flatten() {
            Some(last) => {
                last.counts.add(run.counts);
                last.failed.append(&mut run.failed);
            }
            None => runs.push(run),
        }
    }
}

fn bounded(log: &[u8]) -> (&[u8], &[u8]) {
    if log.len() <= MAX_LOG {
        return (log, &[]);
    }
    (&log[..MAX_LOG / 16], &log[log.len() - MAX_LOG / 16 * 15..])
}

/// Which runs count, and what they and the steps say together.
fn conclude(runs: &[ParsedRun], mut envelope: Envelope) -> LogReading {
    // The last run with a failure; one without a summary only if there is no other, since stray lines may look like it.
    let broken = |run: &&ParsedRun| !run.failed.is_empty() || run.counts.bad() > 0;
    let whole = |run: &&ParsedRun| broken(run) && run.complete;
    let failing_run = runs.iter().rev().find(whole).or_else(|| runs.iter().rev().find(broken));
    let framework = failing_run
        .or_else(|| runs.iter().max_by_key(|run| run.counts.run))
        .map(|run| run.framework);
    let mut counts = Counts::default();
    let mut failed: Vec<FailedTest> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for run in runs.iter().filter(|run| Some(run.framework) == framework) {
        counts.add(run.counts);
        for test in &run.failed {
            if failed.len() < MAX_TESTS && seen.insert(test.id.clone()) {
                failed.push(test.clone());
            }
        }
    }
    for test in &mut failed {
        test.bound();
    }
    let failing = envelope.failing(failing_run.map(|run| run.step));
    let exit_code = failing.and_then(|step| envelope.exit_code(step));
    let ran = runs.iter().any(|run| run.counts.run > 0 || !run.failed.is_empty());
    // An expected failure is not one: `bad` is what the framework itself calls failed. A step that is allowed to fail
    // (`continue-on-error`) still shows an exit code, and so it is one of the things that may be wrong with a log.
    let status = match (
        failing_run.is_some(),
        failing.is_some() || envelope.failed_outside_steps(),
        ran,
    ) {
        (true, _, _) | (false, true, true) => Status::Failed,
        (false, true, false) => Status::Broken,
        (false, false, true) => Status::Passed,
        (false, false, false) if runs.iter().any(|run| !run.complete) => Status::Broken,
        (false, false, false) => Status::Unknown,
    };
    let at = failing.or(failing_run.map(|run| run.step));
    let failure_class = class::classify(status, &failed, exit_code, envelope.tail(at), framework);
    let step = failing.and_then(|step| envelope.step(step));
    let headline = excerpt::headline(
        status,
        framework,
        &counts,
        &failed,
        step.as_ref(),
        failure_class,
        envelope.tail(at),
    );
    let excerpt = excerpt::excerpt(&failed, envelope.tail(at), failure_class);
    LogReading {
        framework,
        runs: runs.iter().map(TestRun::from).collect(),
        failed,
        counts,
        failing_step: step,
        exit_code,
        status,
        failure_class,
        headline,
        excerpt,
    }
}

#[cfg(test)]
mod tests;
