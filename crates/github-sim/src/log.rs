//! Logs as GitHub Actions writes them: a time before each line, groups, and a zip of all.

use crate::run::{Job, Step};
use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::io::Write as _;
use zip::write::SimpleFileOptions;

/// The log of a whole job, with the mark that GitHub puts at the beginning.
pub(crate) fn job(job: &Job) -> String {
    let mut text = String::from("\u{feff}");
    for (_, part) in parts(job) {
        text.push_str(&part);
    }
    text
}

/// The zip of a run's logs: one file per job at the root and one per step in the job's folder.
pub(crate) fn archive(jobs: &[&Job]) -> Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for (index, one) in jobs.iter().enumerate() {
        let name = one.spec.name.replace(['/', ':'], "_");
        zip.start_file(format!("{index}_{name}.txt"), options)
            .context("start an entry of the zip")?;
        zip.write_all(job(one).as_bytes())?;
        for (number, (step, part)) in parts(one).into_iter().enumerate() {
            let step = step.replace(['/', ':'], "_");
            zip.start_file(format!("{name}/{}_{step}.txt", number + 1), options)
                .context("start an entry of the zip")?;
            zip.write_all(part.as_bytes())?;
        }
    }
    Ok(zip.finish().context("finish the zip")?.into_inner())
}

/// The steps that ran, with what each has in the log.
fn parts(job: &Job) -> Vec<(String, String)> {
    let mut clock = Clock(job.started_at);
    let setup = clock.lines(&[
        "Current runner version: '2.329.0'",
        "##[group]Runner Image Provisioner",
        "Hosted Compute Agent",
        "##[endgroup]",
        "Prepare workflow directory",
        &format!("Complete job name: {}", job.spec.name),
    ]);
    let mut parts = vec![("Set up job".to_owned(), setup)];
    for step in &job.spec.steps {
        parts.push((step.name.clone(), self::step(step, &mut clock)));
        if !step.ok {
            break;
        }
    }
    parts.push((
        "Complete job".to_owned(),
        clock.lines(&["Cleaning up orphan processes"]),
    ));
    parts
}

fn step(step: &Step, clock: &mut Clock) -> String {
    let first = step.run.lines().next().unwrap_or_default();
    let mut lines = vec![format!("##[group]Run {first}")];
    lines.extend(step.run.lines().map(|line| format!("\u{1b}[36;1m{line}\u{1b}[0m")));
    lines.push("shell: /usr/bin/bash -e {0}".to_owned());
    lines.push("##[endgroup]".to_owned());
    lines.extend(step.log.lines().map(str::to_owned));
    if !step.ok {
        lines.push("##[error]Process completed with exit code 1.".to_owned());
    }
    clock.lines(&lines)
}

/// Gives each line its own time.
struct Clock(DateTime<Utc>);

impl Clock {
    fn lines(&mut self, lines: &[impl AsRef<str>]) -> String {
        let mut text = String::new();
        for line in lines {
            self.0 += TimeDelta::milliseconds(7);
            // Seven digits of a second, as the runner writes them.
            let stamp = self.0.format("%Y-%m-%dT%H:%M:%S");
            let fraction = self.0.timestamp_subsec_nanos() / 100;
            text.push_str(&format!("{stamp}.{fraction:07}Z {}\n", line.as_ref()));
        }
        text
    }
}
