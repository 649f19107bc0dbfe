//! What the planner measures, through the process's meter.

use bus::QueueDepth;
use domain::attempt::Outcome;
use domain::job::{JobKind, JobState};
use opentelemetry::metrics::{Counter, Histogram};
use std::time::Duration;
use telemetry::metric::{self, KeyValue, Table};

/// The planner's instruments.
#[derive(Clone)]
pub struct Measure {
    decisions: Counter<u64>,
    attempts: Counter<u64>,
    fences: Counter<u64>,
    pull_requests: Counter<u64>,
    one_too_many: Counter<u64>,
    lost: Counter<u64>,
    to_pull_request: Histogram<f64>,
    oldest: Table,
    outbox: Table,
    per_incident: Table,
    queues: Queues,
}

/// How full the queues are, one table for each number.
#[derive(Clone)]
struct Queues {
    ready: Table,
    unacknowledged: Table,
    delayed: Table,
    dead: Table,
    oldest: Table,
}

/// What waits, by the database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backlog {
    /// Since when the oldest job that is due has been so, by kind and state.
    pub oldest: Vec<(JobKind, JobState, Duration)>,
    /// Messages in the outbox.
    pub outbox: i64,
    /// Pull requests for each generation of an incident that has one; nothing while there is none.
    pub pull_requests: Option<f64>,
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
            to_pull_request: metric::duration(
                "fixpoint_webhook_to_pull_request",
                "From the delivery to its pull request",
                &metric::LONG,
            ),
            oldest: metric::table(
                "fixpoint_oldest_job_age_seconds",
                "How long the oldest job of a kind has been due",
                &["kind", "state"],
            ),
            outbox: metric::table("fixpoint_outbox_depth", "Messages that nobody else keeps yet", &[]),
            per_incident: metric::table(
                "fixpoint_pull_requests_per_incident",
                "Pull requests for each generation of an incident that has one: stays 1",
                &[],
            ),
            queues: Queues {
                ready: metric::table("bus_queue_ready", "Messages that a consumer could take now", &["queue"]),
                unacknowledged: metric::table("bus_queue_unacknowledged", "Messages that a handler has", &["queue"]),
                delayed: metric::table("bus_queue_delayed", "Messages that wait for their next try", &["queue"]),
                dead: metric::table("bus_queue_dead", "Messages that nobody will deal with", &["queue"]),
                oldest: metric::table(
                    "bus_queue_oldest_seconds",
                    "Age of the oldest message that is not dead",
                    &["queue"],
                ),
            },
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
    #[allow(clippy::cast_precision_loss, reason = "nobody reads the last digits of a gauge")]
    pub(crate) fn waiting(&self, backlog: &Backlog) {
        let age = |kind: JobKind, state: JobState| {
            let found = backlog.oldest.iter().find(|row| (row.0, row.1) == (kind, state));
            found.map_or(0.0, |(_, _, age)| age.as_secs_f64())
        };
        let rows = JobKind::ALL.into_iter().flat_map(|kind| {
            [JobState::Queued, JobState::Running].map(|state| ([kind.as_str(), state.as_str()], age(kind, state)))
        });
        self.oldest.replace(rows);
        self.outbox.replace([([], backlog.outbox as f64)]);
        self.per_incident
            .replace(backlog.pull_requests.map(|ratio| ([], ratio)));
    }
    /// Takes the place of what was measured before: a queue that is not named is not shown any more.
    pub(crate) fn queues(&self, queues: &[QueueDepth]) {
        #[allow(clippy::cast_precision_loss, reason = "nobody reads the last digits of a gauge")]
        let show = |table: &Table, number: fn(&QueueDepth) -> usize| {
            table.replace(
                queues
                    .iter()
                    .map(|queue| ([queue.queue.as_str()], number(queue) as f64)),
            );
        };
        show(&self.queues.ready, |queue| queue.ready);
        show(&self.queues.unacknowledged, |queue| queue.unacknowledged);
        show(&self.queues.delayed, |queue| queue.delayed);
        show(&self.queues.dead, |queue| queue.dead);
        let aged = queues.iter().filter_map(|queue| Some((queue, queue.oldest?)));
        self.queues
            .oldest
            .replace(aged.map(|(queue, oldest)| ([queue.queue.as_str()], oldest.as_secs_f64())));
    }
}
