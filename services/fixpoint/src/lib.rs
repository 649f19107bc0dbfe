//! fixpoint: the command line, and all services in one process. The only crate that names every service.

pub mod cli;
pub mod demo;
pub mod fix;
pub mod show;
pub mod up;

use clap::Parser as _;
use cli::{Arguments, Command};
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Exit code of a mistake in the arguments or settings.
pub const USAGE: u8 = 2;
/// Exit code of something of ours that failed.
pub const INTERNAL: u8 = 1;

/// Reads the arguments, runs the command and says how it went.
pub async fn main(arguments: Vec<OsString>) -> ExitCode {
    let json = arguments.iter().any(|argument| argument == "--json");
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => run(arguments, json).await,
        // Help and version are asked for, and no mistake.
        Err(shown) if !shown.use_stderr() => {
            // Who reads only the first lines of it has read what was wanted.
            let _ = write!(io::stdout(), "{shown}");
            ExitCode::SUCCESS
        }
        Err(mistake) => failed(USAGE, mistake.to_string().trim_end(), json),
    }
}

async fn run(arguments: Arguments, json: bool) -> ExitCode {
    let done = match arguments.command {
        Command::Fix(fix) => fix::run(fix).await,
        Command::Up(up) => up::run(up).await,
        Command::Demo(demo) => demo::run(demo).await,
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let usage = error.is::<settings::SettingsError>() || error.is::<cli::Usage>();
            let said = github::redact(&format!("{error:#}"));
            failed(if usage { USAGE } else { INTERNAL }, &format!("fixpoint: {said}"), json)
        }
    }
}

/// Says why there is no outcome: to people, and as the one object that `--json` promises. Where nobody can be told, the
/// exit code still says it.
fn failed(code: u8, message: &str, json: bool) -> ExitCode {
    let _ = writeln!(io::stderr(), "{message}");
    if json {
        let outcome = if code == USAGE { "usage" } else { "internal" };
        let object = serde_json::json!({ "outcome": outcome, "message": message });
        let _ = writeln!(io::stdout(), "{object}");
    }
    ExitCode::from(code)
}
