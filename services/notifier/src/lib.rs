//! Tells people. What is said was decided elsewhere; the words for it are in `text`, and the way to people in `channel`.

mod channel;
mod inbox;
mod measure;
mod page;
pub mod process;
mod settings;
mod text;

pub use process::serve;
pub use settings::{BadSetting, Settings};

use bus::{Bus, Consume, Queue};
use channel::{Channel, log::Log, slack::Slack};
use futures::future::try_join_all;
use std::sync::Arc;
use telemetry::Health;
use telemetry::health::Underway;
use tokio_util::sync::CancellationToken;

/// The channel's name in messages and queues.
pub const SLACK: &str = "slack";
/// The channel that writes to the log.
pub const LOG: &str = "log";

/// Tells people, over every channel that there is.
pub struct Notifier {
    bus: Arc<dyn Bus>,
    lines: [Line; 2],
}

/// A channel with its queue.
struct Line {
    name: &'static str,
    channel: Arc<dyn Channel>,
    consumed: Underway,
}

impl Line {
    fn queue(&self) -> Queue {
        Queue::NotifierNotices(self.name.into())
    }
}

impl Notifier {
    /// Opens the channels. Where Slack is not set up, its notices go to the log.
    ///
    /// # Errors
    /// When a setting cannot work.
    pub fn open(settings: &Settings, bus: Arc<dyn Bus>) -> anyhow::Result<Self> {
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
        let lines = [(SLACK, slack), (LOG, log)].map(|(name, channel)| Line {
            name,
            channel,
            consumed: Underway::default(),
        });
        Ok(Self { bus, lines })
    }

    /// Whether notices are taken from their queues. A Slack that is away is no reason: what it is to be told waits.
    #[must_use]
    pub fn health(&self) -> Health {
        let bus = Arc::clone(&self.bus);
        let health = Health::default().ask("the broker does not answer", move || {
            let bus = Arc::clone(&bus);
            async move { !bus.depth().await.is_empty() }
        });
        self.lines.iter().fold(health, |health, line| {
            let name = line.queue().name();
            health.while_underway(format!("the queue {name} is not consumed"), &line.consumed)
        })
    }

    /// Tells people until `stop`.
    ///
    /// # Errors
    /// When the bus refuses to be consumed.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let inboxes = self.lines.iter().map(|line| {
            let inbox = inbox::Inbox::new(
                line.name,
                Arc::clone(&line.channel),
                Arc::clone(&self.bus),
                stop.clone(),
            );
            // One at a time: notices keep their order, and a channel's limits are per message anyway.
            let consume = Consume::from(line.queue(), 1);
            line.consumed
                .during(self.bus.consume(consume, Arc::new(inbox), stop.clone()))
        });
        try_join_all(inboxes).await?;
        Ok(())
    }
}

/// Tells people until `stop`. Where Slack is not set up, its notices go to the log.
///
/// # Errors
/// When a setting cannot work, or the bus refuses to be consumed.
pub async fn run(settings: &Settings, bus: Arc<dyn Bus>, stop: CancellationToken) -> anyhow::Result<()> {
    Notifier::open(settings, bus)?.run(stop).await
}
