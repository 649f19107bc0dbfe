//! What is declared at the broker: one topic exchange, and for every queue of the map a work queue, a retry queue whose
//! messages go back after the delay, and a dead queue for what can never work.
//!
//! Arguments of a queue cannot change later. Whoever changes one raises [`VERSION`], which makes new queues; those of the version
//! before are emptied by the processes of that version.

use super::Options;
use crate::topology::Queue;
use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, ExchangeKind};
use std::time::Duration;

/// The version of the arguments below. The first one is not written into the names.
const VERSION: u32 = 1;

/// Names and arguments.
pub(super) struct Layout {
    prefix: String,
    retry_delay: Duration,
    bound: Option<usize>,
    forget_after: Option<Duration>,
}

impl Layout {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            prefix: options.prefix.clone(),
            retry_delay: options.retry_delay,
            bound: options.bound,
            forget_after: options.forget_after,
        }
    }

    fn named(&self, name: &str) -> ShortString {
        let version = if VERSION == 1 {
            String::new()
        } else {
            format!(".v{VERSION}")
        };
        format!("{}{name}{version}", self.prefix).into()
    }

    pub(super) fn exchange(&self) -> ShortString {
        self.named("fixpoint")
    }

    pub(super) fn work(&self, queue: &Queue) -> ShortString {
        self.named(&queue.name())
    }

    pub(super) fn retry(&self, queue: &Queue) -> ShortString {
        self.named(&format!("{}.retry", queue.name()))
    }

    pub(super) fn dead(&self, queue: &Queue) -> ShortString {
        self.named(&format!("{}.dead", queue.name()))
    }

    /// Declares the exchange and all standing queues; what is there already stays as it is.
    pub(super) async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        channel
            .exchange_declare(self.exchange(), ExchangeKind::Topic, options, FieldTable::default())
            .await?;
        for queue in Queue::standing() {
            self.declare_queue(channel, &queue).await?;
        }
        Ok(())
    }

    /// Declares one queue with those that belong to it, and binds it.
    pub(super) async fn declare_queue(&self, channel: &Channel, queue: &Queue) -> lapin::Result<()> {
        for (name, mut arguments) in self.queues(queue) {
            if let Some(after) = self.forget_after {
                let millis = usize::try_from(after.as_millis()).unwrap_or(usize::MAX);
                arguments.insert("x-expires".into(), number(millis));
            }
            channel
                .queue_declare(name, QueueDeclareOptions::durable(), arguments)
                .await?;
        }
        for key in queue.binding() {
            channel
                .queue_bind(
                    self.work(queue),
                    self.exchange(),
                    key.into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await?;
        }
        Ok(())
    }

    /// Deletes everything that [`Self::declare`] makes.
    pub(super) async fn remove(&self, channel: &Channel) -> lapin::Result<()> {
        for queue in Queue::standing() {
            for (name, _) in self.queues(&queue) {
                channel.queue_delete(name, QueueDeleteOptions::default()).await?;
            }
        }
        channel
            .exchange_delete(self.exchange(), ExchangeDeleteOptions::default())
            .await
    }

    /// Every queue that belongs to one of the map, with its arguments.
    fn queues(&self, queue: &Queue) -> Vec<(ShortString, FieldTable)> {
        let bound = self.bound.unwrap_or_else(|| queue.bound());
        if !queue.durable() {
            // Whoever reads it wants the newest; a broker that ends takes the messages with it.
            let arguments = [
                ("x-queue-type", text("classic")),
                ("x-max-length", number(bound)),
                ("x-overflow", text("drop-head")),
            ];
            return vec![(self.work(queue), table(arguments))];
        }
        let quorum = || {
            [
                ("x-queue-type", text("quorum")),
                // A full queue says no, instead of dropping what it has promised to keep.
                ("x-overflow", text("reject-publish")),
            ]
        };
        let onward = |to: ShortString| {
            [
                ("x-dead-letter-exchange", text("")),
                ("x-dead-letter-routing-key", text(to.as_str())),
                // On its way from one queue to the next a message is in one of them, never in none.
                ("x-dead-letter-strategy", text("at-least-once")),
            ]
        };
        let work = quorum().into_iter().chain(onward(self.retry(queue))).chain([
            // The broker accepts one more than it is told before it says no.
            ("x-max-length", number(bound.saturating_sub(1))),
            ("x-delivery-limit", number(queue.delivery_limit() as usize)),
        ]);
        let delay = usize::try_from(self.retry_delay.as_millis()).unwrap_or(usize::MAX);
        let retry = quorum()
            .into_iter()
            .chain(onward(self.work(queue)))
            .chain([("x-message-ttl", number(delay))]);
        let dead = quorum().into_iter().chain([("x-max-length", number(queue.bound()))]);
        vec![
            (self.dead(queue), table(dead)),
            (self.retry(queue), table(retry)),
            (self.work(queue), table(work)),
        ]
    }
}

/// How many messages are ready in a queue that exists.
pub(super) async fn count(channel: &Channel, queue: ShortString) -> lapin::Result<usize> {
    let options = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::durable()
    };
    let found = channel.queue_declare(queue, options, FieldTable::default()).await?;
    Ok(found.message_count() as usize)
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

fn number(value: usize) -> AMQPValue {
    AMQPValue::LongInt(i32::try_from(value).unwrap_or(i32::MAX))
}

fn table(arguments: impl IntoIterator<Item = (&'static str, AMQPValue)>) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        table.insert(name.into(), value);
    }
    table
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn whoever_changes_an_argument_makes_new_queues() {
        let layout = Layout::new(&Options::default());
        let mut found = String::new();
        for queue in Queue::standing() {
            for (name, arguments) in layout.queues(&queue) {
                writeln!(found, "{name}").unwrap();
                for (argument, value) in arguments.inner() {
                    let value = match value {
                        AMQPValue::LongString(text) => text.to_string(),
                        AMQPValue::LongInt(number) => number.to_string(),
                        other => format!("{other:?}"),
                    };
                    writeln!(found, "  {argument} = {value}").unwrap();
                }
            }
        }
        let path = format!("{}/tests/golden/queues.v{VERSION}.txt", env!("CARGO_MANIFEST_DIR"));
        let golden = std::fs::read_to_string(&path).unwrap_or_else(|_| {
            std::fs::write(&path, &found).unwrap();
            panic!("{path} was missing and has been written; look at it and commit it");
        });
        assert_eq!(
            found, golden,
            "brokers hold queues with the old arguments and refuse others: raise VERSION"
        );
    }
}
