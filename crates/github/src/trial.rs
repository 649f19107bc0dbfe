//! The tries of one call: when it may be sent, and whether it is worth another try.

use crate::door::{Door, now};
use crate::error::GitHubError;
use crate::limit::{Verdict, until};
use crate::quiet::Turn;
use std::time::Duration;
use tokio::time::Instant;

/// How often one call waits for a limit that it has met itself, however short the waits.
const LIMIT_ROUNDS: usize = 5;

/// The tries of one call so far.
pub(crate) struct Trial<'a> {
    door: &'a Door,
    what: &'a str,
    harmless: bool,
    begun: Instant,
    stumbles: usize,
    rounds: usize,
}

impl Door {
    /// Begins to count the tries of one call. What is not `harmless` is tried again only when GitHub said that it was not done.
    pub(crate) fn trial<'a>(&'a self, what: &'a str, harmless: bool) -> Trial<'a> {
        Trial {
            door: self,
            what,
            harmless,
            begun: Instant::now(),
            stumbles: 0,
            rounds: 0,
        }
    }
}

impl Trial<'_> {
    /// Waits while GitHub wants to be left alone, whoever was told so.
    pub(crate) async fn admit(&self) -> Result<(), GitHubError> {
        loop {
            let left = self.door.patience().saturating_sub(self.begun.elapsed());
            match self.door.quiet().turn(left) {
                Turn::Now => return Ok(()),
                Turn::At(at) => {
                    tracing::info!(
                        what = self.what,
                        wait_ms = at.saturating_duration_since(Instant::now()).as_millis(),
                        "GitHub wants to be left alone"
                    );
                    tokio::time::sleep_until(at).await;
                }
                Turn::TooLate(limit) => {
                    return Err(GitHubError::Limited {
                        until: limit.until,
                        message: limit.message,
                    });
                }
            }
        }
    }

    /// Waits as the verdict asks for, after which the call is to be tried again; or says why it is not.
    pub(crate) async fn wait_after(&mut self, verdict: Verdict) -> Result<(), GitHubError> {
        let (what, patience) = (self.what, self.door.patience());
        match verdict {
            // What to do about a credential depends on its kind.
            Verdict::Refused(GitHubError::Unauthorized { message, .. }) => Err(GitHubError::Unauthorized {
                message,
                advice: self.door.auth().advice(),
            }),
            Verdict::Refused(error) => Err(error),
            Verdict::Done => Err(GitHubError::invalid(what, "an answer without content")),
            Verdict::Limited { wait, message } => {
                let now = now();
                self.door.quiet().note(now, wait, &message);
                self.rounds += 1;
                if self.rounds > LIMIT_ROUNDS || self.begun.elapsed() + wait > patience {
                    return Err(GitHubError::Limited {
                        until: until(now, wait),
                        message,
                    });
                }
                tracing::warn!(what, wait_secs = wait.as_secs(), message, "waiting for GitHub's limit");
                self.admit().await
            }
            Verdict::Stumbled(seen) => {
                let ladder = &self.door.settings().retry.ladder_ms;
                let wait = ladder.get(self.stumbles).map(|wait| Duration::from_millis(*wait));
                self.stumbles += 1;
                match wait {
                    Some(wait) if self.harmless && self.begun.elapsed() + wait <= patience => {
                        tracing::warn!(what, wait_ms = wait.as_millis(), seen, "GitHub stumbled, trying again");
                        tokio::time::sleep(wait).await;
                        Ok(())
                    }
                    _ => Err(GitHubError::unavailable(what, seen)),
                }
            }
        }
    }
}
