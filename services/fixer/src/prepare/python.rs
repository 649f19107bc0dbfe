//! Python: which interpreter, and a virtual environment with what the project asks for.
use std::path::Path;

use sandbox::{Command, Mount};

use super::plan::Plan;
use super::run::Session;
use super::toolchain::Interpreter;
use super::wanted::CHECKOUT;
use super::{LAYER_INSIDE, PrepareError, PrepareSpec, copy};

/// Has every start of this Python look for what reports on test runs.
const WRITE_HOOK: &str = "
import json, os, sys, sysconfig
with open(os.path.join(sysconfig.get_path('purelib'), 'fixpoint_report.pth'), 'w') as file:
    file.write(json.load(open(sys.argv[1])))
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
    session.write("hook.json", &serde_json::json!(super::REPORT_HOOK).to_string())?;
    let hook = format!("{LAYER_INSIDE}/hook.json");
    session
        .offline(
            "let test runs report",
            Command::new([python.as_str(), "-I", "-c", WRITE_HOOK, &hook]),
        )
        .await?;
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
