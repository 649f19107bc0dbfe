//! Reproduces an alert: writes tests from its frames, and keeps the one that raises as the alert did.

use super::broken::broken_environment;
use super::{Answer, Log, Scene, frame, not_seen, written};
use crate::suite::{SuiteError, SuiteRun};
use domain::attempt::Outcome;
use domain::diagnosis::{CodeFrame, Diagnosis, FailureClass};
use domain::evidence::{Oracle, TestId};
use domain::signal::{ErrorAlert, ExceptionInfo};
use std::collections::BTreeMap;

/// The calls that an alert's frames say were made, written as tests for one state of the sources.
struct Calls<'a> {
    kind: &'a str,
    /// Where the exception came from, if that is code of these sources.
    crash: Option<CodeFrame>,
    frames: Vec<CodeFrame>,
    candidates: Vec<written::Candidate>,
    /// Why there is no candidate.
    obstacles: String,
    sources: &'a BTreeMap<String, String>,
}

/// A call that raised as the alert did, and its test.
type Hit<'c> = (&'c written::Candidate, TestId);

impl Calls<'_> {
    fn extra(&self) -> Vec<(String, String)> {
        let tests = self.candidates.iter().map(|candidate| &candidate.test);
        tests.map(|test| (test.path.clone(), test.content.clone())).collect()
    }

    /// The first call that raised the same exception in the same function.
    fn hit(&self, run: &SuiteRun) -> Option<Hit<'_>> {
        let crash = self.crash.as_ref()?;
        self.candidates.iter().find_map(|candidate| {
            let test = written_id(run, candidate)?;
            let answer = &run.tests[&test];
            let mut own = answer.frames.iter().rev();
            let place = own.find(|frame| self.sources.contains_key(&frame.file))?;
            let same = answer.answer.is_failure()
                && answer.error_type.as_deref() == Some(self.kind)
                && (&place.file, &place.function) == (&crash.file, &crash.function);
            same.then_some((candidate, test))
        })
    }

    fn diagnosis(&self, value: Option<String>) -> Diagnosis {
        let headline = match &self.crash {
            Some(at) => format!("{} in {}", self.kind, at.function),
            None => self.kind.to_owned(),
        };
        Diagnosis {
            class: FailureClass::RuntimeError,
            headline,
            failing_tests: Vec::new(),
            error_type: Some(self.kind.to_owned()),
            message: value,
            frames: self.frames.clone(),
        }
    }

    /// Why the alert is not seen here.
    fn missed(&self) -> String {
        match &self.crash {
            None => "no frame of the alert is code of this repository as it is now".to_owned(),
            Some(_) if self.candidates.is_empty() => format!(
                "no call of the trace could be rebuilt from what was recorded: {}",
                self.obstacles
            ),
            Some(crash) => format!(
                "{} rebuilt calls do not raise {} in `{}`",
                self.candidates.len(),
                self.kind,
                crash.function
            ),
        }
    }
}

impl Scene<'_> {
    pub(super) async fn rebuild_alert(&self, alert: &ErrorAlert, log: &mut Log) -> Answer {
        let exception = alert.outermost().cloned().unwrap_or_default();
        let here = self.calls(alert, &exception, self.sources);
        let diagnosis = here.diagnosis(exception.value.clone());
        if !here.candidates.is_empty() {
            let run = self
                .run("calls rebuilt from the alert", self.tree, &here.extra(), None, log)
                .await?;
            if let Some(message) = broken_environment(&run, self.sources) {
                return not_seen(Outcome::Environment, message, diagnosis, log);
            }
            if here
                .candidates
                .iter()
                .all(|candidate| written_id(&run, candidate).is_none())
            {
                let message = format!(
                    "the test command does not run the test that was written for the alert ({}): set project.test_command to one that runs all tests",
                    here.candidates[0].test.path
                );
                return not_seen(Outcome::Environment, message, diagnosis, log);
            }
            if let Some((candidate, test)) = here.hit(&run) {
                return self
                    .raised(run, &here.candidates, candidate, test, diagnosis, log)
                    .await;
            }
        }
        if let Some(release) = self.release_tree.filter(|release| *release != self.tree) {
            // The line that raised may be gone because somebody has mended it: at the release it is still there.
            let sources = self.bench.git.texts(release, |path| path.ends_with(".py")).await?;
            let then = self.calls(alert, &exception, &sources);
            if let Some(message) = self.is_mended(release, &then, log).await? {
                return not_seen(Outcome::AlreadyFixed, message, diagnosis, log);
            }
        }
        not_seen(Outcome::NotReproduced, here.missed(), diagnosis, log)
    }

    fn calls<'a>(
        &self,
        alert: &ErrorAlert,
        exception: &'a ExceptionInfo,
        sources: &'a BTreeMap<String, String>,
    ) -> Calls<'a> {
        let frames = frame::locate(exception, sources);
        let folder = tests_folder(sources);
        let tag = domain::fingerprint::Fingerprint::of([&alert.issue_id, &alert.event_id]).as_str()[..8].to_owned();
        let style = written::Style {
            folder: &folder,
            pytest: self.pytest,
            tag: &tag,
        };
        Calls {
            kind: &exception.kind,
            crash: frames.last().map(|frame| frame.place.clone()),
            candidates: written::candidates(alert, &frames, sources, &style),
            obstacles: written::obstacles(&frames, sources).join("; "),
            frames: frames.into_iter().map(|frame| frame.place).collect(),
            sources,
        }
    }

    /// Says so if a call raises as the alert did at the release, and passes on the tree under repair. A call that fails
    /// there in another way shows nothing.
    async fn is_mended(&self, release: &str, then: &Calls<'_>, log: &mut Log) -> Result<Option<String>, SuiteError> {
        if then.candidates.is_empty() {
            return Ok(None);
        }
        let extra = then.extra();
        let old = self
            .run("calls rebuilt at the release that raised", release, &extra, None, log)
            .await?;
        let Some((_, test)) = then.hit(&old) else {
            return Ok(None);
        };
        let now = self
            .run("the same calls as the code is now", self.tree, &extra, None, log)
            .await?;
        Ok(now
            .passed(&test)
            .then(|| format!("{} is raised at the release and no longer here", then.kind)))
    }

    /// The other calls were only asked; from here on the one that raises is the oracle.
    async fn raised(
        &self,
        mut first: SuiteRun,
        all: &[written::Candidate],
        candidate: &written::Candidate,
        test: TestId,
        diagnosis: Diagnosis,
        log: &mut Log,
    ) -> Answer {
        if first.exit_code == 0 {
            let message =
                format!("the command ends with 0 although `{test}` raises in it: what cannot fail proves nothing");
            return not_seen(Outcome::NotReproduced, message, diagnosis, log);
        }
        let asked: Vec<TestId> = all
            .iter()
            .filter(|other| other.test.path != candidate.test.path)
            .flat_map(|other| of_file(&first, &other.test.path))
            .collect();
        first.tests.retain(|id, _| !asked.contains(id));
        let kept = vec![(candidate.test.path.clone(), candidate.test.content.clone())];
        let answer = self
            .seen(
                first,
                vec![test],
                kept,
                Some(candidate.test.clone()),
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
