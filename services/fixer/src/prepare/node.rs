//! Node: `npm ci` in a copy of the checkout.
use std::path::Path;

use sandbox::{Command, Mount};

use super::checkout::is_plain_file;
use super::run::Session;
use super::toolchain::Node;
use super::{PrepareError, PrepareSpec, copy};

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
