//! What operators watch: attempts that run, how they ended, and how long code of repositories ran for them.

use domain::job::JobKind;
use opentelemetry::metrics::Counter;
use std::time::Duration;
use telemetry::metric::{self, Counted, KeyValue, Level};

/// The fixer's instruments.
#[derive(Clone)]
pub(crate) struct Measure {
    running: Level,
    ended: Counter<u64>,
    sandboxed: Counter<f64>,
}

impl Measure {
    pub(crate) fn of(kinds: impl Iterator<Item = JobKind>) -> Self {
        let measure = Self {
            running: metric::level("fixer_attempts_running", "Attempts that run"),
            ended: metric::counter("fixer_attempts", "Attempts by how they ended here"),
            sandboxed: metric::seconds("fixer_sandboxed", "Time that tests took in the sandbox"),
        };
        kinds.for_each(|kind| measure.running.none_yet(&[of(kind)]));
        measure
    }

    /// An attempt runs until what is returned is dropped.
    pub(crate) fn running(&self, kind: JobKind) -> Counted {
        self.running.count(&[of(kind)])
    }

    pub(crate) fn ended(&self, kind: JobKind, how: &'static str) {
        self.ended.add(1, &[of(kind), KeyValue::new("outcome", how)]);
    }

    pub(crate) fn sandboxed(&self, kind: JobKind, time: Duration) {
        self.sandboxed.add(time.as_secs_f64(), &[of(kind)]);
    }
}

fn of(kind: JobKind) -> KeyValue {
    KeyValue::new("kind", kind.as_str())
}
