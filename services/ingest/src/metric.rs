//! What operators watch: answers by status, the time that they take, and what waits in the spool.

use crate::reply::Refused;
use crate::spool::Depth;
use actix_web::{HttpResponse, ResponseError};
use domain::delivery::Provider;
use opentelemetry::metrics::{Counter, Gauge, Histogram};
use std::time::Instant;
use telemetry::metric::{self, KeyValue};

pub(crate) struct Metrics {
    answers: Histogram<f64>,
    spooled: Counter<u64>,
    deliveries: Gauge<f64>,
    bytes: Gauge<f64>,
    oldest: Gauge<f64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            answers: metric::duration(
                "ingest.answer",
                "From the head of a webhook request to its answer",
                &metric::SHORT,
            ),
            spooled: metric::counter(
                "ingest.spooled",
                "Deliveries that were written to the spool instead of being handed to the broker",
            ),
            deliveries: metric::gauge(
                "ingest.spool.deliveries",
                "Deliveries that are durable and not yet with the planner",
            ),
            bytes: metric::gauge("ingest.spool.bytes", "Bytes of the spool on disk"),
            oldest: metric::gauge("ingest.spool.oldest.seconds", "Age of the oldest delivery in the spool"),
        }
    }

    /// Notes an answer, and makes a refusal into one.
    pub(crate) fn answered(
        &self,
        provider: Provider,
        begin: Instant,
        answer: Result<HttpResponse, Refused>,
    ) -> HttpResponse {
        let response = answer.unwrap_or_else(|refused| refused.error_response());
        let status = i64::from(response.status().as_u16());
        self.answers.record(
            begin.elapsed().as_secs_f64(),
            &[
                KeyValue::new("provider", provider.as_str()),
                KeyValue::new("status", status),
            ],
        );
        response
    }

    /// Notes a delivery that went to disk.
    pub(crate) fn spooled(&self) {
        self.spooled.add(1, &[]);
    }

    #[allow(clippy::cast_precision_loss, reason = "nobody reads the last digits of a gauge")]
    pub(crate) fn spool(&self, depth: &Depth) {
        self.deliveries.record(depth.entries as f64, &[]);
        self.bytes.record(depth.bytes as f64, &[]);
        self.oldest
            .record(depth.oldest.map_or(0.0, |age| age.as_secs_f64()), &[]);
    }
}
