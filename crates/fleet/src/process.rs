//! One service as a process: its surroundings, its log, and everything that can be done to it.

use crate::script::{inherited, program};
use crate::signal::{signal, signal_group};
use crate::tree::{self, Stray, Usage};
use crate::{Options, Service, ready};
use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a process is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(20);
/// How long the kernel may take to end a process that was killed.
const REAPED: Duration = Duration::from_secs(10);
/// How much of a log is shown when something did not start.
const TAIL: usize = 20;

/// How a process ended that was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, in time.
    Asked(ExitStatus),
    /// It had to be killed.
    Killed,
    /// It did not run.
    NotRunning,
}

/// One service as a process. It keeps its address, its data folder and its log when it is started again.
pub struct Process {
    name: String,
    service: Service,
    program: PathBuf,
    environment: Vec<(String, String)>,
    log: PathBuf,
    address: SocketAddr,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    child: Option<Child>,
    /// How it ended that ended without us.
    fell: Option<ExitStatus>,
    strays: Vec<Stray>,
}

impl Process {
    pub(crate) fn of(
        service: Service,
        number: usize,
        address: SocketAddr,
        options: &Options,
        settings: &[(String, String)],
    ) -> Result<Self> {
        let name = format!("{}-{number}", service.as_str());
        let program = options.binaries.join(service.as_str());
        ensure!(program.is_file(), "there is no {}: build it first", program.display());
        let folder = options.home.join(&name);
        std::fs::create_dir_all(&folder)?;
        let own = [
            ("FIXPOINT__SERVER__LISTEN", address.to_string()),
            ("FIXPOINT__DATA__DIR", folder.to_string_lossy().into_owned()),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let known = settings.iter().filter(|(name, _)| service.may_know(name)).cloned();
        Ok(Self {
            environment: inherited().into_iter().chain(known).chain(own).collect(),
            log: options.home.join(format!("{name}.log")),
            state: Mutex::default(),
            name,
            service,
            program,
            address,
        })
    }

    /// `<service>-<number>`, from 1.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which service it is.
    #[must_use]
    pub const fn service(&self) -> Service {
        self.service
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that it has printed, over all its lives.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it.
    ///
    /// # Errors
    /// When it runs already, or cannot be started.
    pub fn start(&self) -> Result<()> {
        let mut state = self.state();
        ensure!(state.pid().is_none(), "{} runs already", self.name);
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = program(&self.program);
        // A group of its own: an interrupt of the terminal is for us, and we stop it.
        let command = command.env_clear().envs(self.environment.clone()).process_group(0);
        let command = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        (state.child, state.fell) = (Some(child), None);
        Ok(())
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// When it ends or is not ready in time; with the last lines of its log.
    pub async fn ready(&self, patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        let mut said = "nothing yet".to_owned();
        loop {
            ensure!(
                self.is_alive(),
                "{} ended before it was ready; its log ends with\n{}",
                self.name,
                self.log_tail()
            );
            match ready::ask(self.address, ready::READY).await {
                Ok((200, _)) => return Ok(()),
                Ok((status, body)) => said = format!("{status} {body}"),
                Err(error) => said = format!("{said}, then {error:#}").chars().take(300).collect(),
            }
            if Instant::now() > end {
                let seconds = patience.as_secs();
                bail!(
                    "{} was not ready within {seconds} s ({said}); its log ends with\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The status of its answer to a GET; `None` when there is none in time.
    pub async fn answers(&self, path: &str) -> Option<u16> {
        ready::ask(self.address, path).await.ok().map(|(status, _)| status)
    }

    /// Its number, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.state().pid()
    }

    /// Whether it runs; one that is frozen does.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.pid().is_some()
    }

    /// How it ended, if it did so without being asked.
    #[must_use]
    pub fn fell(&self) -> Option<ExitStatus> {
        let mut state = self.state();
        state.pid();
        state.fell
    }

    /// SIGKILL to this process alone, as a crash. What it had started is left to its fate; see [`Self::strays`].
    ///
    /// # Errors
    /// When it does not run, or the kernel does not end it.
    pub fn kill(&self) -> Result<()> {
        let mut state = self.state();
        let pid = state.pid().with_context(|| format!("{} does not run", self.name))?;
        let below = tree::below(pid);
        state.strays.extend(below);
        signal(pid, Signal::KILL);
        state.reap().with_context(|| format!("{} does not die", self.name))
    }

    /// What a process that was killed had started and what still runs.
    #[must_use]
    pub fn strays(&self) -> Vec<Stray> {
        let mut state = self.state();
        state.strays.retain(Stray::is_alive);
        state.strays.clone()
    }

    /// SIGSTOP: it does nothing more until [`Self::thaw`], and its connections stay.
    pub fn freeze(&self) {
        self.pid().into_iter().for_each(|pid| signal(pid, Signal::STOP));
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.pid().into_iter().for_each(|pid| signal(pid, Signal::CONT));
    }

    /// SIGTERM, and SIGKILL when it has not ended in time.
    pub async fn terminate(&self, patience: Duration) -> Ended {
        let Some(pid) = self.pid() else {
            return Ended::NotRunning;
        };
        signal(pid, Signal::TERM);
        let end = Instant::now() + patience;
        while self.is_alive() {
            if Instant::now() > end {
                // It may have ended just now.
                let _ = self.kill();
                return Ended::Killed;
            }
            tokio::time::sleep(LOOK).await;
        }
        // It ended because it was asked.
        self.state().fell.take().map_or(Ended::Killed, Ended::Asked)
    }

    /// What it uses now, while it runs.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        tree::usage(self.pid()?)
    }

    /// The last lines that it has printed.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl State {
    fn pid(&mut self) -> Option<u32> {
        let child = self.child.as_mut()?;
        match child.try_wait() {
            Ok(None) => Some(child.id()),
            Ok(Some(status)) => {
                (self.child, self.fell) = (None, Some(status));
                None
            }
            Err(_) => None,
        }
    }

    /// Waits for the end of a process that was killed.
    fn reap(&mut self) -> Result<()> {
        let end = Instant::now() + REAPED;
        while self.pid().is_some() {
            ensure!(
                Instant::now() < end,
                "it still runs {} s after SIGKILL",
                REAPED.as_secs()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        self.fell = None;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut state = self.state();
        if let Some(pid) = state.pid() {
            let below = tree::below(pid);
            state.strays.extend(below);
            signal_group(pid, Signal::KILL);
            let _ = state.reap();
        }
        for stray in state.strays.iter().filter(|stray| stray.is_alive()) {
            signal(stray.pid, Signal::KILL);
        }
    }
}
