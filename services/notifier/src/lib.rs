//! Tells people. What is said was decided elsewhere; the words for it are in `text`, and the way to people in `channel`.

mod channel;
mod inbox;
mod page;
mod settings;
mod text;

pub use settings::{BadSetting, Settings};

use bus::{Bus, Consume, Queue};
use channel::{Channel, log::Log, slack::Slack};
use futures::future::try_join_all;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The channel's name in messages and queues.
pub const SLACK: &str = "slack";
/// The channel that writes to the log.
pub const LOG: &str = "log";

/// Tells people until `stop`. Where Slack is not set up, its notices go to the log.
///
/// # Errors
/// When a setting cannot work, or the bus refuses to be consumed.
pub async fn run(settings: &Settings, bus: Arc<dyn Bus>, stop: CancellationToken) -> anyhow::Result<()> {
    let log: Arc<dyn Channel> = Arc::new(Log);
    let slack: Arc<dyn Channel> = match settings.way()? {
        Some(way) => Arc::new(Slack::new(way)?),
        None => {
            tracing::info!(
                "Slack is not set up (SLACK_WEBHOOK_URL, or SLACK_BOT_TOKEN and SLACK_CHANNEL_ID): notices go to the log"
            );
            Arc::clone(&log)
        }
    };
    let inboxes = [(SLACK, slack), (LOG, log)].map(|(name, channel)| {
        let inbox = Arc::new(inbox::Inbox::new(channel, Arc::clone(&bus), stop.clone()));
        // One at a time: notices keep their order, and a channel's limits are per message anyway.
        bus.consume(
            Consume::from(Queue::NotifierNotices(name.into()), 1),
            inbox,
            stop.clone(),
        )
    });
    try_join_all(inboxes).await?;
    Ok(())
}
