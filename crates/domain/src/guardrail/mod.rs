//! Guardrails: what a fix may touch. Pure rules over entries of git trees (path, mode, link target), never over a file
//! system, so that nothing can change between the check and the push.

mod links;
mod paths;

pub use paths::{blocked, is_test, steers_tests};

use crate::path::{RepoPath, resolve_link};
use serde::{Deserialize, Serialize};

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

/// Judges a change by its tree entries. `links` are the symbolic links of the tree after it with their texts: a file is
/// also judged by every name under which a link shows it.
#[must_use]
pub fn judge(policy: &Policy, changes: &[TreeChange], links: &[(RepoPath, String)]) -> Verdict {
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
        links::judge_other_names(policy, change, links, &mut verdict);
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
