//! GitHub in sentences: people push, Actions runs the repository's own tests, and its log is what the tests printed.

use crate::SHOP;
use crate::shop::File;
use github_sim::{RunSpec, Sim, Step};
use std::ops::Deref;
use std::process::Command;
use tempfile::TempDir;

/// The step of the workflow that runs the tests.
pub const STEP: &str = "Unit tests";
/// Its command.
pub const COMMAND: &str = "python3 -m unittest";

/// A GitHub with people and Actions.
pub struct GitHub {
    pub sim: Sim,
    pub token: String,
}

impl Deref for GitHub {
    type Target = Sim;

    fn deref(&self) -> &Sim {
        &self.sim
    }
}

impl GitHub {
    /// A person pushes files to a branch of the shop.
    pub fn push(&self, branch: &str, files: &[File], message: &str) -> String {
        self.sim
            .commit(
                SHOP,
                branch,
                files.iter().map(|(path, text)| (*path, *text)),
                "ada",
                message,
            )
            .unwrap()
    }

    /// Actions runs the tests of a commit: whether they are green, and what they print.
    pub fn run_tests(&self, sha: &str) -> (bool, String) {
        let folder = TempDir::new().unwrap();
        let url = self
            .sim
            .git_url(SHOP)
            .replace("http://", &format!("http://x-access-token:{}@", self.token));
        let script =
            format!("set -e\ngit clone --quiet {url} shop\ncd shop\ngit checkout --quiet {sha}\n{COMMAND} 2>&1");
        #[allow(clippy::disallowed_methods, reason = "the test plays GitHub's runner")]
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(&folder)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.contains("Ran "),
            "the tests did not run: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        (output.status.success(), text)
    }

    /// Actions runs the tests of a commit, which are red: the run's id.
    pub fn fail_workflow(&self, branch: &str, sha: &str) -> u64 {
        let (green, log) = self.run_tests(sha);
        assert!(!green, "the tests of {sha} are green:\n{log}");
        self.fail_workflow_with(branch, sha, &log)
    }

    /// A run that failed with this log, whatever the commit's tests would say.
    pub fn fail_workflow_with(&self, branch: &str, sha: &str, log: &str) -> u64 {
        self.sim
            .fail_workflow(
                SHOP,
                branch,
                sha,
                "Tests",
                "test",
                vec![Step::fails(STEP, COMMAND, log)],
            )
            .unwrap()
    }

    /// A failed run that differs in something from an ordinary one.
    pub fn fail_workflow_as(&self, branch: &str, sha: &str, change: impl FnOnce(&mut RunSpec)) -> u64 {
        let mut spec =
            RunSpec::new("Tests", branch, sha).job("test", vec![Step::fails(STEP, COMMAND, "Ran 0 tests\n\nFAILED")]);
        change(&mut spec);
        self.sim.run_workflow(SHOP, spec).unwrap()
    }

    /// A person breaks the main branch, and its tests are red: the commit.
    pub fn break_main(&self, files: &[File]) -> String {
        let sha = self.push("main", files, "Change things");
        self.fail_workflow("main", &sha);
        sha
    }
}
