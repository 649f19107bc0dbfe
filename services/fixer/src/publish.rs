//! Pushes the branch and opens the pull request: looks first, acts once, and leaves alone what a person has touched.

use crate::text::Words;
use crate::workspace::git::GitError;
use crate::workspace::mirror::Mirror;
use crate::workspace::tree::Committer;
use domain::pull_request::OpenedPullRequest;
use domain::repo::{BranchName, CommitSha, RepoName};
use github::{CheckConclusion, Door, GitHubError, NewCheckRun, NewPull, StatusState};
use std::time::Duration;
use tokio::time::Instant;

/// Name of the check run or commit status.
const MARK: &str = "fixpoint/proof";
/// How long the mark may take in all, and how much of it may be waiting for GitHub's limits: the pull request is worth
/// more, and nobody has heard of it yet.
const MARK_TIME: Duration = Duration::from_secs(10);
const MARK_PATIENCE: Duration = Duration::from_secs(5);

/// How often the branch is looked at before it counts as somebody else's.
const LOOKS: u32 = 3;

/// What is to be published.
pub struct Publication<'a> {
    /// The repository.
    pub repo: &'a RepoName,
    /// Our branch, as the planner granted it.
    pub branch: &'a BranchName,
    /// The branch that it would be merged into.
    pub base: &'a BranchName,
    /// The commit that the change stands on.
    pub base_sha: &'a CommitSha,
    /// The tree with the change.
    pub tree: &'a str,
    /// What people read.
    pub words: &'a Words,
    /// Who commits.
    pub committer: &'a Committer,
    /// Why it is a draft; empty when it is ready for review.
    pub draft_reasons: &'a [String],
    /// The proof in one line.
    pub proof: &'a str,
    /// Whether there is no proof.
    pub unverified: bool,
    /// When the right to publish ends: somebody else may have it from then on.
    pub until: Instant,
    /// When marking the commit has to be over, so that there is time left for the report.
    pub mark_until: Instant,
}

impl Publication<'_> {
    fn may_still(&self) -> Result<(), PublishError> {
        if Instant::now() < self.until {
            Ok(())
        } else {
            Err(PublishError::TooLate)
        }
    }
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A person has pushed to our branch: it is theirs.
    #[error("a person has pushed to `{0}`")]
    HandsOff(BranchName),
    /// git or the server refused the push.
    #[error("the branch could not be pushed")]
    Push(#[source] GitError),
    /// The right to publish has ended before it was used, as it does for a process that was stopped for a while.
    #[error("the right to publish has ended before it was used")]
    TooLate,
    /// GitHub refused the pull request.
    #[error("the pull request could not be opened")]
    Open(#[source] GitHubError),
}

/// Publishes, or finds what an earlier attempt has published.
///
/// # Errors
/// [`PublishError`]; nothing is left half done that the next attempt would not find.
pub async fn publish(mirror: &Mirror, door: &Door, what: &Publication<'_>) -> Result<OpenedPullRequest, PublishError> {
    let git = mirror.git();
    let head = bring(mirror, what).await?;
    let new = NewPull {
        title: what.words.title.clone(),
        body: what.words.body.clone(),
        head: what.branch.clone(),
        base: what.base.clone(),
        draft: !what.draft_reasons.is_empty(),
    };
    // Once the pull request is open, nothing may fail that would hide it.
    let base_tree = git.tree_of(what.base_sha.as_str()).await.map_err(PublishError::Push)?;
    let changes = git.changes(&base_tree, what.tree).await.map_err(PublishError::Push)?;
    what.may_still()?;
    let opened = door.open_pull(what.repo, &new).await.map_err(PublishError::Open)?;
    mark(door, what, &head).await;
    Ok(OpenedPullRequest {
        repo: what.repo.clone(),
        number: opened.pull.number,
        url: opened.pull.url,
        title: what.words.title.clone(),
        body: what.words.body.clone(),
        branch: what.branch.clone(),
        base: what.base.clone(),
        head_sha: head,
        draft: opened.pull.draft,
        draft_reasons: what.draft_reasons.to_vec(),
        additions: changes.iter().map(|c| c.added).fold(0, u32::saturating_add),
        deletions: changes.iter().map(|c| c.removed).fold(0, u32::saturating_add),
    })
}

/// Marks the commit with the proof: a check run where an App is installed, else a commit status. The pull request is there by
/// now, so a mark that cannot be set in time is only logged.
async fn mark(door: &Door, what: &Publication<'_>, head: &CommitSha) {
    let door = door.with_patience(MARK_PATIENCE);
    let end = what.mark_until.min(Instant::now() + MARK_TIME);
    match tokio::time::timeout_at(end, set_mark(&door, what, head)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = %github::redact(&error.to_string()), "the commit was not marked with its proof");
        }
        Err(_) => tracing::warn!("the commit was not marked with its proof in time"),
    }
}

async fn set_mark(door: &Door, what: &Publication<'_>, head: &CommitSha) -> Result<(), GitHubError> {
    let proved = !what.unverified;
    if door.can_check() {
        let check = NewCheckRun {
            name: MARK.into(),
            head_sha: head.clone(),
            conclusion: if proved {
                CheckConclusion::Success
            } else {
                CheckConclusion::Neutral
            },
            title: what.words.title.clone(),
            summary: what.proof.to_owned(),
            text: None,
            details_url: None,
            external_id: what.branch.to_string(),
        };
        door.create_check_run(what.repo, &check).await.map(drop)
    } else {
        let state = if proved {
            StatusState::Success
        } else {
            StatusState::Pending
        };
        door.set_status(what.repo, head, state, MARK, what.proof, None).await
    }
}

/// Brings the change to our branch, and says which commit it is there.
async fn bring(mirror: &Mirror, what: &Publication<'_>) -> Result<CommitSha, PublishError> {
    // Between a look and a push somebody may have been faster. Another look tells a person from an earlier attempt of ours
    // whose push came late.
    for _ in 0..LOOKS {
        if let Some(head) = look_and_push(mirror, what).await? {
            return Ok(head);
        }
    }
    Err(PublishError::HandsOff(what.branch.clone()))
}

/// `None` when the branch has moved meanwhile.
async fn look_and_push(mirror: &Mirror, what: &Publication<'_>) -> Result<Option<CommitSha>, PublishError> {
    let git = mirror.git();
    let Some(head) = mirror.remote_head(what.branch).await.map_err(PublishError::Push)? else {
        return push(mirror, what, None).await;
    };
    mirror.fetch(what.branch).await.map_err(PublishError::Push)?;
    if !is_ours(mirror, &head, what).await.map_err(PublishError::Push)? {
        return Err(PublishError::HandsOff(what.branch.clone()));
    }
    let same = git.tree_of(head.as_str()).await.map_err(PublishError::Push)? == what.tree
        && parent(mirror, &head).await.as_ref() == Some(what.base_sha);
    if same {
        Ok(Some(head))
    } else {
        push(mirror, what, Some(&head)).await
    }
}

async fn push(
    mirror: &Mirror,
    what: &Publication<'_>,
    expected: Option<&CommitSha>,
) -> Result<Option<CommitSha>, PublishError> {
    let commit = mirror
        .git()
        .commit(what.tree, what.base_sha, &what.words.commit, what.committer)
        .await
        .map_err(PublishError::Push)?;
    what.may_still()?;
    let Err(error) = mirror.push(&commit, what.branch, expected).await else {
        return Ok(Some(commit));
    };
    match mirror.remote_head(what.branch).await {
        // A push whose answer was lost may have arrived.
        Ok(Some(head)) if head == commit => Ok(Some(commit)),
        // Whoever was faster, we do not write over it.
        Ok(there) if there.as_ref() != expected => Ok(None),
        _ => Err(PublishError::Push(error)),
    }
}

/// Whether every commit on the branch since its base was made by us.
async fn is_ours(mirror: &Mirror, head: &CommitSha, what: &Publication<'_>) -> Result<bool, GitError> {
    let range = format!("{}..{head}", what.base_sha);
    let authors = mirror
        .git()
        .text(&[
            "log",
            "--format=%ce",
            "--max-count=50",
            "--end-of-options",
            &range,
            "--",
        ])
        .await?;
    Ok(authors.lines().all(|email| email == what.committer.email))
}

async fn parent(mirror: &Mirror, head: &CommitSha) -> Option<CommitSha> {
    let said = mirror
        .git()
        .text(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &format!("{head}^1"),
        ])
        .await
        .ok()?;
    CommitSha::parse(&said).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case;
    use bus::MemoryBus;
    use std::sync::Arc;

    /// How long a mark takes at a GitHub that says this, and whether its limit is known to all then.
    async fn marked(answer: &'static str, left: Duration) -> (Duration, bool) {
        let github = case::github_that_says(answer).await;
        let (fixer, _home) = case::fixer(Arc::new(MemoryBus::default()), &github);
        let request = case::request(&fixer);
        let question = case::question(&request);
        let words = Words {
            title: "Fix it".into(),
            body: "Because".into(),
            commit: "Fix it".into(),
        };
        let committer = Committer {
            name: "Fixpoint".into(),
            email: "fixpoint@example.com".into(),
            at: 0,
        };
        let begun = Instant::now();
        let what = Publication {
            repo: &request.project.repo,
            branch: &question.base,
            base: &question.base,
            base_sha: &question.base_sha,
            tree: &question.tree,
            words: &words,
            committer: &committer,
            draft_reasons: &[],
            proof: "3 tests pass",
            unverified: false,
            until: begun + left,
            mark_until: begun + left,
        };
        let door = fixer.door(&request.project.repo, None);
        mark(&door, &what, &question.base_sha).await;
        (begun.elapsed(), door.limited_until().is_some())
    }

    #[tokio::test]
    async fn a_mark_that_meets_a_limit_is_left_out_and_the_limit_is_known() {
        let (took, limited) = marked(case::LIMITED, Duration::from_secs(600)).await;
        assert!(took < Duration::from_secs(5) && limited, "{took:?} {limited}");
    }

    #[tokio::test]
    async fn a_mark_leaves_time_for_the_report() {
        let (took, limited) = marked("", Duration::from_millis(200)).await;
        assert!(took < Duration::from_secs(5) && !limited, "{took:?} {limited}");
    }
}
