//! Python: which interpreter, and a virtual environment with what the project asks for.
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use pep440_rs::{Version, VersionSpecifiers};
use sandbox::{Command, Limits, Mount, Sandbox, Toolchain};
use serde::Deserialize;

use super::plan::Plan;
use super::requirement::CHECKOUT;
use super::run::Session;
use super::{LAYER_INSIDE, PrepareError, PrepareSpec, Settings, copy};

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
/// Writes the metadata that an installed project has, so that `importlib.metadata` finds its version and entry points.
const WRITE_METADATA: &str = "
import json, os, sys, sysconfig
name, version, entry_points = json.load(open(sys.argv[1]))
folder = os.path.join(sysconfig.get_path('purelib'), '%s-%s.dist-info' % (name.replace('-', '_').replace('/', '_'), version.replace('/', '_')))
os.makedirs(folder)
with open(os.path.join(folder, 'METADATA'), 'w') as file:
    file.write('Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n' % (name, version))
with open(os.path.join(folder, 'entry_points.txt'), 'w') as file:
    file.write(entry_points)
with open(os.path.join(folder, 'INSTALLER'), 'w') as file:
    file.write('fixpoint\\n')
";

/// A Python of this machine.
#[derive(Clone, Debug)]
pub(super) struct Interpreter {
    pub toolchain: Toolchain,
    /// `CPython 3.11.7`.
    pub version: String,
    minor: String,
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

/// Makes the virtual environment and installs into it.
pub(super) async fn install(
    session: &mut Session<'_>,
    interpreter: &Interpreter,
    plan: &Plan,
    spec: &PrepareSpec,
    checkout: &Path,
) -> Result<(), PrepareError> {
    if !interpreter.has_venv {
        let package = if interpreter.toolchain.executable.starts_with("/usr/bin") {
            format!("python{}-venv", interpreter.minor)
        } else {
            "python3-venv".to_owned()
        };
        let what = format!(
            "{} has no venv and ensurepip: `apt-get install -y {package}`, or set prepare.python to another Python",
            interpreter.version
        );
        return Err(PrepareError::lacking("python3 -m venv", what));
    }
    let base = interpreter.toolchain.executable.display().to_string();
    let env = format!("{LAYER_INSIDE}/env");
    let python = format!("{env}/bin/python");
    session.progress(&format!("making a virtual environment with {}", interpreter.version));
    session
        .offline("python3 -m venv", Command::new([base.as_str(), "-m", "venv", &env]))
        .await?;
    session.python = true;
    let wanted = &plan.wanted;
    if spec.setup_command.is_some() {
        return Ok(());
    }
    if let Some(project) = wanted.project.as_ref().filter(|_| !wanted.needs_build) {
        let text = serde_json::json!([project.0, project.1, wanted.entry_points]).to_string();
        session.write("project.json", &text)?;
        let file = format!("{LAYER_INSIDE}/project.json");
        session
            .offline(
                "write the project's metadata",
                Command::new([python.as_str(), "-I", "-c", WRITE_METADATA, &file]),
            )
            .await?;
    }
    // Folders of the checkout are built in a copy: their backends write where they build.
    let builds = wanted.needs_build || wanted.lines.iter().any(|line| line.starts_with(CHECKOUT));
    let source = if builds {
        let copied = session.scratch()?;
        copy::tree(checkout, &copied).await?;
        Mount::read_write(copied, &spec.inside)
    } else {
        Mount::read_only(checkout, &spec.inside)
    };
    let inside = spec.inside.display().to_string();
    let mut lines: Vec<String> = wanted
        .lines
        .iter()
        .map(|line| line.replace(CHECKOUT, &inside))
        .collect();
    if plan.adds_pytest {
        lines.push("pytest".to_owned());
    }
    if wanted.needs_build {
        let extras = if wanted.extras.is_empty() {
            String::new()
        } else {
            format!("[{}]", wanted.extras.join(","))
        };
        lines.push(format!("{inside}{extras}"));
    }
    session.write("requirements.txt", &(lines.join("\n") + "\n"))?;
    let mut argv = vec![python, "-m".into(), "pip".into(), "install".into()];
    argv.extend(
        [
            "--no-input",
            "--disable-pip-version-check",
            "--no-cache-dir",
            "--prefer-binary",
            "--progress-bar",
            "off",
        ]
        .map(str::to_owned),
    );
    argv.extend(session.pip_options());
    argv.extend(["-r".to_owned(), format!("{LAYER_INSIDE}/requirements.txt")]);
    if !wanted.constraints.is_empty() {
        session.write("constraints.txt", &(wanted.constraints.join("\n") + "\n"))?;
        argv.extend(["-c".to_owned(), format!("{LAYER_INSIDE}/constraints.txt")]);
    }
    session.progress(&format!("installing {}", summary(&lines)));
    session
        .online(
            &format!("pip install {}", summary(&lines)),
            Command::new(argv).mount(source).cwd(&spec.inside),
        )
        .await
}

fn summary(lines: &[String]) -> String {
    let shown: Vec<&str> = lines.iter().take(6).map(String::as_str).collect();
    let more = if lines.len() > shown.len() {
        format!(" and {} more", lines.len() - shown.len())
    } else {
        String::new()
    };
    format!("{}{more}", shown.join(" "))
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
