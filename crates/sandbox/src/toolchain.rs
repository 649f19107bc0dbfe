//! Finds out which folders of the host an interpreter needs, so that it can be mounted.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::{Mount, SandboxError};

const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const ASK_PYTHON: &str = "import sys, json; print(json.dumps([sys.executable, sys.prefix, sys.base_prefix]))";
const ASK_NODE: &str =
    "const d = require('path').dirname; console.log(JSON.stringify([process.execPath, d(d(process.execPath))]))";

/// An interpreter, and what must be mounted for it to work inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// The executable inside: the same path as on the host.
    pub executable: PathBuf,
    /// Read-only mounts at the same paths as on the host. Empty when all lies in `/usr`.
    pub mounts: Vec<Mount>,
}

/// Asks a Python or Node executable of the host, or a script that stands for one, where it lives. The executable is run on the
/// host with an empty environment, so it must never come from a checkout.
///
/// # Errors
/// [`SandboxError::Toolchain`] when it does not answer within 20 s or answers nonsense.
#[expect(
    clippy::disallowed_methods,
    reason = "asks the operator's own interpreter, never one of a checkout"
)]
pub async fn toolchain(executable: &Path) -> Result<Toolchain, SandboxError> {
    let bad = |reason: String| SandboxError::Toolchain {
        executable: executable.to_path_buf(),
        reason,
    };
    let name = executable
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let question: &[&str] = if name.starts_with("node") {
        &["-e", ASK_NODE]
    } else {
        &["-I", "-S", "-c", ASK_PYTHON]
    };
    let asked = tokio::process::Command::new(executable)
        .args(question)
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(ANSWER_WITHIN, asked)
        .await
        .map_err(|_| bad(format!("it did not answer within {} s", ANSWER_WITHIN.as_secs())))?
        .map_err(|error| bad(error.to_string()))?;
    if !output.status.success() {
        return Err(bad(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let paths: Vec<PathBuf> = serde_json::from_slice(&output.stdout).map_err(|error| bad(error.to_string()))?;
    let Some((executable, prefixes)) = paths.split_first() else {
        return Err(bad("it said nothing".into()));
    };
    // A virtual environment is known by its file: asking its `site` would run the code that its packages may hook in there.
    let environment = executable
        .parent()
        .and_then(Path::parent)
        .filter(|folder| folder.join("pyvenv.cfg").is_file());
    let prefixes = prefixes.iter().map(PathBuf::as_path).chain(environment);
    let mut mounts: Vec<Mount> = Vec::new();
    // The outermost folders first: a virtual environment may lie inside its base, or the other way round.
    let mut folders: Vec<PathBuf> = prefixes.flat_map(|prefix| wanted(prefix, executable)).collect();
    folders.sort();
    for folder in folders {
        if !mounts.iter().any(|mount| folder.starts_with(&mount.inside)) {
            mounts.push(Mount::read_only(&folder, &folder));
        }
    }
    Ok(Toolchain {
        executable: executable.clone(),
        mounts,
    })
}

/// The folder to mount for a prefix. A prefix as wide as `/opt` or someone's home would show far more than the toolchain, so then
/// only the executable itself is mounted. A link is mounted at both of its ends, since either path may be used inside.
fn wanted(prefix: &Path, executable: &Path) -> Vec<PathBuf> {
    let narrow = prefix.components().count() > 2 && prefix.parent() != Some(Path::new("/home"));
    let path = if narrow { prefix } else { executable };
    let mut both = vec![path.to_path_buf()];
    both.extend(path.canonicalize());
    both.retain(|path| !path.starts_with("/usr") && path.is_absolute());
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_mounts_a_home() {
        assert_eq!(
            wanted(Path::new("/root"), Path::new("/root/bin/python3")),
            [PathBuf::from("/root/bin/python3")]
        );
        assert_eq!(
            wanted(Path::new("/home/ann"), Path::new("/home/ann/bin/node")),
            [PathBuf::from("/home/ann/bin/node")]
        );
        assert!(wanted(Path::new("/usr"), Path::new("/usr/bin/python3")).is_empty());
        assert_eq!(
            wanted(Path::new("/opt/python"), Path::new("/opt/python/bin/python3")),
            [PathBuf::from("/opt/python")]
        );
    }
}
