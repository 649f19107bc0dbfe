//! Something happened to a pull request or branch of ours: a person merged, closed, opened it again, or pushed to it.

use crate::plan::head;
use crate::plan::lifecycle::{Happened, Known, Meaning, meaning, pushed as meaning_of_push};
use crate::settings::Rules;
use crate::store::pull_requests::{Change, PullRequest, Purpose};
use crate::store::types::{Db, Time, Word};
use crate::store::{attempts, branch_heads, incidents, jobs, publish_leases, pull_requests};
use anyhow::Result;
use domain::pull_request::PullRequestState;
use domain::repo::CommitSha;
use domain::signal::{PullRequestAction, PullRequestChange, Push};
use tracing::{info, warn};

/// A pull request has changed; those of other people only tell where their branch stands.
pub(super) fn changed(db: &mut Db, now: Time, rules: &Rules, change: &PullRequestChange) -> Result<()> {
    let repo = change.repo.as_str();
    // A fork that is gone is not named; its branch is no more ours than that of one that is there.
    let ours = change
        .head_repo
        .as_ref()
        .is_some_and(|head| head.as_str().eq_ignore_ascii_case(repo));
    if ours
        && matches!(
            change.action,
            PullRequestAction::Opened | PullRequestAction::Synchronized
        )
    {
        let known = branch_heads::find(db, repo, change.head_branch.as_str())?;
        if let Some(head) = head::after_push(known, change.head_sha.as_str(), now.into()) {
            branch_heads::keep(db, repo, change.head_branch.as_str(), &head)?;
        }
    }
    let row = if ours {
        known_or_new(db, now, change)?
    } else {
        pull_requests::by_number(db, repo, change.number)?
    };
    let Some(row) = row else {
        return Ok(());
    };
    let known = known(db, now, rules, &row)?;
    let happened = Happened {
        action: change.action,
        head_sha: change.head_sha.as_str(),
        actor: change.actor.as_ref(),
        at: change.updated_at,
    };
    let meaning = meaning(&known, &happened);
    apply(
        db,
        now,
        &row,
        &meaning,
        change.head_sha.as_str(),
        change.updated_at.map(Time::from),
    )
}

/// A branch has a new head. If it is the branch of an open pull request of ours, a person may have taken it over.
pub(super) fn pushed(db: &mut Db, now: Time, rules: &Rules, push: &Push, sha: &CommitSha) -> Result<()> {
    let Some(row) = pull_requests::of_branch(db, push.repo.as_str(), push.branch.as_str())? else {
        return Ok(());
    };
    let known = known(db, now, rules, &row)?;
    let meaning = meaning_of_push(&known, sha.as_str(), push.actor.as_ref());
    apply(db, now, &row, &meaning, sha.as_str(), None)
}

/// The row of a pull request; one on a branch that we granted is ours even before its attempt has reported.
fn known_or_new(db: &mut Db, now: Time, change: &PullRequestChange) -> Result<Option<PullRequest>> {
    let repo = change.repo.as_str();
    if let Some(row) = pull_requests::by_number(db, repo, change.number)? {
        return Ok(Some(row));
    }
    let Some(job) = jobs::of_branch(db, repo, change.head_branch.as_str())? else {
        return Ok(None);
    };
    let incident = incidents::standing_for(db, job.incident_id)?;
    if let Some(other) = pull_requests::of_generation(db, incident.id, job.generation)? {
        warn!(
            repo,
            number = change.number,
            other,
            "somebody has opened another pull request from a branch of ours"
        );
        return Ok(None);
    }
    let purpose = Purpose {
        job: job.id,
        incident: incident.id,
        generation: job.generation,
    };
    pull_requests::heard_of(db, change, purpose, now).map(Some)
}

fn known(db: &mut Db, now: Time, rules: &Rules, row: &PullRequest) -> Result<Known> {
    let writer = publish_leases::holder(db, &row.repo, now)?
        .map(|attempt| attempts::find(db, attempt))
        .transpose()?
        .flatten();
    Ok(Known {
        state: row.state.0,
        head_sha: row.head_sha.clone(),
        changed_at: row.changed_at.map(Into::into),
        bot_login: rules.admission.bot_login.clone(),
        being_written: writer.is_some_and(|attempt| attempt.job_id == row.job_id),
    })
}

fn apply(db: &mut Db, now: Time, row: &PullRequest, meaning: &Meaning, head_sha: &str, at: Option<Time>) -> Result<()> {
    let mut change = Change {
        changed_at: at.map(Some),
        ..Change::default()
    };
    match meaning {
        Meaning::Nothing => return Ok(()),
        Meaning::Still if at.is_none() => return Ok(()),
        Meaning::Still => {}
        Meaning::Merged => {
            change.state = Some(Word(PullRequestState::Merged));
            change.merged_at = Some(Some(at.unwrap_or(now)));
            incidents::settle(db, row.incident_id, row.generation, true)?;
        }
        Meaning::Closed => {
            change.state = Some(Word(PullRequestState::Closed));
            change.closed_at = Some(Some(at.unwrap_or(now)));
            incidents::settle(db, row.incident_id, row.generation, false)?;
        }
        Meaning::Reopened => {
            change.state = Some(Word(PullRequestState::Open));
            change.closed_at = Some(None);
            incidents::reopen(db, row.incident_id)?;
        }
        Meaning::Ready => change.draft = Some(false),
        Meaning::OurCommit => change.head_sha = Some(head_sha.to_owned()),
        Meaning::HandsOff { by } => {
            change.hands_off = Some(true);
            change.hands_off_by = Some(Some(by.clone()));
        }
    }
    info!(
        repo = row.repo,
        number = row.number,
        ?meaning,
        "a pull request of ours has changed"
    );
    pull_requests::change(db, row.id, &change)?;
    Ok(())
}
