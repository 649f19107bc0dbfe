//! Everything that a run needs: the world around, the fleet, and the ways to end and to start its processes.

use crate::clock::now;
use crate::deck::FLEET;
use crate::fan_out::FanOut;
use crate::ledger::{Entry, Ledger};
use crate::noise::Noise;
use crate::planner::Planner;
use crate::schedule::Schedule;
use crate::settings::{self, BOT, SECRETS};
use crate::watch::{Running, Watch};
use anyhow::{Context as _, Result, bail};
use bus::Bus;
use chrono::{DateTime, Utc};
use fleet::{Fleet, Options, Process, Service};
use github_sim::{Sim, SimOptions, Token, WebhookTarget};
use serde_json::json;
use stand_in::{SentryStandIn, SlackStandIn};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest wait until a process answers again.
const UP: Duration = Duration::from_secs(120);
/// The pause before a process that fell is started again.
const FELL_PAUSE: Duration = Duration::from_secs(1);
/// What a killed process leaves behind has so long to end.
const STRAYS: Duration = Duration::from_secs(5);

/// What a run is given.
#[derive(Clone, Debug)]
pub struct Given {
    /// The seed.
    pub seed: u64,
    /// Everything short: for a first look.
    pub short: bool,
    /// Copies of each webhook.
    pub copies: usize,
    /// Webhooks that mean nothing.
    pub noise: Noise,
    /// The folder with the services' programs.
    pub binaries: PathBuf,
    /// The folder of everything that is written.
    pub home: PathBuf,
    /// A broker that is there already.
    pub broker: Option<String>,
    /// A Postgres that is there already.
    pub postgres: Option<String>,
}

/// Everything that runs.
pub struct Arena {
    // The order is the order of the end: those who use a server go before it.
    /// The system.
    pub fleet: Fleet,
    /// A connection to its broker, to look into queues and to put something bad into them.
    pub bus: Arc<dyn Bus>,
    /// Between the senders and the doors.
    pub fan_out: FanOut,
    /// GitHub.
    pub github: Sim,
    /// Slack.
    pub slack: SlackStandIn,
    /// Sentry.
    pub sentry: SentryStandIn,
    /// Asks planners.
    pub planner: Planner,
    /// What was seen of jobs.
    pub watch: Watch,
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// When it began, by two clocks.
    pub began: (Instant, DateTime<Utc>),
    busy: Mutex<BTreeSet<String>>,
}

impl Arena {
    /// Starts everything.
    pub async fn set(given: &Given, schedule: &Schedule) -> Result<Arc<Self>> {
        std::fs::create_dir_all(&given.home)?;
        let ledger = Arc::new(Ledger::create(&given.home.join("ledger.jsonl"))?);
        let [(_, token), (_, github_secret), (_, sentry_secret), _] = SECRETS;
        let fan_out = FanOut::start(Arc::clone(&ledger), given.seed, given.copies)?;
        let github = Sim::start(SimOptions {
            webhook_targets: vec![WebhookTarget {
                url: format!("{}/webhooks/github", fan_out.url()),
                secret: github_secret.to_owned(),
            }],
            tokens: vec![Token::write(token, BOT)],
            ..SimOptions::default()
        })
        .await?;
        let slack = SlackStandIn::start().await?;
        let sentry = SentryStandIn::new(format!("{}/webhooks/sentry", fan_out.url()), sentry_secret)?;
        let count = |service: &str| {
            FLEET
                .iter()
                .find(|(name, _)| *name == service)
                .map_or(1, |(_, count)| *count)
        };
        let count = |service| usize::try_from(count(service)).unwrap_or(1);
        let mut options = Options {
            planners: count("planner"),
            fixers: count("fixer"),
            notifiers: count("notifier"),
            broker: given.broker.clone(),
            postgres: given.postgres.clone(),
            ..Options::new(&given.binaries, &given.home)
        };
        for (name, value) in settings::of(&github, &slack, given.short) {
            options = options.set(name, &value);
        }
        for incident in schedule
            .incidents
            .iter()
            .map(|planned| planned.what)
            .filter(|incident| incident.is_alert())
        {
            let name = format!("FIXPOINT__SENTRY__PROJECTS__{}", incident.project().to_uppercase());
            options = options.set(&name, &incident.repository());
        }
        let fleet = Fleet::start(options).await?;
        let doors = fleet.of(Service::Ingest).next().context("the fleet has no doors")?;
        fan_out.open(doors.url());
        let bus: bus::Settings = serde_json::from_value(json!({ "url": fleet.broker().url() }))?;
        Ok(Arc::new(Self {
            bus: bus::open(&bus)
                .await
                .context("the gauntlet's own connection to the broker")?,
            fleet,
            fan_out,
            github,
            slack,
            sentry,
            planner: Planner::new()?,
            watch: Watch::default(),
            ledger,
            began: (Instant::now(), now()),
            busy: Mutex::default(),
        }))
    }

    fn busy(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a process for oneself; `None` while somebody else deals with it.
    pub fn claim<'a>(self: &'a Arc<Self>, process: &'a Process) -> Option<Claim<'a>> {
        let free = self.busy().insert(process.name().to_owned());
        free.then(|| Claim { arena: self, process })
    }

    /// Takes the process of this name, or another one of its service.
    pub fn claim_like<'a>(self: &'a Arc<Self>, name: &str) -> Option<Claim<'a>> {
        let wanted = self.fleet.process(name)?;
        let others = self.fleet.of(wanted.service()).filter(|other| other.name() != name);
        std::iter::once(wanted)
            .chain(others)
            .find_map(|process| self.claim(process))
    }

    /// The attempts that run now.
    pub async fn running(&self) -> Result<Vec<Running>> {
        Watch::running(&self.planner, &self.fleet).await
    }

    /// Waits until a process answers, starting it as often as it ends before.
    pub async fn bring_up(&self, process: &Process) -> Result<()> {
        let end = Instant::now() + UP;
        while Instant::now() < end {
            if !process.is_alive() {
                if let Some(how) = process.fell() {
                    let (at, process) = (now(), process.name().to_owned());
                    self.ledger.add(&Entry::Fell {
                        at,
                        process,
                        how: how.to_string(),
                    });
                    tokio::time::sleep(FELL_PAUSE).await;
                }
                process.start()?;
            }
            if process.answers("/health/live").await == Some(200) {
                self.ledger.add(&Entry::Up {
                    at: now(),
                    process: process.name().to_owned(),
                });
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!(
            "{} does not come up; its log ends with\n{}",
            process.name(),
            process.log_tail()
        )
    }

    /// Starts again what has ended by itself, for as long as it is polled.
    pub async fn supervise(self: Arc<Self>) {
        loop {
            for process in self.fleet.processes() {
                if !process.is_alive()
                    && let Some(claim) = self.claim(process)
                    && let Err(error) = self.bring_up(claim.process).await
                {
                    eprintln!("{error:#}");
                }
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

/// A process that nobody else deals with meanwhile.
pub struct Claim<'a> {
    arena: &'a Arc<Arena>,
    /// The process.
    pub process: &'a Process,
}

impl Claim<'_> {
    /// What its fixer does just now, as far as anybody can tell.
    pub async fn held(&self) -> Vec<crate::ledger::Attempt> {
        if self.process.service() != Service::Fixer {
            return Vec::new();
        }
        let running = self.arena.running().await.unwrap_or_default();
        running
            .into_iter()
            .filter(|one| one.is_of(self.process))
            .map(|one| one.attempt)
            .collect()
    }

    /// SIGKILL, with what it was doing.
    pub fn kill(&self, held: Vec<crate::ledger::Attempt>) -> Result<()> {
        let at = now();
        self.process.kill()?;
        self.arena.ledger.add(&Entry::Down {
            at,
            process: self.process.name().to_owned(),
            held,
        });
        let (arena, name) = (Arc::clone(self.arena), self.process.name().to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(STRAYS).await;
            let strays = arena.fleet.process(&name).map(Process::strays).unwrap_or_default();
            if !strays.is_empty() {
                let names = strays.into_iter().map(|stray| stray.name).collect();
                arena.ledger.add(&Entry::Strays {
                    at: now(),
                    process: name,
                    names,
                });
            }
        });
        Ok(())
    }

    /// Starts it again after a while.
    pub async fn back_after(&self, down: Duration) -> Result<()> {
        tokio::time::sleep(down).await;
        self.arena.bring_up(self.process).await
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.arena.busy().remove(self.process.name());
    }
}
