//! One message: what it says of itself, its handler, and what becomes of the handler's answer at the broker.

use super::in_hand::{Held, InHand};
use super::layout::Layout;
use super::link::{Link, Up};
use super::parcel::{self, Answered, History};
use super::publish::{Bytes, confirmed, tell};
use crate::envelope::Envelope;
use crate::handler::{Answer, Handler, Incoming, panic_text};
use crate::topology::{self, Queue};
use futures::FutureExt as _;
use lapin::Acker;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use std::collections::{HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How many messages are remembered that were dealt with and could not be acknowledged.
const REMEMBERED: usize = 1024;

/// A message that has come.
pub(super) struct Taken {
    pub(super) id: Uuid,
    pub(super) acker: Acker,
    pub(super) held: Held,
    envelope: Result<Envelope, String>,
    redelivered: bool,
    properties: BasicProperties,
    data: Vec<u8>,
    history: History,
}

/// Everything that acknowledges one message: more than one once it came again while its handler ran.
pub(super) struct Ackers(Mutex<Vec<Acker>>);

impl Ackers {
    pub(super) fn new(acker: Acker) -> Self {
        Self(Mutex::new(vec![acker]))
    }

    pub(super) fn add(&self, acker: Acker) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(acker);
    }

    /// The newest is the one that the broker may still know.
    fn newest(&self) -> Option<Acker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }
}

/// How a message leaves the queue.
enum Leave {
    /// It is dealt with.
    Acknowledged,
    /// It comes again after the retry delay.
    Rejected,
    /// It comes again at once.
    Returned,
}

/// Deals with the messages of one consumer.
pub(super) struct Desk {
    queue: Queue,
    layout: Arc<Layout>,
    link: Arc<Link>,
    handler: Arc<dyn Handler>,
    dealt: Mutex<Dealt>,
}

/// Messages that were dealt with and could not be acknowledged: the broker will send them once more.
#[derive(Default)]
struct Dealt {
    ids: HashSet<Uuid>,
    order: VecDeque<Uuid>,
}

impl Dealt {
    fn remember(&mut self, id: Uuid) {
        if self.ids.insert(id) {
            self.order.push_back(id);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

impl Desk {
    pub(super) fn new(queue: Queue, layout: Arc<Layout>, link: Arc<Link>, handler: Arc<dyn Handler>) -> Self {
        Self {
            queue,
            layout,
            link,
            handler,
            dealt: Mutex::default(),
        }
    }

    /// Reads what has come.
    pub(super) fn take(&self, delivery: Delivery, in_hand: &Arc<InHand>) -> Taken {
        let work = self.layout.work(&self.queue);
        let history = parcel::history(&delivery.properties, work.as_str(), &self.queue);
        let envelope = Envelope::decode(&delivery.data);
        let age = envelope.as_ref().map_or(Duration::ZERO, |envelope| age(envelope.id));
        Taken {
            // What cannot be read has no identifier, and needs one here.
            id: envelope
                .as_ref()
                .map_or_else(|_| Uuid::new_v4(), |envelope| envelope.id),
            held: in_hand.hold(&self.queue, age),
            envelope: envelope.map_err(|error| in_full(&error)),
            redelivered: delivery.redelivered,
            acker: delivery.acker,
            properties: delivery.properties,
            data: delivery.data,
            history,
        }
    }

    /// Runs the handler, does what it answered, and lets the message leave the queue.
    pub(super) async fn deal(&self, taken: Taken, ackers: &Ackers) {
        let asked = taken.properties.reply_to().is_some();
        let known = !asked
            && self
                .dealt
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .ids
                .contains(&taken.id);
        let leave = if known || (taken.history.expired && asked) {
            tracing::debug!(queue = %self.queue.name(), id = %taken.id, "a message is dealt with already, or nobody waits for it any more");
            Leave::Acknowledged
        } else {
            self.answer(&taken).await
        };
        if !settle(ackers.newest(), &leave).await && matches!(leave, Leave::Acknowledged) {
            self.dealt
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remember(taken.id);
        }
    }

    async fn answer(&self, taken: &Taken) -> Leave {
        let envelope = match &taken.envelope {
            Ok(envelope) => envelope.clone(),
            Err(why) => return self.bury(taken, why, Answered::Unanswered).await,
        };
        let limit = self.queue.delivery_limit();
        let attempt = taken.history.attempts.saturating_add(1);
        if attempt > limit && self.queue.durable() {
            let why = format!("its consumers went away (after {} attempts)", taken.history.attempts);
            return self.bury(taken, &why, Answered::Exhausted).await;
        }
        let incoming = Incoming {
            envelope,
            redelivered: taken.redelivered || attempt > 1,
            attempt,
        };
        let answered = AssertUnwindSafe(self.handler.handle(incoming)).catch_unwind().await;
        let answer = answered.unwrap_or_else(|panic| Answer::Again {
            reason: panic_text(&*panic),
        });
        match answer {
            Answer::Done => {
                let why = "the request was dealt with, and not answered";
                self.reply(taken, Answered::Unanswered, why.as_bytes()).await;
                Leave::Acknowledged
            }
            Answer::Reply(reply) => {
                self.reply(taken, Answered::Reply, &reply.encode()).await;
                Leave::Acknowledged
            }
            Answer::Never { reason } => self.bury(taken, &reason, Answered::Unanswered).await,
            Answer::Again { reason } if !self.queue.durable() || attempt >= limit => {
                let why = format!("{reason} (after {attempt} attempts)");
                self.bury(taken, &why, Answered::Exhausted).await
            }
            Answer::Again { reason } => {
                tracing::debug!(queue = %self.queue.name(), id = %taken.id, attempt, reason, "will come again");
                Leave::Rejected
            }
        }
    }

    /// Puts a copy into the dead queue, and only then lets the message go.
    async fn bury(&self, taken: &Taken, reason: &str, answered: Answered) -> Leave {
        tracing::warn!(queue = %self.queue.name(), id = %taken.id, kind = taken.properties.kind().as_ref().map_or("", |kind| kind.as_str()), reason, "message is dead");
        if self.queue.durable() {
            let dead = self.layout.dead(&self.queue);
            let bytes = || Bytes {
                exchange: "".into(),
                key: dead.clone(),
                body: &taken.data,
                properties: parcel::buried(&taken.properties, reason),
            };
            let until = Instant::now() + topology::PUBLISH_TIMEOUT;
            let prepare = |_: &Up| Some((bytes(), ()));
            if let Err(error) = confirmed(&self.link, |up| &up.publisher, dead.as_str(), until, prepare).await {
                tracing::error!(queue = %self.queue.name(), id = %taken.id, error = &error as &dyn std::error::Error, "a dead message cannot be set aside; it stays in its queue");
                return Leave::Returned;
            }
        }
        self.reply(taken, answered, reason.as_bytes()).await;
        Leave::Acknowledged
    }

    /// Tells whoever asked. He may be gone, which is fine; and when the reply is lost he asks again.
    async fn reply(&self, taken: &Taken, answered: Answered, body: &[u8]) {
        let (Some(to), Some(correlation)) = (taken.properties.reply_to(), taken.properties.correlation_id()) else {
            return;
        };
        let bytes = Bytes {
            exchange: "".into(),
            key: to.clone(),
            body,
            properties: answered.properties(correlation.as_str()),
        };
        let Ok(up) = tokio::time::timeout(topology::PUBLISH_TIMEOUT, self.link.up()).await else {
            return;
        };
        if let Err(error) = tell(&up.chatter, bytes).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a reply could not be sent");
        }
    }
}

/// Lets a message leave the queue; `false` when the broker could not be told, and will send it again.
async fn settle(acker: Option<Acker>, leave: &Leave) -> bool {
    let Some(acker) = acker else { return false };
    let told = match leave {
        Leave::Acknowledged => acker.ack(BasicAckOptions::default()).await,
        Leave::Rejected => acker.reject(BasicRejectOptions { requeue: false }).await,
        Leave::Returned => {
            let options = BasicNackOptions {
                requeue: true,
                ..BasicNackOptions::default()
            };
            acker.nack(options).await
        }
    };
    matches!(told, Ok(true))
}

/// How long ago an envelope was made, by its identifier.
fn age(id: Uuid) -> Duration {
    let made = |id: Uuid| {
        id.get_timestamp().map(|stamp| {
            let (seconds, nanoseconds) = stamp.to_unix();
            Duration::new(seconds, nanoseconds)
        })
    };
    let now = made(Uuid::now_v7());
    now.zip(made(id))
        .map_or(Duration::ZERO, |(now, then)| now.saturating_sub(then))
}

fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
