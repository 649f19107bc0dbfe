//! What can go wrong, one variant per decision that the caller has.

use std::time::Duration;

/// What the broker said, kept as the source.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Nobody has the message.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// No queue takes it: trying again does not help.
    #[error("no queue takes `{key}`")]
    Unroutable {
        /// The routing key.
        key: String,
    },
    /// A queue stayed full for as long as a publish waits: try later.
    #[error("queue `{queue}` was full for {waited:?}")]
    Full {
        /// Which.
        queue: String,
        /// How long was waited for a place.
        waited: Duration,
    },
    /// The broker cannot be reached, or did not confirm in time: try later, and expect a duplicate.
    #[error("the broker did not confirm the message")]
    Unavailable(#[source] Cause),
}

/// There is no reply.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The request was never accepted.
    #[error("the request was not accepted")]
    Publish(#[from] PublishError),
    /// It was accepted, and may still be acted upon; only the reply did not come in time.
    #[error("no reply came within {waited:?}")]
    TimedOut {
        /// The request's timeout.
        waited: Duration,
    },
    /// Every try was put off until none was left. It lies in the dead queue, and whoever owns it may offer it again.
    #[error("every try was put off: {reason}")]
    Exhausted {
        /// Why, in words.
        reason: String,
    },
    /// It was dealt with, and there will be no reply.
    #[error("there will be no reply: {reason}")]
    Unanswered {
        /// Why, in words.
        reason: String,
    },
}

/// Nothing is being consumed.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    /// `concurrency` was 0.
    #[error("a consumer of `{queue}` needs a concurrency of at least 1")]
    NoConcurrency {
        /// Which queue.
        queue: String,
    },
    /// The broker cannot be reached, or closed the consumer for good: try later.
    #[error("queue `{queue}` cannot be consumed")]
    Unavailable {
        /// Which queue.
        queue: String,
        /// What the broker said.
        #[source]
        source: Cause,
    },
}

/// An accepted message that no consumer has dealt with, and none will.
#[derive(Debug, thiserror::Error)]
pub enum NotSettled {
    /// Every try was put off until none was left. It lies in the dead queue, and whoever owns it may offer it again.
    #[error("every try was put off: {reason}")]
    Exhausted {
        /// Why, in words.
        reason: String,
    },
    /// It can never be dealt with, and lies in the dead queue.
    #[error("the message is dead: {reason}")]
    Dead {
        /// Why, in words.
        reason: String,
    },
    /// The bus has ended with the message in it.
    #[error("the bus ended before the message was dealt with")]
    BusEnded,
}
