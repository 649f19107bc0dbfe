//! What this process has been given and has not acknowledged yet: the broker does not say it over AMQP.

use crate::topology::Queue;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct InHand(Mutex<State>);

#[derive(Default)]
struct State {
    last: u64,
    messages: HashMap<Queue, BTreeMap<u64, Message>>,
    /// Since when a queue has not been seen empty.
    filled: HashMap<Queue, Instant>,
}

struct Message {
    since: Instant,
    running: bool,
}

/// One message; forgotten when this is dropped.
pub(super) struct Held {
    all: Arc<InHand>,
    queue: Queue,
    key: u64,
}

impl InHand {
    /// Notes a message that has been on its way for `age`.
    pub(super) fn hold(self: &Arc<Self>, queue: &Queue, age: Duration) -> Held {
        let mut state = self.lock();
        state.last += 1;
        let key = state.last;
        let now = Instant::now();
        let message = Message {
            since: now.checked_sub(age).unwrap_or(now),
            running: false,
        };
        state.messages.entry(queue.clone()).or_default().insert(key, message);
        Held {
            all: Arc::clone(self),
            queue: queue.clone(),
            key,
        }
    }

    /// How many wait here for a handler, how many a handler has, and how long the oldest is on its way.
    pub(super) fn of(&self, queue: &Queue) -> (usize, usize, Option<Duration>) {
        let state = self.lock();
        let Some(messages) = state.messages.get(queue) else {
            return (0, 0, None);
        };
        let running = messages.values().filter(|message| message.running).count();
        let oldest = messages.values().map(|message| message.since).min();
        (messages.len() - running, running, oldest.map(|since| since.elapsed()))
    }

    /// How long the oldest message of a queue waits, as far as this process can know: what it has in hand, else since when it
    /// has not seen the queue empty.
    pub(super) fn age(&self, queue: &Queue, filled: bool, in_hand: Option<Duration>) -> Option<Duration> {
        let mut state = self.lock();
        if in_hand.is_some() || !filled {
            state.filled.remove(queue);
            return in_hand;
        }
        Some(state.filled.entry(queue.clone()).or_insert_with(Instant::now).elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// A handler has it now.
    pub(super) fn begins(&self) {
        let mut state = self.all.lock();
        if let Some(message) = state
            .messages
            .get_mut(&self.queue)
            .and_then(|all| all.get_mut(&self.key))
        {
            message.running = true;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.all.lock();
        if let Some(messages) = state.messages.get_mut(&self.queue) {
            messages.remove(&self.key);
        }
    }
}
