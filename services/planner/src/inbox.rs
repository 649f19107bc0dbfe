//! The planner's queues and who deals with each message: an error becomes Again here, what cannot be read becomes Never.

use crate::flow::Flow;
use anyhow::Result;
use async_trait::async_trait;
use bus::{Answer, Bus, Consume, Envelope, Handler, Incoming, Queue, reply};
use domain::message::{
    AttemptClaim, AttemptFinished, AttemptProgressed, Kind, MayPublish, Message, NoticeDelivered, SignalDecided,
    SignalReceived,
};
use std::sync::Arc;
use std::time::Duration;
use telemetry::Health;
use telemetry::health::Underway;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, error, info_span, warn};

/// Queue and handlers at once. Signals and questions are short transactions.
const QUEUES: [(Queue, usize); 5] = [
    (Queue::PlannerSignals, 8),
    (Queue::PlannerRequests, 8),
    (Queue::PlannerProgress, 2),
    (Queue::PlannerFinished, 4),
    (Queue::PlannerDelivered, 2),
];

/// How long a message waits for the database: below any broker's limit for a silent consumer.
const HOLD: Duration = Duration::from_secs(10 * 60);
/// A database that answers within this is there, and something else has failed.
const GLANCE: Duration = Duration::from_secs(1);

/// Whether each of the queues is consumed, in their order.
#[derive(Clone, Default)]
pub(crate) struct Consumed([Underway; QUEUES.len()]);

impl Consumed {
    /// `health`, and that every queue is consumed.
    pub(crate) fn health(&self, health: Health) -> Health {
        QUEUES
            .iter()
            .zip(&self.0)
            .fold(health, |health, ((queue, _), consumed)| {
                health.while_underway(format!("the queue {} is not consumed", queue.name()), consumed)
            })
    }
}

/// Consumes every queue of the planner until `stop`.
pub(crate) fn open(
    flow: &Arc<Flow>,
    bus: &Arc<dyn Bus>,
    consumed: &Consumed,
    stop: &CancellationToken,
    tasks: &mut JoinSet<Result<()>>,
) {
    for ((queue, concurrency), consumed) in QUEUES.into_iter().zip(consumed.0.clone()) {
        let (bus, stop) = (Arc::clone(bus), stop.clone());
        let handler: Arc<dyn Handler> = Arc::new(Inbox { flow: Arc::clone(flow) });
        tasks.spawn(async move {
            let consuming = bus.consume(Consume::from(queue, concurrency), handler, stop);
            Ok(consumed.during(consuming).await?)
        });
    }
}

/// Deals with every kind of message that reaches the planner.
pub struct Inbox {
    /// What happens on each.
    pub flow: Arc<Flow>,
}

#[async_trait]
impl Handler for Inbox {
    async fn handle(&self, incoming: Incoming) -> Answer {
        let envelope = incoming.envelope;
        let span = info_span!("planner", kind = envelope.kind.as_str(), id = %envelope.id);
        telemetry::trace::set_parent(&span, &envelope.trace);
        async {
            let kind = envelope.kind;
            let answer = self.dispatch_patiently(envelope).await.unwrap_or_else(|cause| {
                let reason = format!("{cause:#}");
                if kind == Kind::AttemptProgressed {
                    // The next one comes by itself.
                    warn!(reason, "a heartbeat could not be noted");
                    return Answer::Done;
                }
                error!(
                    kind = kind.as_str(),
                    attempt = incoming.attempt,
                    reason,
                    "the message will come again"
                );
                Answer::Again { reason }
            });
            if let Answer::Never { reason } = &answer {
                error!(kind = kind.as_str(), reason, "the message can never be dealt with");
            }
            answer
        }
        .instrument(span)
        .await
    }
}

impl Inbox {
    /// A message is held while the database is away, instead of using up its tries.
    async fn dispatch_patiently(&self, envelope: Envelope) -> Result<Answer> {
        let until = Instant::now() + HOLD;
        loop {
            match self.dispatch(envelope.clone()).await {
                // A heartbeat is followed by the next one.
                Err(cause) if envelope.kind != Kind::AttemptProgressed && Instant::now() < until => {
                    if self.flow.store.answers(Instant::now() + GLANCE).await {
                        return Err(cause);
                    }
                    warn!(
                        cause = format!("{cause:#}"),
                        "the database is away; the message waits for it"
                    );
                    if !self.flow.store.answers(until).await {
                        return Err(cause);
                    }
                }
                done => return done,
            }
        }
    }

    async fn dispatch(&self, envelope: Envelope) -> Result<Answer> {
        let trace = telemetry::trace::inject();
        Ok(match envelope.kind {
            Kind::SignalReceived => match read::<SignalReceived>(&envelope) {
                Ok(message) => {
                    let delivery = message.delivery.id;
                    let decision = self.flow.on_signal(message, envelope.attachment.clone(), trace).await?;
                    reply(&SignalDecided { delivery, decision })
                }
                Err(never) => never,
            },
            Kind::AttemptClaim => match read::<AttemptClaim>(&envelope) {
                Ok(ask) => reply(&self.flow.on_claim(ask).await?),
                Err(never) => never,
            },
            Kind::MayPublish => match read::<MayPublish>(&envelope) {
                Ok(ask) => reply(&self.flow.on_may_publish(ask).await?),
                Err(never) => never,
            },
            Kind::AttemptProgressed => match read::<AttemptProgressed>(&envelope) {
                Ok(said) => done(self.flow.on_progress(said).await?),
                Err(never) => never,
            },
            Kind::AttemptFinished => match read::<AttemptFinished>(&envelope) {
                Ok(message) => done(self.flow.on_finished(message, trace).await?),
                Err(never) => never,
            },
            Kind::NoticeDelivered => match read::<NoticeDelivered>(&envelope) {
                Ok(told) => done(self.flow.on_delivered(told).await?),
                Err(never) => never,
            },
            other => Answer::Never {
                reason: format!("the planner does not deal with {}", other.as_str()),
            },
        })
    }
}

const fn done((): ()) -> Answer {
    Answer::Done
}

fn read<M: Message>(envelope: &Envelope) -> Result<M, Answer> {
    envelope.read().map_err(|cause| Answer::Never {
        reason: format!("{:#}", anyhow::Error::from(cause)),
    })
}
