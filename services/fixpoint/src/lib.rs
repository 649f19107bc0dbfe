//! fixpoint: the command line, and all services in one process. The only crate that names every service.

pub mod cli;
pub mod demo;
pub mod fix;
pub mod show;
pub mod up;

use cli::{Arguments, Command};
use std::process::ExitCode;

/// Exit code of a mistake in the arguments or settings.
pub const USAGE: u8 = 2;
/// Exit code of something of ours that failed.
pub const INTERNAL: u8 = 1;

/// Runs the command and says how it went.
pub async fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.command {
        Command::Fix(fix) => fix::run(fix).await,
        Command::Up(up) => up::run(up).await,
        Command::Demo(demo) => demo::run(demo).await,
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("fixpoint: {}", github::redact(&format!("{error:#}")));
            ExitCode::from(if error.is::<settings::SettingsError>() || error.is::<cli::Usage>() {
                USAGE
            } else {
                INTERNAL
            })
        }
    }
}
