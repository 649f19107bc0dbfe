//! A fix: a proposed change, always as whole files.

use crate::path::RepoPath;
use serde::{Deserialize, Serialize};

/// One file as the fix leaves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRewrite {
    /// Which file.
    pub path: RepoPath,
    /// The whole new text; `None` deletes the file.
    pub content: Option<String>,
}

/// A proposed change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// Every file that it touches, each once.
    pub files: Vec<FileRewrite>,
    /// The engine that proposed it, `search`.
    pub engine: String,
    /// The engine's template or rule, `T08.guard`.
    pub template: String,
    /// The engine's own cost; lower was preferred.
    pub cost: f64,
    /// What it does, in one English sentence.
    pub why: String,
}

/// One changed file as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// Path inside the repository.
    pub path: String,
    /// Unified diff with three lines of context.
    pub diff: String,
}
