//! The command line's arguments.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Tries the four services on a bad day: incidents by the dozen, faults of every kind, and a ledger that says whether anything
/// was lost, came twice, or cannot be explained. Everything stays on the loopback interface.
#[derive(Debug, Parser)]
#[command(
    name = "gauntlet",
    version,
    about,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Arguments {
    /// What to do; without it, a run.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to run.
    #[command(flatten)]
    pub run: Run,
}

/// What else there is to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Only webhooks, while the broker is stopped, frozen and killed.
    Deliveries(Deliveries),
    /// Judge the ledger of an earlier run again.
    Judge {
        /// The ledger.
        ledger: PathBuf,
    },
    /// Print the plan of a seed, and do nothing.
    Plan(Run),
}

/// A run.
#[derive(Args, Clone, Debug)]
pub struct Run {
    /// What is drawn by chance is drawn from this: the same seed is the same plan.
    #[arg(long, required = true)]
    pub seed: Option<u64>,
    /// How many incidents.
    #[arg(long, value_name = "N")]
    pub incidents: Option<usize>,
    /// For how long incidents begin and things go wrong.
    #[arg(long, value_name = "N")]
    pub minutes: Option<u64>,
    /// A first look: 12 incidents, and everything in less than two minutes.
    #[arg(long)]
    pub short: bool,
    /// How often each webhook is delivered.
    #[arg(long, value_name = "N")]
    pub copies: Option<usize>,
    /// Where everything is.
    #[command(flatten)]
    pub places: Places,
}

/// Nothing but webhooks.
#[derive(Args, Clone, Debug)]
pub struct Deliveries {
    /// How many at least; it goes on until the faults are over.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub count: usize,
    /// How many a second.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub rate: u32,
    /// For how many seconds the broker is stopped.
    #[arg(long, default_value_t = 60, value_name = "S")]
    pub stopped: u64,
    /// For how many seconds the broker is frozen.
    #[arg(long, default_value_t = 15, value_name = "S")]
    pub frozen: u64,
    /// Where everything is.
    #[command(flatten)]
    pub places: Places,
}

/// Where everything is.
#[derive(Args, Clone, Debug)]
pub struct Places {
    /// The folder with the services' programs; without it, the one with this program.
    #[arg(long, value_name = "DIR")]
    pub binaries: Option<PathBuf>,
    /// The folder of ledger, logs and data; without it, a new one below `target/gauntlet`.
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Keep data and logs also when every bound holds.
    #[arg(long)]
    pub keep: bool,
    /// A broker that is there already; its faults are left out.
    #[arg(long, value_name = "URL")]
    pub amqp: Option<String>,
    /// A Postgres that is there already, in which a database is made; its restarts are left out.
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
}
