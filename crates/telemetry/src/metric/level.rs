//! How many of something there are at the moment.

use opentelemetry::KeyValue;
use opentelemetry::metrics::UpDownCounter;

/// How many of something there are at the moment, each counted for as long as it is held.
#[derive(Clone)]
pub struct Level(UpDownCounter<i64>);

/// Counted until it is dropped.
#[must_use = "it is counted until it is dropped"]
pub struct Counted {
    level: UpDownCounter<i64>,
    labels: Vec<KeyValue>,
}

impl Level {
    pub(super) const fn new(level: UpDownCounter<i64>) -> Self {
        Self(level)
    }

    /// Shows that there is none, where there has not been any yet.
    pub fn none_yet(&self, labels: &[KeyValue]) {
        self.0.add(0, labels);
    }

    /// One more, until what is returned is dropped.
    pub fn count(&self, labels: &[KeyValue]) -> Counted {
        self.0.add(1, labels);
        Counted {
            level: self.0.clone(),
            labels: labels.to_vec(),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.level.add(-1, &self.labels);
    }
}
