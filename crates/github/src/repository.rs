//! Reads about a repository: itself, branches, comparisons, files, and what a person may do.

use crate::door::{Ask, Door, path, word};
use crate::error::GitHubError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::repo::{BranchName, CommitSha, RepoName};
use serde::Deserialize;

/// A repository as GitHub knows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Repository {
    /// Number that survives renaming.
    pub id: u64,
    /// Its name now.
    pub full_name: RepoName,
    /// The branch that a clone checks out.
    pub default_branch: BranchName,
    /// Whether only members see it.
    #[serde(default)]
    pub private: bool,
    /// Whether nobody may change it.
    #[serde(default)]
    pub archived: bool,
}

/// What lies between two commits.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Best common ancestor.
    pub merge_base: CommitSha,
    /// Commits that only the head has.
    pub ahead_by: u64,
    /// Commits that only the base has.
    pub behind_by: u64,
    /// Files changed from the merge base to the head; GitHub lists 300 at most.
    pub files: Vec<ChangedFile>,
}

/// A changed file.
#[derive(Clone, Debug, Deserialize)]
pub struct ChangedFile {
    /// Its path after the change.
    #[serde(rename = "filename")]
    pub path: String,
    /// `added`, `removed`, `modified`, `renamed`, ….
    pub status: String,
    /// Lines added.
    #[serde(default)]
    pub additions: u64,
    /// Lines removed.
    #[serde(default)]
    pub deletions: u64,
    /// Its hunks; absent for binary and very large files.
    #[serde(default)]
    pub patch: Option<String>,
    /// Its path before a rename.
    #[serde(default)]
    pub previous_filename: Option<String>,
}

/// What a person may do with a repository, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Nothing, or nothing that we know of.
    None,
    /// Look.
    Read,
    /// Manage issues.
    Triage,
    /// Push.
    Write,
    /// Push, and manage without the dangerous parts.
    Maintain,
    /// Everything.
    Admin,
}

#[derive(Deserialize)]
struct Head {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: CommitSha,
}

#[derive(Deserialize)]
struct Compared {
    merge_base_commit: Object,
    ahead_by: u64,
    behind_by: u64,
    #[serde(default)]
    files: Vec<ChangedFile>,
}

#[derive(Deserialize)]
struct Granted {
    permission: String,
    #[serde(default)]
    role_name: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    encoding: String,
    #[serde(default)]
    content: String,
    #[serde(default)]
    size: u64,
}

/// GitHub puts no larger file into this answer.
const CONTENT_LIMIT: u64 = 1024 * 1024;

impl Door {
    /// The repository, with its default branch.
    ///
    /// # Errors
    /// Any [`GitHubError`]; [`GitHubError::NotFound`] also when the credential may not see it.
    pub async fn repository(&self, repo: &RepoName) -> Result<Repository, GitHubError> {
        self.read(repo, &Ask::get(format!("/repos/{repo}"))).await
    }

    /// The newest commit of a branch; `None` if there is no such branch.
    ///
    /// # Errors
    /// Any [`GitHubError`] but `NotFound`.
    pub async fn branch_head(&self, repo: &RepoName, branch: &BranchName) -> Result<Option<CommitSha>, GitHubError> {
        let ask = Ask::get(format!("/repos/{repo}/git/ref/heads/{}", path(branch.as_str())));
        Ok(self.find::<Head>(repo, &ask).await?.map(|head| head.object.sha))
    }

    /// What lies between two commits.
    ///
    /// # Errors
    /// Any [`GitHubError`]; [`GitHubError::NotFound`] when one of them does not exist or they share no history.
    pub async fn compare(
        &self,
        repo: &RepoName,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<Comparison, GitHubError> {
        let compared: Compared = self
            .read(repo, &Ask::get(format!("/repos/{repo}/compare/{base}...{head}")))
            .await?;
        let Compared {
            merge_base_commit,
            ahead_by,
            behind_by,
            files,
        } = compared;
        Ok(Comparison {
            merge_base: merge_base_commit.sha,
            ahead_by,
            behind_by,
            files,
        })
    }

    /// Content of a file at a commit, up to 1 MiB; `None` if it is not there or is no file.
    ///
    /// # Errors
    /// Any [`GitHubError`] but `NotFound`; [`GitHubError::TooLarge`] over the limit.
    pub async fn file(&self, repo: &RepoName, file: &str, at: &CommitSha) -> Result<Option<Vec<u8>>, GitHubError> {
        let ask = Ask::get(format!("/repos/{repo}/contents/{}?ref={at}", path(file)));
        let Some(value) = self.find::<serde_json::Value>(repo, &ask).await? else {
            return Ok(None);
        };
        // A folder is a list.
        if !value.is_object() {
            return Ok(None);
        }
        let content: Content =
            serde_json::from_value(value).map_err(|error| GitHubError::invalid(&ask.what(), error))?;
        match content.encoding.as_str() {
            "base64" => {
                let text: String = content.content.split_whitespace().collect();
                STANDARD
                    .decode(text)
                    .map(Some)
                    .map_err(|error| GitHubError::invalid(&ask.what(), error))
            }
            _ if content.size > CONTENT_LIMIT => Err(GitHubError::TooLarge {
                what: file.to_owned(),
                limit: CONTENT_LIMIT,
            }),
            // A link or a submodule has no content of its own.
            _ => Ok(None),
        }
    }

    /// What a person may do. It fails closed: whoever is unknown, or has a role that we do not know, may do nothing.
    ///
    /// # Errors
    /// Any [`GitHubError`] but `NotFound`. An error is no permission either.
    pub async fn permission(&self, repo: &RepoName, login: &str) -> Result<Permission, GitHubError> {
        let ask = Ask::get(format!("/repos/{repo}/collaborators/{}/permission", word(login)));
        let Some(granted) = self.find::<Granted>(repo, &ask).await? else {
            return Ok(Permission::None);
        };
        let basic = level(&granted.permission);
        // The role is finer than the permission, but a custom role's name says nothing.
        let role = granted.role_name.as_deref().map_or(Permission::None, level);
        Ok(basic.max(match (basic, role) {
            (Permission::Write, Permission::Maintain) | (Permission::Read, Permission::Triage) => role,
            _ => basic,
        }))
    }
}

fn level(name: &str) -> Permission {
    match name {
        "admin" => Permission::Admin,
        "maintain" => Permission::Maintain,
        "write" => Permission::Write,
        "triage" => Permission::Triage,
        "read" => Permission::Read,
        _ => Permission::None,
    }
}
