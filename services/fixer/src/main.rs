//! The fixer as a process of its own.

use anyhow::Context as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let all = settings::Settings::load(&settings::Source::process())?;
    let telemetry = telemetry::start(&all.section("telemetry")?, "fixer")?;
    let bus = bus::open(&all.section("bus")?).await.context("no bus")?;
    let done = fixer::run(fixer::Settings::read(&all)?, bus, telemetry::on_signal()?).await;
    telemetry.stop().await;
    done
}
