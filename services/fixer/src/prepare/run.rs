//! One installation: its sandboxed commands, their way out, and what they print.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sandbox::egress::EgressLimits;
use sandbox::{Command, Egress, Limits, Mount, Network, Sandbox, Toolchain};
use tempfile::TempDir;

use super::registry::Reach;
use super::{LAYER_INSIDE, PrepareError, PrepareSpec, Progress, Settings, copy, layer};
use crate::diagnose::redact;

/// `PATH` without any toolchain.
pub(super) const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The machine's trust store; clients that bring their own would not trust a certificate that was added here.
const TRUST: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Lines of output that are kept.
const TAIL_LINES: usize = 60;

/// An installation under way.
pub(super) struct Session<'a> {
    /// Read-only mounts of the toolchains.
    mounts: Vec<Mount>,
    /// The folders of their executables.
    path: Vec<String>,
    /// Whether there is a virtual environment to put on the `PATH`.
    pub python: bool,
    sandbox: Arc<dyn Sandbox>,
    reach: Reach,
    egress: Egress,
    _sockets: TempDir,
    draft: PathBuf,
    scratch: Vec<TempDir>,
    limits: Limits,
    deadline: Instant,
    tail: Vec<String>,
    progress: Progress<'a>,
}

impl<'a> Session<'a> {
    pub(super) fn open(
        sandbox: Arc<dyn Sandbox>,
        settings: &Settings,
        reach: Reach,
        draft: &Path,
        progress: Progress<'a>,
    ) -> Result<Self, PrepareError> {
        // A socket's path must be short, which the folder of layers may not be.
        let sockets = tempfile::tempdir().map_err(PrepareError::layers("cannot make a folder for a socket"))?;
        let carried = EgressLimits {
            upstream: settings.upstream_proxy.clone(),
            ..EgressLimits::default()
        };
        let egress = Egress::start_with(reach.allow.clone(), sockets.path(), carried)?;
        let limits = Limits {
            wall: settings.wall(),
            cpu: settings.wall() * 4,
            memory_bytes: settings.memory_bytes,
            processes: 512,
            open_files: 4_096,
            file_size_bytes: 2 << 30,
            disk_bytes: 16 << 30,
            disk_files: 2_000_000,
            output_bytes: 256 << 10,
        };
        Ok(Self {
            mounts: Vec::new(),
            path: Vec::new(),
            python: false,
            sandbox,
            reach,
            egress,
            _sockets: sockets,
            draft: draft.to_owned(),
            scratch: Vec::new(),
            limits,
            deadline: Instant::now() + settings.wall(),
            tail: Vec::new(),
            progress,
        })
    }

    /// Makes a toolchain visible.
    pub(super) fn toolchain(&mut self, toolchain: &Toolchain) {
        self.mounts.extend(toolchain.mounts.iter().cloned());
        self.path
            .extend(toolchain.executable.parent().map(|folder| folder.display().to_string()));
    }

    pub(super) fn progress(&self, line: &str) {
        (self.progress)(line);
    }

    pub(super) fn pip_options(&self) -> Vec<String> {
        self.reach.pip_options.clone()
    }

    pub(super) fn npm_registry(&self) -> Option<&str> {
        self.reach.npm_registry.as_deref()
    }

    /// A folder that is gone with the installation, on the layers' own file system.
    pub(super) fn scratch(&mut self) -> Result<PathBuf, PrepareError> {
        let parent = self.draft.parent().unwrap_or(&self.draft);
        let folder = tempfile::Builder::new()
            .prefix(".scratch-")
            .tempdir_in(parent)
            .map_err(PrepareError::layers("cannot copy the checkout"))?;
        let path = folder.path().to_owned();
        self.scratch.push(folder);
        Ok(path)
    }

    /// Writes a file of ours into the layer, before untrusted code has run in it.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), PrepareError> {
        std::fs::write(self.draft.join(layer::ROOT).join(name), text)
            .map_err(PrepareError::layers("cannot write to the layer"))
    }

    /// Keeps what was made in the copy of a checkout.
    pub(super) fn take_made(&self, checkout: &Path, copied: &Path) -> Result<(), PrepareError> {
        let made = copy::take_new(checkout, copied, &self.draft.join(layer::TREE))?;
        layer::write_made(&self.draft, &made)
    }

    /// Runs a command without a network.
    pub(super) async fn offline(&mut self, shown: &str, command: Command) -> Result<(), PrepareError> {
        self.run(shown, command).await
    }

    /// Runs a command whose way out is the proxy.
    pub(super) async fn online(&mut self, shown: &str, command: Command) -> Result<(), PrepareError> {
        let socket = self.egress.socket_path.clone();
        self.run(shown, command.network(Network::Proxy { socket })).await
    }

    async fn run(&mut self, shown: &str, mut command: Command) -> Result<(), PrepareError> {
        // All commands of one installation share its time.
        let left = self
            .deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_secs(1));
        let mut mounts = self.mounts.clone();
        mounts.extend(self.reach.mounts.iter().cloned());
        mounts.push(Mount::read_write(self.draft.join(layer::ROOT), LAYER_INSIDE));
        mounts.append(&mut command.mounts);
        command.mounts = mounts;
        command.limits = Limits {
            wall: left,
            ..self.limits
        };
        let mut path = Vec::new();
        if self.python {
            path.push(format!("{LAYER_INSIDE}/env/bin"));
            command = command.env("VIRTUAL_ENV", format!("{LAYER_INSIDE}/env"));
        }
        path.extend(self.path.iter().cloned());
        path.push(SYSTEM_PATH.to_owned());
        command = command
            .env("PATH", path.join(":"))
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_NO_INPUT", "1");
        if Path::new(TRUST).is_file() {
            for name in ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
                command = command.env(name, TRUST);
            }
        }
        let finished = self.sandbox.run(&command).await?;
        let output = format!("{}\n{}", finished.stdout.text, finished.stderr.text);
        let lines: Vec<String> = redact(&output)
            .lines()
            .map(|line| line.trim_end().to_owned())
            .filter(|line| !line.is_empty())
            .collect();
        self.tail.push(format!("$ {}", redact(shown)));
        self.tail
            .extend(lines.iter().skip(lines.len().saturating_sub(TAIL_LINES)).cloned());
        if finished.succeeded() {
            return Ok(());
        }
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        Err(PrepareError::Environment {
            command: redact(shown),
            exit: finished.exit.to_string(),
            tail,
        })
    }

    /// The end of all that was printed.
    pub(super) fn tail(&self) -> String {
        self.tail[self.tail.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Hosts that were refused, each once.
    pub(super) fn refused(&self) -> Vec<String> {
        let refused: BTreeSet<String> = self
            .egress
            .log()
            .into_iter()
            .filter(|decision| decision.refused.is_some())
            .map(|decision| format!("{}:{}", decision.host, decision.port))
            .collect();
        refused.into_iter().take(20).collect()
    }
}

/// Runs the project's setup command in a writable copy of the checkout, and keeps what it made.
pub(super) async fn setup(
    session: &mut Session<'_>,
    line: &str,
    spec: &PrepareSpec,
    checkout: &Path,
) -> Result<(), PrepareError> {
    let copied = session.scratch()?;
    copy::tree(checkout, &copied).await?;
    session.progress(&format!("running the setup command: {line}"));
    let mut command = Command::new(["/bin/sh", "-e", "-c", line])
        .mount(Mount::read_write(&copied, &spec.inside))
        .cwd(&spec.inside);
    // The machine's own index, for the pip that the command calls.
    for (option, name) in [
        ("--index-url", "PIP_INDEX_URL"),
        ("--extra-index-url", "PIP_EXTRA_INDEX_URL"),
        ("--find-links", "PIP_FIND_LINKS"),
    ] {
        let options = session.pip_options();
        let values: Vec<String> = options
            .windows(2)
            .filter(|pair| pair[0] == option)
            .map(|pair| pair[1].clone())
            .collect();
        if !values.is_empty() {
            command = command.env(name, values.join(" "));
        }
    }
    if let Some(registry) = session.npm_registry() {
        command = command.env("npm_config_registry", registry);
    }
    session.online(line, command).await?;
    session.take_made(checkout, &copied)
}
