//! Takes notices from the bus, says them, and reports that they were said. A notice leaves the queue only once its channel has
//! taken it: a channel that is down holds its own notices back, and nobody else's.

use crate::channel::{Channel, SendError};
use crate::text::text;
use async_trait::async_trait;
use bus::{Answer, Bus, Envelope, Handler, Incoming};
use chrono::{DateTime, Utc};
use domain::id::NoticeId;
use domain::message::{NoticeDelivered, NoticeRaised};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A channel may ask for no longer a pause than this: more would be a mistake.
const LONGEST_WISH: Duration = Duration::from_secs(600);
/// So long a notice is held here; then the queue has it again for a moment, below any broker's limit for a silent consumer.
const HOLD: Duration = Duration::from_secs(20 * 60);
const REPORT_TRIES: u32 = 5;
const REMEMBERED: usize = 1000;

pub(crate) struct Inbox {
    channel: Arc<dyn Channel>,
    bus: Arc<dyn Bus>,
    stop: CancellationToken,
    said: Mutex<Said>,
}

/// The notices that this process has said, so that one that comes again is only reported again.
#[derive(Default)]
struct Said {
    ids: BTreeMap<NoticeId, Option<String>>,
    order: VecDeque<NoticeId>,
}

enum Ended {
    Sent(Option<String>),
    Held(String),
    Refused(String),
}

impl Inbox {
    pub(crate) fn new(channel: Arc<dyn Channel>, bus: Arc<dyn Bus>, stop: CancellationToken) -> Self {
        Self {
            channel,
            bus,
            stop,
            said: Mutex::default(),
        }
    }

    async fn deal(&self, raised: NoticeRaised) -> Answer {
        let notice = raised.notice;
        let ended = match self.remembered(notice.id) {
            Some(external_id) => Ended::Sent(external_id),
            None => self.say(&notice).await,
        };
        match ended {
            Ended::Sent(external_id) => {
                self.remember(notice.id, external_id.clone());
                let delivered = NoticeDelivered {
                    notice: notice.id,
                    channel: raised.channel,
                    external_id,
                    repo: notice.repo,
                    at: now(),
                };
                self.report(&delivered).await;
                Answer::Done
            }
            Ended::Held(reason) => Answer::Again { reason },
            Ended::Refused(reason) => {
                tracing::error!(reason, notice = %notice.id, job = %notice.job, "a notice cannot be delivered; it is in the dead queue");
                Answer::Never { reason }
            }
        }
    }

    /// Says it, however long the channel is away.
    async fn say(&self, notice: &domain::notice::Notice) -> Ended {
        let words = text(&notice.content);
        let until = Instant::now() + HOLD;
        let mut pause = FIRST_PAUSE;
        loop {
            let reason = match self.channel.send(&words).await {
                Ok(external_id) => return Ended::Sent(external_id),
                Err(SendError::Never { reason }) => return Ended::Refused(reason),
                Err(SendError::Later { after, reason }) => {
                    let wait = after.map_or(pause, |wish| wish.min(LONGEST_WISH));
                    tracing::warn!(reason, notice = %notice.id, wait_seconds = wait.as_secs_f64(), "a notice has to wait");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    if Instant::now() + wait > until {
                        return Ended::Held(reason);
                    }
                    tokio::select! {
                        () = tokio::time::sleep(wait) => continue,
                        () = self.stop.cancelled() => reason,
                    }
                }
            };
            return Ended::Held(format!("the notifier stops; before that: {reason}"));
        }
    }

    /// The planner learns that it was said. When that fails for long, the message is not said twice for it.
    async fn report(&self, delivered: &NoticeDelivered) {
        let mut pause = FIRST_PAUSE;
        for _ in 0..REPORT_TRIES {
            let published = match Envelope::of(delivered) {
                Ok(envelope) => self.bus.publish(envelope.traced(telemetry::trace::inject())).await,
                Err(error) => return tracing::error!(error = %error, "a report cannot be written"),
            };
            match published {
                // The planner's queue keeps it from here on.
                Ok(settled) => return drop(settled),
                Err(error) => {
                    tracing::warn!(error = %error, notice = %delivered.notice, "a delivered notice is not reported yet")
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        tracing::error!(notice = %delivered.notice, "a delivered notice could not be reported: the planner does not know its message's id");
    }

    fn remembered(&self, id: NoticeId) -> Option<Option<String>> {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .ids
            .get(&id)
            .cloned()
    }

    fn remember(&self, id: NoticeId, external_id: Option<String>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.ids.insert(id, external_id).is_none() {
            said.order.push_back(id);
        }
        if said.order.len() > REMEMBERED
            && let Some(oldest) = said.order.pop_front()
        {
            said.ids.remove(&oldest);
        }
    }
}

#[async_trait]
impl Handler for Inbox {
    async fn handle(&self, incoming: Incoming) -> Answer {
        let raised: NoticeRaised = match incoming.envelope.read() {
            Ok(raised) => raised,
            Err(error) => {
                return Answer::Never {
                    reason: format!("the notice cannot be read: {error}"),
                };
            }
        };
        let span = tracing::info_span!("notice", notice = %raised.notice.id, job = %raised.notice.job, channel = raised.channel);
        telemetry::trace::set_parent(&span, &incoming.envelope.trace);
        self.deal(raised).instrument(span).await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge: when a message left us is known here only"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}
