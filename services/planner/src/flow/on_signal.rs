//! A signal has come: remember the delivery, find or open the incident, and make a job or write down why not. One transaction.

use super::{Flow, Trace, request_attempt};
use crate::plan::{admission, head};
use crate::settings::Rules;
use crate::store::decisions::{self, About};
use crate::store::deliveries::{self, Remembered};
use crate::store::incidents::{self, State};
use crate::store::types::{Db, Id, Time};
use crate::store::{branch_heads, jobs, pull_requests};
use anyhow::Result;
use bytes::Bytes;
use domain::incident::{IncidentKey, Trigger};
use domain::job::SkipReason;
use domain::message::{Decision, SignalReceived};
use domain::repo::RepoName;
use domain::signal::{ErrorAlert, Push, Signal, WorkflowRun};
use tracing::info;

impl Flow {
    /// Deals with a signal, whose raw payload may travel beside it.
    ///
    /// # Errors
    /// When nothing could be committed: the signal should come again.
    pub async fn on_signal(&self, message: SignalReceived, payload: Option<Bytes>, trace: Trace) -> Result<Decision> {
        let rules = self.rules.clone();
        let (delivery, event) = (message.delivery.id, message.delivery.event.clone());
        let decision = self
            .store
            .tx(move |db, now| decide(db, now, &rules, &message, payload.as_deref(), &trace))
            .await?;
        match &decision {
            Decision::Enqueued { job } => {
                self.measure.decided("enqueued");
                self.committed.notify_one();
                info!(%delivery, event, %job, "a job was made");
            }
            Decision::Skipped { reason } => {
                self.measure.decided(reason.code());
                info!(%delivery, event, code = reason.code(), observed = reason.observed(), would_change = reason.would_change(), "no job");
            }
            Decision::Noted => self.measure.decided("noted"),
        }
        Ok(decision)
    }
}

fn decide(
    db: &mut Db,
    now: Time,
    rules: &Rules,
    message: &SignalReceived,
    payload: Option<&[u8]>,
    trace: &Trace,
) -> Result<Decision> {
    let delivery = message.delivery.id;
    match deliveries::remember(db, &message.delivery, payload)? {
        Remembered::Again(Some(decision)) => return Ok(decision),
        Remembered::Duplicate(by) => {
            let reason = SkipReason::DuplicateDelivery { by: by.into() };
            let repo = repo_of(rules, &message.signal).map(|repo| repo.as_str().to_owned());
            decisions::explain(
                db,
                About {
                    delivery: Some(delivery.into()),
                    repo,
                    ..About::default()
                },
                &reason,
                now,
            )?;
            return Ok(Decision::Skipped { reason });
        }
        Remembered::New | Remembered::Again(None) => {}
    }
    let case = Case {
        rules,
        delivery: delivery.into(),
        trace,
        now,
    };
    let decision = case.judge(db, message)?;
    deliveries::decided(db, delivery, &decision)?;
    Ok(decision)
}

/// The repository that a signal is about.
fn repo_of<'a>(rules: &'a Rules, signal: &'a Signal) -> Option<&'a RepoName> {
    match signal {
        Signal::ErrorAlert(alert) => rules.repo_of(alert.project.as_deref()),
        Signal::WorkflowRun(run) => Some(&run.repo),
        Signal::PullRequest(change) => Some(&change.repo),
        Signal::Push(push) => Some(&push.repo),
        Signal::Ping | Signal::Ignored { .. } => None,
    }
}

/// One signal being judged.
struct Case<'a> {
    rules: &'a Rules,
    delivery: Id,
    trace: &'a Trace,
    now: Time,
}

impl Case<'_> {
    fn judge(&self, db: &mut Db, message: &SignalReceived) -> Result<Decision> {
        match &message.signal {
            Signal::ErrorAlert(alert) => self.alert(db, alert),
            Signal::WorkflowRun(run) => self.run(db, run),
            Signal::PullRequest(change) => {
                super::on_pull_request::changed(db, self.now, self.rules, change)?;
                Ok(Decision::Noted)
            }
            Signal::Push(push) => self.push(db, push, message),
            Signal::Ping => Ok(Decision::Noted),
            Signal::Ignored { reason } => self.skip(db, None, None, SkipReason::NothingToDo { detail: reason.clone() }),
        }
    }

    fn alert(&self, db: &mut Db, alert: &ErrorAlert) -> Result<Decision> {
        let known = self.rules.repo_of(alert.project.as_deref());
        let repo = match admission::alert(alert, known, &self.rules.admission) {
            Ok(repo) => repo,
            Err(reason) => return self.skip(db, known, None, reason),
        };
        let key = IncidentKey::SentryIssue {
            repo: repo.clone(),
            project: alert.project.clone().unwrap_or_default(),
            issue_id: alert.issue_id.clone(),
        };
        self.admit(db, &key, &repo, &Trigger::ErrorAlert(Box::new(alert.clone())))
    }

    fn run(&self, db: &mut Db, run: &WorkflowRun) -> Result<Decision> {
        let (repo, branch) = (run.repo.as_str(), run.head_branch.as_str());
        let mut facts = admission::Branch::default();
        // A fork's branch of the same name is another branch.
        if admission::foreign(run).is_none() {
            let known = branch_heads::find(db, repo, branch)?;
            match head::after_run(
                known,
                run.head_sha.as_str(),
                i64::try_from(run.run_id).unwrap_or(i64::MAX),
                self.now.into(),
            ) {
                head::Standing::Newest(head) => branch_heads::keep(db, repo, branch, &head)?,
                head::Standing::Old { newest } => facts.newest = Some(newest),
            }
            // A branch that was ours stays ours when the prefix of its project is changed.
            facts.own = branch.starts_with(self.rules.branch_prefix(&run.repo)) || jobs::had_branch(db, repo, branch)?;
        }
        if let Err(reason) = admission::run(run, &facts, &self.rules.admission) {
            return self.skip(db, Some(&run.repo), None, reason);
        }
        let key = IncidentKey::WorkflowRun {
            repo: run.repo.clone(),
            workflow: run.workflow.clone(),
            head_sha: run.head_sha.clone(),
        };
        self.admit(db, &key, &run.repo, &Trigger::WorkflowRun(Box::new(run.clone())))
    }

    /// The signal asks for a job; what is known of its incident decides.
    fn admit(&self, db: &mut Db, key: &IncidentKey, repo: &RepoName, trigger: &Trigger) -> Result<Decision> {
        let incident = incidents::sight(db, key, repo, trigger, self.now)?;
        let open = pull_requests::open_of(db, incident.id)?;
        let facts = admission::Facts {
            newest_job: jobs::newest(db, incident.id)?.map(Into::into),
            active_job: jobs::active(db, incident.id)?.map(|job| job.id.to_string()),
            hands_off: open
                .as_ref()
                .filter(|open| open.hands_off)
                .map(|open| open.branch.clone()),
            open_pull_request: open.as_ref().map(pull_requests::PullRequest::address),
        };
        if let Err(reason) = admission::incident(&facts, &self.rules.admission, self.now.into()) {
            return self.skip(db, Some(repo), Some(incident.id), reason);
        }
        if incident.state.0 == State::Resolved {
            incidents::reopen(db, incident.id)?;
        }
        let project = self.rules.project(repo)?;
        let new = jobs::New {
            incident: incident.id,
            delivery: Some(self.delivery),
            generation: incident.generation,
            max_retries: self.rules.max_retries,
            trigger,
            project: &project,
            trace: self.trace,
        };
        let job = jobs::open(db, &new, self.now)?;
        request_attempt(db, self.now, self.rules, &job)?;
        Ok(Decision::Enqueued { job: job.id.into() })
    }

    fn push(&self, db: &mut Db, push: &Push, message: &SignalReceived) -> Result<Decision> {
        let (repo, branch) = (push.repo.as_str(), push.branch.as_str());
        match &push.head_sha {
            None => branch_heads::forget(db, repo, branch)?,
            Some(sha) => {
                let known = branch_heads::find(db, repo, branch)?;
                if let Some(head) = head::after_push(known, sha.as_str(), message.delivery.received_at) {
                    branch_heads::keep(db, repo, branch, &head)?;
                }
                super::on_pull_request::pushed(db, self.now, self.rules, push, sha)?;
            }
        }
        Ok(Decision::Noted)
    }

    fn skip(&self, db: &mut Db, repo: Option<&RepoName>, incident: Option<Id>, reason: SkipReason) -> Result<Decision> {
        let about = About {
            delivery: Some(self.delivery),
            incident,
            job: None,
            repo: repo.map(|repo| repo.as_str().to_owned()),
        };
        decisions::explain(db, about, &reason, self.now)?;
        Ok(Decision::Skipped { reason })
    }
}
