//! Fixes a repository on this machine: no server, no GitHub. The fix becomes a local branch; the working tree is not touched.

use crate::progress::Progress;
use crate::repair::{Case, Repaired, Workshop};
use crate::reproduce::Symptom;
use crate::text;
use crate::workspace::git::{Git, GitError};
use crate::workspace::tree::Committer;
use anyhow::Context as _;
use domain::attempt::{Report, Stage};
use domain::incident::Trigger;
use domain::project::Project;
use domain::pull_request::branch_name;
use domain::repo::{BranchName, CommitSha};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What is to be fixed, and how.
pub struct Request {
    /// Root of the repository's working tree.
    pub repo: PathBuf,
    /// The repository's settings.
    pub project: Project,
    /// What is known of the failure.
    pub symptom: Symptom,
    /// What brought it, where something did.
    pub trigger: Option<Trigger>,
    /// Leave the repository as it is.
    pub dry_run: bool,
    /// Who commits.
    pub committer: Committer,
}

/// How it ended.
pub struct Done {
    /// Everything that is known.
    pub report: Report,
    /// The branch that was made.
    pub branch: Option<BranchName>,
    /// Why a pull request of it would be a draft at most.
    pub draft_reasons: Vec<String>,
}

/// Why nothing could be begun; these are the caller's to mend.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Not a repository.
    #[error("{0} is not the root of a git repository; run `git init` there and commit, or name the root")]
    NotARepository(PathBuf),
    /// Somebody else's.
    #[error(
        "{0} belongs to another user, whose configuration of git could run programs here; make it yours with chown, or run as its owner"
    )]
    NotOurs(PathBuf),
    /// No commit.
    #[error("{0} has no commit yet; commit what is to be fixed")]
    NoCommit(PathBuf),
    /// A partial clone.
    #[error(
        "files of the newest commit are missing in {0}, which is a partial clone; run `git fetch --refetch --no-filter` there, or name a full clone with --repo"
    )]
    Partial(PathBuf),
    /// Something of ours failed.
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

/// Fixes a local repository.
///
/// # Errors
/// [`LocalError`]; whatever can be said of the repository's code is in the report.
pub async fn fix(workshop: &Workshop, request: Request, progress: &Progress) -> Result<Done, LocalError> {
    let started = Instant::now();
    progress.enter(Stage::CheckOut);
    let theirs = open(&request.repo).await?;
    let head = theirs
        .text(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
        .await
        .map_err(|_| LocalError::NoCommit(request.repo.clone()))?;
    let head = CommitSha::parse(&head).map_err(anyhow::Error::from)?;
    let scratch = tempfile::Builder::new()
        .prefix("fixpoint-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let mirror = mirror(&theirs, scratch.path()).await?;
    // The mirror knows no server to ask for what is missing, so that nothing is asked of one.
    mirror
        .run(&["rev-list", "--objects", "--no-walk", "--quiet", head.as_str()])
        .await
        .map_err(|error| match error {
            GitError::Failed { .. } => LocalError::Partial(request.repo.clone()),
            other => LocalError::Broken(other.into()),
        })?;
    if is_dirty(&theirs, &mirror, &head, &request.repo).await {
        progress.line(format!(
            "uncommitted changes are left out: the code under repair is commit {}",
            head.short()
        ));
    }
    progress.enter(Stage::Diagnose);
    let release_commit = match &request.trigger {
        Some(Trigger::ErrorAlert(alert)) => match &alert.release {
            Some(release) => theirs.release(release).await,
            None => None,
        },
        _ => None,
    };
    let case = Case {
        git: mirror.clone(),
        commit: head.clone(),
        default_commit: head.clone(),
        release_commit,
        symptom: request.symptom,
        project: request.project,
        track_record: BTreeMap::new(),
        scratch: scratch.path().to_owned(),
    };
    let Repaired { mut report, change } = workshop.repair(&case, progress).await?;
    let mut branch = None;
    let mut draft_reasons = Vec::new();
    if let Some(change) = change {
        if !request.dry_run {
            progress.enter(Stage::Publish);
            let words = text::pull_request(
                request.trigger.as_ref(),
                &report,
                &change.draft_reasons,
                change.unverified,
            );
            let commit = mirror
                .commit(&change.tree, &head, &words.commit, &request.committer)
                .await
                .context("the fix could not be committed")?;
            branch = Some(hand_over(&theirs, &mirror, &commit, &case, &report, request.trigger.as_ref()).await?);
        }
        draft_reasons = change.draft_reasons;
    }
    report.wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    report.stages = progress.times();
    Ok(Done {
        report,
        branch,
        draft_reasons,
    })
}

async fn open(repo: &Path) -> Result<Git, LocalError> {
    let no = || LocalError::NotARepository(repo.to_owned());
    let dot = repo.join(".git");
    let git = if dot.is_dir() {
        Git::at(&dot)
    } else if let Ok(text) = std::fs::read_to_string(&dot) {
        // A linked working tree names its git directory in a file.
        Git::at(repo.join(text.strip_prefix("gitdir:").ok_or_else(no)?.trim()))
    } else {
        return Err(no());
    };
    if !is_own(git.dir()) {
        return Err(LocalError::NotOurs(repo.to_owned()));
    }
    git.text(&["rev-parse", "--git-dir"]).await.map_err(|_| no())?;
    Ok(git)
}

/// Whether a folder belongs to whoever runs this: another person's repository could bring configuration that runs programs.
fn is_own(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owner = |path: &Path| std::fs::metadata(path).map(|found| found.uid()).ok();
    owner(folder).is_some() && owner(folder) == owner(Path::new("/proc/self"))
}

/// Whether files differ from the commit. It is asked with our own configuration: theirs could name programs to run.
async fn is_dirty(theirs: &Git, mirror: &Git, head: &CommitSha, repo: &Path) -> bool {
    let (tree, index) = (
        repo.to_string_lossy(),
        theirs.dir().join("index").to_string_lossy().into_owned(),
    );
    let env = [
        ("GIT_WORK_TREE", &*tree),
        ("GIT_INDEX_FILE", index.as_str()),
        ("GIT_OPTIONAL_LOCKS", "0"),
    ];
    mirror
        .with(
            &["diff-index", "--quiet", "--ignore-submodules", head.as_str(), "--"],
            &env,
            None,
        )
        .await
        .is_err()
}

/// A bare repository of our own that borrows their objects: what is tried out leaves no trace in theirs.
async fn mirror(theirs: &Git, scratch: &Path) -> anyhow::Result<Git> {
    let dir = scratch.join("mirror.git");
    std::fs::create_dir_all(&dir).context("cannot make a mirror")?;
    let mirror = Git::at(&dir);
    let format = theirs.text(&["rev-parse", "--show-object-format"]).await?;
    mirror
        .run(&["init", "--quiet", "--bare", &format!("--object-format={format}")])
        .await?;
    let objects = theirs
        .text(&["rev-parse", "--path-format=absolute", "--git-path", "objects"])
        .await?;
    std::fs::write(dir.join("objects/info/alternates"), format!("{objects}\n")).context("cannot write the mirror")?;
    Ok(mirror)
}

/// Makes the branch in their repository, under the first free generation.
async fn hand_over(
    theirs: &Git,
    mirror: &Git,
    commit: &CommitSha,
    case: &Case,
    report: &Report,
    trigger: Option<&Trigger>,
) -> anyhow::Result<BranchName> {
    let what = match trigger {
        Some(Trigger::ErrorAlert(_)) => "sentry",
        _ => "ci",
    };
    let fingerprint = report
        .diagnosis
        .clone()
        .unwrap_or_default()
        .fingerprint(&case.project.repo);
    for generation in 1..1000 {
        let branch = branch_name(&case.project.branch_prefix, what, fingerprint.as_str(), generation)
            .context("project.branch_prefix makes a branch name that git refuses")?;
        if theirs
            .run(&["rev-parse", "--verify", "--quiet", &branch.reference()])
            .await
            .is_ok()
        {
            continue;
        }
        mirror
            .run(&["update-ref", &branch.reference(), commit.as_str()])
            .await?;
        let from = mirror.dir().to_string_lossy().into_owned();
        let refspec = format!("{0}:{0}", branch.reference());
        let fetched: Result<String, GitError> = theirs
            .remote(
                &[
                    "fetch",
                    "--quiet",
                    "--no-tags",
                    "--no-write-fetch-head",
                    "--end-of-options",
                    &from,
                    &refspec,
                ],
                None,
            )
            .await;
        fetched.context("the branch could not be made")?;
        return Ok(branch);
    }
    anyhow::bail!("there are a thousand branches for this problem; delete some")
}
