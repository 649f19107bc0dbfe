//! The notifier as a process of its own.

use anyhow::Context as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let all = settings::Settings::load(&settings::Source::process())?;
    let telemetry = telemetry::start(&all.section("telemetry")?, "notifier")?;
    let bus = bus::open(&all.section("bus")?).await.context("no bus")?;
    let server: telemetry::health::Settings = all.section("server")?;
    let done = notifier::serve(&all.section("slack")?, &server.listen, bus, telemetry::on_signal()?).await;
    telemetry.stop().await;
    done
}
