//! A project: one repository with the way in which its operator wants it treated.

use crate::guardrail::Policy;
use crate::repo::{BranchName, RepoName};
use serde::{Deserialize, Serialize};

/// What an attempt has to know of the repository's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// The repository.
    pub repo: RepoName,
    /// The branch that alerts are fixed on; `None` asks GitHub for the default branch.
    pub base_branch: Option<BranchName>,
    /// The test command, where the operator has set one.
    pub test_command: Option<String>,
    /// The command that builds the environment, where the operator has set one.
    pub setup_command: Option<String>,
    /// False makes every fix an unverified draft.
    pub run_tests: bool,
    /// What a fix may touch.
    pub policy: Policy,
    /// Prefix of our branches, `fixpoint/`.
    pub branch_prefix: String,
    /// Wall time for finding a fix, in seconds.
    pub budget_seconds: u64,
}
