//! A RabbitMQ: the one that the environment names, or one of a test's own, that can be killed, frozen and started again.

use anyhow::{Context, ensure};
use std::path::PathBuf;
use std::process::{Command, Output};

/// The variable that names a broker whose user may declare and delete queues.
pub const RABBITMQ: &str = "FIXPOINT_TEST_AMQP_URL";

/// The address of the broker that [`RABBITMQ`] names; `None` where it names none.
///
/// # Errors
/// When none is named though `CI` is set.
#[allow(
    clippy::disallowed_methods,
    reason = "what a machine offers to tests is no setting of the product"
)]
pub fn broker_url() -> anyhow::Result<Option<String>> {
    let named = std::env::var(RABBITMQ).ok();
    ensure!(
        named.is_some() || std::env::var_os("CI").is_none(),
        "{RABBITMQ} is not set: in CI no test of the broker may be skipped"
    );
    Ok(named)
}

/// A private broker, gone with this value.
#[derive(Debug)]
pub struct Broker {
    folder: String,
    url: String,
}

#[allow(clippy::disallowed_methods, reason = "a test starts the server that it speaks to")]
fn run(program: &str, arguments: &[&str]) -> anyhow::Result<Output> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .context(program.to_owned())?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {arguments:?}: {said}");
    Ok(output)
}

fn script(arguments: &[&str]) -> anyhow::Result<String> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts/rabbitmq.sh");
    let script = script.to_string_lossy();
    let mut all = vec![&*script];
    all.extend(arguments);
    Ok(String::from_utf8(run("sh", &all)?.stdout)?.trim().to_owned())
}

impl Broker {
    /// Starts one, which takes some seconds.
    ///
    /// # Errors
    /// What scripts/rabbitmq.sh says.
    pub fn start() -> anyhow::Result<Self> {
        let started = script(&["start"])?;
        let (folder, url) = started
            .split_once(' ')
            .context("scripts/rabbitmq.sh printed no address")?;
        Ok(Self {
            folder: folder.to_owned(),
            url: url.to_owned(),
        })
    }

    /// Its address; it stays the same when it is started again.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let pid = script(&["pid", &self.folder])?;
        run("kill", &[signal, &pid]).map(drop)
    }

    /// Stops it in the middle of whatever it does; connections stay open and nobody answers.
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.signal("-STOP")
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.signal("-CONT")
    }

    /// kill -9.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self) -> anyhow::Result<()> {
        self.signal("-KILL")
    }

    /// Starts it with what it has on disk.
    ///
    /// # Errors
    /// What scripts/rabbitmq.sh says.
    pub fn start_again(&self) -> anyhow::Result<()> {
        script(&["start", &self.folder]).map(drop)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Err(error) = script(&["stop", &self.folder]) {
            eprintln!("the broker in {} is left behind: {error:#}", self.folder);
        }
    }
}
