//! What a fleet is made of.

use crate::Service;
use std::path::PathBuf;
use std::time::Duration;

/// What a fleet is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder with the programs `ingest`, `planner`, `fixer` and `notifier`, below the workspace.
    pub binaries: PathBuf,
    /// The folder of everything that is written: `<process>/` is a process's data, `<process>.log` its log. Made when missing.
    pub home: PathBuf,
    /// How many planners.
    pub planners: usize,
    /// How many fixers.
    pub fixers: usize,
    /// How many notifiers.
    pub notifiers: usize,
    /// Settings by their names in the environment. Each process gets those that its service may know; of `AMQP_URL`,
    /// `DATABASE_URL`, the address and the data folder the fleet takes care itself.
    pub settings: Vec<(String, String)>,
    /// A broker that is there already; none: a private one is started.
    pub broker: Option<String>,
    /// A Postgres that is there already, in which a database is made; none: a private one is started.
    pub postgres: Option<String>,
    /// How long a process may take until it is ready.
    pub patience: Duration,
}

impl Options {
    /// One process of each service, with private servers.
    #[must_use]
    pub fn new(binaries: impl Into<PathBuf>, home: impl Into<PathBuf>) -> Self {
        Self {
            binaries: binaries.into(),
            home: home.into(),
            planners: 1,
            fixers: 1,
            notifiers: 1,
            settings: Vec::new(),
            broker: None,
            postgres: None,
            patience: Duration::from_secs(60),
        }
    }

    /// With one more setting.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn services(&self) -> Vec<(Service, usize)> {
        let counts = [
            (Service::Ingest, 1),
            (Service::Planner, self.planners),
            (Service::Fixer, self.fixers),
            (Service::Notifier, self.notifiers),
        ];
        let numbered = |(service, count)| (1..=count).map(move |number| (service, number));
        counts.into_iter().flat_map(numbered).collect()
    }

    /// The given settings, and the servers' addresses.
    pub(crate) fn all_settings(&self, broker: &str, postgres: &str) -> Vec<(String, String)> {
        let servers = [("AMQP_URL", broker), ("DATABASE_URL", postgres)];
        let servers = servers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.settings.iter().cloned().chain(servers).collect()
    }
}
