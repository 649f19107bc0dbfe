//! The Python and the Node of this machine: where they are, and what they can do.
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use pep440_rs::{Version, VersionSpecifiers};
use sandbox::{Command, Limits, Sandbox, Toolchain};
use serde::Deserialize;

use super::{PrepareError, Settings};

const ASK: &str = "
import json, platform, sys
def has(name):
    try:
        __import__(name)
        return True
    except ImportError:
        return False
print(json.dumps({'version': platform.python_implementation() + ' ' + platform.python_version(), 'minor': '%d.%d' % sys.version_info[:2], 'venv': has('venv') and has('ensurepip')}))
";
/// A Python of this machine.
#[derive(Clone, Debug)]
pub(super) struct Interpreter {
    pub toolchain: Toolchain,
    /// `CPython 3.11.7`.
    pub version: String,
    pub minor: String,
    pub has_venv: bool,
}

#[derive(Deserialize)]
struct Answer {
    version: String,
    minor: String,
    venv: bool,
}

/// How many interpreters of the search path are asked.
const MAX_CANDIDATES: usize = 4;

/// The executable that the settings name, or each `python3` of the search path.
pub(super) fn candidates(settings: &Settings) -> Result<Vec<PathBuf>, PrepareError> {
    match &settings.python {
        Some(python) if python.is_file() => Ok(vec![python.clone()]),
        Some(python) => Err(PrepareError::Setting(format!(
            "python: {} is no file",
            python.display()
        ))),
        None => Ok(settings.candidates("python3").take(MAX_CANDIDATES).collect()),
    }
}

/// There is no Python at all.
pub(super) fn absent() -> PrepareError {
    let what = "python3 is not installed here: `apt-get install -y python3 python3-venv`, or set prepare.python";
    PrepareError::lacking("python3", what)
}

/// There are Pythons, and the project runs on none of them.
pub(super) fn unfit(requires: &str, versions: &[String]) -> PrepareError {
    let what = format!(
        "the project asks for Python {requires} and this machine has {}: install one that fits, and set prepare.python to it",
        versions.join(", ")
    );
    PrepareError::lacking("python3", what)
}

impl Interpreter {
    /// Whether the project runs on it. What cannot be read as a version specifier excludes nothing.
    fn satisfies_version(version: &str, requires: &str) -> bool {
        let number = version.rsplit(' ').next().unwrap_or(version).trim_end_matches('+');
        match (Version::from_str(number), VersionSpecifiers::from_str(requires)) {
            (Ok(version), Ok(requires)) => requires.contains(&version),
            _ => true,
        }
    }

    pub(super) fn satisfies(&self, requires: Option<&str>) -> bool {
        requires.is_none_or(|requires| Self::satisfies_version(&self.version, requires))
    }

    /// Asks where it lives (a shim answers for the real one) and what it can do.
    pub(super) async fn ask(sandbox: &dyn Sandbox, executable: &Path) -> Result<Self, PrepareError> {
        let toolchain = sandbox::toolchain(executable).await?;
        let limits = Limits {
            wall: Duration::from_secs(30),
            ..Limits::default()
        };
        let command = Command::new([toolchain.executable.display().to_string().as_str(), "-I", "-c", ASK])
            .mounts(toolchain.mounts.iter().cloned())
            .limits(limits);
        let finished = sandbox.run(&command).await?;
        let answer: Answer =
            serde_json::from_str(finished.stdout.text.trim()).map_err(|_| PrepareError::Environment {
                command: format!("{} -c …", executable.display()),
                exit: finished.exit.to_string(),
                tail: finished.stderr.text.clone(),
            })?;
        Ok(Self {
            toolchain,
            version: answer.version,
            minor: answer.minor,
            has_venv: answer.venv,
        })
    }
}

/// A Node of this machine, and its npm.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub toolchain: Toolchain,
    pub npm: PathBuf,
}

/// The executable that the settings name, or the first `node`; npm is beside it.
pub(super) async fn find_node(settings: &Settings) -> Result<Node, PrepareError> {
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

#[cfg(test)]
mod tests {
    use super::Interpreter;

    #[test]
    fn a_project_says_on_which_pythons_it_runs() {
        let runs_on = |requires| Interpreter::satisfies_version("CPython 3.11.7", requires);
        assert!(runs_on(">=3.9") && runs_on(">=3.8,<4") && runs_on("~=3.11") && runs_on("==3.11.*"));
        assert!(!runs_on(">=3.14") && !runs_on("<3.11") && !runs_on("!=3.11.*"));
        assert!(runs_on("") && runs_on("whatever"));
    }
}
