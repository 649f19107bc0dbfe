//! What the names of files say: which are blocked, which steer the tests, and which are tests.

use super::Policy;
use crate::path::{RepoPath, folded};

/// Directories that a fix may touch only if the project has taken them out of its own list.
const SENSITIVE: [&str; 6] = ["auth", "authentication", "billing", "payment", "payments", "stripe"];
/// Directories that no project can take out.
const HARD: [&str; 3] = ["migrations", "secrets", "credentials"];
/// Files and directories that steer CI.
const CI: [&str; 27] = [
    ".github/workflows",
    ".github/actions",
    ".gitlab-ci.yml",
    ".gitlab-ci.yaml",
    ".gitlab/ci",
    ".forgejo",
    ".gitea",
    ".circleci",
    ".travis.yml",
    ".buildkite",
    ".drone.yml",
    ".drone.yaml",
    "jenkinsfile",
    "azure-pipelines.yml",
    "azure-pipelines.yaml",
    ".azure-pipelines",
    "bitbucket-pipelines.yml",
    ".woodpecker.yml",
    ".woodpecker.yaml",
    ".woodpecker",
    "appveyor.yml",
    ".appveyor.yml",
    ".cirrus.yml",
    ".semaphore",
    ".tekton",
    "cloudbuild.yaml",
    ".fixpoint.toml",
];
/// Files that steer or autoload into test runners, linters and type checkers.
const STEERING: [&str; 43] = [
    "conftest.py",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    "tox.ini",
    "setup.cfg",
    "setup.py",
    "runtests.py",
    "bunfig.toml",
    "pyproject.toml",
    "noxfile.py",
    "sitecustomize.py",
    "usercustomize.py",
    ".coveragerc",
    "ruff.toml",
    ".ruff.toml",
    ".flake8",
    ".pylintrc",
    "mypy.ini",
    ".mypy.ini",
    "pyrightconfig.json",
    ".pre-commit-config.yaml",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "biome.json",
    ".babelrc",
    "makefile",
    "gnumakefile",
    "justfile",
    "codecov.yml",
    ".codecov.yml",
    "clippy.toml",
    ".clippy.toml",
    "deny.toml",
    "rustfmt.toml",
    ".golangci.yml",
    ".golangci.yaml",
    "nextest.toml",
    ".eslintignore",
    ".npmrc",
    ".env.test",
];
/// Beginnings of such files' names.
const STEERING_PREFIX: [&str; 14] = [
    "jest.config.",
    "jest.setup.",
    "vitest.config.",
    "vitest.workspace.",
    "vite.config.",
    "playwright.config.",
    "cypress.config.",
    "vitest.setup.",
    ".mocharc",
    ".eslintrc",
    "eslint.config.",
    "babel.config.",
    ".nycrc",
    ".prettierrc",
];

/// Why a path is blocked, or `None` when it is not.
#[must_use]
pub fn blocked(policy: &Policy, path: &RepoPath) -> Option<String> {
    let parts: Vec<String> = path.folded_components().collect();
    let whole = parts.join("/");
    let directories = &parts[..parts.len().saturating_sub(1)];
    for part in &parts {
        if (part == ".env" || part.starts_with(".env.")) && part != ".env.example" {
            return Some("environment files hold secrets".into());
        }
    }
    // The last component counts as well: a file that takes a blocked directory's name is as good as a way in.
    for part in &parts {
        if HARD.contains(&part.as_str()) {
            return Some(format!("`{part}/` is never touched"));
        }
        if SENSITIVE.contains(&part.as_str()) && !policy.unblocked.iter().any(|out| out.covers(part)) {
            return Some(format!(
                "`{part}/` is blocked; a person fixes it, or the project takes it out of its list"
            ));
        }
    }
    for ci in CI {
        if whole == ci || whole.starts_with(&format!("{ci}/")) {
            return Some("it steers CI".into());
        }
    }
    for pattern in &policy.blocked_paths {
        let wanted: Vec<String> = pattern.split('/').filter(|part| !part.is_empty()).map(folded).collect();
        let hit = match wanted.as_slice() {
            [] => false,
            [name] if pattern.ends_with('/') => directories.contains(name),
            [name] => parts.contains(name),
            several => parts.starts_with(several),
        };
        if hit {
            return Some(format!("the project blocks `{pattern}`"));
        }
    }
    None
}

/// Whether a file steers a test runner, linter or type checker, or is loaded by one without being asked.
#[must_use]
pub fn steers_tests(path: &RepoPath) -> bool {
    let name = folded(path.file_name());
    STEERING.contains(&name.as_str())
        || STEERING_PREFIX.iter().any(|prefix| name.starts_with(prefix))
        || std::path::Path::new(&name)
            .extension()
            .is_some_and(|ext| ext == "pth" || ext == "snap")
        || path.folded_components().any(|part| part == "__snapshots__")
}

/// Whether a file is a test, by the conventions of the languages that Fixpoint knows.
#[must_use]
pub fn is_test(path: &RepoPath) -> bool {
    let parts: Vec<String> = path.folded_components().collect();
    let Some((name, directories)) = parts.split_last() else {
        return false;
    };
    let stem = name.split('.').next().unwrap_or(name);
    directories.iter().any(|part| {
        matches!(
            part.as_str(),
            "test" | "tests" | "testing" | "__tests__" | "spec" | "specs" | "testdata" | "fixtures"
        )
    }) || stem.starts_with("test_")
        || stem == "tests"
        || stem == "test"
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || name.contains(".test.")
        || name.contains(".spec.")
}
