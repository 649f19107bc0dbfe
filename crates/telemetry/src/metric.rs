//! Metrics: one registry per process, read by Prometheus. Names end as Prometheus wants them by themselves: a counter `jobs`
//! is shown as `jobs_total`, a duration `job.duration` as `job_duration_seconds`.

mod level;
mod table;

use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

pub use level::{Counted, Level};
pub use opentelemetry::KeyValue;
pub use table::Table;

/// Bounds for what takes milliseconds, in seconds: requests, messages, queries.
pub const SHORT: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Bounds for what takes minutes, in seconds: attempts and their stages.
pub const LONG: [f64; 11] = [0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0];

/// A number that only grows. Make it once and keep it.
#[must_use]
pub fn counter(name: &'static str, meaning: &'static str) -> Counter<u64> {
    meter().u64_counter(name).with_description(meaning).build()
}

/// Seconds that only add up.
#[must_use]
pub fn seconds(name: &'static str, meaning: &'static str) -> Counter<f64> {
    meter()
        .f64_counter(name)
        .with_description(meaning)
        .with_unit("s")
        .build()
}

/// How many of something there are at the moment.
#[must_use]
pub fn level(name: &'static str, meaning: &'static str) -> Level {
    Level::new(meter().i64_up_down_counter(name).with_description(meaning).build())
}

/// Gauges that are measured together, one for each row; `name` and `labels` are as they are shown. The same name is the same
/// table in the whole process.
#[must_use]
pub fn table(name: &'static str, meaning: &'static str, labels: &[&str]) -> Table {
    let metrics = metrics();
    let mut tables = metrics.tables.lock().unwrap_or_else(PoisonError::into_inner);
    let table = tables
        .entry(name)
        .or_insert_with(|| Table::in_registry(&metrics.registry, name, meaning, labels));
    table.clone()
}

/// A number that goes up and down.
#[must_use]
pub fn gauge(name: &'static str, meaning: &'static str) -> Gauge<f64> {
    meter().f64_gauge(name).with_description(meaning).build()
}

/// Durations in seconds, counted below each of `bounds`.
#[must_use]
pub fn duration(name: &'static str, meaning: &'static str, bounds: &[f64]) -> Histogram<f64> {
    meter()
        .f64_histogram(name)
        .with_description(meaning)
        .with_unit("s")
        .with_boundaries(bounds.to_vec())
        .build()
}

/// Every metric in Prometheus' text format, for `/metrics` (`text/plain; version=0.0.4`).
#[must_use]
pub fn metrics_text() -> String {
    TextEncoder::new()
        .encode_to_string(&metrics().registry.gather())
        .unwrap_or_else(|error| {
            tracing::error!(%error, "the metrics cannot be written");
            String::new()
        })
}

struct Metrics {
    registry: Registry,
    meter: Meter,
    tables: Mutex<BTreeMap<&'static str, Table>>,
    /// Kept, since a provider that is dropped stops its readers.
    _provider: SdkMeterProvider,
}

fn meter() -> &'static Meter {
    &metrics().meter
}

fn metrics() -> &'static Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(|| {
        let registry = Registry::new();
        let builder = SdkMeterProvider::builder();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_target_info()
            .scope_info_enabled(false)
            .build();
        let provider = match exporter {
            Ok(reader) => builder.with_reader(reader).build(),
            Err(error) => {
                tracing::error!(%error, "there will be no metrics");
                builder.build()
            }
        };
        Metrics {
            registry,
            meter: provider.meter("fixpoint"),
            tables: Mutex::default(),
            _provider: provider,
        }
    })
}
