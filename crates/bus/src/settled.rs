//! The second half of a publish: has it been dealt with?

use crate::error::NotSettled;
use futures::future::try_join_all;
use tokio::sync::oneshot;

pub(crate) type Settling = oneshot::Receiver<Result<(), NotSettled>>;

/// Resolves when the consumer is done (memory) or the broker has confirmed (broker). Whoever owns the message's durability
/// (a spool, an outbox) deletes its copy then.
#[derive(Debug)]
#[must_use = "whoever keeps a copy of the message deletes it only after `wait`; drop it on purpose otherwise"]
pub struct Settled(Vec<Settling>);

impl Settled {
    /// Already settled.
    pub const fn now() -> Self {
        Self(Vec::new())
    }

    pub(crate) const fn when_all(settling: Vec<Settling>) -> Self {
        Self(settling)
    }

    /// Waits until every queue that got the message is done with it. This may take as long as the queues are deep.
    ///
    /// # Errors
    /// [`NotSettled`] when a queue's consumer could not do it: the message is dead, or the bus has ended.
    pub async fn wait(self) -> Result<(), NotSettled> {
        try_join_all(
            self.0
                .into_iter()
                .map(|settling| async { settling.await.unwrap_or(Err(NotSettled::BusEnded)) }),
        )
        .await?;
        Ok(())
    }
}
