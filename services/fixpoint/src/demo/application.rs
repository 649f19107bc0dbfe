//! The demo's application: its files, built into the program, and runs of it in the sandbox.

use anyhow::{Context as _, bail, ensure};
use fixer::diagnose::Framework;
use fixer::prepare::{Environment, PrepareSpec, Preparer};
use include_dir::{Dir, include_dir};
use sandbox::{Command, Exit, Mount, Sandbox};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

static SHOP: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/demo/shop");
static COMMIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/demo/commit");
const CAPTURE: &str = include_str!("../../demo/capture.py");
const MESSAGE: &str = "MESSAGE";
const WORK: &str = "/work";

/// The application's files by path.
pub fn files() -> BTreeMap<String, String> {
    texts(&SHOP)
}

/// The colleague's commit: its message, and the files as it leaves them.
pub fn regression() -> anyhow::Result<(String, BTreeMap<String, String>)> {
    let mut files = texts(&COMMIT);
    let message = files.remove(MESSAGE).context("the demo's commit has no message")?;
    Ok((message, files))
}

fn texts(dir: &Dir<'_>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in dir.files() {
        let path = entry.path().to_string_lossy().into_owned();
        let generated = path.contains("__pycache__") || path.contains(".pytest_cache");
        if let (Some(text), false) = (entry.contents_utf8(), generated) {
            all.insert(path, text.to_owned());
        }
    }
    for inner in dir.dirs() {
        all.extend(texts(inner));
    }
    all
}

/// Runs the application as its users and its CI do, in the sandbox.
pub struct Application {
    sandbox: Arc<dyn Sandbox>,
    folder: PathBuf,
    with_sdk: Environment,
    with_tests: Environment,
}

impl Application {
    /// Writes the application out and prepares an environment with the Sentry SDK, and one for its tests.
    pub async fn prepare(
        sandbox: Arc<dyn Sandbox>,
        preparer: &Preparer,
        folder: &Path,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> anyhow::Result<Self> {
        let (shop, sdk) = (folder.join("shop"), folder.join("sdk"));
        write(&shop, &files())?;
        write(
            &sdk,
            &BTreeMap::from([
                ("requirements.txt".to_owned(), "sentry-sdk>=2\n".to_owned()),
                ("capture.py".to_owned(), CAPTURE.to_owned()),
            ]),
        )?;
        let spec = |runner| PrepareSpec {
            origin: "acme/shop demo".into(),
            setup_command: None,
            runner,
            inside: PathBuf::from(WORK),
        };
        tell("installing the official Sentry SDK");
        let with_sdk = preparer
            .prepare(&sdk, &spec(None), &|_| {})
            .await
            .context("the Sentry SDK could not be installed")?;
        tell("installing pytest for the application's own CI");
        let with_tests = preparer
            .prepare(&shop, &spec(Some(Framework::Pytest)), &|_| {})
            .await
            .context("pytest could not be installed")?;
        Ok(Self {
            sandbox,
            folder: folder.to_owned(),
            with_sdk,
            with_tests,
        })
    }

    /// Uses the running application as a customer does who meets a bug; returns the event that the SDK captured.
    pub async fn capture(&self, bug: &str) -> anyhow::Result<Value> {
        let python = self
            .with_sdk
            .python
            .as_ref()
            .context("there is no Python")?
            .to_string_lossy()
            .into_owned();
        let command = Command::new([
            python.as_str(),
            "/sdk/capture.py",
            "--bug",
            bug,
            "--app",
            WORK,
            "--release",
            "shop@1.4.0",
        ])
        .cwd(WORK)
        .mount(Mount::read_only(self.folder.join("shop"), WORK))
        .mount(Mount::read_only(self.folder.join("sdk"), "/sdk"));
        let done = self.sandbox.run(&with(command, &self.with_sdk)).await?;
        ensure!(
            done.exit == Exit::Code(0),
            "the application did not break as it should: {}",
            done.stderr.text
        );
        serde_json::from_str(&done.stdout.text).context("the SDK's event cannot be read")
    }

    /// Runs the application's tests as its CI does; returns whether they passed and what they printed.
    pub async fn test(&self, files: &BTreeMap<String, String>) -> anyhow::Result<(bool, String)> {
        let folder = self.folder.join("ci");
        write(&folder, &self::files())?;
        write(&folder, files)?;
        let command = Command::new(["/bin/sh", "-c", "python -m pytest -q -p no:cacheprovider"])
            .cwd(WORK)
            .mount(Mount::read_write(&folder, WORK));
        let done = self.sandbox.run(&with(command, &self.with_tests)).await?;
        match done.exit {
            Exit::Code(code @ (0 | 1)) => Ok((code == 0, done.stdout.text)),
            other => bail!(
                "the application's tests could not be run ({other:?}): {}",
                done.stderr.text
            ),
        }
    }
}

fn with(command: Command, environment: &Environment) -> Command {
    let command = command.mounts(environment.mounts.iter().cloned());
    environment
        .env
        .iter()
        .fold(command, |command, (name, value)| command.env(name, value))
}

fn write(folder: &Path, files: &BTreeMap<String, String>) -> anyhow::Result<()> {
    for (path, text) in files {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap_or(folder))?;
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
