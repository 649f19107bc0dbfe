//! fixer: carries out attempts. It has no database, holds a repository's token only for the attempt that it was granted
//! for, and never merges.

mod arguments;
pub mod ask;
pub mod attempt;
#[cfg(test)]
mod case;
mod crew;
pub mod diagnose;
mod heartbeat;
mod inbox;
mod kind;
pub mod local;
mod measure;
pub mod prepare;
pub mod process;
pub mod progress;
pub mod propose;
pub mod prove;
pub mod publish;
mod ready;
pub mod repair;
pub mod report;
pub mod reproduce;
pub mod settings;
pub mod suite;
pub mod text;
pub mod workspace;

pub use kind::Kinds;
pub use settings::Settings;

use anyhow::Context as _;
use bus::{Bus, Envelope, PublishError};
use chrono::{DateTime, Utc};
use domain::message::Message;
use domain::repo::RepoName;
use repair::Workshop;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use telemetry::Health;
use telemetry::health::Underway;
use tokio_util::sync::CancellationToken;
use workspace::mirror::Mirrors;

/// How long running attempts may go on after a stop.
const DRAIN: Duration = Duration::from_secs(30);
/// Longest wait until an outcome has reached the planner.
const REPORTED: Duration = Duration::from_secs(300);

/// Everything an attempt needs.
#[derive(Clone)]
pub struct Fixer {
    pub(crate) settings: Arc<Settings>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) workshop: Workshop,
    pub(crate) mirrors: Mirrors,
    /// The door that all others are made from, so that a limit which one attempt meets holds for all of them.
    pub(crate) github: github::Door,
    pub(crate) name: String,
    pub(crate) measure: measure::Measure,
    consumed: Underway,
    /// Whether the fixer is to end.
    pub(crate) stop: CancellationToken,
}

/// Runs a fixer until `stop`.
///
/// # Errors
/// When the sandbox or the data folder cannot be used, or a queue cannot be consumed.
pub async fn run(settings: Settings, bus: Arc<dyn Bus>, stop: CancellationToken) -> anyhow::Result<()> {
    Fixer::open(settings, bus, stop)?.work().await
}

impl Fixer {
    /// Opens the sandbox, the folders and the door to GitHub. Needs a tokio runtime.
    ///
    /// # Errors
    /// When code cannot be confined here, the data folder cannot be written, or GitHub's address is none.
    pub fn open(settings: Settings, bus: Arc<dyn Bus>, stop: CancellationToken) -> anyhow::Result<Self> {
        let workshop = settings.workshop()?;
        let mirrors = Mirrors::under(&settings.data_dir.join("mirrors"));
        let scratch = settings.data_dir.join("attempts");
        // What an earlier process left when it was killed; the data folder is used by one process at a time.
        let _ = std::fs::remove_dir_all(&scratch);
        std::fs::create_dir_all(&scratch).with_context(|| format!("cannot write {}", scratch.display()))?;
        let github = github::Door::new(&github::Settings {
            auth: github::AuthSettings::default(),
            ..settings.github.clone()
        })?;
        Ok(Self {
            measure: measure::Measure::of(settings.kinds.iter()),
            consumed: Underway::default(),
            settings: Arc::new(settings),
            bus,
            workshop,
            mirrors,
            github,
            name: name()?,
            stop,
        })
    }

    /// Carries out attempts until the stop that it was opened with.
    ///
    /// # Errors
    /// When a queue cannot be consumed.
    pub async fn work(self) -> anyhow::Result<()> {
        let (consumed, stop) = (self.consumed.clone(), self.stop.clone());
        let crew = crew::Crew {
            bus: Arc::clone(&self.bus),
            queues: self.settings.kinds.queues(),
            workers: self.settings.workers.max(1),
            drain: DRAIN,
            handler: Arc::new(inbox::Inbox { fixer: self }),
        };
        let done = consumed.during(crew.work(stop)).await;
        done.context("the fixer's inbox closed")
    }

    /// Whether attempts are taken: the broker answers, and the queues of the fixer's kinds are consumed.
    #[must_use]
    pub fn health(&self) -> Health {
        let bus = Arc::clone(&self.bus);
        let health = Health::default().ask("the broker does not answer", move || {
            let bus = Arc::clone(&bus);
            async move { !bus.depth().await.is_empty() }
        });
        let queues = self.settings.kinds.queues();
        let consumed = queues.iter().fold(health, |health, queue| {
            health.while_underway(format!("the queue {} is not consumed", queue.name()), &self.consumed)
        });
        consumed.until(self.stop.clone())
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.settings.data_dir.join("attempts")
    }

    /// The time. Attempts run on this machine, so this is the edge where its clock is read.
    #[allow(clippy::disallowed_methods, clippy::unused_self, reason = "an edge of the system")]
    pub(crate) fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// A door to a repository for the token that was granted, and for no other credential.
    pub(crate) fn door(&self, repo: &RepoName, token: Option<&github::Token>) -> github::Door {
        let door = self.github.of_owner(repo.owner());
        match token {
            Some(token) => door.with_token(token.secret.clone()),
            None => door,
        }
    }

    pub(crate) async fn publish<M: Message>(&self, message: &M) -> anyhow::Result<()> {
        let envelope = Envelope::of(message)?.traced(telemetry::trace::inject());
        // Progress is transient: nobody waits until it has been read.
        drop(self.bus.publish(envelope).await?);
        Ok(())
    }

    /// Publishes and waits until the message is in safe hands. A broker that is away is waited for: what was done would have to be
    /// done again.
    pub(crate) async fn publish_durably<M: Message>(&self, message: &M) -> anyhow::Result<()> {
        let envelope = Envelope::of(message)?.traced(telemetry::trace::inject());
        let end = tokio::time::Instant::now() + REPORTED;
        loop {
            let error = match self.bus.publish(envelope.clone()).await {
                Ok(settled) => {
                    tokio::time::timeout_at(end, settled.wait())
                        .await
                        .context("nobody took the outcome in time")??;
                    return Ok(());
                }
                Err(error) => error,
            };
            let passes = matches!(error, PublishError::Unavailable(_) | PublishError::Full { .. });
            if !passes || self.stop.is_cancelled() || tokio::time::Instant::now() >= end {
                return Err(error.into());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// What people call this fixer. In a container every process has the same number, so there is more to it.
fn name() -> anyhow::Result<String> {
    let mut unique = [0_u8; 3];
    SystemRandom::new()
        .fill(&mut unique)
        .map_err(|_| anyhow::anyhow!("this machine has no randomness"))?;
    Ok(format!("fixer-{}-{}", std::process::id(), hex::encode(unique)))
}

/// Makes sure that a folder exists.
pub(crate) fn folder(path: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
    path.canonicalize()
        .with_context(|| format!("cannot use {}", path.display()))
}
