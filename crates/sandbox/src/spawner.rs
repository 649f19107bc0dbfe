//! One thread that starts all sandboxed commands.
//!
//! The kernel's "die with your parent" signal is sent when the *thread* that started a process ends. Threads of an async runtime
//! come and go, so commands are started by a thread that stays for as long as any of them runs.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::SandboxError;

type Job = (Command, Handle, oneshot::Sender<std::io::Result<Child>>);

/// A handle on the thread; the thread ends when the last handle is dropped.
#[derive(Clone)]
pub(crate) struct Spawner(Arc<SyncSender<Job>>);

impl Spawner {
    pub(crate) fn new() -> Result<Self, SandboxError> {
        let (sender, jobs) = sync_channel::<Job>(64);
        std::thread::Builder::new()
            .name("sandbox-spawner".into())
            .spawn(move || {
                for (mut command, runtime, reply) in jobs {
                    let _inside = runtime.enter();
                    // Whoever asked may have given up; then the child is dropped and thereby killed.
                    let _ = reply.send(command.spawn());
                }
            })
            .map_err(SandboxError::io("cannot start the thread that starts commands"))?;
        Ok(Self(Arc::new(sender)))
    }

    pub(crate) async fn spawn(&self, command: Command) -> Result<Child, SandboxError> {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let (reply, child) = oneshot::channel();
        self.0
            .try_send((command, Handle::current(), reply))
            .map_err(|_| SandboxError::Launch("too many commands are being started at once".into()))?;
        child
            .await
            .map_err(|_| SandboxError::Launch("the thread that starts commands has ended".into()))?
            .map_err(SandboxError::io(format!("cannot start {program}")))
    }
}
