//! Guardrails: what a fix may touch. Pure rules over entries of git trees (path, mode, link target), never over a file
//! system, so that nothing can change between the check and the push.

use crate::path::{RepoPath, folded, resolve_link};
use serde::{Deserialize, Serialize};

/// Directories that a fix may touch only if the project has taken them out of its own list.
const SENSITIVE: [&str; 6] = ["auth", "authentication", "billing", "payment", "payments", "stripe"];
/// Directories that no project can take out.
const HARD: [&str; 3] = ["migrations", "secrets", "credentials"];
/// Files and directories that steer CI.
const CI: [&str; 14] = [
    ".github/workflows",
    ".github/actions",
    ".gitlab-ci.yml",
    ".circleci",
    ".travis.yml",
    ".buildkite",
    ".drone.yml",
    "jenkinsfile",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    ".woodpecker.yml",
    ".woodpecker",
    "appveyor.yml",
    ".fixpoint.toml",
];
/// Files that steer or autoload into test runners, linters and type checkers.
const STEERING: [&str; 40] = [
    "conftest.py",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    "tox.ini",
    "setup.cfg",
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
const STEERING_PREFIX: [&str; 10] = [
    "jest.config.",
    "jest.setup.",
    "vitest.config.",
    "vitest.setup.",
    ".mocharc",
    ".eslintrc",
    "eslint.config.",
    "babel.config.",
    ".nycrc",
    ".prettierrc",
];

/// A sensitive directory that a project may take out for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unblockable {
    /// `auth/` and `authentication/`.
    Auth,
    /// `billing/`.
    Billing,
    /// `payment/` and `stripe/`.
    Payment,
}

impl Unblockable {
    fn covers(self, directory: &str) -> bool {
        match self {
            Self::Auth => matches!(directory, "auth" | "authentication"),
            Self::Billing => directory == "billing",
            Self::Payment => matches!(directory, "payment" | "payments" | "stripe"),
        }
    }
}

/// What a project allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// More paths that are blocked: a name matches that component anywhere, a path with `/` from the root.
    pub blocked_paths: Vec<String>,
    /// Sensitive directories that this project takes out.
    pub unblocked: Vec<Unblockable>,
    /// A fix that edits tests becomes a draft that shows the hunk, instead of being refused.
    pub allow_test_edits: bool,
    /// At most so many files.
    pub max_files: u32,
    /// At most so many lines added and removed.
    pub max_changed_lines: u32,
    /// No file larger than this, in bytes.
    pub max_file_bytes: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            blocked_paths: Vec::new(),
            unblocked: Vec::new(),
            allow_test_edits: false,
            max_files: 10,
            max_changed_lines: 300,
            max_file_bytes: 1 << 20,
        }
    }
}

/// What an entry of a git tree is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A file with the executable bit.
    Executable,
    /// A symbolic link and its text.
    Link(String),
    /// A commit of another repository.
    Submodule,
}

/// One difference between the tree before and the tree after. A rename is a removal and an addition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeChange {
    /// The path, as git says it; not yet trusted.
    pub path: String,
    /// What was there.
    pub before: Option<EntryKind>,
    /// What is there now.
    pub after: Option<EntryKind>,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
    /// Bytes of the entry now.
    pub bytes: u64,
}

/// Which rule objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The path is blocked.
    BlockedPath,
    /// Tests, or what steers their runner, would change.
    ProtectedOracle,
    /// Too large.
    Size,
    /// A link, submodule or mode that a fix has no business with.
    EntryKind,
    /// Not a path inside the repository.
    BadPath,
    /// Nothing would change.
    Empty,
}

/// Why a fix is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objection {
    /// Which rule.
    pub rule: Rule,
    /// Which path, empty where the whole change is meant.
    pub path: String,
    /// For people: what and why.
    pub detail: String,
}

/// What the guardrails say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Any one refuses the fix.
    pub objections: Vec<Objection>,
    /// Any one makes it a draft.
    pub draft_reasons: Vec<String>,
}

impl Verdict {
    /// Whether the fix may not be published.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.objections.is_empty()
    }
}

/// Judges a change by its tree entries.
#[must_use]
pub fn judge(policy: &Policy, changes: &[TreeChange]) -> Verdict {
    let mut verdict = Verdict::default();
    if changes.is_empty() {
        verdict.objections.push(Objection {
            rule: Rule::Empty,
            path: String::new(),
            detail: "the fix changes nothing".into(),
        });
    }
    for change in changes {
        judge_change(policy, change, &mut verdict);
    }
    let files = u32::try_from(changes.len()).unwrap_or(u32::MAX);
    let lines: u32 = changes.iter().fold(0, |sum, change| {
        sum.saturating_add(change.added).saturating_add(change.removed)
    });
    for (what, is, limit) in [
        ("files", files, policy.max_files),
        ("changed lines", lines, policy.max_changed_lines),
    ] {
        if is > limit {
            verdict.objections.push(Objection {
                rule: Rule::Size,
                path: String::new(),
                detail: format!("{is} {what}, and {limit} is the limit"),
            });
        }
    }
    verdict
}

fn judge_change(policy: &Policy, change: &TreeChange, verdict: &mut Verdict) {
    let mut object = |rule, detail: String| {
        verdict.objections.push(Objection {
            rule,
            path: change.path.clone(),
            detail,
        })
    };
    let Ok(path) = RepoPath::parse(&change.path) else {
        object(Rule::BadPath, "not a path inside the repository".into());
        return;
    };
    if let Some(why) = blocked(policy, &path) {
        object(Rule::BlockedPath, why);
    }
    for entry in [&change.before, &change.after].into_iter().flatten() {
        match entry {
            EntryKind::Link(target) => {
                object(
                    Rule::EntryKind,
                    "a fix does not add, change or remove symbolic links".into(),
                );
                let hit = resolve_link(&path, target)
                    .map_or(Some("it leaves the repository".into()), |to| blocked(policy, &to));
                if let Some(why) = hit {
                    object(Rule::BlockedPath, format!("the link's target `{target}`: {why}"));
                }
            }
            EntryKind::Submodule => object(Rule::EntryKind, "a fix does not change submodules".into()),
            EntryKind::File | EntryKind::Executable => {}
        }
    }
    if change.after == Some(EntryKind::Executable) && change.before != Some(EntryKind::Executable) {
        object(Rule::EntryKind, "a fix does not make files executable".into());
    }
    if change.bytes > policy.max_file_bytes {
        object(
            Rule::Size,
            format!("{} bytes, and {} is the limit", change.bytes, policy.max_file_bytes),
        );
    }
    if steers_tests(&path) {
        object(Rule::ProtectedOracle, "it steers or loads into the test run".into());
    } else if is_test(&path) && change.before.is_some() {
        if policy.allow_test_edits && change.after.is_some() {
            verdict.draft_reasons.push(format!("it edits the test file `{path}`"));
        } else {
            object(
                Rule::ProtectedOracle,
                "the tests decide whether a fix is right, so a fix does not edit them".into(),
            );
        }
    }
}

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
