//! The planner as a process of its own: settings, telemetry, HTTP, and the work, until a signal says stop.

use crate::api::serve;
use crate::{Planner, Settings};
use anyhow::{Context as _, Result};
use serde::Deserialize;

/// `[server]`
#[derive(Debug, Deserialize)]
struct Server {
    listen: String,
}

/// Runs until the process is told to stop.
///
/// # Errors
/// One sentence that names the setting that is wrong; or what broke.
pub async fn run() -> Result<()> {
    let all = settings::Settings::load(&settings::Source::process())?;
    let telemetry = telemetry::start(&all.section("telemetry")?, "fixpoint-planner")?;
    let own: Settings = settings::load(&settings::Source::process())?;
    let server: Server = all.section("server")?;
    let bus = bus::open(&all.section("bus")?).await?;
    let stop = telemetry::on_signal().context("signals cannot be waited for")?;
    let planner = Planner::open(&own, bus).await?;
    let http = serve(&planner, &server.listen, stop.clone())?;
    let done = tokio::try_join!(planner.run(stop), http);
    telemetry.stop().await;
    done.map(|_| ())
}
