//! Asks the planner: may I work on this, may I publish this. Tokens come back sealed to a key made for the question.

use crate::Fixer;
use anyhow::{Context as _, bail};
use bus::{Envelope, PublishError, RequestError};
use chrono::{DateTime, Utc};
use domain::attempt::Fence;
use domain::message::{
    AttemptClaim, AttemptRequested, ClaimAnswer, MayPublish, MayPublishAnswer, Message, SealedToken,
};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(20);
/// How often a question is asked that nobody answers, and a claim that is put off, before the attempt is given back.
const TRIES: u32 = 6;
/// Longest pause that a `Later` can ask for within an attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Shortest one, so that a planner which says "at once" is not asked in a loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// The right to work.
pub struct Granted {
    /// The fence to work under.
    pub fence: Fence,
    /// A token that reads the repository.
    pub token: Option<github::Token>,
}

/// What was said to the question whether to publish.
pub struct Ruled {
    /// The answer.
    pub answer: MayPublishAnswer,
    /// A token that writes to the repository, where it was granted and one is configured.
    pub token: Option<github::Token>,
    /// A grant is not used after this.
    pub until: Option<Instant>,
}

impl Ruled {
    const fn without_token(answer: MayPublishAnswer) -> Self {
        Self {
            answer,
            token: None,
            until: None,
        }
    }
}

/// Claims an attempt; `None` when it is nobody's any more.
///
/// # Errors
/// When no answer came, or the fixer is to end before it has the claim: the message has to be given back.
pub async fn claim(fixer: &Fixer, request: &AttemptRequested) -> anyhow::Result<Option<Granted>> {
    for _ in 0..TRIES {
        let (opener, public_key) = github::Opener::new()?;
        let question = AttemptClaim {
            attempt: request.attempt,
            fence: request.fence,
            worker: fixer.name.clone(),
            public_key,
        };
        match put(fixer, &question, &fixer.stop, None)
            .await
            .context("the claim was not answered")?
        {
            ClaimAnswer::Granted { fence, read_token } => {
                return Ok(Some(Granted {
                    fence,
                    token: open(opener, read_token)?,
                }));
            }
            ClaimAnswer::Refused { reason } => {
                tracing::info!(attempt = %request.attempt, %reason, "attempt left alone");
                return Ok(None);
            }
            ClaimAnswer::Later {
                reason,
                retry_after_seconds,
            } => {
                tracing::info!(attempt = %request.attempt, %reason, retry_after_seconds, "claiming later");
                tokio::select! {
                    () = tokio::time::sleep(pause(retry_after_seconds)) => {}
                    () = fixer.stop.cancelled() => bail!("the fixer ends, and the claim was put off: {reason}"),
                }
            }
        }
    }
    bail!("the claim was put off {TRIES} times")
}

/// Asks for the right to publish; the question's key is filled in here. What is proved is worth waiting for, so
/// `Later` is returned only when the deadline does not allow another question, and `None` only when the fixer ends long
/// before the next one.
///
/// # Errors
/// When no answer came.
pub async fn may_publish(
    fixer: &Fixer,
    mut question: MayPublish,
    deadline: DateTime<Utc>,
) -> anyhow::Result<Option<Ruled>> {
    // A stop lets an attempt end that has begun, so it does not keep the question from being asked again.
    let asked_to_the_end = CancellationToken::new();
    let end = Instant::now() + (deadline - fixer.now()).to_std().unwrap_or_default();
    loop {
        let asked = Instant::now();
        let (opener, public_key) = github::Opener::new()?;
        question.public_key = public_key;
        let answer: MayPublishAnswer = put(fixer, &question, &asked_to_the_end, Some(end))
            .await
            .context("the question whether to publish was not answered")?;
        match &answer {
            MayPublishAnswer::Later {
                reason,
                retry_after_seconds,
            } => {
                let pause = pause(*retry_after_seconds);
                let left = (deadline - fixer.now()).to_std().unwrap_or_default();
                if Duration::from_secs(*retry_after_seconds).max(pause) >= left {
                    return Ok(Some(Ruled::without_token(answer)));
                }
                tracing::info!(attempt = %question.attempt, %reason, retry_after_seconds, "publishing later");
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = fixer.stop.cancelled(), if pause >= crate::DRAIN => return Ok(None),
                }
            }
            MayPublishAnswer::Granted {
                write_token,
                lasts_seconds,
                ..
            } => {
                let until = lasts_seconds.map(|seconds| asked + Duration::from_secs(seconds));
                return Ok(Some(Ruled {
                    token: open(opener, write_token.clone())?,
                    until,
                    answer,
                }));
            }
            MayPublishAnswer::Refused { .. } => return Ok(Some(Ruled::without_token(answer))),
        }
    }
}

fn pause(seconds: u64) -> Duration {
    Duration::from_secs(seconds).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// Asks until somebody answers, a few times; after a stop not again. While the broker is away it is waited for until `end`: nobody
/// has heard the question yet.
async fn put<Q: Message, A: Message>(
    fixer: &Fixer,
    question: &Q,
    stop: &CancellationToken,
    end: Option<Instant>,
) -> anyhow::Result<A> {
    let mut tries = 0;
    loop {
        let envelope = Envelope::of(question)?.traced(telemetry::trace::inject());
        let error = match fixer.bus.request(envelope, ANSWER).await {
            Ok(answer) => return Ok(answer.read::<A>()?),
            Err(error) => error,
        };
        let unheard = matches!(
            error,
            RequestError::Publish(PublishError::Unavailable(_) | PublishError::Full { .. })
        );
        tries += u32::from(!(unheard && end.is_some_and(|end| Instant::now() < end)));
        if tries >= TRIES {
            return Err(error.into());
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = stop.cancelled() => return Err(error.into()),
        }
    }
}

fn open(opener: github::Opener, sealed: Option<SealedToken>) -> anyhow::Result<Option<github::Token>> {
    let Some(sealed) = sealed else { return Ok(None) };
    let secret = opener
        .open(&sealed.sealed)
        .context("the granted token cannot be opened")?;
    Ok(Some(github::Token {
        secret,
        expires_at: sealed.expires_at,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case;
    use bus::{Bus as _, Consume, MemoryBus, Queue, handler, reply};
    use domain::repo::BranchName;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A planner that puts every question off, and grants it when it was asked often enough.
    fn planner(bus: &MemoryBus, seconds: u64, granted_after: u32) -> Arc<AtomicU32> {
        let asked = Arc::new(AtomicU32::new(0));
        let answers = handler({
            let asked = Arc::clone(&asked);
            move |incoming| {
                let times = asked.fetch_add(1, Ordering::SeqCst);
                async move {
                    let reason = "another attempt is writing".to_owned();
                    if incoming.envelope.read::<AttemptClaim>().is_ok() {
                        return reply(&ClaimAnswer::Later {
                            reason,
                            retry_after_seconds: seconds,
                        });
                    }
                    if times < granted_after {
                        return reply(&MayPublishAnswer::Later {
                            reason,
                            retry_after_seconds: seconds,
                        });
                    }
                    reply(&MayPublishAnswer::Granted {
                        branch: BranchName::parse("fixpoint/ci-0123-g1").unwrap(),
                        write_token: None,
                        lasts_seconds: None,
                    })
                }
            }
        });
        let bus = bus.clone();
        tokio::spawn(async move {
            bus.consume(
                Consume::from(Queue::PlannerRequests, 4),
                answers,
                CancellationToken::new(),
            )
            .await
        });
        asked
    }

    #[tokio::test]
    async fn a_claim_that_is_put_off_is_given_back_when_the_fixer_ends() {
        let bus = MemoryBus::default();
        let asked = planner(&bus, 60, 0);
        let (fixer, _home) = case::fixer(Arc::new(bus), case::NOBODY);
        let stop = fixer.stop.clone();
        let request = case::request(&fixer);
        let begun = Instant::now();
        let (claimed, ()) = tokio::join!(claim(&fixer, &request), async {
            while asked.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stop.cancel();
        });
        let error = claimed.err().expect("it is given back").to_string();
        assert!(error.contains("another attempt is writing"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_proof_waits_for_its_turn_until_the_deadline() {
        let bus = MemoryBus::default();
        let asked = planner(&bus, 0, TRIES + 3);
        let (fixer, _home) = case::fixer(Arc::new(bus), case::NOBODY);
        let request = case::request(&fixer);
        // Also while the fixer ends, as long as the pause is one that it outlasts.
        fixer.stop.cancel();
        let ruled = may_publish(&fixer, case::question(&request), request.deadline)
            .await
            .unwrap()
            .expect("it is answered");
        assert!(
            matches!(ruled.answer, MayPublishAnswer::Granted { .. }),
            "{:?}",
            ruled.answer
        );
        assert_eq!(asked.load(Ordering::SeqCst), TRIES + 4);
    }

    #[tokio::test]
    async fn nobody_waits_past_the_deadline_or_the_end_of_the_fixer() {
        let bus = MemoryBus::default();
        let asked = planner(&bus, 60, u32::MAX);
        let (fixer, _home) = case::fixer(Arc::new(bus), case::NOBODY);
        let request = case::request(&fixer);
        let soon = fixer.now() + chrono::TimeDelta::seconds(30);
        let ruled = may_publish(&fixer, case::question(&request), soon)
            .await
            .unwrap()
            .expect("it is answered");
        assert!(
            matches!(ruled.answer, MayPublishAnswer::Later { .. }),
            "{:?}",
            ruled.answer
        );
        fixer.stop.cancel();
        let none = may_publish(&fixer, case::question(&request), request.deadline)
            .await
            .unwrap();
        assert!(none.is_none());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
}
