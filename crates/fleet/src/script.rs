//! The scripts that start and stop the servers, and other programs that are run for an answer.

use anyhow::{Context as _, Result, bail, ensure};
use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a process is told of our own surroundings.
const INHERITED: [&str; 3] = ["PATH", "HOME", "TMPDIR"];
/// How long a script may take: the slowest one stops a broker that does not want to.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of the workspace's scripts.
#[derive(Clone, Debug)]
pub struct Scripts(PathBuf);

impl Scripts {
    /// Looks above the programs, then above the current folder.
    pub fn find(binaries: &Path) -> Result<Self> {
        let current = std::env::current_dir()?;
        let mut above = binaries.ancestors().chain(current.ancestors());
        above
            .find(|folder| folder.join("scripts/rabbitmq.sh").is_file())
            .map(|folder| Self(folder.join("scripts")))
            .with_context(|| format!("there is no scripts/rabbitmq.sh above {}", binaries.display()))
    }

    /// Runs `<name> <arguments…>` to its end; what it prints.
    pub fn run(&self, name: &str, arguments: &[&OsStr]) -> Result<String> {
        let mut command = program("sh");
        command.arg(self.0.join(name)).args(arguments);
        run(command, PATIENCE).with_context(|| format!("scripts/{name}"))
    }

    /// Runs a script that prints a folder and an address.
    pub fn start(&self, name: &str, folder: Option<&Path>) -> Result<(PathBuf, String)> {
        let mut arguments = vec![OsStr::new("start")];
        arguments.extend(folder.map(Path::as_os_str));
        let printed = self.run(name, &arguments)?;
        let (folder, url) = printed
            .trim()
            .split_once(' ')
            .context("it printed no folder and address")?;
        Ok((folder.into(), url.to_owned()))
    }

    /// Starts again what lives in a folder; whoever uses it has to find it where it was.
    pub fn start_again(&self, name: &str, folder: &Path, url: &str) -> Result<()> {
        let (_, now) = self.start(name, Some(folder))?;
        ensure!(
            now == url,
            "scripts/{name} has started it at another address: somebody took its port"
        );
        Ok(())
    }

    /// Runs a script on another thread, so that nobody else has to wait.
    pub async fn aside<T: Send + 'static>(&self, work: impl FnOnce(&Self) -> Result<T> + Send + 'static) -> Result<T> {
        let scripts = self.clone();
        tokio::task::spawn_blocking(move || work(&scripts)).await?
    }
}

/// A program of this machine with our own surroundings.
#[expect(
    clippy::disallowed_methods,
    reason = "this crate is about running our own programs as processes"
)]
pub fn program(path: impl AsRef<OsStr>) -> Command {
    Command::new(path)
}

/// What every program of this machine needs to find its way.
#[expect(clippy::disallowed_methods, reason = "these are no settings of ours")]
pub fn inherited() -> Vec<(String, String)> {
    let value = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
    INHERITED.into_iter().filter_map(value).collect()
}

/// Runs a program to its end; what it prints on standard output, which has to be little. An interrupt of the terminal is not
/// for it, since it may be what cleans up.
pub fn run(mut command: Command, patience: Duration) -> Result<String> {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.process_group(0).spawn().context("it cannot be started")?;
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let reading = thread::spawn(move || {
        let mut text = String::new();
        err.as_mut().map(|pipe| pipe.read_to_string(&mut text));
        text
    });
    let ending = thread::spawn(move || {
        let mut text = String::new();
        out.as_mut().map(|pipe| pipe.read_to_string(&mut text));
        text
    });
    let end = Instant::now() + patience;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > end {
            child.kill()?;
            child.wait()?;
            bail!("it did not end within {} s", patience.as_secs());
        }
        thread::sleep(Duration::from_millis(10));
    };
    let printed = ending.join().unwrap_or_default();
    ensure!(status.success(), "{}", reading.join().unwrap_or_default().trim());
    Ok(printed)
}
