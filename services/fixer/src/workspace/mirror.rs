//! The bare mirror of a repository: fetched by the fixer, read by the fixer, never mounted into a sandbox.

use super::git::{Credential, Git, GitError};
use super::tree::tags_of;
use domain::repo::{BranchName, CommitSha, RepoName};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// All mirrors of this fixer, one folder per repository.
#[derive(Clone)]
pub struct Mirrors {
    root: PathBuf,
    locks: Arc<Mutex<HashMap<RepoName, Arc<tokio::sync::Mutex<()>>>>>,
}

/// A repository's mirror and where it is fetched from.
#[derive(Clone)]
pub struct Mirror {
    git: Git,
    url: String,
    credential: Option<Credential>,
    lock: Arc<tokio::sync::Mutex<()>>,
}

impl Mirrors {
    /// Mirrors under `root`.
    #[must_use]
    pub fn under(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            locks: Arc::default(),
        }
    }

    /// The mirror of `repo`, made empty where it is new.
    ///
    /// # Errors
    /// When git cannot make it.
    pub async fn open(&self, repo: &RepoName, url: String, credential: Option<Credential>) -> Result<Mirror, GitError> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Arc::clone(locks.entry(repo.clone()).or_default())
        };
        let dir = self.root.join(repo.owner()).join(format!("{}.git", repo.name()));
        let git = Git::at(&dir);
        let guard = lock.lock().await;
        if !dir.join("HEAD").exists() {
            std::fs::create_dir_all(&dir).map_err(|source| GitError::Start {
                command: "init".into(),
                source,
            })?;
            git.run(&["init", "--quiet", "--bare", "--initial-branch=main"]).await?;
        }
        drop(guard);
        Ok(Mirror {
            git,
            url,
            credential,
            lock,
        })
    }
}

impl Mirror {
    /// The repository behind it.
    #[must_use]
    pub const fn git(&self) -> &Git {
        &self.git
    }

    /// The same mirror with another right.
    #[must_use]
    pub fn with_credential(&self, credential: Option<Credential>) -> Self {
        Self {
            credential,
            ..self.clone()
        }
    }

    /// The server's default branch.
    ///
    /// # Errors
    /// When the server cannot be asked, or has no branch.
    pub async fn default_branch(&self) -> Result<BranchName, GitError> {
        let said = self
            .git
            .remote(
                &["ls-remote", "--symref", "--end-of-options", &self.url, "HEAD"],
                self.credential.as_ref(),
            )
            .await?;
        let name = said
            .lines()
            .find_map(|line| line.strip_prefix("ref: refs/heads/")?.split('\t').next());
        let none = || GitError::Failed {
            command: "ls-remote".into(),
            message: "the repository has no default branch".into(),
        };
        name.and_then(|name| BranchName::parse(name).ok()).ok_or_else(none)
    }

    /// The newest commit of a branch on the server, `None` when there is no such branch.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn remote_head(&self, branch: &BranchName) -> Result<Option<CommitSha>, GitError> {
        let said = self
            .git
            .remote(
                &["ls-remote", "--end-of-options", &self.url, &branch.reference()],
                self.credential.as_ref(),
            )
            .await?;
        Ok(said
            .split_whitespace()
            .next()
            .and_then(|sha| CommitSha::parse(sha).ok()))
    }

    /// The commit that a release names, where the server has it: its tag is fetched when that is what marks it.
    pub async fn release(&self, release: &str) -> Option<CommitSha> {
        if let Some(known) = self.git.release(release).await {
            return Some(known);
        }
        let tags = tags_of(release);
        let mut ask = vec!["ls-remote", "--end-of-options", &self.url];
        ask.extend(tags.iter().map(String::as_str));
        let said = self.git.remote(&ask, self.credential.as_ref()).await.ok()?;
        let tag = tags
            .iter()
            .find(|tag| said.split_whitespace().any(|word| word == *tag))?;
        self.fetch_reference(tag).await.ok()?;
        self.git.release(release).await
    }

    async fn fetch_reference(&self, reference: &str) -> Result<(), GitError> {
        let _one_at_a_time = self.lock.lock().await;
        let refspec = format!("+{reference}:{reference}");
        let args = [
            "-c",
            "transfer.fsckObjects=true",
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--end-of-options",
            &self.url,
            &refspec,
        ];
        self.git.remote(&args, self.credential.as_ref()).await.map(|_| ())
    }

    /// Fetches a branch and returns its newest commit.
    ///
    /// # Errors
    /// When the server cannot be asked or does not have the branch.
    pub async fn fetch(&self, branch: &BranchName) -> Result<CommitSha, GitError> {
        self.fetch_reference(&branch.reference()).await?;
        let sha = self
            .git
            .text(&[
                "rev-parse",
                "--verify",
                "--quiet",
                &format!("{}^{{commit}}", branch.reference()),
            ])
            .await?;
        CommitSha::parse(&sha).map_err(|e| GitError::Failed {
            command: "rev-parse".into(),
            message: e.to_string(),
        })
    }

    /// Pushes a commit to one of our branches, if the server still has there what we think: `expected`, or nothing.
    ///
    /// # Errors
    /// When it does not, or the server cannot be asked: a look at the branch tells which.
    pub async fn push(
        &self,
        commit: &CommitSha,
        branch: &BranchName,
        expected: Option<&CommitSha>,
    ) -> Result<(), GitError> {
        let lease = format!(
            "--force-with-lease={}:{}",
            branch.reference(),
            expected.map_or("", CommitSha::as_str)
        );
        let refspec = format!("{commit}:{}", branch.reference());
        self.git
            .remote(
                &[
                    "push",
                    "--quiet",
                    "--no-verify",
                    &lease,
                    "--end-of-options",
                    &self.url,
                    &refspec,
                ],
                self.credential.as_ref(),
            )
            .await?;
        Ok(())
    }
}
