//! The `fixpoint` command.

use clap::Parser as _;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    fixpoint::run(fixpoint::cli::Arguments::parse()).await
}
