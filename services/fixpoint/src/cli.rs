//! The command line's arguments.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Turns failures into fixes that were proved by execution.
#[derive(Debug, Parser)]
#[command(name = "fixpoint", version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fix a local repository: reproduce, search, prove, and commit to a local branch. No server is needed.
    Fix(Fix),
    /// Run the whole system in one process.
    Up(Up),
    /// Show the main job on this machine, with no account.
    Demo(Demo),
}

/// Arguments of `fixpoint demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Folder of everything that is kept; without it `.data/demo`.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Keep everything running at the end, to look around.
    #[arg(long)]
    pub stay: bool,
    /// One process, or the four services apart over a private RabbitMQ and Postgres.
    #[arg(long, value_enum, default_value_t = Profile::Embedded)]
    pub profile: Profile,
}

/// How the system runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// One process, in-memory bus, SQLite.
    Embedded,
    /// Four processes, RabbitMQ, Postgres.
    Distributed,
}

/// Arguments of `fixpoint up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Address and port of the HTTP server; without it server.listen, or PORT.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Folder of everything that is kept; without it data.dir.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A file with settings, over config/default.toml.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// A mistake of whoever called.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Arguments of `fixpoint fix`.
///
/// Exit codes: 0 proved, 3 no fix, 4 refused by a guardrail, 5 not reproduced, 6 flaky, 7 environment, 8 already fixed,
/// 9 unverified; 1 internal error, 2 usage.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 proved, 3 no_fix, 4 refused, 5 not_reproduced, 6 flaky, 7 environment, 8 already_fixed, 9 unverified, 1 internal error, 2 usage"
)]
pub struct Fix {
    /// Root of the repository's working tree. Its newest commit is repaired; the working tree is not touched.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub repo: PathBuf,
    /// The test command; without it the repository's files suggest one.
    #[arg(long, value_name = "CMD")]
    pub test: Option<String>,
    /// A Sentry event, or the body of a Sentry webhook, as JSON.
    #[arg(long, value_name = "FILE", conflicts_with = "log")]
    pub event: Option<PathBuf>,
    /// A CI log, terminal output or JUnit XML that names the failing tests.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Time for finding a fix: `90`, `90s`, `2m`.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub budget: Option<Duration>,
    /// Prove the fix and leave the repository as it is.
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    pub json: bool,
    /// A file with settings, over config/default.toml.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text
        .find(|c: char| !c.is_ascii_digit())
        .map_or((text, "s"), |at| text.split_at(at));
    let number: u64 = number
        .parse()
        .map_err(|_| format!("`{text}` is not a time; write it as 90s or 2m"))?;
    let seconds = match unit {
        "s" => Some(number),
        "m" | "min" => number.checked_mul(60),
        _ => return Err(format!("`{text}` is not a time; write it as 90s or 2m")),
    };
    let longest = 24 * 3600;
    seconds
        .filter(|seconds| *seconds <= longest)
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is longer than a day"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn arguments_make_sense() {
        Arguments::command().debug_assert();
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("soon").is_err());
        assert!(duration("999999999999999999m").is_err());
        assert!(duration("18446744073709551615").is_err());
    }
}
