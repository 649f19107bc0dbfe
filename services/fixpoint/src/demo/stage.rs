//! The demo's stage: the system itself, a GitHub, a Slack and a Sentry on loopback, and the ways to watch them.

use super::application::{self, Application};
use super::narrator::Narrator;
use super::system::{self, System};
use crate::cli::Demo;
use anyhow::{Context as _, bail, ensure};
use github_sim::{Pull, Sim, SimOptions, Step, Token};
use serde_json::{Value, json};
use stand_in::sentry::Answer;
use stand_in::{SentryStandIn, SlackStandIn, http_client};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

const REPO: &str = "acme/shop";
const TOKEN: &str = "ghp_demo0000000000000000000000000000demo";
const SENTRY_SECRET: &str = "a-client-secret-of-the-demo";
const GITHUB_SECRET: &str = "a-webhook-secret-of-the-demo";
/// Longest wait for one job.
const JOB: Duration = Duration::from_secs(300);
/// Longest wait for anything else.
const SOON: Duration = Duration::from_secs(30);
/// How often the system is asked.
const LOOK: Duration = Duration::from_millis(150);

/// Everything that is running.
pub struct Stage {
    folder: PathBuf,
    github: Sim,
    slack: SlackStandIn,
    sentry: SentryStandIn,
    application: Application,
    http: reqwest::Client,
    system: System,
}

/// A job that was watched to its end.
pub struct Watched {
    /// The job as the API shows it.
    pub job: Value,
}

impl Stage {
    /// Starts everything.
    pub async fn set(arguments: &Demo, narrator: &Narrator) -> anyhow::Result<Self> {
        let folder = arguments.data.clone().unwrap_or_else(|| PathBuf::from(".data/demo"));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let run = folder.join(format!("run-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(&run)?;

        let github = Sim::start(SimOptions {
            tokens: vec![Token::write(TOKEN, "fixpoint-bot")],
            ..SimOptions::default()
        })
        .await?;
        let slack = SlackStandIn::start().await?;
        github
            .repository(REPO)
            .files(application::files())
            .first_commit("ada", "A small shop")
            .create()?;
        narrator.say(&format!(
            "GitHub stand-in at {}, Slack stand-in at {}",
            github.web_url(),
            slack.webhook_url()
        ));

        let webhook = slack.webhook_url();
        let ours = ours(github.url(), &webhook);
        let source = system::source(&settings::Source::process(), &run, &ours);
        let fixer = fixer::Settings::read(&settings::Settings::load(&source)?)?;
        // Environments outlive a run of the demo, so that the second one is quick.
        let layers = folder.join("layers");
        system::share(&layers, &run.join("fixer"))?;
        let workshop = fixer.workshop()?;
        let system = System::start(arguments.profile, &source, &run, &layers).await?;
        narrator.say(&system.sentence());
        let tell = |line: &str| narrator.say(line);
        let application = Application::prepare(
            Arc::clone(&workshop.sandbox),
            &workshop.preparer,
            &run.join("application"),
            &tell,
        )
        .await?;
        github.add_webhook(&format!("{}/webhooks/github", system.doors()), GITHUB_SECRET);
        let sentry = SentryStandIn::new(format!("{}/webhooks/sentry", system.doors()), SENTRY_SECRET)?;
        Ok(Self {
            folder: run,
            github,
            slack,
            sentry,
            application,
            http: http_client(Duration::from_secs(10))?,
            system,
        })
    }

    /// Where the API is.
    pub fn address(&self) -> &str {
        self.system.api()
    }

    /// Provokes a bug in the running application and returns what the SDK captured.
    pub async fn capture(&self, bug: &str, narrator: &Narrator) -> anyhow::Result<Value> {
        narrator.say("a customer uses the running shop …");
        self.application.capture(bug).await
    }

    /// Raises an alert for an event, as Sentry does.
    pub async fn alert(&self, issue: &str, event: &Value) -> anyhow::Result<Answer> {
        self.sentry.raise(issue, event).await
    }

    /// The colleague's commit and the CI run that it breaks; returns the run's id.
    pub async fn push_regression(&self, narrator: &Narrator) -> anyhow::Result<u64> {
        let (message, files) = application::regression()?;
        let (green, log) = self.application.test(&files).await?;
        ensure!(!green, "the colleague's commit should break a test");
        let sha = self.github.commit(REPO, "main", files, "sam", &message)?;
        narrator.say(&format!("{} · {}", &sha[..12], message.lines().next().unwrap_or("")));
        for line in log.lines().filter(|line| line.starts_with("FAILED")) {
            narrator.say(&format!("CI: {line}"));
        }
        let steps = vec![
            Step::passes("Install", "python -m pip install -r requirements-dev.txt", ""),
            Step::fails("Test", "python -m pytest -q", &log),
        ];
        self.github.fail_workflow(REPO, "main", &sha, "Tests", "test", steps)
    }

    /// The job that a run's failure became.
    pub async fn job_of_run(&self, run: u64) -> anyhow::Result<String> {
        let started = Instant::now();
        while started.elapsed() < SOON {
            let jobs = self.get("/api/v1/jobs").await?;
            let job = jobs["jobs"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|job| job["run_id"] == json!(run));
            if let Some(id) = job.and_then(|job| job["id"].as_str()) {
                return Ok(id.to_owned());
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("no job was made of run {run}: {}", self.newest_decision().await?)
    }

    /// Watches a job to its end, telling what happens.
    pub async fn watch(&self, id: &str, narrator: &Narrator) -> anyhow::Result<Watched> {
        let started = Instant::now();
        let mut shown = narrator.watching();
        while started.elapsed() < JOB {
            narrator.check()?;
            let job = self.get(&format!("/api/v1/jobs/{id}")).await?;
            shown.update(&job);
            if job["state"]
                .as_str()
                .is_some_and(|state| !matches!(state, "queued" | "running"))
            {
                shown.end(&job);
                return Ok(Watched { job });
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("job {id} did not end within {} s", JOB.as_secs())
    }

    /// The newest entry of the ledger that says why nothing was done.
    pub async fn newest_decision(&self) -> anyhow::Result<Value> {
        let decisions = self.get("/api/v1/decisions?limit=1").await?;
        Ok(decisions["decisions"][0].clone())
    }

    /// The pull requests on GitHub.
    pub fn pulls(&self) -> Vec<Pull> {
        self.github.pulls(REPO)
    }

    /// What was said in Slack, once so many messages are there.
    pub async fn slack_messages(&self, wanted: usize) -> anyhow::Result<Vec<String>> {
        let started = Instant::now();
        while started.elapsed() < SOON && self.slack.messages().len() < wanted {
            tokio::time::sleep(LOOK).await;
        }
        let messages: Vec<String> = self
            .slack
            .messages()
            .iter()
            .map(stand_in::slack::SlackMessage::as_read)
            .collect();
        ensure!(
            messages.len() == wanted,
            "Slack heard {} messages instead of {wanted}",
            messages.len()
        );
        Ok(messages)
    }

    /// Writes down what the jobs' pages of the API say, for later reading.
    pub fn keep(&self, narrator: &Narrator, jobs: &[&Value]) -> anyhow::Result<()> {
        for (number, job) in jobs.iter().enumerate() {
            let file = self.folder.join(format!("job-{}.json", number + 1));
            std::fs::write(&file, serde_json::to_string_pretty(job)?)?;
            narrator.say(&format!(
                "attempts, stages and evidence of job {}: {}",
                number + 1,
                file.display()
            ));
        }
        narrator.say("`fixpoint demo --stay` keeps it all running; README.md says how to connect a real GitHub, Sentry and Slack.");
        Ok(())
    }

    /// Waits for Ctrl-C.
    pub async fn until_interrupted(&self) {
        let _ = tokio::signal::ctrl_c().await;
    }

    /// Stops everything.
    pub async fn end(self) -> anyhow::Result<()> {
        ensure!(self.github.merge_calls() == 0, "something tried to merge");
        let done = self.system.stop(SOON).await;
        self.github.stop().await;
        done
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self
            .http
            .get(format!("{}{path}", self.address()))
            .send()
            .await?
            .error_for_status()?;
        Ok(answer.json().await?)
    }
}

/// What the demo's accounts are called.
fn ours<'a>(github: &'a str, slack: &'a str) -> [(&'static str, &'a str); 9] {
    [
        ("SENTRY_WEBHOOK_SECRET", SENTRY_SECRET),
        ("SENTRY_FIXER_ENABLED", "true"),
        ("GITHUB_WEBHOOK_SECRET", GITHUB_SECRET),
        ("GITHUB_TOKEN", TOKEN),
        ("GITHUB_REPO_OWNER", "acme"),
        ("GITHUB_REPO_NAME", "shop"),
        ("GITHUB_BASE_BRANCH", "main"),
        ("GITHUB_API_URL", github),
        ("SLACK_WEBHOOK_URL", slack),
    ]
}
