//! Where untrusted code runs: a command goes in, bounded output and an exit come out, and nothing else.
//!
//! [`Bubblewrap`] confines a command to the mounts that its caller names: no network (but for an allow-listing proxy when asked
//! for), an empty environment, limits on time, memory, processes, files and output, and everything killed as a group.
//! [`Unconfined`] exists for people who accept the risk in their settings; it keeps the limits and nothing more.
//!
//! Deliberately absent: a seccomp filter. What is enforced on this machine is told by [`Sandbox::level`].

mod bubblewrap;
mod capture;
mod cgroup;
mod command;
mod disk;
pub mod egress;
mod outcome;
mod process_tree;
mod running;
mod settings;
mod spawner;
mod toolchain;
mod unconfined;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

pub use bubblewrap::Bubblewrap;
pub use command::{Access, Command, Limits, Mount, Network};
pub use egress::{Egress, HostPattern};
pub use outcome::{Captured, Exit, Finished};
pub use running::{Input, Output, Running};
pub use settings::Settings;
pub use toolchain::{Toolchain, toolchain};
pub use unconfined::Unconfined;

/// Runs commands that nobody trusts.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// What is enforced here, for the evidence and for the log.
    fn level(&self) -> Level;

    /// Runs a command to its end, without standard input. Time, output and everything else are bounded by `command.limits`.
    ///
    /// # Errors
    /// When the command could not be started. A command that ran and failed is a [`Finished`].
    async fn run(&self, command: &Command) -> Result<Finished, SandboxError>;

    /// Starts a command to talk to through its standard input and output. Dropping what is returned kills the whole group.
    ///
    /// # Errors
    /// When the command could not be started.
    async fn start(&self, command: &Command) -> Result<Running, SandboxError>;
}

/// How much a sandbox confines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Own namespaces: no network, only the named mounts, an empty environment.
    Confined(Confinement),
    /// The command has the rights of this process.
    Unconfined,
}

/// What holds besides the namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confinement {
    /// Who enforces `memory_bytes`.
    pub memory: Enforcement,
    /// Who enforces `processes`.
    pub processes: Enforcement,
    /// Whether user namespaces are closed inside.
    pub nested_namespaces_closed: bool,
}

/// Who enforces a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforcement {
    /// A control group: exact, for all processes together.
    Cgroup,
    /// Samples of the whole tree ten times a second, and a resource limit of each process.
    Sampled,
    /// A resource limit that the kernel counts for all processes of the sandbox's user.
    PerUser,
    /// Nobody: it needs a control group here.
    Nobody,
}

/// Why a command could not be run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// bubblewrap is not installed, or is too old to be used.
    #[error(
        "bubblewrap is missing: {0}. Install it with `apt-get install -y bubblewrap`, or accept unconfined runs with sandbox.allow_unconfined = true"
    )]
    Missing(String),
    /// bubblewrap is there but the kernel or its policy refuses namespaces.
    #[error(
        "bubblewrap cannot confine here: {0}. Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, \
         kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces > 0), or accept unconfined runs with sandbox.allow_unconfined = true"
    )]
    Refused(String),
    /// A setting names something that is not there.
    #[error("sandbox.{name} is {}: {why}", path.display())]
    Setting {
        /// Which, within `[sandbox]`.
        name: &'static str,
        /// What it was set to.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The caller asked for something that makes no sense or is unsafe.
    #[error("the command cannot be sandboxed: {0}")]
    BadCommand(String),
    /// A toolchain executable did not say where it lives.
    #[error("{executable} is no usable toolchain: {reason}")]
    Toolchain {
        /// The executable that was asked.
        executable: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The sandbox itself failed to start the command.
    #[error("the sandbox did not start: {0}")]
    Launch(String),
    /// The operating system refused.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl SandboxError {
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// Opens the sandbox of this machine. Blocks for some ten milliseconds while it probes.
///
/// # Errors
/// [`SandboxError::Missing`] or [`SandboxError::Refused`] when commands cannot be confined here, unless `allow_unconfined` is set;
/// [`SandboxError::Setting`] always.
pub fn open(settings: &Settings) -> Result<Arc<dyn Sandbox>, SandboxError> {
    match Bubblewrap::detect(settings) {
        Ok(bubblewrap) => Ok(Arc::new(bubblewrap)),
        // Whoever names a program wants that one, and not none.
        Err(wrong @ SandboxError::Setting { .. }) => Err(wrong),
        Err(reason) if settings.allow_unconfined => {
            tracing::warn!(
                %reason,
                "SANDBOX IS OFF: code of repositories runs with the rights of this process, because sandbox.allow_unconfined is set"
            );
            Ok(Arc::new(Unconfined::accept_the_risk()))
        }
        Err(reason) => Err(reason),
    }
}
