//! What operators watch: notices that were said, that wait, and that a channel refuses.

use opentelemetry::metrics::Counter;
use telemetry::metric::{self, Counted, KeyValue, Level};

/// The instruments of one channel.
pub(crate) struct Measure {
    channel: [KeyValue; 1],
    sent: Counter<u64>,
    refused: Counter<u64>,
    waiting: Level,
}

impl Measure {
    pub(crate) fn new(channel: &'static str) -> Self {
        let measure = Self {
            channel: [KeyValue::new("channel", channel)],
            sent: metric::counter("notifier_notices_sent", "Notices that their channel has taken"),
            refused: metric::counter("notifier_notices_refused", "Notices that their channel will never take"),
            waiting: metric::level(
                "notifier_notices_waiting",
                "Notices that the notifier has, and that are not said yet",
            ),
        };
        measure.waiting.none_yet(&measure.channel);
        measure
    }

    pub(crate) fn sent(&self) {
        self.sent.add(1, &self.channel);
    }
    pub(crate) fn refused(&self) {
        self.refused.add(1, &self.channel);
    }
    /// A notice waits until what is returned is dropped.
    pub(crate) fn waiting(&self) -> Counted {
        self.waiting.count(&self.channel)
    }
}
