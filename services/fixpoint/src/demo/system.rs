//! The system that the demo shows: one process, or the four services apart.

use crate::cli::Profile;
use crate::up::{self, Running};
use anyhow::{Context as _, bail, ensure};
use fleet::{Ended, Fleet, Options, Service};
use settings::Source;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What can be spent on finding one fix.
const BUDGET: (&str, &str) = ("project.budget_seconds", "60");

/// The running system.
pub struct System {
    doors: String,
    api: String,
    parts: Parts,
}

enum Parts {
    Together(Running, CancellationToken),
    Apart(Box<Fleet>),
}

impl System {
    /// Starts it below `run`; `source` is [`source`]'s, and `layers` holds the environments of earlier demos.
    pub async fn start(profile: Profile, source: &Source, run: &Path, layers: &Path) -> anyhow::Result<Self> {
        match profile {
            Profile::Embedded => Self::together(source).await,
            Profile::Distributed => Self::apart(source, run, layers).await,
        }
    }

    async fn together(source: &Source) -> anyhow::Result<Self> {
        let stop = CancellationToken::new();
        let running = up::start(source, stop.clone()).await?;
        let address = format!("http://{}", running.address);
        Ok(Self {
            doors: address.clone(),
            api: address,
            parts: Parts::Together(running, stop),
        })
    }

    async fn apart(source: &Source, run: &Path, layers: &Path) -> anyhow::Result<Self> {
        let home = run.join("processes");
        share(layers, &home.join("fixer-1/fixer"))?;
        let mut options = Options::new(programs()?, home);
        for (name, value) in source.variables() {
            options = options.set(name, value);
        }
        options = options.set("FIXPOINT__PROJECT__BUDGET_SECONDS", BUDGET.1);
        let fleet = Fleet::start(options).await?;
        let address = |service: Service| {
            let process = fleet.of(service).next();
            process.map(|process| process.url()).context("a service is missing")
        };
        Ok(Self {
            doors: address(Service::Ingest)?,
            api: address(Service::Planner)?,
            parts: Parts::Apart(Box::new(fleet)),
        })
    }

    /// Where webhooks go.
    pub fn doors(&self) -> &str {
        &self.doors
    }

    /// Where the API is.
    pub fn api(&self) -> &str {
        &self.api
    }

    /// What runs, for people.
    pub fn sentence(&self) -> String {
        match &self.parts {
            Parts::Together(..) => format!("fixpoint up at {} (one process, in-memory bus, SQLite)", self.api),
            Parts::Apart(fleet) => {
                let names: Vec<&str> = fleet.processes().iter().map(fleet::Process::name).collect();
                format!(
                    "{} as processes of their own, over a private RabbitMQ and Postgres; webhooks at {}, the API at {}",
                    names.join(", "),
                    self.doors,
                    self.api
                )
            }
        }
    }

    /// Stops everything.
    pub async fn stop(self, patience: Duration) -> anyhow::Result<()> {
        match self.parts {
            Parts::Together(running, stop) => {
                stop.cancel();
                let ended = tokio::time::timeout(patience, running.wait(&stop)).await;
                ended.context("the system did not stop in time")?
            }
            Parts::Apart(fleet) => {
                for (name, ended) in fleet.stop(patience).await {
                    let well = matches!(&ended, Ended::Asked(status) if status.success());
                    ensure!(well, "{name} did not stop as it should: {ended:?}");
                }
                Ok(())
            }
        }
    }
}

/// Where the services' programs are: beside this one.
fn programs() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("it is not known where this program is")?;
    let folder = own.parent().context("this program is in no folder")?.to_owned();
    for service in Service::ALL {
        if !folder.join(service.as_str()).is_file() {
            bail!(
                "there is no `{}` in {}: build all programs with cargo build --workspace --bins",
                service.as_str(),
                folder.display()
            );
        }
    }
    Ok(folder)
}

/// The fixer's layers of this run are the demo's common ones.
pub fn share(layers: &Path, fixer: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(layers)?;
    std::fs::create_dir_all(fixer)?;
    std::os::unix::fs::symlink(layers, fixer.join("layers")).context("cannot share the environments of earlier demos")
}

/// The settings of the demo, the same whoever runs it. What the environment says of this machine counts, how it installs
/// and how it confines; what it says of somebody's accounts does not.
pub fn source(process: &Source, run: &Path, ours: &[(&str, &str)]) -> Source {
    process
        .only(&["prepare", "sandbox"])
        .environment(ours.iter().copied())
        .set("data.dir", run.to_string_lossy())
        .set("server.listen", "127.0.0.1:0")
        .set("bus.url", "memory://")
        .set(BUDGET.0, BUDGET.1)
        .set(
            "database.url",
            format!("sqlite://{}", run.join("fixpoint.db").display()),
        )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::Value;

    fn read(process: &Source) -> Value {
        let ours = [("SLACK_WEBHOOK_URL", "http://slack.test/hook")];
        let source = source(process, Path::new("/demo"), &ours);
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
