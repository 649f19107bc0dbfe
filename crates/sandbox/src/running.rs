//! A command that runs: its pipes, and the task that watches its time, memory and end.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::process::Child;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep_until, timeout};

use crate::capture::Capture;
use crate::cgroup::Cgroup;
use crate::disk::Disk;
use crate::spawner::Spawner;
use crate::{Captured, Exit, Finished, Limits, SandboxError, process_tree};

/// The writing end of a command's standard input.
pub type Input = tokio::process::ChildStdin;
/// The reading end of a command's standard output.
pub type Output = tokio::process::ChildStdout;

const SAMPLE_EVERY: Duration = Duration::from_millis(100);
const REAP_WITHIN: Duration = Duration::from_secs(5);
const DRAIN_WITHIN: Duration = Duration::from_secs(1);

/// A command that runs. Dropping it kills the whole group.
pub struct Running {
    /// Standard input. Take it to write from another task; drop it to signal the end.
    pub stdin: Option<Input>,
    /// Standard output. Take it to read; what is not taken is discarded by [`Running::wait`].
    pub stdout: Option<Output>,
    stderr: Capture,
    stop: Option<oneshot::Sender<()>>,
    watcher: JoinHandle<Ended>,
}

struct Ended {
    exit: Exit,
    wall: Duration,
    cpu: Duration,
}

/// What a watcher needs besides the child.
pub(crate) struct Watch {
    pub limits: Limits,
    /// The folders that it may write to.
    pub disk: Disk,
    pub cgroup: Option<Cgroup>,
    /// Whether exit codes above 128 mean a signal, as bubblewrap reports it.
    pub shell_codes: bool,
    /// Kept until the child has ended: ending the thread that started it would kill it.
    pub spawner: Option<Spawner>,
    /// Files that the command needs for as long as it runs.
    pub files: Option<tempfile::TempDir>,
}

impl Running {
    pub(crate) fn watch(mut child: Child, watch: Watch) -> Self {
        let stderr = Capture::new(watch.limits.output_bytes);
        let errors = child
            .stderr
            .take()
            .map(|stream| tokio::spawn(stderr.clone().drain(stream)));
        let (stop, stopped) = oneshot::channel();
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let watcher = tokio::spawn(supervise(Leader(child), watch, stopped, errors));
        Self {
            stdin,
            stdout,
            stderr,
            stop: Some(stop),
            watcher,
        }
    }

    /// What it has written to standard error so far.
    #[must_use]
    pub fn stderr(&self) -> Captured {
        self.stderr.text()
    }

    /// Waits for the end: closes standard input, and discards standard output unless it was taken. Bounded by the wall limit.
    ///
    /// # Errors
    /// When the watching task has died.
    pub async fn wait(mut self) -> Result<Finished, SandboxError> {
        self.stdin = None;
        if let Some(mut stdout) = self.stdout.take() {
            tokio::spawn(async move {
                let _ = tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await;
            });
        }
        self.end().await
    }

    /// Kills the whole group and waits until it is gone.
    ///
    /// # Errors
    /// When the watching task has died.
    pub async fn kill(mut self) -> Result<Finished, SandboxError> {
        self.stop = None;
        self.end().await
    }

    /// Waits for the end while keeping all of standard output that the limits allow.
    pub(crate) async fn finish(mut self) -> Result<Finished, SandboxError> {
        self.stdin = None;
        let kept = Capture::new(self.stderr.limit());
        let reading = self
            .stdout
            .take()
            .map(|stream| tokio::spawn(kept.clone().drain(stream)));
        let mut finished = self.end().await?;
        if let Some(reading) = reading {
            drained(reading).await;
        }
        finished.stdout = kept.text();
        Ok(finished)
    }

    async fn end(&mut self) -> Result<Finished, SandboxError> {
        let ended = (&mut self.watcher)
            .await
            .map_err(|_| SandboxError::Launch("the task that watched the command died".into()))?;
        Ok(Finished {
            exit: ended.exit,
            stdout: Captured::default(),
            stderr: self.stderr.text(),
            wall: ended.wall,
            cpu: ended.cpu,
        })
    }
}

/// A process started in its own group. The group is killed when this is dropped before the process was waited for; while it was
/// not waited for, its number cannot belong to anyone else.
struct Leader(Child);

impl Leader {
    fn kill_group(&self) {
        if let Some(pid) = self
            .0
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw)
        {
            // Fails only when all are gone already.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.kill_group();
    }
}

async fn supervise(
    mut leader: Leader,
    mut watch: Watch,
    mut stopped: oneshot::Receiver<()>,
    errors: Option<JoinHandle<()>>,
) -> Ended {
    let started = Instant::now();
    let root = leader.0.id().unwrap_or_default();
    let deadline = tokio::time::Instant::now() + watch.limits.wall;
    let mut sample = interval(SAMPLE_EVERY);
    sample.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut cpu = Duration::ZERO;
    let mut forced = None;
    let mut status = None;
    while status.is_none() && forced.is_none() {
        tokio::select! {
            ended = leader.0.wait() => status = Some(ended),
            // A sender that was dropped is a caller that no longer wants the command.
            _ = &mut stopped => forced = Some(Exit::Signal(9)),
            () = sleep_until(deadline) => forced = Some(Exit::TimedOut),
            _ = sample.tick() => forced = over_limit(&mut watch, root, &mut cpu),
        }
    }
    leader.kill_group();
    if let Some(cgroup) = &watch.cgroup {
        cgroup.kill();
    }
    let status = match status {
        Some(status) => status.ok(),
        None => timeout(REAP_WITHIN, leader.0.wait()).await.ok().and_then(Result::ok),
    };
    let wall = started.elapsed();
    if let Some(errors) = errors {
        drained(errors).await;
    }
    let mut exit = forced.unwrap_or_else(|| read_status(status, watch.shell_codes));
    if let Some(cgroup) = watch.cgroup {
        cpu = cpu.max(cgroup.cpu());
        if cgroup.ran_out_of_memory() && !matches!(exit, Exit::Code(0) | Exit::TimedOut) {
            exit = Exit::OutOfMemory;
        }
        cgroup.remove().await;
    }
    drop((watch.spawner, watch.files));
    Ended { exit, wall, cpu }
}

/// Looks at what the command has used so far.
fn over_limit(watch: &mut Watch, root: u32, cpu: &mut Duration) -> Option<Exit> {
    let resident_bytes = if let Some(cgroup) = &watch.cgroup {
        *cpu = cgroup.cpu();
        0
    } else {
        let usage = process_tree::usage(root);
        *cpu = (*cpu).max(usage.cpu);
        usage.resident_bytes
    };
    if resident_bytes > watch.limits.memory_bytes {
        Some(Exit::OutOfMemory)
    } else if *cpu > watch.limits.cpu {
        Some(Exit::TimedOut)
    } else if watch.disk.is_full() {
        Some(Exit::OutOfDisk)
    } else {
        None
    }
}

/// Waits for a reader to reach the end of its pipe, but not for a stray process that keeps the pipe open.
async fn drained(mut reading: JoinHandle<()>) {
    if timeout(DRAIN_WITHIN, &mut reading).await.is_err() {
        reading.abort();
    }
}

fn read_status(status: Option<ExitStatus>, shell_codes: bool) -> Exit {
    let Some(status) = status else { return Exit::Signal(9) };
    match (status.code(), status.signal()) {
        (Some(code @ 129..=192), _) if shell_codes => Exit::Signal(code - 128),
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(9)),
    }
}
