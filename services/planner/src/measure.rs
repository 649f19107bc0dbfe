//! What the planner measures, through the process's meter.

use domain::attempt::Outcome;
use opentelemetry::metrics::{Counter, Gauge, Histogram};
use std::time::Duration;
use telemetry::metric::{self, KeyValue};

/// The planner's instruments.
#[derive(Clone)]
pub struct Measure {
    decisions: Counter<u64>,
    attempts: Counter<u64>,
    fences: Counter<u64>,
    pull_requests: Counter<u64>,
    one_too_many: Counter<u64>,
    lost: Counter<u64>,
    oldest: Gauge<f64>,
    outbox: Gauge<f64>,
    to_pull_request: Histogram<f64>,
}

impl Default for Measure {
    fn default() -> Self {
        Self {
            decisions: metric::counter("fixpoint_decisions", "Signals by what was decided"),
            attempts: metric::counter("fixpoint_attempts_ended", "Attempts by their outcome"),
            lost: metric::counter("fixpoint_attempts_lost", "Attempts that fell silent or ran out of time"),
            fences: metric::counter("fixpoint_fences_refused", "Messages under an old fence"),
            pull_requests: metric::counter("fixpoint_pull_requests", "Pull requests that were opened"),
            one_too_many: metric::counter(
                "fixpoint_pull_requests_one_too_many",
                "Second pull requests of one incident and generation: stays 0",
            ),
            oldest: metric::gauge(
                "fixpoint_oldest_job_age_seconds",
                "How long the oldest queued job has been due",
            ),
            outbox: metric::gauge("fixpoint_outbox_depth", "Messages that nobody else keeps yet"),
            to_pull_request: metric::duration(
                "fixpoint_webhook_to_pull_request",
                "From the delivery to its pull request",
                &metric::LONG,
            ),
        }
    }
}

impl Measure {
    pub(crate) fn decided(&self, code: &'static str) {
        self.decisions.add(1, &[KeyValue::new("code", code)]);
    }
    pub(crate) fn ended(&self, outcome: Outcome) {
        self.attempts.add(1, &[KeyValue::new("outcome", outcome.as_str())]);
    }
    pub(crate) fn old_fence(&self, at: &'static str) {
        self.fences.add(1, &[KeyValue::new("at", at)]);
    }
    pub(crate) fn opened(&self, since_delivery: Option<Duration>) {
        self.pull_requests.add(1, &[]);
        if let Some(since) = since_delivery {
            self.to_pull_request.record(since.as_secs_f64(), &[]);
        }
    }
    pub(crate) fn one_too_many(&self) {
        self.one_too_many.add(1, &[]);
    }
    pub(crate) fn lost(&self, attempts: u64) {
        self.lost.add(attempts, &[]);
    }
    pub(crate) fn waiting(&self, oldest: Duration, outbox: u32) {
        self.oldest.record(oldest.as_secs_f64(), &[]);
        self.outbox.record(f64::from(outbox), &[]);
    }
}
