//! Takes notices from the bus, says them, and reports that they were said. A notice leaves the queue only once its channel has
//! taken it: a channel that is down holds its own notices back, and nobody else's.

use crate::channel::{Channel, SendError};
use crate::measure::Measure;
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
/// The pause after the second answer that did not come; it doubles from then on.
const UNSURE_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_UNSURE: Duration = Duration::from_secs(60 * 60);
/// A channel may ask for no longer a pause: more would use up the tries that the queue grants a notice.
const LONGEST_WISH: Duration = Duration::from_secs(6 * 60 * 60);
/// So long a notice is held here; then the queue has it again for a moment, below any broker's limit for a silent consumer.
const HOLD: Duration = Duration::from_secs(20 * 60);
const REPORT_TRIES: u32 = 5;
const REMEMBERED: usize = 1000;

pub(crate) struct Inbox {
    channel: Arc<dyn Channel>,
    bus: Arc<dyn Bus>,
    stop: CancellationToken,
    said: Mutex<Said>,
    /// When the channel may be asked again. A pause holds for every notice, also for one that was back in the queue.
    not_before: Mutex<Instant>,
    measure: Measure,
}

/// The notices that this process has said, so that one that comes again is only reported again.
#[derive(Default)]
struct Said {
    ids: BTreeMap<NoticeId, Option<String>>,
    order: VecDeque<NoticeId>,
    /// Those that may have been said, and nobody can tell; how often.
    doubtful: BTreeMap<NoticeId, u32>,
}

enum Ended {
    Sent(Option<String>),
    Held(String),
    Refused(String),
}

impl Inbox {
    pub(crate) fn new(
        name: &'static str,
        channel: Arc<dyn Channel>,
        bus: Arc<dyn Bus>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            channel,
            bus,
            stop,
            said: Mutex::default(),
            not_before: Mutex::new(Instant::now()),
            measure: Measure::new(name),
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

    /// Says it, however long the channel is away. What may have been said is said once more soon, and after that ever more
    /// rarely: to be lost would be worse than to come twice.
    async fn say(&self, notice: &domain::notice::Notice) -> Ended {
        let _waiting = self.measure.waiting();
        let words = text(&notice.content);
        let until = Instant::now() + HOLD;
        let mut pause = FIRST_PAUSE;
        let mut reason = "the channel has asked for patience".to_owned();
        loop {
            if let Some(held) = self.wait(until, &reason).await {
                return held;
            }
            let wait = match self.channel.send(&words).await {
                Ok(external_id) => {
                    self.measure.sent();
                    return Ended::Sent(external_id);
                }
                Err(SendError::Never { reason }) => {
                    self.measure.refused();
                    return Ended::Refused(reason);
                }
                Err(SendError::Unsure { reason: why }) => {
                    reason = why;
                    match self.doubt(notice.id) {
                        1 => pause,
                        often => (UNSURE_PAUSE * 2u32.saturating_pow(often.min(10) - 2)).min(LONGEST_UNSURE),
                    }
                }
                Err(SendError::Later { after, reason: why }) => {
                    reason = why;
                    after.map_or(pause, |wish| wish.min(LONGEST_WISH))
                }
            };
            tracing::warn!(reason, notice = %notice.id, wait_seconds = wait.as_secs_f64(), "a notice has to wait");
            pause = (pause * 2).min(LONGEST_PAUSE);
            *self.not_before.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + wait;
        }
    }

    /// Waits until the channel may be asked; what must not be held for so long goes back to the queue.
    async fn wait(&self, until: Instant, reason: &str) -> Option<Ended> {
        let not_before = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        if not_before <= Instant::now() {
            return None;
        }
        tokio::select! {
            () = tokio::time::sleep_until(not_before.min(until)) => {
                (not_before > until).then(|| Ended::Held(reason.to_owned()))
            }
            () = self.stop.cancelled() => {
                Some(Ended::Held(format!("the notifier stops; before that: {reason}")))
            }
        }
    }

    /// Notes that nobody can tell whether it was said; how often that has been so.
    fn doubt(&self, id: NoticeId) -> u32 {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let often = said.doubtful.entry(id).or_default();
        *often += 1;
        *often
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
        said.doubtful.remove(&id);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::page::Text;
    use bus::MemoryBus;
    use domain::id::JobId;
    use domain::notice::{Notice, NoticeContent, Origin};
    use domain::repo::RepoName;
    use uuid::Uuid;

    /// A channel that answers what it was told to, and afterwards takes everything.
    struct Script {
        answers: Mutex<VecDeque<SendError>>,
        sent: Mutex<usize>,
    }

    #[async_trait]
    impl Channel for Script {
        async fn send(&self, _text: &Text) -> Result<Option<String>, SendError> {
            *self.sent.lock().unwrap() += 1;
            self.answers.lock().unwrap().pop_front().map_or(Ok(None), Err)
        }
    }

    fn inbox(answers: impl IntoIterator<Item = SendError>) -> (Arc<Script>, Inbox) {
        let script = Arc::new(Script {
            answers: Mutex::new(answers.into_iter().collect()),
            sent: Mutex::default(),
        });
        let channel: Arc<dyn Channel> = Arc::<Script>::clone(&script);
        let inbox = Inbox::new(
            "script",
            channel,
            Arc::new(MemoryBus::default()),
            CancellationToken::new(),
        );
        (script, inbox)
    }

    fn notice() -> Notice {
        Notice {
            id: NoticeId::from_uuid(Uuid::now_v7()),
            job: JobId::from_uuid(Uuid::now_v7()),
            repo: RepoName::parse("acme/shop").unwrap(),
            content: NoticeContent::PullRequestOpened {
                origin: Origin {
                    what: "sentry".into(),
                    title: "KeyError".into(),
                    url: None,
                    environment: None,
                },
                number: 1,
                url: "https://github.com/acme/shop/pull/1".into(),
                title: "Fix".into(),
                branch: "fixpoint/x-g1".into(),
                draft: false,
                draft_reasons: vec![],
                proof: "one test".into(),
            },
        }
    }

    fn unsure() -> SendError {
        SendError::Unsure {
            reason: "no answer".into(),
        }
    }

    #[tokio::test]
    async fn what_may_have_been_said_is_said_once_more_and_then_rarely() {
        let (script, inbox) = inbox([unsure(), unsure(), unsure()]);
        let soon = Duration::from_secs(2);
        assert!(
            tokio::time::timeout(soon, inbox.say(&notice())).await.is_err(),
            "it is not lost"
        );
        assert_eq!(*script.sent.lock().unwrap(), 2);
        assert!(*inbox.not_before.lock().unwrap() > Instant::now() + Duration::from_secs(50));
    }

    #[tokio::test]
    async fn a_long_pause_holds_for_every_notice_and_is_not_held_beyond_the_hold() {
        let asked = Duration::from_secs(2 * 60 * 60);
        let (script, inbox) = inbox([SendError::Later {
            after: Some(asked),
            reason: "429".into(),
        }]);
        let begin = Instant::now();
        let soon = Duration::from_millis(200);
        for _ in 0..2 {
            assert!(tokio::time::timeout(soon, inbox.say(&notice())).await.is_err());
        }
        assert_eq!(*script.sent.lock().unwrap(), 1);
        assert!(*inbox.not_before.lock().unwrap() >= begin + asked);
        let held = inbox.wait(Instant::now() + soon, "429").await;
        assert!(matches!(held, Some(Ended::Held(reason)) if reason == "429"));
    }
}
