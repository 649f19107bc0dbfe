//! A fixer asks: may I work on it? A grant is a new fence, so that whoever held the attempt before is dead.

use super::{Flow, request_attempt};
use crate::settings::Rules;
use crate::store::attempts::{self, Attempt};
use crate::store::types::{Db, Id, Time};
use crate::store::{jobs, publish_leases, stages};
use crate::vault::Minted;
use anyhow::Result;
use domain::attempt::{Fence, Stage};
use domain::message::{AttemptClaim, ClaimAnswer};
use domain::repo::RepoName;
use tracing::info;

/// What an attempt is told while GitHub wants to be left alone.
pub(super) const LIMITED: &str = "a limit of GitHub's has been met, which holds for every attempt";

impl Flow {
    /// Answers a claim. A second claim of a live attempt takes it over: the broker gives a message to a second fixer only
    /// when it has lost the first.
    ///
    /// # Errors
    /// When the database fails: the question should come again.
    pub async fn on_claim(&self, ask: AttemptClaim) -> Result<ClaimAnswer> {
        let id = Id::from(ask.attempt);
        let rules = self.rules.clone();
        let found = self
            .store
            .tx(move |db, now| {
                let mut found = look(db, id, now)?;
                if let Found::Live(job) = &found
                    && let Some(seconds) = publish_leases::seconds_limited(db, &rules.counted.row(&job.repo), now)?
                {
                    found = Found::Limited(seconds);
                }
                if let Found::TooLate(job, attempt) = &found {
                    // It waited for a fixer until its deadline; that is nobody's failure, and costs no retry.
                    attempts::lose(db, attempt.id, now)?;
                    request_attempt(db, now, &rules, job)?;
                }
                Ok(found)
            })
            .await?;
        let job = match found {
            Found::Refused(reason) => return Ok(self.refuse(&ask, reason)),
            Found::TooLate(..) => {
                self.committed.notify_one();
                return Ok(self.refuse(
                    &ask,
                    "its deadline passed while it waited; another attempt was requested".into(),
                ));
            }
            Found::Limited(retry_after_seconds) => {
                return Ok(ClaimAnswer::Later {
                    reason: LIMITED.into(),
                    retry_after_seconds,
                });
            }
            Found::Live(job) => job,
        };
        // Minting talks to GitHub, so it comes before the transaction that grants.
        let read_token = match self.vault.read(&RepoName::parse(&job.repo)?, &ask.public_key).await {
            Minted::Token(token) => Some(token),
            Minted::NoCredential => None,
            Minted::Later {
                reason,
                retry_after,
                limited,
            } => {
                if limited {
                    let row = self.rules.counted.row(&job.repo);
                    self.limited(row, id, ask.fence, retry_after).await?;
                }
                return Ok(ClaimAnswer::Later {
                    reason,
                    retry_after_seconds: retry_after.as_secs().max(1),
                });
            }
            Minted::BadKey { reason } => return Ok(self.refuse(&ask, reason)),
            Minted::Never { reason } => {
                // Without a token there is no attempt; people are told, and have the time until the last retry to change it.
                let (rules, message) = (
                    self.rules.clone(),
                    format!("No token for {} could be had: {reason}", job.repo),
                );
                let told = message.clone();
                self.store.tx(move |db, now| fail(db, id, now, &rules, &told)).await?;
                self.committed.notify_one();
                return Ok(self.refuse(&ask, message));
            }
        };
        let worker = ask.worker.clone();
        let fence = self.store.tx(move |db, now| grant(db, id, &worker, now)).await?;
        match fence {
            Some(fence) => {
                info!(attempt = %ask.attempt, job = %*job.id, worker = ask.worker, fence, "claimed");
                Ok(ClaimAnswer::Granted {
                    fence: Fence(fence),
                    read_token,
                })
            }
            None => Ok(self.refuse(&ask, "it has ended meanwhile".into())),
        }
    }

    fn refuse(&self, ask: &AttemptClaim, reason: String) -> ClaimAnswer {
        self.measure.old_fence("claim");
        info!(attempt = %ask.attempt, worker = ask.worker, reason, "a claim was refused");
        ClaimAnswer::Refused { reason }
    }
}

enum Found {
    Limited(u64),
    Live(Box<jobs::Job>),
    TooLate(Box<jobs::Job>, Box<Attempt>),
    Refused(String),
}

fn look(db: &mut Db, id: Id, now: Time) -> Result<Found> {
    let Some(attempt) = attempts::find(db, id)? else {
        return Ok(Found::Refused("there is no such attempt".into()));
    };
    let Some(job) = jobs::hold(db, attempt.job_id)? else {
        return Ok(Found::Refused("there is no such job".into()));
    };
    let Some(attempt) = attempts::find(db, id)? else {
        return Ok(Found::Refused("there is no such attempt".into()));
    };
    if job.state.0.is_final() {
        return Ok(Found::Refused(format!("its job is {}", job.state.0.as_str())));
    }
    match attempt.state.0 {
        attempts::State::Finished => Ok(Found::Refused("it has ended".into())),
        attempts::State::Lost => Ok(Found::Refused(
            "it was given up, and a later attempt stands for it".into(),
        )),
        attempts::State::Requested if attempt.deadline <= now => Ok(Found::TooLate(Box::new(job), Box::new(attempt))),
        attempts::State::Running if attempt.deadline <= now => Ok(Found::Refused("its deadline has passed".into())),
        attempts::State::Requested | attempts::State::Running => Ok(Found::Live(Box::new(job))),
    }
}

fn fail(db: &mut Db, id: Id, now: Time, rules: &Rules, message: &str) -> Result<()> {
    if let Some(attempt) = attempts::find(db, id)? {
        super::on_tick::give_up(db, now, rules, &attempt, message)?;
    }
    Ok(())
}

fn grant(db: &mut Db, id: Id, worker: &str, now: Time) -> Result<Option<i64>> {
    let Found::Live(job) = look(db, id, now)? else {
        return Ok(None);
    };
    let Some(fence) = jobs::raise_fence(db, &job, now)? else {
        return Ok(None);
    };
    if !attempts::claim(db, id, fence, worker, now)? {
        return Ok(None);
    }
    jobs::run(db, &job, now)?;
    stages::enter(db, id, fence, Stage::Claim, None, now)?;
    Ok(Some(fence))
}
