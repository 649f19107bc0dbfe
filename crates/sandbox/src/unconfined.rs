//! No confinement: for people who set `sandbox.allow_unconfined` and accept what that means.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use async_trait::async_trait;

use crate::disk::Disk;
use crate::running::Watch;
use crate::{Command, Finished, Level, Mount, Running, Sandbox, SandboxError};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs commands with the rights of this process. What remains: an empty environment, limits on each process, limits on time and
/// memory of the whole tree, and the kill of the process group. What is lost: everything else, the network included.
#[derive(Debug)]
pub struct Unconfined(());

impl Unconfined {
    /// Makes one, and says loudly that there is no sandbox.
    #[must_use]
    pub fn accept_the_risk() -> Self {
        tracing::warn!(
            "commands of repositories will run UNCONFINED: they can read, change and send whatever this process can"
        );
        Self(())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the sandbox is given up on purpose"
    )]
    fn launch(command: &Command, stdin: Stdio) -> Result<Running, SandboxError> {
        let mounts = command.checked_mounts()?;
        let limits = &command.limits;
        let home = tempfile::Builder::new()
            .prefix("fixpoint-unconfined-")
            .tempdir()
            .map_err(SandboxError::io("cannot make a home"))?;
        let cwd = if command.cwd == Path::new("/tmp") {
            home.path().to_path_buf()
        } else {
            PathBuf::from(on_host(&mounts, &command.cwd.to_string_lossy()))
        };
        let mut launcher = tokio::process::Command::new("/usr/bin/prlimit");
        launcher.args(["--core=0"]).arg(format!(
            "--cpu={}:{}",
            limits.cpu.as_secs() + 1,
            limits.cpu.as_secs() + 2
        ));
        launcher
            .arg(format!("--nofile={}", limits.open_files))
            .arg(format!("--fsize={}", limits.file_size_bytes));
        launcher
            .arg(format!(
                "--{}={}",
                if command.address_space_ok { "as" } else { "data" },
                limits.memory_bytes
            ))
            .arg("--");
        launcher.args(command.argv.iter().map(|argument| on_host(&mounts, argument)));
        launcher
            .env_clear()
            .env("PATH", PATH)
            .env("LANG", "C.UTF-8")
            .env("HOME", home.path())
            .env("TMPDIR", home.path());
        launcher.envs(command.env.iter().map(|(name, value)| (name, on_host(&mounts, value))));
        launcher
            .current_dir(cwd)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child = launcher
            .spawn()
            .map_err(SandboxError::io("cannot start /usr/bin/prlimit"))?;
        let watch = Watch {
            limits: *limits,
            disk: Disk::of(&mounts, limits),
            cgroup: None,
            shell_codes: false,
            spawner: None,
            files: Some(home),
        };
        Ok(Running::watch(child, watch))
    }
}

#[async_trait]
impl Sandbox for Unconfined {
    fn level(&self) -> Level {
        Level::Unconfined
    }

    async fn run(&self, command: &Command) -> Result<Finished, SandboxError> {
        Self::launch(command, Stdio::null())?.finish().await
    }

    async fn start(&self, command: &Command) -> Result<Running, SandboxError> {
        Self::launch(command, Stdio::piped())
    }
}

/// There are no mounts here, so paths inside are replaced by those on the host wherever they stand as a whole path in a text.
fn on_host(mounts: &[Mount], text: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let paths: Vec<(String, String)> = mounts
        .iter()
        .map(|mount| {
            (
                mount.inside.to_string_lossy().into_owned(),
                mount.host.to_string_lossy().into_owned(),
            )
        })
        .collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(next) = rest.chars().next() {
        let starts = before.is_none_or(|c| !is_part(c) && c != '/');
        let found = paths
            .iter()
            .filter(|(inside, _)| {
                starts
                    && rest
                        .strip_prefix(inside.as_str())
                        .is_some_and(|after| !after.starts_with(is_part))
            })
            // The longest, so that a mount inside another wins.
            .max_by_key(|(inside, _)| inside.len());
        let step = if let Some((inside, host)) = found {
            out.push_str(host);
            inside.len()
        } else {
            out.push(next);
            next.len_utf8()
        };
        before = rest[..step].chars().next_back();
        rest = &rest[step..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_paths_only() {
        let mounts = [
            Mount::read_write("/data/checkout", "/work"),
            Mount::read_only("/data/env", "/work/.venv"),
        ];
        assert_eq!(on_host(&mounts, "/work"), "/data/checkout");
        assert_eq!(
            on_host(&mounts, "cd /work && PATH=/work/.venv/bin:/bin ls"),
            "cd /data/checkout && PATH=/data/env/bin:/bin ls"
        );
        let nested = [
            Mount::read_write("/work/main/copy", "/work"),
            Mount::read_only("/work/env", "/work/.venv"),
        ];
        assert_eq!(
            on_host(&nested, "/work/src:/work/.venv"),
            "/work/main/copy/src:/work/env"
        );
        assert_eq!(
            on_host(&mounts, "/workshop /a/work /home/work"),
            "/workshop /a/work /home/work"
        );
    }
}
