//! The one door to GitHub: credentials, limits, retries, reads and writes. It speaks and decides nothing.
//!
//! [`Door`] is cheap to clone. Reads are repeated when GitHub stumbles; a write is repeated only after looking whether it was done after all.

mod auth;
mod check;
mod comment;
mod door;
mod error;
mod jwt;
mod limit;
mod log;
mod mint;
mod pull;
mod quiet;
mod redact;
mod repository;
mod run;
mod sealed;
mod settings;
mod trial;

pub use auth::{Access, Token, git_credential};
pub use check::{CheckConclusion, NewCheckRun, StatusState};
pub use comment::PostedComment;
pub use door::Door;
pub use error::GitHubError;
pub use log::{ARCHIVE_LIMITS, ArchiveLimits, LogFile};
pub use pull::{BODY_LIMIT, NewPull, Opened, Pull, PullChange, PullState, fit_body};
pub use quiet::Limits;
pub use redact::redact;
pub use repository::{ChangedFile, Comparison, Permission, Repository};
pub use run::{Job, Run, Step};
pub use sealed::{Opener, SealError, seal};
pub use settings::{AppSettings, AuthSettings, RetrySettings, Settings};
