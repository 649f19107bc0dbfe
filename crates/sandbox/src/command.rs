//! What is to be run, and what it may see and use.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::SandboxError;

/// A command for a [`crate::Sandbox`]: nothing of the host is visible inside but what it names.
#[derive(Debug, Clone)]
pub struct Command {
    /// Program and arguments; the program is looked up in the `PATH` inside.
    pub argv: Vec<String>,
    /// Working directory inside. Default `/tmp`.
    pub cwd: PathBuf,
    /// Variables besides the defaults (`PATH`, `HOME`, `LANG`, `TMPDIR`), which they may replace. They are no place for secrets.
    pub env: Vec<(String, String)>,
    /// Host folders and files that are visible inside, in order: a later mount may lie inside an earlier one.
    pub mounts: Vec<Mount>,
    /// Way out, if any.
    pub network: Network,
    /// What it may use.
    pub limits: Limits,
    /// Whether a limit on the address space is bearable where no control group counts memory. Node reserves far more than it
    /// uses; for it this must stay `false`.
    pub address_space_ok: bool,
}

/// A part of the host that is visible inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path on the host; symbolic links are resolved.
    pub host: PathBuf,
    /// Absolute path inside.
    pub inside: PathBuf,
    /// Whether it may be changed.
    pub access: Access,
}

/// What may be done with a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It can only be read.
    ReadOnly,
    /// It can be changed.
    ReadWrite,
}

/// The way out of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// None: only the loopback device of its own network namespace.
    None,
    /// Through the proxy that listens on this unix socket of the host ([`crate::Egress`]), and no other way.
    Proxy {
        /// The socket.
        socket: PathBuf,
    },
}

/// What a command may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time by the clock, until everything is killed.
    pub wall: Duration,
    /// Processor time, of each process and of all together.
    pub cpu: Duration,
    /// Memory of all processes together, temporary files in `/tmp` included.
    pub memory_bytes: u64,
    /// Processes and threads at one time.
    pub processes: u32,
    /// Open files of each process.
    pub open_files: u32,
    /// Size of each file that is written.
    pub file_size_bytes: u64,
    /// Size of all that the writable mounts hold, and how many files and folders that may be. Measured twice a second at most.
    pub disk_bytes: u64,
    /// See `disk_bytes`.
    pub disk_files: u64,
    /// How much of standard output and of standard error is kept, half from the head and half from the tail.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(600),
            cpu: Duration::from_secs(600),
            memory_bytes: 2 << 30,
            processes: 256,
            open_files: 1024,
            file_size_bytes: 512 << 20,
            disk_bytes: 4 << 30,
            disk_files: 500_000,
            output_bytes: 1 << 20,
        }
    }
}

impl Mount {
    /// A mount that can only be read.
    pub fn read_only(host: impl Into<PathBuf>, inside: impl Into<PathBuf>) -> Self {
        Self {
            host: host.into(),
            inside: inside.into(),
            access: Access::ReadOnly,
        }
    }

    /// A mount that can be changed.
    pub fn read_write(host: impl Into<PathBuf>, inside: impl Into<PathBuf>) -> Self {
        Self {
            host: host.into(),
            inside: inside.into(),
            access: Access::ReadWrite,
        }
    }
}

impl Command {
    /// A command with the default limits, no mounts and no network.
    pub fn new<I>(argv: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            cwd: PathBuf::from("/tmp"),
            env: Vec::new(),
            mounts: Vec::new(),
            network: Network::None,
            limits: Limits::default(),
            address_space_ok: false,
        }
    }

    /// Sets the working directory inside.
    #[must_use]
    pub fn cwd(mut self, inside: impl Into<PathBuf>) -> Self {
        self.cwd = inside.into();
        self
    }

    /// Adds a variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Adds a mount.
    #[must_use]
    pub fn mount(mut self, mount: Mount) -> Self {
        self.mounts.push(mount);
        self
    }

    /// Adds mounts.
    #[must_use]
    pub fn mounts(mut self, mounts: impl IntoIterator<Item = Mount>) -> Self {
        self.mounts.extend(mounts);
        self
    }

    /// Sets the way out.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Says that a limit on the address space does no harm.
    #[must_use]
    pub fn address_space_ok(mut self, ok: bool) -> Self {
        self.address_space_ok = ok;
        self
    }

    /// Checks what can be checked before anything is started, and returns the mounts with their host paths resolved.
    pub(crate) fn checked_mounts(&self) -> Result<Vec<Mount>, SandboxError> {
        let bad = |what: String| Err(SandboxError::BadCommand(what));
        if self.argv.first().is_none_or(String::is_empty) {
            return bad("it has no program".into());
        }
        if self.argv.iter().any(|a| a.contains('\0')) {
            return bad("an argument contains a NUL byte".into());
        }
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return bad(format!("{name:?} is no variable"));
            }
        }
        if !is_plain_absolute(&self.cwd) {
            return bad(format!(
                "the working directory {} must be absolute and without `..`",
                self.cwd.display()
            ));
        }
        let mut resolved: Vec<Mount> = Vec::with_capacity(self.mounts.len());
        for mount in &self.mounts {
            if !is_plain_absolute(&mount.inside)
                || matches!(
                    mount.inside.to_str(),
                    Some("/" | "/proc" | "/dev" | "/tmp" | "/etc") | None
                )
            {
                return bad(format!("nothing can be mounted at {}", mount.inside.display()));
            }
            let host = mount
                .host
                .canonicalize()
                .map_err(SandboxError::io(format!("cannot mount {}", mount.host.display())))?;
            for outer in &resolved {
                refuse_link_on_the_way(outer, &mount.inside)?;
            }
            resolved.push(Mount {
                host,
                inside: mount.inside.clone(),
                access: mount.access,
            });
        }
        Ok(resolved)
    }
}

/// bubblewrap follows links when it makes a mount point. In a folder that untrusted code can write, such a link could make it
/// create folders anywhere on the host, so a mount point inside another mount must be reached without any link.
fn refuse_link_on_the_way(outer: &Mount, inside: &Path) -> Result<(), SandboxError> {
    let Ok(rest) = inside.strip_prefix(&outer.inside) else {
        return Ok(());
    };
    let mut on_host = outer.host.clone();
    for part in rest.components() {
        on_host.push(part);
        match on_host.symlink_metadata() {
            Ok(found) if found.file_type().is_symlink() => {
                return Err(SandboxError::BadCommand(format!(
                    "{} leads through the link {}",
                    inside.display(),
                    on_host.display()
                )));
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Ok(())
}

fn is_plain_absolute(path: &Path) -> bool {
    let mut parts = path.components();
    parts.next() == Some(Component::RootDir) && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn refuses_what_makes_no_sense() {
        let host = tempfile::tempdir().unwrap();
        let cases = [
            Command::new(Vec::<String>::new()),
            Command::new(["a\0b"]),
            Command::new(["true"]).env("A=B", "c"),
            Command::new(["true"]).cwd("work"),
            Command::new(["true"]).cwd("/work/../etc"),
            Command::new(["true"]).mount(Mount::read_only(host.path(), "/")),
            Command::new(["true"]).mount(Mount::read_only(host.path(), "/proc")),
            Command::new(["true"]).mount(Mount::read_only(host.path(), "/a/../b")),
        ];
        for case in cases {
            assert!(
                matches!(case.checked_mounts(), Err(SandboxError::BadCommand(_))),
                "{case:?}"
            );
        }
        let absent = Command::new(["true"]).mount(Mount::read_only(host.path().join("absent"), "/a"));
        assert!(matches!(absent.checked_mounts(), Err(SandboxError::Io { .. })));
    }

    #[test]
    fn refuses_a_mount_point_behind_a_link() {
        let host = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", host.path().join("trap")).unwrap();
        let layer = tempfile::tempdir().unwrap();
        let command = |inside: &str| {
            Command::new(["true"])
                .mount(Mount::read_write(host.path(), "/work"))
                .mount(Mount::read_only(layer.path(), inside))
        };
        assert!(matches!(
            command("/work/trap/x").checked_mounts(),
            Err(SandboxError::BadCommand(_))
        ));
        assert!(matches!(
            command("/work/trap").checked_mounts(),
            Err(SandboxError::BadCommand(_))
        ));
        assert_eq!(command("/work/env").checked_mounts().unwrap().len(), 2);
    }
}
