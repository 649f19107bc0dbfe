//! A fixer asks: may I publish this? Its fence is checked, the incident is bound to the cause that the attempt has found, or
//! merged into the one that has it, and writes to one repository are made one after the other.

use super::Flow;
use crate::settings::Rules;
use crate::store::incidents::{self, Incident};
use crate::store::types::{Db, Id, Time};
use crate::store::{attempts, jobs, publish_leases, pull_requests};
use crate::vault::Minted;
use anyhow::Result;
use domain::job::{JobState, SkipReason};
use domain::message::{MayPublish, MayPublishAnswer};
use domain::pull_request::branch_name;
use domain::repo::{BranchName, RepoName};
use tracing::{info, warn};

impl Flow {
    /// Answers whether an attempt may publish.
    ///
    /// # Errors
    /// When the database fails: the question should come again.
    pub async fn on_may_publish(&self, ask: MayPublish) -> Result<MayPublishAnswer> {
        let (attempt, fence, public_key) = (ask.attempt, ask.fence, ask.public_key.clone());
        let rules = self.rules.clone();
        let ruling = self.store.tx(move |db, now| rule(db, now, &rules, &ask)).await?;
        let (repo, branch) = match ruling {
            Ruling::Granted { repo, branch } => (repo, branch),
            Ruling::OldFence(message) => {
                self.measure.old_fence("may_publish");
                warn!(%attempt, fence = fence.0, detail = message, "an old fence may not publish");
                return Ok(MayPublishAnswer::Refused { reason: None, message });
            }
            Ruling::Refused { reason, message } => {
                info!(%attempt, code = reason.as_ref().map(SkipReason::code), detail = message, "may not publish");
                return Ok(MayPublishAnswer::Refused { reason, message });
            }
            Ruling::Later {
                reason,
                retry_after_seconds,
            } => {
                return Ok(MayPublishAnswer::Later {
                    reason,
                    retry_after_seconds,
                });
            }
        };
        let write_token = match self.vault.write(&repo, &public_key).await {
            Minted::Token(token) => Some(token),
            Minted::NoCredential => None,
            Minted::Later {
                reason,
                retry_after,
                limited,
            } => {
                let row = self.rules.counted.row(repo.as_str());
                self.give_back(repo, attempt.into()).await?;
                if limited {
                    self.limited(row, attempt.into(), fence, retry_after).await?;
                }
                return Ok(MayPublishAnswer::Later {
                    reason,
                    retry_after_seconds: retry_after.as_secs().max(1),
                });
            }
            Minted::Never { reason } | Minted::BadKey { reason } => {
                self.give_back(repo, attempt.into()).await?;
                return Ok(MayPublishAnswer::Refused {
                    reason: None,
                    message: reason,
                });
            }
        };
        info!(%attempt, %repo, %branch, "may publish");
        Ok(MayPublishAnswer::Granted {
            branch,
            write_token,
            lasts_seconds: u64::try_from(self.rules.publish_lease.num_seconds()).ok(),
        })
    }

    async fn give_back(&self, repo: RepoName, attempt: Id) -> Result<()> {
        self.store
            .tx(move |db, _| Ok(publish_leases::give_back(db, repo.as_str(), attempt)?))
            .await
    }
}

enum Ruling {
    Granted {
        repo: RepoName,
        branch: BranchName,
    },
    OldFence(String),
    Refused {
        reason: Option<SkipReason>,
        message: String,
    },
    Later {
        reason: String,
        retry_after_seconds: u64,
    },
}

fn refused(reason: SkipReason) -> Ruling {
    Ruling::Refused {
        message: reason.observed(),
        reason: Some(reason),
    }
}

fn rule(db: &mut Db, now: Time, rules: &Rules, ask: &MayPublish) -> Result<Ruling> {
    let id = Id::from(ask.attempt);
    let Some(attempt) = attempts::find(db, id)? else {
        return Ok(Ruling::OldFence("there is no such attempt".into()));
    };
    let Some(job) = jobs::hold(db, attempt.job_id)? else {
        return Ok(Ruling::OldFence("there is no such job".into()));
    };
    let held = attempts::find(db, id)?
        .is_some_and(|attempt| attempt.state.0 == attempts::State::Running && attempt.fence == ask.fence.0);
    if !held || job.fence != ask.fence.0 || job.state.0 != JobState::Running {
        return Ok(Ruling::OldFence(format!(
            "fence {} is old: the job is {}, its fence is {}",
            ask.fence.0,
            job.state.0.as_str(),
            job.fence
        )));
    }
    if attempt.deadline <= now {
        return Ok(Ruling::OldFence("its deadline has passed".into()));
    }
    let repo = RepoName::parse(&job.repo)?;
    let cause = ask.diagnosis.fingerprint(&repo);
    if let Some(retry_after_seconds) = publish_leases::seconds_limited(db, &rules.counted.row(&job.repo), now)? {
        return Ok(Ruling::Later {
            reason: super::on_claim::LIMITED.into(),
            retry_after_seconds,
        });
    }
    // Once before the lease, so that a second incident of the same cause does not wait for the first one's writing; and
    // once under it, since another planner may have bound the cause while this one waited for the row.
    let target = match target(db, &job, &cause)? {
        Ok(target) => target,
        Err(no) => return Ok(no),
    };
    if let Err(until) = publish_leases::take(db, &job.repo, id, ask.fence.0, now + rules.publish_lease, now)? {
        let wait = (until - now).num_seconds().clamp(1, 5);
        let reason = format!("another attempt is writing to {repo}");
        return Ok(Ruling::Later {
            reason,
            retry_after_seconds: wait.unsigned_abs(),
        });
    }
    let target = match self::target(db, &job, &cause)? {
        Ok(again) if again.id == target.id => again,
        Ok(_) => {
            publish_leases::give_back(db, &job.repo, id)?;
            return Ok(Ruling::Later {
                reason: "the incident has just been merged".into(),
                retry_after_seconds: 1,
            });
        }
        Err(no) => {
            publish_leases::give_back(db, &job.repo, id)?;
            return Ok(no);
        }
    };
    let own = incidents::standing_for(db, job.incident_id)?;
    if own.id != target.id {
        incidents::merge(db, own.id, target.id)?;
        incidents::reopen(db, target.id)?;
    }
    incidents::bind(db, target.id, &cause, &ask.diagnosis)?;
    let generation = u32::try_from(target.generation).unwrap_or(u32::MAX);
    let branch = branch_name(&job.project()?.branch_prefix, &target.what, cause.as_str(), generation)?;
    jobs::granted(db, job.id, target.id, target.generation, branch.as_str(), now)?;
    Ok(Ruling::Granted { repo, branch })
}

/// The incident that the fix is for: the job's own, or the one that already stands for the cause and is not being dealt with.
fn target(db: &mut Db, job: &jobs::Job, cause: &domain::fingerprint::Fingerprint) -> Result<Result<Incident, Ruling>> {
    let own = incidents::standing_for(db, job.incident_id)?;
    if job.generation != own.generation {
        let message = "a person has settled the incident's pull request since this job began".to_owned();
        return Ok(Err(Ruling::Refused { reason: None, message }));
    }
    let owner = incidents::with_cause(db, &job.repo, cause)?.filter(|owner| owner.id != own.id);
    let target = match owner {
        Some(owner) => {
            if let Some(reason) = busy(db, &owner, job)? {
                incidents::merge(db, own.id, owner.id)?;
                return Ok(Err(refused(reason)));
            }
            owner
        }
        None => own,
    };
    if let Some(open) = pull_requests::open_of(db, target.id)? {
        if open.hands_off {
            return Ok(Err(refused(SkipReason::HandsOff { branch: open.branch })));
        }
        // This job's own pull request was opened by an attempt that could not report; the next one takes it on.
        if open.job_id != job.id {
            return Ok(Err(refused(SkipReason::PullRequestOpen {
                pull_request: open.address(),
            })));
        }
    }
    Ok(Ok(target))
}

/// Whether another incident of the same cause is being dealt with, or was, since this job began.
fn busy(db: &mut Db, owner: &Incident, job: &jobs::Job) -> Result<Option<SkipReason>> {
    if let Some(newest) = pull_requests::newest_of(db, owner.id)? {
        let settled = newest.merged_at.or(newest.closed_at);
        match settled {
            None if newest.hands_off => return Ok(Some(SkipReason::HandsOff { branch: newest.branch })),
            None => {
                return Ok(Some(SkipReason::PullRequestOpen {
                    pull_request: newest.address(),
                }));
            }
            Some(at) if at >= job.created_at => {
                return Ok(Some(SkipReason::MergedInto {
                    incident: owner.id.to_string(),
                }));
            }
            Some(_) => {}
        }
    }
    Ok(jobs::active(db, owner.id)?.map(|_| SkipReason::MergedInto {
        incident: owner.id.to_string(),
    }))
}
