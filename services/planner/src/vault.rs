//! Mints tokens for attempts: for one repository, sealed to a key that the attempt made. The planner asks GitHub for nothing else.

use chrono::{DateTime, Utc};
use domain::message::SealedToken;
use domain::repo::RepoName;
use github::{Access, Door, GitHubError};
use std::time::Duration;

/// A claim waits for its answer: what takes longer is asked again later.
const PATIENCE: Duration = Duration::from_secs(5);
/// GitHub's own windows are an hour: no limit is believed for longer.
const LONGEST_LIMIT: i64 = 3_600;

/// Mints and seals.
#[derive(Clone)]
pub struct Vault(Option<Door>);

/// What came of it.
#[derive(Debug)]
pub enum Minted {
    /// A token that only the asker can read.
    Token(SealedToken),
    /// No credential is set: public repositories can be read, and nothing can be written.
    NoCredential,
    /// GitHub is not to be asked now.
    Later {
        /// Why, in words.
        reason: String,
        /// When to ask again.
        retry_after: Duration,
        /// Whether GitHub itself said so: its limits are the credential's, and hold for every attempt.
        limited: bool,
    },
    /// Somebody has to change something first.
    Never {
        /// What, in words.
        reason: String,
    },
    /// What the asker calls its key is none.
    BadKey {
        /// What is wrong with it, in words.
        reason: String,
    },
}

impl Vault {
    /// A vault with the credential that the door has.
    #[must_use]
    pub fn new(door: &Door) -> Self {
        Self(door.has_credential().then(|| door.with_patience(PATIENCE)))
    }

    /// Whether a credential is set.
    #[must_use]
    pub const fn configured(&self) -> bool {
        self.0.is_some()
    }

    /// A token that reads `repo`, sealed to `public_key`.
    pub async fn read(&self, repo: &RepoName, public_key: &str) -> Minted {
        self.mint(repo, Access::Read, public_key).await
    }

    /// A token that writes to `repo`, sealed to `public_key`.
    pub async fn write(&self, repo: &RepoName, public_key: &str) -> Minted {
        self.mint(repo, Access::Write, public_key).await
    }

    async fn mint(&self, repo: &RepoName, access: Access, public_key: &str) -> Minted {
        let Some(door) = &self.0 else {
            return Minted::NoCredential;
        };
        let minted = tokio::time::timeout(PATIENCE * 2, door.of_owner(repo.owner()).mint(repo, access)).await;
        match minted {
            Err(_) => Minted::Later {
                reason: "GitHub takes too long to give a token".into(),
                retry_after: Duration::from_secs(10),
                limited: false,
            },
            Ok(Err(error)) => refused(&error, now()),
            Ok(Ok(token)) => match github::seal(public_key, &token.secret) {
                Ok(sealed) => Minted::Token(SealedToken {
                    sealed,
                    expires_at: token.expires_at,
                }),
                Err(error) => Minted::BadKey {
                    reason: error.to_string(),
                },
            },
        }
    }
}

fn refused(error: &GitHubError, now: DateTime<Utc>) -> Minted {
    let reason = error.to_string();
    match error {
        GitHubError::Limited { until, .. } => Minted::Later {
            reason,
            // A part of a second counts as a whole one: nobody asks before his time.
            retry_after: Duration::from_secs(
                (*until - now)
                    .num_seconds()
                    .saturating_add(1)
                    .clamp(1, LONGEST_LIMIT)
                    .unsigned_abs(),
            ),
            limited: true,
        },
        passing if passing.is_passing() => Minted::Later {
            reason,
            retry_after: Duration::from_secs(15),
            limited: false,
        },
        _ => Minted::Never { reason },
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge: a limit's end is a time by this host's clock, so what is left of it is too"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_limit_is_waited_for_as_long_as_it_lasts() {
        let now: DateTime<Utc> = "2026-01-01T12:00:00Z".parse().unwrap();
        for (until, seconds) in [
            ("2026-01-01T11:00:00Z", 1),
            ("2026-01-01T12:00:00.5Z", 1),
            ("2026-01-01T12:10:00Z", 601),
            ("2026-01-03T12:00:00Z", 3_600),
        ] {
            let limited = GitHubError::Limited {
                until: until.parse().unwrap(),
                message: "API rate limit exceeded".into(),
            };
            let minted = refused(&limited, now);
            let Minted::Later {
                retry_after,
                limited: true,
                ..
            } = minted
            else {
                panic!("{minted:?}")
            };
            assert_eq!(retry_after.as_secs(), seconds, "{until}");
        }
        let down = GitHubError::Unavailable {
            what: "POST /app/installations/1/access_tokens".into(),
            source: "connection refused".into(),
        };
        let minted = refused(&down, now);
        assert!(matches!(minted, Minted::Later { limited: false, .. }), "{minted:?}");
        let misconfigured = refused(&GitHubError::Misconfigured("no key".into()), now);
        assert!(matches!(misconfigured, Minted::Never { .. }), "{misconfigured:?}");
    }
}
