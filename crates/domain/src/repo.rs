//! Names of things in git and GitHub, parsed once at the door.

use serde::{Deserialize, Serialize};

/// Why a text is not the name of a repository, branch or commit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadName {
    /// Not `owner/name`.
    #[error("`{0}` is not a repository; write it as owner/name")]
    Repo(String),
    /// Refused by git's own rules for references, or looks like an option.
    #[error("`{0}` is not a branch name that git accepts")]
    Branch(String),
    /// Not 40 (or 64) hexadecimal digits.
    #[error("`{0}` is not a full commit hash")]
    Sha(String),
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text as it was parsed.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
        impl std::str::FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::parse(text)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

text_type! {
    /// A repository's full name, `owner/name`.
    RepoName
}
text_type! {
    /// A branch's short name (`main`, `feature/x`), valid by `git check-ref-format` and never an option.
    BranchName
}
text_type! {
    /// A full commit hash in lower case.
    CommitSha
}

impl RepoName {
    /// Parses `owner/name` with the characters that GitHub allows.
    ///
    /// # Errors
    /// [`BadName::Repo`] for anything else.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let ok = |part: &str| {
            !part.is_empty()
                && part.len() <= 100
                && part != "."
                && part != ".."
                && !part.starts_with('-')
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        match text.split_once('/') {
            Some((owner, name)) if ok(owner) && ok(name) => Ok(Self(text.to_owned())),
            _ => Err(BadName::Repo(text.to_owned())),
        }
    }

    /// The user or organisation.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// The repository's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl BranchName {
    /// Parses a short branch name.
    ///
    /// # Errors
    /// [`BadName::Branch`] where git would refuse it or a command line could mistake it.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let bad_char =
            |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\' | '\u{7f}');
        let bad = text.is_empty()
            || text.len() > 240
            || text == "@"
            || text.starts_with('-')
            || text.ends_with('.')
            || text.contains("..")
            || text.contains("@{")
            || text.chars().any(bad_char)
            || text
                .split('/')
                .any(|part| part.is_empty() || part.starts_with('.') || part.ends_with(".lock"));
        if bad {
            Err(BadName::Branch(text.to_owned()))
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The full reference, `refs/heads/<branch>`: the only form that is handed to git.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl CommitSha {
    /// Parses 40 or 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`BadName::Sha`] for anything else.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let ok = matches!(text.len(), 40 | 64) && text.chars().all(|c| c.is_ascii_hexdigit());
        if ok {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(BadName::Sha(text.to_owned()))
        }
    }

    /// The first twelve digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_or_say_why() {
        assert_eq!(
            RepoName::parse("acme/shop").map(|r| (r.owner().to_owned(), r.name().to_owned())),
            Ok(("acme".into(), "shop".into()))
        );
        for bad in ["shop", "a/b/c", "/b", "a/", "a b/c", "-a/b", "a/.."] {
            assert!(RepoName::parse(bad).is_err(), "{bad}");
        }
        for good in ["main", "feature/x-1", "$(id)"] {
            assert!(BranchName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-x",
            "--output=x",
            "a..b",
            "a b",
            "x.lock",
            "a/.b",
            "@",
            "a@{b",
            "a/",
            "x.",
        ] {
            assert!(BranchName::parse(bad).is_err(), "{bad}");
        }
        assert!(CommitSha::parse(&"aB".repeat(20)).is_ok_and(|s| s.as_str() == "ab".repeat(20)));
        assert!(CommitSha::parse("abc").is_err());
    }
}
