//! The fixer as a process of its own: command line, settings, telemetry, the work, and what it says of itself.

use crate::arguments::{self, Arguments, HELP, Mistake};
use crate::{Fixer, Settings};
use anyhow::Context as _;
use bus::Bus;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use telemetry::health;
use tokio_util::sync::CancellationToken;

/// Exit code of a mistake in the arguments or settings.
const USAGE: u8 = 2;
/// Exit code of something of ours that failed.
const INTERNAL: u8 = 1;

/// Runs until the process is told to stop. `arguments` are those behind the program's name.
pub async fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let typed = arguments.map(|argument| argument.to_string_lossy().into_owned());
    let done = match arguments::read(typed) {
        Ok(Arguments::Help) => {
            // Who reads only the first lines of it has read what was wanted.
            let _ = write!(std::io::stdout(), "{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Arguments::Set(set)) => work(set).await,
        Err(mistake) => Err(mistake.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let said = github::redact(&format!("{error:#}"));
            // Where nobody can be told, the exit code still says it.
            let _ = writeln!(std::io::stderr(), "fixer: {said}");
            ExitCode::from(if is_usage(&error) { USAGE } else { INTERNAL })
        }
    }
}

fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<Mistake>()
        || error.is::<settings::SettingsError>()
        || error.is::<telemetry::StartError>()
        || error.is::<health::ListenError>()
}

async fn work(set: Vec<(&'static str, String)>) -> anyhow::Result<()> {
    let source = settings::Source::process();
    let source = set
        .into_iter()
        .fold(source, |source, (key, value)| source.set(key, value));
    let all = settings::Settings::load(&source)?;
    let own = Settings::read(&all)?;
    let server: health::Settings = all.section("server")?;
    let telemetry = telemetry::start(&all.section("telemetry")?, "fixer")?;
    let bus = bus::open(&all.section("bus")?).await.context("no bus")?;
    let done = serve(own, &server.listen, bus, telemetry::on_signal()?).await;
    telemetry.stop().await;
    done
}

/// Carries out attempts, and says on `address` how it is, until `stop`.
///
/// # Errors
/// When the sandbox or the data folder cannot be used, the address is taken, or a queue cannot be consumed.
pub async fn serve(
    settings: Settings,
    address: &str,
    bus: Arc<dyn Bus>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let fixer = Fixer::open(settings, bus, stop)?;
    let listener = health::listen(address, fixer.health()).await?;
    tracing::info!(address = %listener.address, "the fixer says here how it is");
    listener.during(fixer.work()).await
}
