//! Mints tokens for attempts: for one repository, sealed to a key that the attempt made. The planner asks GitHub for nothing else.

use domain::message::SealedToken;
use domain::repo::RepoName;
use github::{Access, Door, GitHubError};
use std::time::Duration;

/// A claim waits for its answer: what takes longer is asked again later.
const PATIENCE: Duration = Duration::from_secs(5);

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
        let minted = tokio::time::timeout(PATIENCE * 2, door.mint(repo, access)).await;
        match minted {
            Err(_) => Minted::Later {
                reason: "GitHub takes too long to give a token".into(),
                retry_after: Duration::from_secs(10),
            },
            Ok(Err(error)) => refused(&error),
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

fn refused(error: &GitHubError) -> Minted {
    let reason = error.to_string();
    if error.is_passing() {
        Minted::Later {
            reason,
            retry_after: Duration::from_secs(15),
        }
    } else {
        Minted::Never { reason }
    }
}
