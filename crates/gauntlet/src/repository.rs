//! The repositories of the incidents: each is made green, gets its mistake, and turns red.

use crate::schedule::Incident;
use crate::template::COMMAND;
use anyhow::{Context as _, Result, bail, ensure};
use github_sim::{Sim, Step};
use stand_in::SentryStandIn;
use std::collections::BTreeMap;
use std::path::Path;

const ALERT_TRIES: usize = 5;

/// Makes an incident's repository, with the mistake in it, and lets the mistake come to light.
pub async fn turn_red(github: &Sim, sentry: &SentryStandIn, incident: &Incident) -> Result<()> {
    let (name, bug) = (incident.repository(), incident.bug);
    github
        .repository(&name)
        .files(bug.files())
        .first_commit("ada", "Begin")
        .create()?;
    let sha = github.commit(&name, "main", bug.mistake(), "sam", "Change things")?;
    if incident.is_alert() {
        let mut sentry = sentry.clone();
        sentry.project = incident.project();
        let event = bug.event(&uuid::Uuid::new_v4().simple().to_string());
        // Sentry waits for one second, and this machine is busy; the same event twice is one event.
        for _ in 0..ALERT_TRIES {
            if sentry.raise(&incident.number.to_string(), &event).await.is_ok() {
                return Ok(());
            }
        }
        bail!("the alert of {name} could not be raised");
    }
    let mut files = bug.files();
    files.extend(bug.mistake());
    let log = tokio::task::spawn_blocking(move || run_tests(&files)).await??;
    let steps = vec![Step::fails("Unit tests", COMMAND, &log)];
    github.fail_workflow(&name, "main", &sha, "Tests", "test", steps)?;
    Ok(())
}

/// Runs the tests as the workflow does; what they print. They have to be red.
#[expect(
    clippy::disallowed_methods,
    reason = "it plays GitHub's runner, on files that are built into this program"
)]
fn run_tests(files: &BTreeMap<String, String>) -> Result<String> {
    let folder = tempfile::tempdir()?;
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        std::fs::write(path, text)?;
    }
    let mut tests = std::process::Command::new("sh");
    let tests = tests.args(["-c", &format!("{COMMAND} 2>&1")]).current_dir(&folder);
    let output = tests.output().context("the tests of a repository cannot be run")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        !output.status.success() && text.contains("Ran "),
        "the tests should run and be red: {text}"
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::random::Random;
    use crate::template::{Bug, RED};

    #[test]
    fn every_red_template_is_red_with_its_mistake_and_green_without() {
        for template in RED {
            let bug = Bug::of(template, &mut Random::of(5, "test"));
            let mut files = bug.files();
            assert!(
                run_tests(&files).unwrap_err().to_string().contains("OK"),
                "{}",
                template.name
            );
            files.extend(bug.mistake());
            assert!(run_tests(&files).unwrap().contains("FAILED"), "{}", template.name);
        }
    }
}
