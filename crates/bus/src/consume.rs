//! What a consumer takes, and how much of it at once.

use crate::topology::Queue;
use std::time::Duration;

/// What a consumer takes.
#[derive(Clone, Debug)]
pub struct Consume {
    /// From where.
    pub queue: Queue,
    /// At most so many handlers run at once; at least 1. From a queue with [`crate::topology::Pull::OneByOne`] a message is
    /// fetched only when one of them is free.
    pub concurrency: usize,
    /// How long running handlers may take to end after `stop`.
    pub drain: Duration,
}

impl Consume {
    /// How long running handlers may take to end, unless it is said otherwise.
    pub const DRAIN: Duration = Duration::from_secs(20);

    /// Takes from `queue`, with at most `concurrency` handlers at once and the usual [`Self::DRAIN`].
    #[must_use]
    pub const fn from(queue: Queue, concurrency: usize) -> Self {
        Self {
            queue,
            concurrency,
            drain: Self::DRAIN,
        }
    }
}
