//! Node: `npm ci` in a copy of the checkout.
use std::path::{Path, PathBuf};

use sandbox::{Command, Mount, Toolchain};

use super::plan::is_plain_file;
use super::run::Session;
use super::{PrepareError, PrepareSpec, Settings, copy};

/// A Node of this machine, and its npm.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub toolchain: Toolchain,
    pub npm: PathBuf,
}

/// The executable that the settings name, or the first `node`; npm is beside it.
pub(super) async fn find(settings: &Settings) -> Result<Node, PrepareError> {
    let absent = || {
        PrepareError::lacking(
            "node",
            "node and npm are not installed here: `apt-get install -y nodejs npm`, or set prepare.node",
        )
    };
    let executable = settings
        .node
        .clone()
        .or_else(|| settings.candidates("node").next())
        .ok_or_else(absent)?;
    let toolchain = sandbox::toolchain(&executable).await?;
    let beside = [executable.parent(), toolchain.executable.parent()]
        .into_iter()
        .flatten()
        .map(|folder| folder.join("npm"));
    let npm = beside
        .chain(settings.candidates("npm"))
        .find(|path| path.is_file())
        .ok_or_else(absent)?;
    Ok(Node { toolchain, npm })
}

/// Installs what the lock file pins. Scripts of packages are not run.
pub(super) async fn install(
    session: &mut Session<'_>,
    node: &Node,
    spec: &PrepareSpec,
    checkout: &Path,
) -> Result<(), PrepareError> {
    let has = |name: &str| is_plain_file(checkout, name);
    if !has("package-lock.json") && !has("npm-shrinkwrap.json") {
        let (tool, lock) = if has("pnpm-lock.yaml") {
            ("pnpm", "pnpm-lock.yaml")
        } else if has("yarn.lock") {
            ("yarn", "yarn.lock")
        } else {
            ("npm ci", "package.json without a lock file")
        };
        let what = format!(
            "the project has {lock}; only package-lock.json is installed by itself: set the project's setup command"
        );
        return Err(PrepareError::lacking(tool, what));
    }
    let copied = session.scratch()?;
    copy::tree(checkout, &copied).await?;
    let mut argv = vec![node.npm.display().to_string(), "ci".to_owned()];
    argv.extend(
        [
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
            "--cache=/tmp/npm",
        ]
        .map(str::to_owned),
    );
    argv.extend(session.npm_registry().map(|registry| format!("--registry={registry}")));
    session.progress("installing what package-lock.json pins");
    session
        .online(
            "npm ci --ignore-scripts",
            Command::new(argv)
                .mount(Mount::read_write(&copied, &spec.inside))
                .cwd(&spec.inside),
        )
        .await?;
    session.take_made(checkout, &copied)
}
