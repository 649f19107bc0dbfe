//! The demo's stage: the system itself, a GitHub, a Slack and a Sentry on loopback, and the ways to watch them.

use super::application::{self, Application};
use super::narrator::Narrator;
use crate::cli::Demo;
use crate::up::{self, Running};
use anyhow::{Context as _, bail, ensure};
use github_sim::{Pull, Sim, SimOptions, Step, Token};
use serde_json::{Value, json};
use stand_in::sentry::Answer;
use stand_in::{SentryStandIn, SlackStandIn, http_client};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

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
    running: Running,
    stop: CancellationToken,
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

        let source = source(&settings::Source::process(), &run, github.url(), &slack.webhook_url());
        let all = settings::Settings::load(&source)?;
        let fixer = fixer::Settings::read(&all)?;
        // Environments outlive a run of the demo, so that the second one is quick.
        let layers = folder.join("layers");
        link_layers(&layers, &run)?;
        let workshop = fixer.workshop()?;
        let stop = CancellationToken::new();
        let running = up::start(&source, stop.clone()).await?;
        narrator.say(&format!(
            "fixpoint up at http://{} (one process, in-memory bus, SQLite)",
            running.address
        ));
        let tell = |line: &str| narrator.say(line);
        let application = Application::prepare(
            Arc::clone(&workshop.sandbox),
            &workshop.preparer,
            &run.join("application"),
            &tell,
        )
        .await?;
        github.add_webhook(&format!("http://{}/webhooks/github", running.address), GITHUB_SECRET);
        let sentry = SentryStandIn::new(format!("http://{}/webhooks/sentry", running.address), SENTRY_SECRET)?;
        Ok(Self {
            folder: run,
            github,
            slack,
            sentry,
            application,
            http: http_client(Duration::from_secs(10))?,
            running,
            stop,
        })
    }

    /// Where the system listens.
    pub fn address(&self) -> String {
        format!("http://{}", self.running.address)
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
        self.stop.cancel();
        let done = tokio::time::timeout(SOON, self.running.wait(&self.stop))
            .await
            .context("the system did not stop in time")?;
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

/// The settings of the demo, the same whoever runs it. What the environment says of this machine counts, how it installs
/// and how it confines; what it says of somebody's accounts does not.
fn source(process: &settings::Source, run: &Path, github: &str, slack: &str) -> settings::Source {
    let documented = [
        ("SENTRY_WEBHOOK_SECRET", SENTRY_SECRET),
        ("SENTRY_FIXER_ENABLED", "true"),
        ("GITHUB_WEBHOOK_SECRET", GITHUB_SECRET),
        ("GITHUB_TOKEN", TOKEN),
        ("GITHUB_REPO_OWNER", "acme"),
        ("GITHUB_REPO_NAME", "shop"),
        ("GITHUB_BASE_BRANCH", "main"),
        ("GITHUB_API_URL", github),
        ("SLACK_WEBHOOK_URL", slack),
    ];
    process
        .only(&["prepare", "sandbox"])
        .environment(documented)
        .set("data.dir", run.to_string_lossy())
        .set("server.listen", "127.0.0.1:0")
        .set("bus.url", "memory://")
        .set("project.budget_seconds", "60")
        .set(
            "database.url",
            format!("sqlite://{}", run.join("fixpoint.db").display()),
        )
}

/// The fixer's layers of this run are the demo's common ones.
fn link_layers(layers: &Path, run: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(layers)?;
    std::fs::create_dir_all(run.join("fixer"))?;
    std::os::unix::fs::symlink(layers, run.join("fixer/layers"))
        .context("cannot share the environments of earlier demos")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use settings::Source;

    fn read(process: &Source) -> Value {
        let source = source(
            process,
            Path::new("/demo"),
            "http://github.test",
            "http://slack.test/hook",
        );
        settings::load(&source).unwrap()
    }

    #[test]
    fn the_demo_is_the_same_whoever_runs_it() {
        let nobody = read(&Source::default());
        assert_eq!(nobody["slack"]["webhook_url"], "http://slack.test/hook");
        let somebody = Source::default().file("/theirs.toml").environment([
            ("SLACK_BOT_TOKEN", "xoxb-theirs"),
            ("SLACK_CHANNEL_ID", "C0THEIRS"),
            ("SENTRY_FIXER_RUN_TESTS", "false"),
            ("SENTRY_FIXER_DEDUP_MINUTES", "0"),
            ("PORT", "eighty"),
            ("DEBUG", "app:*"),
            ("AMQP_URL", "amqp://theirs"),
            ("FIXPOINT__GITHUB__AUTH__APP__ID", "4711"),
            ("FIXPOINT__PROJECT__BRANCH_PREFIX", "theirs/"),
            ("FIXPOINT__NO_SUCH_KEY", "1"),
        ]);
        assert_eq!(read(&somebody), nobody);
    }

    #[test]
    fn what_describes_the_machine_counts() {
        let behind_a_proxy = Source::default().environment([("FIXPOINT__PREPARE__UPSTREAM_PROXY", "proxy.test:3128")]);
        assert_eq!(read(&behind_a_proxy)["prepare"]["upstream_proxy"], "proxy.test:3128");
    }
}
