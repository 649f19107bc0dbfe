//! What a project asks pip for.
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Deepest chain of `-r` lines, and most lines of all files.
pub(super) const MAX_DEPTH: usize = 8;
pub(super) const MAX_LINES: usize = 10_000;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Lines of a requirements file. Paths in them are relative to the checkout and begin with `{checkout}/`.
    pub lines: Vec<String>,
    /// Lines of a constraints file, from a lock file.
    pub constraints: Vec<String>,
    /// Normal names of what is asked for directly.
    pub names: BTreeSet<String>,
    /// Only the project's own build backend knows its dependencies, so it has to be run.
    pub needs_build: bool,
    /// Extras to ask that backend for.
    pub extras: Vec<String>,
    /// Name and version of the project, where they are written down.
    pub project: Option<(String, String)>,
    /// The Pythons that it says it runs on, as a version specifier.
    pub requires_python: Option<String>,
    /// Its entry points, in the form of `entry_points.txt`.
    pub entry_points: String,
}

/// Stands for the checkout in a path of a line.
pub(super) const CHECKOUT: &str = "{checkout}";

impl Wanted {
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && !self.needs_build
    }

    pub(super) fn add(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() || self.lines.len() >= MAX_LINES || self.lines.iter().any(|known| known == line) {
            return;
        }
        if let Some(name) = name_of(line) {
            self.names.insert(name);
        }
        self.lines.push(line.to_owned());
    }
}

/// A path relative to the checkout, if it stays in it.
pub(super) fn within(folder: &Path, path: &str) -> Option<PathBuf> {
    if path.contains("://") {
        return None;
    }
    let mut result = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::Normal(part) => result.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                if !result.pop() {
                    return None;
                }
            }
            _ => return None,
        }
    }
    Some(result)
}

pub(super) fn one_line(text: &str) -> bool {
    !text.contains(['\n', '\r']) && text.len() < 500
}

/// The normal name of what a line asks for: `Foo_Bar[x]>=1` is `foo-bar`.
fn name_of(line: &str) -> Option<String> {
    let end = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
        .unwrap_or(line.len());
    (end > 0).then(|| normal(&line[..end]))
}

pub(super) fn normal(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(['_', '.'], "-")
}
