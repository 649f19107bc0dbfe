//! The planner as a process of its own: settings, telemetry, HTTP, and the work, until a signal says stop.

use crate::api::listen;
use crate::{Planner, Settings};
use anyhow::{Context as _, Result};
use bus::Bus;
use serde::Deserialize;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

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
    let done = serve(&own, &server.listen, bus, stop).await;
    telemetry.stop().await;
    done
}

/// Works and answers on `address` until `stop`. The answers outlive the work, so that somebody can see it end.
///
/// # Errors
/// When the database cannot be opened, the address is taken, or a part ends.
pub async fn serve(settings: &Settings, address: &str, bus: Arc<dyn Bus>, stop: CancellationToken) -> Result<()> {
    let planner = Planner::open(settings, bus).await?;
    let closed = CancellationToken::new();
    let health = planner.health().until(stop.clone());
    let http = listen(&planner, &health, address, closed.clone())?;
    let work = async {
        let done = planner.run(stop).await;
        closed.cancel();
        done
    };
    tokio::try_join!(work, http).map(|_| ())
}
