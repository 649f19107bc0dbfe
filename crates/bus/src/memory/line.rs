//! One queue in memory: who waits, who is being handled, who is dead.

use super::Options;
use crate::QueueDepth;
use crate::envelope::Envelope;
use crate::error::{NotSettled, RequestError};
use crate::handler::{Answer, Incoming};
use crate::settled::Settling;
use crate::topology::Queue;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::Instant;

/// The dead queue keeps so many; the oldest are dropped, which is logged.
const DEAD_BOUND: usize = 10_000;

/// Tells one delivery from another; a message that comes again has a new one.
pub(super) type Tag = u64;
/// Who waits for a reply, or for the reason why there is none.
pub(super) type ReplyTo = oneshot::Sender<Result<Envelope, RequestError>>;

/// A message with its place in the queue and with those who wait for it.
pub(super) struct Parcel {
    envelope: Envelope,
    /// How often it was delivered.
    attempts: u32,
    since: Instant,
    settled: oneshot::Sender<Result<(), NotSettled>>,
    reply: Option<ReplyTo>,
    _place: Option<OwnedSemaphorePermit>,
    _flight: Flight,
}

impl Parcel {
    pub(super) fn new(
        envelope: Envelope,
        reply: Option<ReplyTo>,
        place: Option<OwnedSemaphorePermit>,
        flights: watch::Sender<usize>,
    ) -> (Self, Settling) {
        let (settled, settling) = oneshot::channel();
        let parcel = Self {
            envelope,
            attempts: 0,
            since: Instant::now(),
            settled,
            reply,
            _place: place,
            _flight: Flight::begin(flights),
        };
        (parcel, settling)
    }

    /// Tells those who wait. They may be gone, which is fine.
    fn settle(self, outcome: Result<(), NotSettled>, reply: Result<Envelope, RequestError>) {
        if let Some(reply_to) = self.reply {
            let _ = reply_to.send(reply);
        }
        let _ = self.settled.send(outcome);
    }
}

/// Why a message is dead.
#[derive(Clone, Copy)]
enum Death {
    /// Its consumer said that it can never work.
    Refused,
    /// Its tries are used up; it might have worked later.
    Exhausted,
}

/// Counted from the moment a queue accepts a message until nobody has it any more.
struct Flight(watch::Sender<usize>);

impl Flight {
    fn begin(flights: watch::Sender<usize>) -> Self {
        flights.send_modify(|count| *count += 1);
        Self(flights)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// One queue.
pub(super) struct Line {
    pub(super) queue: Queue,
    binding: Vec<String>,
    bound: usize,
    retry_delay: Duration,
    places: Arc<Semaphore>,
    ready: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_tag: Tag,
    ready: VecDeque<Parcel>,
    delayed: BTreeMap<Tag, Parcel>,
    handled: BTreeMap<Tag, Parcel>,
    dead: VecDeque<(Envelope, String)>,
}

impl Line {
    pub(super) fn new(queue: Queue, options: &Options) -> Self {
        let bound = options.bound.unwrap_or_else(|| queue.bound());
        Self {
            binding: queue.binding(),
            queue,
            bound,
            retry_delay: options.retry_delay,
            places: Arc::new(Semaphore::new(bound)),
            ready: Notify::new(),
            state: Mutex::default(),
        }
    }

    pub(super) fn takes(&self, key: &str) -> bool {
        self.binding.iter().any(|bound| bound == key)
    }

    /// Waits for a place. A transient queue has none to wait for: it drops its oldest message instead.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if self.queue.durable() {
            Arc::clone(&self.places).acquire_owned().await.ok()
        } else {
            None
        }
    }

    pub(super) fn push(&self, parcel: Parcel) {
        let mut state = self.lock();
        let dropped = (!self.queue.durable() && state.ready.len() >= self.bound)
            .then(|| state.ready.pop_front())
            .flatten();
        state.ready.push_back(parcel);
        drop(state);
        self.ready.notify_one();
        if let Some(dropped) = dropped {
            tracing::debug!(queue = %self.queue.name(), id = %dropped.envelope.id, "a transient queue was full: its oldest message is dropped");
            let reason = "the queue was full".to_owned();
            dropped.settle(Ok(()), Err(RequestError::Unanswered { reason }));
        }
    }

    /// Waits for the next message. Nothing is lost when the future is dropped.
    pub(super) async fn take(&self) -> (Tag, Incoming) {
        loop {
            let notified = self.ready.notified();
            if let Some(taken) = self.try_take() {
                return taken;
            }
            notified.await;
        }
    }

    fn try_take(&self) -> Option<(Tag, Incoming)> {
        let mut state = self.lock();
        let mut parcel = state.ready.pop_front()?;
        parcel.attempts = parcel.attempts.saturating_add(1);
        let incoming = Incoming {
            envelope: parcel.envelope.clone(),
            redelivered: parcel.attempts > 1,
            attempt: parcel.attempts,
        };
        state.last_tag += 1;
        let tag = state.last_tag;
        state.handled.insert(tag, parcel);
        Some((tag, incoming))
    }

    /// Does what the handler answered. Needs a runtime, for the delay.
    pub(super) fn answer(self: &Arc<Self>, tag: Tag, answer: Answer) {
        let Some(parcel) = self.lock().handled.remove(&tag) else {
            return;
        };
        match answer {
            Answer::Done => parcel.settle(
                Ok(()),
                Err(RequestError::Unanswered {
                    reason: "the request was dealt with, and not answered".into(),
                }),
            ),
            Answer::Reply(reply) => parcel.settle(Ok(()), Ok(reply)),
            Answer::Never { reason } => self.bury(parcel, reason, Death::Refused),
            Answer::Again { reason } if !self.queue.durable() => self.bury(parcel, reason, Death::Exhausted),
            Answer::Again { reason } if parcel.attempts >= self.queue.delivery_limit() => {
                let attempts = parcel.attempts;
                self.bury(
                    parcel,
                    format!("{reason} (after {attempts} attempts)"),
                    Death::Exhausted,
                );
            }
            Answer::Again { reason } => {
                tracing::debug!(queue = %self.queue.name(), id = %parcel.envelope.id, attempt = parcel.attempts, reason, "will come again");
                self.lock().delayed.insert(tag, parcel);
                let line = Arc::clone(self);
                tokio::spawn(async move {
                    tokio::time::sleep(line.retry_delay).await;
                    line.undelay(tag);
                });
            }
        }
    }

    fn undelay(&self, tag: Tag) {
        let mut state = self.lock();
        if let Some(parcel) = state.delayed.remove(&tag) {
            state.ready.push_back(parcel);
            drop(state);
            self.ready.notify_one();
        }
    }

    /// Gives messages back whose handler is gone; they come first again, in their old order.
    pub(super) fn give_back(&self, tags: impl IntoIterator<Item = Tag>) {
        let mut tags: Vec<Tag> = tags.into_iter().collect();
        tags.sort_unstable();
        for tag in tags.into_iter().rev() {
            let mut state = self.lock();
            let Some(parcel) = state.handled.remove(&tag) else {
                continue;
            };
            if parcel.attempts >= self.queue.delivery_limit() {
                drop(state);
                let attempts = parcel.attempts;
                self.bury(
                    parcel,
                    format!("its consumer went away (after {attempts} attempts)"),
                    Death::Exhausted,
                );
            } else {
                state.ready.push_front(parcel);
                drop(state);
                self.ready.notify_one();
            }
        }
    }

    fn bury(&self, parcel: Parcel, reason: String, death: Death) {
        tracing::warn!(queue = %self.queue.name(), id = %parcel.envelope.id, kind = parcel.envelope.kind.as_str(), reason, "message is dead");
        if self.queue.durable() {
            let mut state = self.lock();
            state.dead.push_back((parcel.envelope.clone(), reason.clone()));
            if state.dead.len() > DEAD_BOUND {
                state.dead.pop_front();
                tracing::error!(queue = %self.queue.name(), "the dead queue is full: its oldest message is dropped");
            }
        }
        match death {
            Death::Refused => parcel.settle(
                Err(NotSettled::Dead { reason: reason.clone() }),
                Err(RequestError::Unanswered { reason }),
            ),
            Death::Exhausted => parcel.settle(
                Err(NotSettled::Exhausted { reason: reason.clone() }),
                Err(RequestError::Exhausted { reason }),
            ),
        }
    }

    pub(super) fn dead(&self) -> Vec<(Envelope, String)> {
        self.lock().dead.iter().cloned().collect()
    }

    pub(super) fn depth(&self) -> QueueDepth {
        let state = self.lock();
        let waiting = state
            .ready
            .iter()
            .chain(state.delayed.values())
            .chain(state.handled.values());
        QueueDepth {
            queue: self.queue.name().into_owned(),
            oldest: waiting.map(|parcel| parcel.since).min().map(|since| since.elapsed()),
            ready: state.ready.len(),
            delayed: state.delayed.len(),
            unacknowledged: state.handled.len(),
            dead: state.dead.len(),
        }
    }

    /// A thread that panicked while it had the lock has left a whole state: every change under it is one move.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
