//! How far an attempt is, for whoever watches: the bus, or a person's terminal.

use domain::attempt::{Stage, StageTime};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Something that a watcher may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A stage has begun.
    Entered(Stage),
    /// A line for people.
    Line(String),
    /// So many candidates have been tried.
    Tried(u64),
}

/// Passes events on, and keeps the time of each stage.
#[derive(Clone)]
pub struct Progress {
    tell: Arc<dyn Fn(Event) + Send + Sync>,
    stages: Arc<Mutex<Vec<(Stage, Instant)>>>,
}

impl Progress {
    /// Tells `tell` everything.
    pub fn to(tell: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self {
            tell: Arc::new(tell),
            stages: Arc::default(),
        }
    }

    /// A stage begins, and the one before it ends.
    pub fn enter(&self, stage: Stage) {
        self.lock().push((stage, Instant::now()));
        (self.tell)(Event::Entered(stage));
    }

    /// A line for people. It is redacted, since it may quote what the tested code printed.
    pub fn line(&self, text: impl Into<String>) {
        (self.tell)(Event::Line(github::redact(&text.into())));
    }

    /// So many candidates have been tried.
    pub fn tried(&self, candidates: u64) {
        (self.tell)(Event::Tried(candidates));
    }

    /// The stages so far with their times; the last one counts until now.
    #[must_use]
    pub fn times(&self) -> Vec<StageTime> {
        let stages = self.lock();
        let ends = stages.iter().skip(1).map(|(_, at)| *at).chain([Instant::now()]);
        let time = |((stage, start), end): (&(Stage, Instant), Instant)| StageTime {
            stage: *stage,
            wall_ms: u64::try_from(end.duration_since(*start).as_millis()).unwrap_or(u64::MAX),
        };
        stages.iter().zip(ends).map(time).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Stage, Instant)>> {
        self.stages.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
