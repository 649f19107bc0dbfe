//! The gauntlet: the four services as processes, on the worst of days. See `gauntlet --help`.

#![forbid(unsafe_code)]

mod arena;
mod check;
mod cli;
mod clock;
mod collect;
mod deck;
mod driver;
mod fan_out;
mod fault;
mod inject;
mod ledger;
mod noise;
mod planner;
mod random;
mod record;
mod report;
mod repository;
mod schedule;
mod settings;
mod settle;
mod template;
mod trouble;
mod watch;

use anyhow::{Context as _, Result};
use arena::Given;
use clap::Parser as _;
use cli::{Arguments, Command, Deliveries, Places, Run};
use noise::Noise;
use report::Report;
use schedule::{Schedule, Size};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// What could not be tried.
const HARNESS: u8 = 2;
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let interrupted = async {
        let mut ended = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = ended.recv() => Ok(()),
            pressed = tokio::signal::ctrl_c() => pressed,
        }
    };
    // What is dropped here is stopped before the program ends.
    tokio::select! {
        good = carry_out(arguments) => match good {
            Ok(good) => ExitCode::from(u8::from(!good)),
            Err(error) => {
                eprintln!("the gauntlet could not be run: {error:#}");
                ExitCode::from(HARNESS)
            }
        },
        _ = interrupted => ExitCode::from(INTERRUPTED),
    }
}

/// Whether every bound holds.
async fn carry_out(arguments: Arguments) -> Result<bool> {
    match arguments.command {
        None => run(&arguments.run).await,
        Some(Command::Plan(run)) => {
            print!("{}", Schedule::of(run.seed.unwrap_or(0), size(&run)));
            Ok(true)
        }
        Some(Command::Judge { ledger }) => Ok(judge(&ledger::read(&ledger)?, &ledger)),
        Some(Command::Deliveries(asked)) => deliveries(&asked).await,
    }
}

async fn run(run: &Run) -> Result<bool> {
    let seed = run.seed.unwrap_or(0);
    let given = Given {
        seed,
        short: run.short,
        copies: run.copies.unwrap_or(if run.short { 4 } else { 10 }),
        noise: Noise {
            rate: 4,
            copies: 2,
            least: 0,
        },
        binaries: binaries(&run.places)?,
        home: home(&run.places, &format!("seed-{seed}"))?,
        broker: run.places.amqp.clone(),
        postgres: run.places.postgres.clone(),
    };
    carried_out(&given, &Schedule::of(seed, size(run)), &run.places).await
}

async fn deliveries(asked: &Deliveries) -> Result<bool> {
    let given = Given {
        seed: 0,
        short: false,
        copies: 1,
        noise: Noise {
            rate: asked.rate,
            copies: 1,
            least: asked.count,
        },
        binaries: binaries(&asked.places)?,
        home: home(&asked.places, "deliveries")?,
        broker: asked.places.amqp.clone(),
        postgres: asked.places.postgres.clone(),
    };
    let (stopped, frozen) = (Duration::from_secs(asked.stopped), Duration::from_secs(asked.frozen));
    carried_out(&given, &Schedule::of_outages(stopped, frozen), &asked.places).await
}

async fn carried_out(given: &Given, schedule: &Schedule, places: &Places) -> Result<bool> {
    let entries = driver::run(given, schedule).await?;
    let good = judge(&entries, &given.home.join("ledger.jsonl"));
    tidy(&given.home, places, good);
    Ok(good)
}

fn judge(entries: &[ledger::Entry], ledger: &Path) -> bool {
    let verdict = check::check(entries);
    println!(
        "{}",
        Report {
            verdict: &verdict,
            ledger
        }
    );
    verdict.is_good()
}

fn size(run: &Run) -> Size {
    let (incidents, over) = match (run.short, run.minutes) {
        (true, _) => (12, Duration::from_secs(50)),
        (false, minutes) => (300, Duration::from_secs(60 * minutes.unwrap_or(15))),
    };
    Size {
        incidents: run.incidents.unwrap_or(incidents),
        over,
        short: run.short,
    }
}

fn binaries(places: &Places) -> Result<PathBuf> {
    match &places.binaries {
        Some(folder) => Ok(folder.clone()),
        None => {
            let own = std::env::current_exe()?;
            own.parent().map(Path::to_owned).context("this program has no folder")
        }
    }
}

/// A new folder, whose name says what it is of.
fn home(places: &Places, name: &str) -> Result<PathBuf> {
    let home = places.home.clone().unwrap_or_else(|| {
        let when = clock::now().format("%Y%m%d-%H%M%S");
        PathBuf::from(format!("target/gauntlet/{name}-{when}"))
    });
    std::fs::create_dir_all(&home).with_context(|| format!("the folder {}", home.display()))?;
    Ok(home.canonicalize()?)
}

/// When all is well, only the ledger is kept.
fn tidy(home: &Path, places: &Places, good: bool) {
    if !good || places.keep {
        return;
    }
    for entry in std::fs::read_dir(home).into_iter().flatten().flatten() {
        let path = entry.path();
        let fleets = entry.file_name().to_str().is_some_and(of_a_process);
        if fleets {
            let _ = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
        }
    }
}

/// Whether a fleet has made it: `planner-1`, `planner-1.log`.
fn of_a_process(name: &str) -> bool {
    let name = name.trim_end_matches(".log");
    fleet::Service::ALL.iter().any(|service| {
        let number = name
            .strip_prefix(service.as_str())
            .and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        let run = Arguments::parse_from(["gauntlet", "--seed", "7", "--short"]).run;
        assert_eq!((run.seed, size(&run).incidents), (Some(7), 12));
        assert!(Arguments::try_parse_from(["gauntlet"]).is_err(), "a run needs a seed");
        assert!(Arguments::try_parse_from(["gauntlet", "deliveries", "--rate", "9"]).is_ok());
        assert!(Arguments::try_parse_from(["gauntlet", "plan", "--seed", "1"]).is_ok());
    }

    #[test]
    fn only_what_a_fleet_has_made_is_removed() {
        assert!(of_a_process("planner-2") && of_a_process("ingest-1.log"));
        assert!(!of_a_process("ledger.jsonl") && !of_a_process("planner-x") && !of_a_process("fixer"));
    }
}
