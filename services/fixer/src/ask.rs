//! Asks the planner: may I work on this, may I publish this. Tokens come back sealed to a key made for the question.

use crate::Fixer;
use anyhow::{Context as _, bail};
use bus::Envelope;
use domain::attempt::Fence;
use domain::message::{
    AttemptClaim, AttemptRequested, ClaimAnswer, MayPublish, MayPublishAnswer, Message, SealedToken,
};
use std::time::Duration;

/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(20);
/// How often a question is asked before the attempt is given back.
const TRIES: u32 = 6;
/// Longest pause that a `Later` can ask for within an attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The right to work.
pub struct Granted {
    /// The fence to work under.
    pub fence: Fence,
    /// A token that reads the repository.
    pub token: Option<github::Token>,
}

/// Claims an attempt; `None` when it is nobody's any more.
///
/// # Errors
/// When no answer came: the message has to be given back.
pub async fn claim(fixer: &Fixer, request: &AttemptRequested) -> anyhow::Result<Option<Granted>> {
    for _ in 0..TRIES {
        let (opener, public_key) = github::Opener::new()?;
        let question = AttemptClaim {
            attempt: request.attempt,
            fence: request.fence,
            worker: fixer.name.clone(),
            public_key,
        };
        match put(fixer, &question).await.context("the claim was not answered")? {
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
                tokio::time::sleep(Duration::from_secs(retry_after_seconds).min(LONGEST_PAUSE)).await;
            }
        }
    }
    bail!("the claim was put off {TRIES} times")
}

/// Asks for the right to publish; the question's key is filled in here. `Later` is waited for a while; the last one is returned.
///
/// # Errors
/// When no answer came.
pub async fn may_publish(
    fixer: &Fixer,
    mut question: MayPublish,
) -> anyhow::Result<(MayPublishAnswer, Option<github::Token>)> {
    let mut tries = 0;
    loop {
        tries += 1;
        let (opener, public_key) = github::Opener::new()?;
        question.public_key = public_key;
        let answer: MayPublishAnswer = put(fixer, &question)
            .await
            .context("the question whether to publish was not answered")?;
        match &answer {
            MayPublishAnswer::Later {
                retry_after_seconds, ..
            } if tries < TRIES => {
                tokio::time::sleep(Duration::from_secs(*retry_after_seconds).min(LONGEST_PAUSE)).await;
            }
            MayPublishAnswer::Granted { write_token, .. } => {
                let token = open(opener, write_token.clone())?;
                return Ok((answer, token));
            }
            _ => return Ok((answer, None)),
        }
    }
}

async fn put<Q: Message, A: Message>(fixer: &Fixer, question: &Q) -> anyhow::Result<A> {
    let mut last = None;
    for _ in 0..TRIES {
        let envelope = Envelope::of(question)?.traced(telemetry::trace::inject());
        match fixer.bus.request(envelope, ANSWER).await {
            Ok(answer) => return Ok(answer.read::<A>()?),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err(last.map_or_else(|| anyhow::anyhow!("no answer"), anyhow::Error::from))
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
