//! The system as it runs in earnest, on one machine: the four services as processes of their own, with a RabbitMQ and a
//! Postgres that belong to nobody else, all on the loopback interface. Each part can be killed, frozen and started again.
//!
//! It is for the demo and for trials, never for production: there an orchestrator does this.

#![forbid(unsafe_code)]

mod broker;
mod options;
mod postgres;
mod process;
mod ready;
mod role;
mod script;
mod signal;
mod tree;

pub use broker::Broker;
pub use options::Options;
pub use postgres::Postgres;
pub use process::{Ended, Process};
pub use role::Service;
pub use tree::{Stray, Usage};

use anyhow::{Context as _, Result};
use futures::future::{join_all, try_join_all};
use script::Scripts;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

/// Everything, running. What was started is stopped when this is dropped.
pub struct Fleet {
    // The order is the order of the end: those who use a server go before it.
    processes: Vec<Process>,
    broker: Broker,
    postgres: Postgres,
}

impl Fleet {
    /// Starts the servers, then the services, and waits until each of them is ready.
    ///
    /// # Errors
    /// What did not start, with the last lines of its log.
    pub async fn start(options: Options) -> Result<Self> {
        std::fs::create_dir_all(&options.home)
            .with_context(|| format!("the folder {} cannot be made", options.home.display()))?;
        let options = Options {
            home: options.home.canonicalize()?,
            binaries: options.binaries.canonicalize().with_context(|| {
                let folder = options.binaries.display();
                format!("there is no folder {folder} with the services' programs: build them first")
            })?,
            ..options
        };
        let scripts = Scripts::find(&options.binaries)?;
        // Both are waited for, also when one has failed: what has started has to be stopped.
        let (broker, postgres) = tokio::join!(
            Broker::start(scripts.clone(), options.broker.clone()),
            Postgres::start(scripts, options.postgres.clone()),
        );
        let mut fleet = Self {
            processes: Vec::new(),
            broker: broker?,
            postgres: postgres?,
        };
        let settings = options.all_settings(fleet.broker.url(), fleet.postgres.url());
        let services = options.services();
        // All are held until each is given, so that no port is given twice.
        let ports = services.iter().map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let ports = ports
            .collect::<std::io::Result<Vec<_>>>()
            .context("ports for the services")?;
        for ((service, number), port) in services.into_iter().zip(&ports) {
            let address = port.local_addr()?;
            let process = Process::of(service, number, address, &options, &settings)?;
            fleet.processes.push(process);
        }
        drop(ports);
        for process in &fleet.processes {
            process.start()?;
        }
        try_join_all(fleet.processes.iter().map(|process| process.ready(options.patience))).await?;
        Ok(fleet)
    }

    /// Every process: ingest, planners, fixers, notifiers.
    #[must_use]
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// The processes of one service.
    pub fn of(&self, service: Service) -> impl Iterator<Item = &Process> {
        self.processes
            .iter()
            .filter(move |process| process.service() == service)
    }

    /// The process of this name, `planner-2`.
    #[must_use]
    pub fn process(&self, name: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.name() == name)
    }

    /// The message broker.
    #[must_use]
    pub const fn broker(&self) -> &Broker {
        &self.broker
    }

    /// The database.
    #[must_use]
    pub const fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// Asks every process to end, as an orchestrator does, and says how each of them did. The servers end after them.
    pub async fn stop(self, patience: Duration) -> Vec<(String, Ended)> {
        let ends = self.processes.iter().map(|process| async move {
            process.thaw();
            (process.name().to_owned(), process.terminate(patience).await)
        });
        join_all(ends).await
    }
}
