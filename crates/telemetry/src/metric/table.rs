//! Gauges of one name that are measured together, one for each row.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, Opts, Registry};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So long rows are shown without being measured again.
const FRESH: Duration = Duration::from_secs(60);

/// Gauges of one name that are measured together. A row that is not measured again is gone, and so are all rows when nobody
/// has measured them for a minute: nothing is better than an old number that looks like a new one.
#[derive(Clone)]
pub struct Table(Option<Arc<Inner>>);

struct Inner {
    gauges: GaugeVec,
    measured: Mutex<Option<Instant>>,
}

impl Table {
    /// A table that is shown. Where its names are none that Prometheus takes, the log says so and nothing is shown.
    pub(super) fn in_registry(registry: &Registry, name: &str, meaning: &str, labels: &[&str]) -> Self {
        let made = Inner::new(name, meaning, labels).and_then(|inner| {
            registry.register(Box::new(Shown(Arc::clone(&inner))))?;
            Ok(inner)
        });
        Self(
            made.inspect_err(|error| tracing::error!(name, %error, "a metric cannot be shown"))
                .ok(),
        )
    }

    /// Takes these rows in the place of all others: the labels' values in the labels' order, and the number.
    pub fn replace<'a, const LABELS: usize>(&self, rows: impl IntoIterator<Item = ([&'a str; LABELS], f64)>) {
        let Some(inner) = &self.0 else { return };
        let mut measured = inner.lock();
        inner.gauges.reset();
        for (labels, value) in rows {
            match inner.gauges.get_metric_with_label_values(&labels) {
                Ok(gauge) => gauge.set(value),
                Err(error) => tracing::error!(%error, "a row of a metric has other labels than its table"),
            }
        }
        *measured = Some(Instant::now());
    }
}

impl Inner {
    fn new(name: &str, meaning: &str, labels: &[&str]) -> Result<Arc<Self>, prometheus::Error> {
        Ok(Arc::new(Self {
            gauges: GaugeVec::new(Opts::new(name, meaning), labels)?,
            measured: Mutex::default(),
        }))
    }

    /// Held while rows are written and read, so that nobody sees half of them.
    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rows(&self, fresh: Duration) -> Vec<MetricFamily> {
        let measured = self.lock();
        if measured.is_some_and(|at| at.elapsed() <= fresh) {
            self.gauges.collect()
        } else {
            Vec::new()
        }
    }
}

/// What the registry has of a table.
struct Shown(Arc<Inner>);

impl Collector for Shown {
    fn desc(&self) -> Vec<&Desc> {
        self.0.gauges.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.0.rows(FRESH)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn shown(table: &Table, fresh: Duration) -> Vec<(String, f64)> {
        let inner = table.0.as_ref().unwrap();
        let mut shown: Vec<_> = inner
            .rows(fresh)
            .iter()
            .flat_map(MetricFamily::get_metric)
            .map(|row| (row.get_label()[0].value().to_owned(), row.get_gauge().get_value()))
            .collect();
        shown.sort_by(|one, other| one.0.cmp(&other.0));
        shown
    }

    #[test]
    fn what_is_not_measured_again_is_not_shown() {
        let table = Table::in_registry(&Registry::new(), "ready", "Messages", &["queue"]);
        assert!(shown(&table, FRESH).is_empty());
        table.replace([(["a"], 1.0), (["b"], 2.0)]);
        assert_eq!(shown(&table, FRESH), [("a".to_owned(), 1.0), ("b".to_owned(), 2.0)]);
        table.replace([(["b"], 3.0)]);
        assert_eq!(shown(&table, FRESH), [("b".to_owned(), 3.0)]);
        std::thread::sleep(Duration::from_millis(2));
        assert!(
            shown(&table, Duration::from_millis(1)).is_empty(),
            "nobody measures it any more"
        );
        table.replace::<1>([]);
        assert!(shown(&table, FRESH).is_empty());
    }
}
