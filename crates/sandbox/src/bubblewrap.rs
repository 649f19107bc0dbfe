//! Confinement with bubblewrap: what a command sees is built from nothing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tempfile::TempDir;

use crate::cgroup::{Cgroup, Cgroups};
use crate::disk::Disk;
use crate::running::Watch;
use crate::spawner::Spawner;
use crate::{
    Access, Command, Confinement, Enforcement, Exit, Finished, Level, Mount, Network, Running, Sandbox, SandboxError,
    Settings, Toolchain,
};

const PATH_INSIDE: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Where bubblewrap is unless the settings say otherwise.
const USUAL: [&str; 3] = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"];
const PROBE_WITHIN: Duration = Duration::from_secs(10);
const FORWARDER: &str = include_str!("forward.py");
/// Joins the control groups whose number and folders come first, then becomes the rest of its arguments.
const JOIN: &str = r#"n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; n=$((n-1)); done; exec "$@""#;
/// Small parts of /etc that programs need and that tell nothing about the host.
const ETC: [&str; 5] = [
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/localtime",
];

/// A sandbox made of namespaces.
pub struct Bubblewrap {
    bwrap: PathBuf,
    closes_user_namespaces: bool,
    cgroups: Option<Cgroups>,
    is_root: bool,
    /// passwd, group and the like of the person inside, and the forwarder.
    identity: TempDir,
    spawner: Spawner,
}

impl Bubblewrap {
    /// Finds bubblewrap and proves once that it can confine here.
    ///
    /// # Errors
    /// [`SandboxError::Setting`], [`SandboxError::Missing`] and [`SandboxError::Refused`] say what to do.
    pub fn detect(settings: &Settings) -> Result<Self, SandboxError> {
        let bwrap = match &settings.bwrap {
            Some(path) if is_program(path) => path.clone(),
            Some(path) => {
                return Err(SandboxError::Setting {
                    name: "bwrap",
                    path: path.clone(),
                    why: "there is no such program",
                });
            }
            None => USUAL
                .map(PathBuf::from)
                .into_iter()
                .find(|path| path.is_file())
                .ok_or_else(|| SandboxError::Missing("no bwrap in /usr/bin".into()))?,
        };
        if !Path::new("/usr/bin/prlimit").is_file() {
            return Err(SandboxError::Missing(
                "/usr/bin/prlimit is absent, `apt-get install -y util-linux` brings it".into(),
            ));
        }
        let help = probe(&bwrap, &["--help".into()]).unwrap_or_default();
        let mut found = Self {
            closes_user_namespaces: help.contains("--disable-userns"),
            cgroups: Cgroups::detect(settings.cgroup_parent.as_deref()),
            is_root: rustix::process::geteuid().is_root(),
            identity: write_identity().map_err(SandboxError::io("cannot write the files of the sandbox"))?,
            spawner: Spawner::new()?,
            bwrap,
        };
        let nothing = Command::new(["/usr/bin/true"]);
        if let Err(reason) = probe(&found.bwrap, &found.arguments(&nothing, &[], None)) {
            // Some hardened kernels refuse the write that closes user namespaces, and nothing else.
            found.closes_user_namespaces = false;
            probe(&found.bwrap, &found.arguments(&nothing, &[], None)).map_err(|_| SandboxError::Refused(reason))?;
        }
        tracing::info!(confinement = ?found.level(), "sandbox ready");
        Ok(found)
    }

    async fn launch(&self, command: &Command, stdin: Stdio) -> Result<Running, SandboxError> {
        let mounts = command.checked_mounts()?;
        let forwarder = match &command.network {
            Network::None => None,
            Network::Proxy { socket } => Some(Forwarder {
                socket: socket.clone(),
                python: forwarder_python().await?,
            }),
        };
        let cgroup = self
            .cgroups
            .as_ref()
            .map(|groups| groups.create(&command.limits))
            .transpose()?;
        let arguments = self.arguments(command, &mounts, forwarder.as_ref());
        let mut launcher = self.launcher(cgroup.as_ref());
        launcher
            .args(arguments)
            .env_clear()
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child = self.spawner.spawn(launcher).await?;
        let watch = Watch {
            limits: command.limits,
            disk: Disk::of(&mounts, &command.limits),
            cgroup,
            shell_codes: true,
            spawner: Some(self.spawner.clone()),
            files: None,
        };
        Ok(Running::watch(child, watch))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the sandbox")]
    fn launcher(&self, cgroup: Option<&Cgroup>) -> tokio::process::Command {
        let Some(cgroup) = cgroup else {
            return tokio::process::Command::new(&self.bwrap);
        };
        let folders = cgroup.folders();
        let mut shell = tokio::process::Command::new("/bin/sh");
        shell
            .args(["-c", JOIN, "sh"])
            .arg(folders.len().to_string())
            .args(folders)
            .arg(&self.bwrap);
        shell
    }

    /// All arguments of bubblewrap. The order of mounts matters: later ones lie over earlier ones.
    fn arguments(&self, command: &Command, mounts: &[Mount], forwarder: Option<&Forwarder>) -> Vec<String> {
        let mut a = Arguments::default();
        // The network namespace is unshared always: the proxy is reached through a socket in the file system.
        a.add(&["--unshare-all", "--unshare-user"]);
        if self.closes_user_namespaces {
            a.add(&["--disable-userns"]);
        }
        a.add(&[
            "--die-with-parent",
            "--new-session",
            "--cap-drop",
            "ALL",
            "--hostname",
            "sandbox",
            "--uid",
            "1000",
            "--gid",
            "1000",
        ]);
        a.add(&["--ro-bind", "/usr", "/usr"]);
        for folder in ["/bin", "/sbin", "/lib", "/lib32", "/lib64"] {
            match std::fs::read_link(folder) {
                Ok(target) => a.add(&["--symlink", &target.to_string_lossy(), folder]),
                Err(_) if Path::new(folder).is_dir() => a.add(&["--ro-bind", folder, folder]),
                Err(_) => {}
            }
        }
        for file in ETC {
            a.add(&["--ro-bind-try", file, file]);
        }
        for name in ["passwd", "group", "hosts", "nsswitch.conf"] {
            a.add(&[
                "--ro-bind",
                &self.identity.path().join(name).to_string_lossy(),
                &format!("/etc/{name}"),
            ]);
        }
        let temporary = (command.limits.memory_bytes / 2).max(1 << 20).to_string();
        a.add(&[
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--size",
            &temporary,
            "--tmpfs",
            "/dev/shm",
            "--remount-ro",
            "/dev",
        ]);
        a.add(&["--size", &temporary, "--tmpfs", "/tmp", "--dir", "/tmp/home"]);
        if let Some(forwarder) = forwarder {
            for mount in &forwarder.python.mounts {
                a.mount(mount);
            }
            a.add(&[
                "--ro-bind",
                &self.identity.path().join("forward.py").to_string_lossy(),
                "/run/sandbox/forward.py",
            ]);
            a.add(&[
                "--ro-bind",
                &forwarder.socket.to_string_lossy(),
                "/run/sandbox/egress.sock",
            ]);
        }
        for mount in mounts {
            a.mount(mount);
        }
        a.add(&[
            "--remount-ro",
            "/",
            "--chdir",
            &command.cwd.to_string_lossy(),
            "--clearenv",
        ]);
        let defaults = [
            ("PATH", PATH_INSIDE),
            ("HOME", "/tmp/home"),
            ("LANG", "C.UTF-8"),
            ("TMPDIR", "/tmp"),
        ];
        let own = command.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in defaults.into_iter().chain(own) {
            a.add(&["--setenv", name, value]);
        }
        a.add(&["--", "/usr/bin/prlimit"]);
        a.0.extend(self.resource_limits(command));
        a.add(&["--"]);
        if let Some(forwarder) = forwarder {
            let python = forwarder.python.executable.to_string_lossy();
            a.add(&[
                &python,
                "-I",
                "-S",
                "/run/sandbox/forward.py",
                "/run/sandbox/egress.sock",
            ]);
        }
        a.0.extend(command.argv.iter().cloned());
        a.0
    }

    fn resource_limits(&self, command: &Command) -> Vec<String> {
        let limits = &command.limits;
        let mut all = vec![
            "--core=0".to_owned(),
            // Rounded up, and one second more before the signal that cannot be caught.
            format!("--cpu={}:{}", limits.cpu.as_secs() + 1, limits.cpu.as_secs() + 2),
            format!("--nofile={}", limits.open_files),
            format!("--fsize={}", limits.file_size_bytes),
        ];
        if self.cgroups.is_none() {
            let memory = if command.address_space_ok { "--as" } else { "--data" };
            all.push(format!("{memory}={}", limits.memory_bytes));
            // The kernel never holds root to it, not even inside a user namespace.
            if !self.is_root {
                all.push(format!("--nproc={}", limits.processes));
            }
        }
        all
    }
}

#[async_trait]
impl Sandbox for Bubblewrap {
    fn level(&self) -> Level {
        let by = if self.cgroups.is_some() {
            Enforcement::Cgroup
        } else {
            Enforcement::Sampled
        };
        Level::Confined(Confinement {
            memory: by,
            processes: if self.cgroups.is_some() {
                Enforcement::Cgroup
            } else if self.is_root {
                Enforcement::Nobody
            } else {
                Enforcement::PerUser
            },
            nested_namespaces_closed: self.closes_user_namespaces,
        })
    }

    async fn run(&self, command: &Command) -> Result<Finished, SandboxError> {
        let finished = self.launch(command, Stdio::null()).await?.finish().await?;
        // bubblewrap's own failures look like a command that printed them; a command that imitates them only fails itself.
        if finished.exit == Exit::Code(1)
            && finished.stdout.text.is_empty()
            && finished.stderr.text.starts_with("bwrap: ")
        {
            return Err(SandboxError::Launch(finished.stderr.text.trim().to_owned()));
        }
        Ok(finished)
    }

    async fn start(&self, command: &Command) -> Result<Running, SandboxError> {
        self.launch(command, Stdio::piped()).await
    }
}

/// Whether it is a file that somebody may execute.
fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

struct Forwarder {
    socket: PathBuf,
    python: Toolchain,
}

/// The forwarder inside is a small Python program; any Python of the host will do.
async fn forwarder_python() -> Result<Toolchain, SandboxError> {
    let system = PathBuf::from("/usr/bin/python3");
    if system.exists() {
        return Ok(Toolchain {
            executable: system,
            mounts: Vec::new(),
        });
    }
    crate::toolchain(Path::new("/usr/local/bin/python3"))
        .await
        .map_err(|_| {
            SandboxError::Missing("the network forwarder needs python3, `apt-get install -y python3` brings it".into())
        })
}

#[derive(Default)]
struct Arguments(Vec<String>);

impl Arguments {
    fn add(&mut self, arguments: &[&str]) {
        self.0.extend(arguments.iter().map(|&argument| argument.to_owned()));
    }

    fn mount(&mut self, mount: &Mount) {
        let how = match mount.access {
            Access::ReadOnly => "--ro-bind",
            Access::ReadWrite => "--bind",
        };
        self.add(&[how, &mount.host.to_string_lossy(), &mount.inside.to_string_lossy()]);
    }
}

fn write_identity() -> std::io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("fixpoint-sandbox-").tempdir()?;
    let files = [
        (
            "passwd",
            "root:x:0:0:root:/nonexistent:/bin/false\nsandbox:x:1000:1000:sandbox:/tmp/home:/bin/sh\n",
        ),
        ("group", "root:x:0:\nsandbox:x:1000:\n"),
        ("hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
        ("forward.py", FORWARDER),
    ];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text)?;
    }
    Ok(folder)
}

/// Runs bubblewrap once with nothing in its environment; gives its standard output, or why it failed.
#[expect(clippy::disallowed_methods, reason = "this is the sandbox")]
fn probe(bwrap: &Path, arguments: &[String]) -> Result<String, String> {
    let mut child = std::process::Command::new(bwrap)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", bwrap.display()))?;
    let deadline = Instant::now() + PROBE_WITHIN;
    while child.try_wait().map_err(|error| error.to_string())?.is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!(
                "{} did not answer within {} s",
                bwrap.display(),
                PROBE_WITHIN.as_secs()
            ));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
