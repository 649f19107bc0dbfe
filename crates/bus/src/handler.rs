//! Who deals with a message, and what may be answered.

use crate::envelope::Envelope;
use async_trait::async_trait;
use domain::message::Message;
use std::any::Any;
use std::sync::Arc;

/// Deals with the messages of one queue. The same message may come more than once.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Deals with one message. A panic counts as [`Answer::Again`].
    async fn handle(&self, incoming: Incoming) -> Answer;
}

/// A message, as it arrives.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The message.
    pub envelope: Envelope,
    /// Somebody may have dealt with it before.
    pub redelivered: bool,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// What becomes of a message.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is dealt with.
    Done,
    /// It is dealt with, and whoever asked is told this. Nobody is told if it was published rather than requested.
    Reply(Envelope),
    /// It comes again after the retry delay, until the delivery limit is reached.
    Again {
        /// Why, in words.
        reason: String,
    },
    /// It goes to the dead queue at once.
    Never {
        /// Why, in words.
        reason: String,
    },
}

/// A handler made from a function.
pub fn handler<F, Fut>(function: F) -> Arc<dyn Handler>
where
    F: Fn(Incoming) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    Arc::new(Function(function))
}

/// Answers with a message.
pub fn reply<M: Message>(message: &M) -> Answer {
    match Envelope::of(message) {
        Ok(envelope) => Answer::Reply(envelope),
        Err(error) => Answer::Never {
            reason: format!("the reply cannot be written: {error}"),
        },
    }
}

/// What a handler that panicked has said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!(
        "the handler panicked: {}",
        text.as_deref().unwrap_or("without a message")
    )
}

struct Function<F>(F);

#[async_trait]
impl<F, Fut> Handler for Function<F>
where
    F: Fn(Incoming) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    async fn handle(&self, incoming: Incoming) -> Answer {
        (self.0)(incoming).await
    }
}
