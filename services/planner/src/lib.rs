//! The planner decides and remembers: signals become incidents, jobs and attempts, attempts become pull requests or reasons.
//! It runs no code, writes to no repository and speaks to no person.

pub mod api;
pub mod flow;
mod inbox;
mod leader;
mod measure;
mod outbox;
pub mod plan;
pub mod process;
pub mod settings;
pub mod store;
pub mod vault;
mod watch;

use anyhow::{Context as _, Result};
use bus::Bus;
use flow::Flow;
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use store::Store;
use telemetry::Health;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vault::Vault;

pub use inbox::Inbox;
pub use settings::Settings;
pub use store::{migrate, revert};

/// An opened planner: its routes can be served before and while it runs.
#[derive(Clone)]
pub struct Planner {
    flow: Arc<Flow>,
    bus: Arc<dyn Bus>,
    facts: Arc<api::Facts>,
    consumed: inbox::Consumed,
}

impl Planner {
    /// Checks the settings, and opens and migrates the database.
    ///
    /// # Errors
    /// One sentence that names the setting that is wrong, or what is wrong with the database.
    pub async fn open(settings: &Settings, bus: Arc<dyn Bus>) -> Result<Self> {
        let rules = settings::Rules::of(settings)?;
        let door = github::Door::new(&settings.github).context("github")?;
        let vault = Vault::new(&door);
        let (url, pool) = (settings.database_url(), settings.database.pool);
        let store = tokio::task::spawn_blocking(move || Store::open(url.expose_secret(), pool)).await??;
        let facts = api::Facts {
            enabled: settings.sentry.enabled,
            github: vault.configured(),
            slack: settings.slack.configured(),
        };
        Ok(Self {
            flow: Arc::new(Flow::new(store, Arc::new(rules), vault)),
            bus,
            facts: Arc::new(facts),
            consumed: inbox::Consumed::default(),
        })
    }

    /// The planner's routes, for an HTTP server; see [`api`].
    pub fn routes(&self) -> impl FnOnce(&mut actix_web::web::ServiceConfig) + Clone + Send + 'static {
        api::routes(api::State {
            flow: Arc::clone(&self.flow),
            facts: Arc::clone(&self.facts),
        })
    }

    /// Whether the planner can do its work: its database and the broker answer, and its queues are consumed.
    #[must_use]
    pub fn health(&self) -> Health {
        let (store, bus) = (self.flow.store.clone(), Arc::clone(&self.bus));
        let health = Health::default()
            .ask("the database does not answer", move || {
                let store = store.clone();
                async move { store.now().await.is_ok() }
            })
            .ask("the broker does not answer", move || {
                let bus = Arc::clone(&bus);
                async move { !bus.depth().await.is_empty() }
            });
        self.consumed.health(health)
    }

    /// What the planner does with messages, for whoever hands them over by himself.
    #[must_use]
    pub fn flow(&self) -> &Arc<Flow> {
        &self.flow
    }

    /// Works until `stop`, and then lets what is under way end. Dropping the future stops everything at once.
    ///
    /// # Errors
    /// When a queue cannot be consumed, or a part has ended without being asked.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let mut tasks = JoinSet::new();
        inbox::open(&self.flow, &self.bus, &self.consumed, &stop, &mut tasks);
        let (candidate, leader) = leader::Candidate::new(self.flow.store.clone(), Arc::clone(&self.flow.committed));
        tasks.spawn(candidate.run(stop.clone()));
        let outbox = outbox::Outbox {
            store: self.flow.store.clone(),
            bus: Arc::clone(&self.bus),
            committed: Arc::clone(&self.flow.committed),
            leader: leader.clone(),
        };
        tasks.spawn(outbox.run(self.flow.rules.channels.clone(), stop.clone()));
        tasks.spawn(watch::run(
            Arc::clone(&self.flow),
            Arc::clone(&self.bus),
            leader,
            stop.clone(),
        ));
        tasks.spawn(watch::queues(self.flow, self.bus, stop.clone()));
        while let Some(ended) = tasks.join_next().await {
            ended.context("a part of the planner was aborted")??;
            anyhow::ensure!(stop.is_cancelled(), "a part of the planner has ended by itself");
        }
        Ok(())
    }
}

/// Opens the planner and works until `stop`.
///
/// # Errors
/// As [`Planner::open`] and [`Planner::run`].
pub async fn run(settings: Settings, bus: Arc<dyn Bus>, stop: CancellationToken) -> Result<()> {
    Planner::open(&settings, bus).await?.run(stop).await
}
