//! The RabbitMQ of a fleet.

use crate::script::Scripts;
use crate::signal::signal;
use anyhow::{Context as _, Result};
use rustix::process::Signal;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

const SCRIPT: &str = "rabbitmq.sh";

/// The RabbitMQ of a fleet: a private one, or one that was there already and is left alone.
pub struct Broker {
    scripts: Scripts,
    url: String,
    /// Where the private one lives.
    folder: Option<PathBuf>,
}

impl Broker {
    pub(crate) async fn start(scripts: Scripts, given: Option<String>) -> Result<Self> {
        let (folder, url) = match given {
            Some(url) => (None, url),
            None => {
                let (folder, url) = scripts.aside(|scripts| scripts.start(SCRIPT, None)).await?;
                (Some(folder), url)
            }
        };
        Ok(Self { scripts, url, folder })
    }

    /// Its address, with the password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn own(&self) -> Result<&Path> {
        self.folder
            .as_deref()
            .context("this broker was not started here, so it is not stopped here")
    }

    async fn script(&self, what: &'static str) -> Result<String> {
        let folder = self.own()?.to_owned();
        let run = move |scripts: &Scripts| scripts.run(SCRIPT, &[OsStr::new(what), folder.as_os_str()]);
        self.scripts.aside(run).await
    }

    async fn signal(&self, what: Signal) -> Result<()> {
        let pid = self.script("pid").await?;
        signal(pid.trim().parse().context("the broker's process id")?, what);
        Ok(())
    }

    /// Stops it in order, and keeps what it has on disk.
    ///
    /// # Errors
    /// When it is not ours.
    pub async fn halt(&self) -> Result<()> {
        self.script("halt").await.map(drop)
    }

    /// Starts it again after [`Self::halt`] or [`Self::kill`], at the same address; returns when it answers.
    ///
    /// # Errors
    /// When it is not ours, or does not answer in time.
    pub async fn start_again(&self) -> Result<()> {
        let (folder, url) = (self.own()?.to_owned(), self.url.clone());
        let again = move |scripts: &Scripts| scripts.start_again(SCRIPT, &folder, &url);
        self.scripts.aside(again).await
    }

    /// SIGSTOP: connections stay, and nothing is answered.
    ///
    /// # Errors
    /// When it is not ours.
    pub async fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP).await
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When it is not ours.
    pub async fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT).await
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// When it is not ours.
    pub async fn kill(&self) -> Result<()> {
        self.signal(Signal::KILL).await
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let Some(folder) = &self.folder else { return };
        // Nothing of it is needed any more, so it need not be asked.
        let pid = self.scripts.run(SCRIPT, &[OsStr::new("pid"), folder.as_os_str()]);
        if let Some(pid) = pid.ok().and_then(|pid| pid.trim().parse().ok()) {
            signal(pid, Signal::KILL);
        }
        if let Err(error) = self.scripts.run(SCRIPT, &[OsStr::new("stop"), folder.as_os_str()]) {
            eprintln!("a broker is left behind in {}: {error:#}", folder.display());
        }
    }
}
