//! The map: which queues there are, which messages go into them, and their limits. A handler never publishes while it holds a
//! place in a queue that it feeds; a message holds its place until its consumer is done with it.

use crate::envelope::Envelope;
use domain::message::Kind;
use std::borrow::Cow;
use std::time::Duration;

/// How long a publish waits for a place and for the broker's confirm.
pub const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a message that is to come again waits in `<queue>.retry`.
pub const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The channels whose queues always exist; other channels' queues exist once somebody consumes them.
pub const CHANNELS: [&str; 5] = ["slack", "email", "comment", "analytics", "log"];

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// What providers and people have signalled.
    PlannerSignals,
    /// What fixers ask: may I work on it, may I publish it?
    PlannerRequests,
    /// How far fixers are; transient.
    PlannerProgress,
    /// How attempts ended.
    PlannerFinished,
    /// Which notices were delivered.
    PlannerDelivered,
    /// Attempts to fix.
    FixerFix,
    /// Attempts to analyse.
    FixerAnalyse,
    /// Attempts to validate.
    FixerValidate,
    /// Notices for one channel, by its name.
    NotifierNotices(String),
}

/// How many messages a consumer fetches before it can deal with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    /// So many ahead, for short work.
    Ahead(u16),
    /// One when a handler is free, for long work: others may have a free one.
    OneByOne,
}

impl Queue {
    /// Every queue that exists from the start.
    #[must_use]
    pub fn standing() -> Vec<Self> {
        use Queue::{
            FixerAnalyse, FixerFix, FixerValidate, PlannerDelivered, PlannerFinished, PlannerProgress, PlannerRequests,
            PlannerSignals,
        };
        let fixed = [
            PlannerSignals,
            PlannerRequests,
            PlannerProgress,
            PlannerFinished,
            PlannerDelivered,
            FixerFix,
            FixerAnalyse,
            FixerValidate,
        ];
        fixed
            .into_iter()
            .chain(CHANNELS.map(|channel| Self::NotifierNotices(channel.into())))
            .collect()
    }

    /// Its name at the broker. `<name>.retry` and `<name>.dead` belong to it.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Self::PlannerSignals => "planner.signals".into(),
            Self::PlannerRequests => "planner.requests".into(),
            Self::PlannerProgress => "planner.progress".into(),
            Self::PlannerFinished => "planner.finished".into(),
            Self::PlannerDelivered => "planner.delivered".into(),
            Self::FixerFix => "fixer.fix".into(),
            Self::FixerAnalyse => "fixer.analyse".into(),
            Self::FixerValidate => "fixer.validate".into(),
            Self::NotifierNotices(channel) => format!("notifier.{channel}").into(),
        }
    }

    /// The routing keys that it takes; see [`route`].
    #[must_use]
    pub fn binding(&self) -> Vec<String> {
        match self {
            Self::PlannerSignals => vec![Kind::SignalReceived.as_str().into()],
            Self::PlannerRequests => vec![Kind::AttemptClaim.as_str().into(), Kind::MayPublish.as_str().into()],
            Self::PlannerProgress => vec![Kind::AttemptProgressed.as_str().into()],
            Self::PlannerFinished => vec![Kind::AttemptFinished.as_str().into()],
            Self::PlannerDelivered => vec![Kind::NoticeDelivered.as_str().into()],
            Self::FixerFix => vec![format!("{}.fix", Kind::AttemptRequested.as_str())],
            Self::FixerAnalyse => vec![format!("{}.analyse", Kind::AttemptRequested.as_str())],
            Self::FixerValidate => vec![format!("{}.validate", Kind::AttemptRequested.as_str())],
            Self::NotifierNotices(channel) => vec![format!("{}.{channel}", Kind::NoticeRaised.as_str())],
        }
    }

    /// Whether it outlives the broker. A queue that does not has neither a retry nor a dead queue, and drops its oldest
    /// message when it is full.
    #[must_use]
    pub const fn durable(&self) -> bool {
        !matches!(self, Self::PlannerProgress)
    }

    /// How many messages it holds. Signals carry payloads, so there are fewer of them: what does not fit waits in the spool.
    #[must_use]
    pub const fn bound(&self) -> usize {
        match self {
            Self::PlannerSignals => 2_000,
            Self::PlannerRequests | Self::PlannerProgress => 1_000,
            _ => 10_000,
        }
    }

    /// How many attempts a message gets before it is dead.
    #[must_use]
    pub const fn delivery_limit(&self) -> u32 {
        20
    }

    /// How far a consumer reads ahead.
    #[must_use]
    pub const fn pull(&self) -> Pull {
        match self {
            Self::FixerFix | Self::FixerAnalyse | Self::FixerValidate => Pull::OneByOne,
            Self::NotifierNotices(_) => Pull::Ahead(8),
            _ => Pull::Ahead(64),
        }
    }
}

/// Whether a message is told to whoever listens now, and kept for nobody; see [`Queue::durable`].
#[must_use]
pub const fn is_transient(kind: Kind) -> bool {
    matches!(kind, Kind::AttemptProgressed)
}

/// Whether a request is worth nothing once nobody waits for its reply. Other requests have an effect that is wanted all the same.
#[must_use]
pub const fn expires(kind: Kind) -> bool {
    matches!(kind, Kind::AttemptClaim | Kind::MayPublish)
}

/// The routing key: the kind, and what the receivers are told apart by (the job's kind, the notice's channel).
#[must_use]
pub fn route(envelope: &Envelope) -> String {
    let kind = envelope.kind.as_str();
    let part = match envelope.kind {
        Kind::AttemptRequested => "kind",
        Kind::NoticeRaised => "channel",
        _ => return kind.into(),
    };
    format!(
        "{kind}.{}",
        envelope
            .body
            .get(part)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_distinct_and_each_key_has_one_queue() {
        let standing = Queue::standing();
        let names: BTreeSet<_> = standing.iter().map(Queue::name).collect();
        assert_eq!(names.len(), standing.len());
        let keys: Vec<_> = standing.iter().flat_map(Queue::binding).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    }

    #[test]
    fn every_job_kind_has_its_own_queue() {
        use domain::job::JobKind;
        for (kind, queue) in [
            (JobKind::Fix, Queue::FixerFix),
            (JobKind::Analyse, Queue::FixerAnalyse),
            (JobKind::Validate, Queue::FixerValidate),
        ] {
            let envelope = Envelope::new(Kind::AttemptRequested, 1, serde_json::json!({ "kind": kind }));
            assert_eq!(queue.binding(), [route(&envelope)]);
        }
    }
}
