//! The notifier as a process of its own, which says how it is.

use crate::{Notifier, Settings};
use bus::Bus;
use std::sync::Arc;
use telemetry::health;
use tokio_util::sync::CancellationToken;

/// Tells people, and says on `address` how it is, until `stop`.
///
/// # Errors
/// When a setting cannot work, the address is taken, or the bus refuses to be consumed.
pub async fn serve(
    settings: &Settings,
    address: &str,
    bus: Arc<dyn Bus>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let notifier = Notifier::open(settings, bus)?;
    let listener = health::listen(address, notifier.health().until(stop.clone())).await?;
    tracing::info!(address = %listener.address, "the notifier says here how it is");
    listener.during(notifier.run(stop)).await
}
