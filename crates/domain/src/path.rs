//! A file's path inside a repository, and the form in which paths are compared when safety depends on it.

use crate::text::is_hidden;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// A relative path inside a repository: `/` as separator, no empty, `.` or `..` component, no NUL, not absolute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

/// Why a text is no path inside a repository.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a path inside the repository")]
pub struct NotARepoPath(String);

impl RepoPath {
    /// Parses a path as git stores it in a tree.
    ///
    /// # Errors
    /// When the text is absolute, leaves the repository, enters `.git`, or has an empty component.
    pub fn parse(text: &str) -> Result<Self, NotARepoPath> {
        let bad = text.is_empty()
            || text.contains('\0')
            || text.contains('\\')
            || text
                .split('/')
                .any(|part| part.is_empty() || part == "." || part == ".." || folded(part) == ".git");
        if bad {
            Err(NotARepoPath(text.to_owned()))
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The path as git stores it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Every component in the form of [`folded`].
    pub fn folded_components(&self) -> impl Iterator<Item = String> + '_ {
        self.0.split('/').map(folded)
    }
}

impl TryFrom<String> for RepoPath {
    type Error = NotARepoPath;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

impl std::fmt::Display for RepoPath {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// The form in which two path components count as the same file on *some* file system: compatibility-normalised, lower
/// case, without invisible characters, without trailing dots and spaces.
#[must_use]
pub fn folded(component: &str) -> String {
    let text: String = component
        .nfkc()
        .flat_map(char::to_lowercase)
        .nfkc()
        .filter(|c| !is_invisible(*c))
        .collect();
    text.trim_end_matches(['.', ' ']).to_owned()
}

/// More than what is hidden in text: also fillers and marks that some file system drops from a name.
fn is_invisible(c: char) -> bool {
    is_hidden(c)
        || matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{307}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}

/// Resolves what a symbolic link at `link` with text `target` points to, or `None` when it leaves the repository.
#[must_use]
pub fn resolve_link(link: &RepoPath, target: &str) -> Option<RepoPath> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.as_str().split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    RepoPath::parse(&parts.join("/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_inside_the_repository_parse() {
        for good in ["a", "src/a.py", "weird name", "..a/b", "a/.gitignore"] {
            assert!(RepoPath::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/a",
            "a//b",
            "../a",
            "a/../b",
            "./a",
            "a/",
            "a\\b",
            ".git/config",
            "x/.GIT/hooks",
            ".g\u{200c}it/x",
            ".git./x",
        ] {
            assert!(RepoPath::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn folding_makes_look_alikes_equal() {
        for same in ["AUTH", "Auth", "auth.", "au\u{200b}th", "\u{ff41}uth", "auth "] {
            assert_eq!(folded(same), "auth", "{same:?}");
        }
    }

    #[test]
    fn links_resolve_relative_to_their_folder() {
        let link = RepoPath("src/link".into());
        assert_eq!(
            resolve_link(&link, "../auth/x").map(String::from),
            Some("auth/x".into())
        );
        assert_eq!(resolve_link(&link, "../../etc"), None);
        assert_eq!(resolve_link(&link, "/etc/passwd"), None);
    }
}
