//! Reproduces an alert: writes tests from its frames, and keeps the one that raises as the alert did.

use super::broken::broken_environment;
use super::{Answer, Log, Scene, frame, not_seen, written};
use crate::suite::SuiteRun;
use domain::attempt::Outcome;
use domain::diagnosis::{Diagnosis, FailureClass};
use domain::evidence::{Oracle, TestId};
use domain::signal::ErrorAlert;
use std::collections::BTreeMap;

impl Scene<'_> {
    pub(super) async fn rebuild_alert(&self, alert: &ErrorAlert, log: &mut Log) -> Answer {
        let exception = alert.outermost().cloned().unwrap_or_default();
        let frames = frame::locate(&exception, self.sources);
        let crash = frames.last().map(|f| f.place.clone());
        let mut diagnosis = Diagnosis {
            class: FailureClass::RuntimeError,
            headline: crash.as_ref().map_or_else(
                || exception.kind.clone(),
                |at| format!("{} in {}", exception.kind, at.function),
            ),
            failing_tests: Vec::new(),
            error_type: Some(exception.kind.clone()),
            message: exception.value.clone(),
            frames: frames.iter().map(|f| f.place.clone()).collect(),
        };
        let Some(crash) = crash else {
            let message = "no frame of the alert is code of this repository as it is now".to_owned();
            return not_seen(Outcome::NotReproduced, message, diagnosis, log);
        };
        let folder = tests_folder(self.sources);
        let tag = domain::fingerprint::Fingerprint::of([&alert.issue_id, &alert.event_id]).as_str()[..8].to_owned();
        let style = written::Style {
            folder: &folder,
            pytest: self.pytest,
            tag: &tag,
        };
        let candidates = written::candidates(alert, &frames, self.sources, &style);
        if candidates.is_empty() {
            let why = written::obstacles(&frames, self.sources).join("; ");
            let message = format!("no call of the trace could be rebuilt from what was recorded: {why}");
            return not_seen(Outcome::NotReproduced, message, diagnosis, log);
        }
        let extra: Vec<(String, String)> = candidates
            .iter()
            .map(|c| (c.test.path.clone(), c.test.content.clone()))
            .collect();
        let first = self
            .run("calls rebuilt from the alert", self.tree, &extra, None, log)
            .await?;
        if let Some(message) = broken_environment(&first, self.sources) {
            return not_seen(Outcome::Environment, message, diagnosis, log);
        }
        let hit = |run: &SuiteRun| {
            candidates.iter().find_map(|candidate| {
                let test = written_id(run, candidate)?;
                let answer = &run.tests[&test];
                let same = answer.answer.is_failure() && answer.error_type.as_deref() == Some(exception.kind.as_str());
                let place = answer
                    .frames
                    .iter()
                    .rev()
                    .find(|f| self.sources.contains_key(&f.file))?;
                (same && place.file == crash.file && place.function == crash.function)
                    .then(|| (candidate.clone(), test.clone()))
            })
        };
        let Some((candidate, test)) = hit(&first) else {
            if let Some(release) = self.release_tree.filter(|release| *release != self.tree) {
                let old = self
                    .run("the same calls at the release that raised", release, &extra, None, log)
                    .await?;
                if hit(&old).is_some() {
                    return not_seen(
                        Outcome::AlreadyFixed,
                        format!("{} is raised at the release and no longer here", exception.kind),
                        diagnosis,
                        log,
                    );
                }
            }
            let message = format!(
                "{} rebuilt calls do not raise {} in `{}`",
                candidates.len(),
                exception.kind,
                crash.function
            );
            return not_seen(Outcome::NotReproduced, message, diagnosis, log);
        };
        // The other calls were only asked; from here on the one that raises is the oracle.
        let mut first = first;
        let asked: Vec<TestId> = candidates
            .iter()
            .filter(|other| other.test.path != candidate.test.path)
            .flat_map(|other| of_file(&first, &other.test.path))
            .collect();
        first.tests.retain(|id, _| !asked.contains(id));
        diagnosis.failing_tests = Vec::new();
        let kept = vec![(candidate.test.path.clone(), candidate.test.content.clone())];
        let answer = self
            .seen(
                first,
                vec![test],
                kept,
                Some(candidate.test),
                Oracle::NoLongerRaises,
                FailureClass::RuntimeError,
                log,
            )
            .await?;
        Ok(answer.map(|mut seen| {
            seen.diagnosis = diagnosis;
            seen
        }))
    }
}

fn of_file(run: &SuiteRun, path: &str) -> Vec<TestId> {
    let dotted = path
        .strip_suffix(".py")
        .unwrap_or(path)
        .rsplit('/')
        .next()
        .unwrap_or(path);
    let is_own = |id: &&TestId| id.as_str().starts_with(path) || id.as_str().split('.').any(|part| part == dotted);
    run.tests.keys().filter(is_own).cloned().collect()
}

/// The written test's identifier, as the runner that ran it says it.
fn written_id(run: &SuiteRun, candidate: &written::Candidate) -> Option<TestId> {
    of_file(run, &candidate.test.path)
        .into_iter()
        .find(|id| id.as_str().ends_with(&candidate.name))
}

/// The folder with most of the project's tests, where a written one is at home.
fn tests_folder(sources: &BTreeMap<String, String>) -> String {
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    for path in sources.keys() {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.starts_with("test_") || name.ends_with("_test.py") {
            *folders.entry(folder).or_default() += 1;
        }
    }
    folders
        .into_iter()
        .max_by_key(|(folder, count)| (*count, std::cmp::Reverse(folder.len())))
        .map_or_else(String::new, |(folder, _)| folder.to_owned())
}
