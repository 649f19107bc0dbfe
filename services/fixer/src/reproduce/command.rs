//! Which command reproduces a failure: the operator's setting, else `.fixpoint.toml`, else the failing step, else what the
//! repository's files suggest.

use super::detect;
use crate::diagnose::Step;
use crate::diagnose::workflow::WorkflowStep;
use crate::suite::{Shell, Suite};
use domain::evidence::CommandSource;
use domain::project::Project;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The command that decides, and where it came from.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The command.
    pub suite: Suite,
    /// Where it came from.
    pub source: CommandSource,
}

/// `.fixpoint.toml`, read from the default branch only: a branch under repair cannot redefine what proves it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RepositoryFile {
    /// The tests.
    pub test: TestSection,
    /// The environment.
    pub setup: SetupSection,
}

/// `[test]` of `.fixpoint.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TestSection {
    /// Shell text.
    pub command: Option<String>,
    /// Relative to the repository's root.
    pub working_directory: Option<String>,
}

/// `[setup]` of `.fixpoint.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SetupSection {
    /// Shell text.
    pub command: Option<String>,
}

impl RepositoryFile {
    /// Parses the file's text.
    ///
    /// # Errors
    /// One sentence that names the file and the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| format!(".fixpoint.toml: {}", e.to_string().replace('\n', " ")))
    }
}

/// What is known of the failing step of a workflow.
#[derive(Clone, Debug, Default)]
pub struct FailedStep {
    /// As the log shows it.
    pub logged: Option<Step>,
    /// As the repository's workflow file defines it.
    pub defined: Option<WorkflowStep>,
}

/// Chooses the effective command; `files` are the repository's texts that can suggest one.
#[must_use]
pub fn choose(
    project: &Project,
    file: &RepositoryFile,
    step: &FailedStep,
    files: &BTreeMap<String, String>,
) -> Option<Effective> {
    let plain = |command: &str| Suite {
        command: command.to_owned(),
        shell: Shell::Sh,
        working_directory: String::new(),
        env: Vec::new(),
    };
    if let Some(command) = &project.test_command {
        return Some(Effective {
            suite: plain(command),
            source: CommandSource::Setting,
        });
    }
    if let Some(command) = &file.test.command {
        let suite = Suite {
            working_directory: plain_folder(file.test.working_directory.as_deref()),
            ..plain(command)
        };
        return Some(Effective {
            suite,
            source: CommandSource::RepositoryFile,
        });
    }
    if let Some(suite) = from_step(step) {
        return Some(Effective {
            suite,
            source: CommandSource::WorkflowStep,
        });
    }
    detect::detect(files).map(|command| Effective {
        suite: plain(&command),
        source: CommandSource::Detected,
    })
}

/// For a Python project without tests: runs nothing but the tests that are written from an alert.
#[must_use]
pub fn written_only(files: &BTreeMap<String, String>) -> Option<Effective> {
    let command = "python -m unittest discover -p 'test_fixpoint_*.py'".to_owned();
    let suite = Suite {
        command,
        shell: Shell::Sh,
        working_directory: String::new(),
        env: Vec::new(),
    };
    files.keys().any(|path| path.ends_with(".py")).then_some(Effective {
        suite,
        source: CommandSource::Detected,
    })
}

/// A working directory as git would write it; whether the repository has it is seen when its tree is read.
fn plain_folder(directory: Option<&str>) -> String {
    let directory = directory.unwrap_or_default().trim();
    // A runner's checkout is at …/work/<name>/<name>, or …/_work/… on a machine of one's own.
    let checkout = ["/work/", "/_work/"].iter().find_map(|work| directory.split_once(work));
    let directory = match checkout {
        Some((_, rest)) if directory.starts_with('/') => rest.splitn(3, '/').nth(2).unwrap_or_default(),
        _ => directory,
    };
    let directory = directory.trim_start_matches("./").trim_end_matches('/');
    if directory == "." { "" } else { directory }.to_owned()
}

fn from_step(step: &FailedStep) -> Option<Suite> {
    let (run, directory, env, shell) = match (&step.defined, &step.logged) {
        (Some(defined), _) if !defined.has_expressions => {
            let env = defined
                .env
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
                .collect();
            (
                defined.run.clone(),
                defined.working_directory.clone(),
                env,
                defined.shell.as_deref(),
            )
        }
        // The log shows what was really run, with every expression already replaced.
        (_, Some(logged)) => (
            logged.command.clone()?,
            logged.working_directory.clone(),
            Vec::new(),
            logged.shell.as_deref(),
        ),
        _ => return None,
    };
    let shell = match shell {
        Some(shell) if shell == "bash" || shell.contains("pipefail") => Shell::BashPipefail,
        Some(shell) if shell == "sh" || shell.starts_with("sh ") || shell.starts_with("/bin/sh") => Shell::Sh,
        _ => Shell::Bash,
    };
    Some(Suite {
        command: offline(&run)?,
        shell,
        working_directory: plain_folder(directory.as_deref()),
        env,
    })
}

/// The part of a step that can run without a network in the prepared environment, or `None` when nothing is left of it.
fn offline(run: &str) -> Option<String> {
    const INSTALLS: [&str; 16] = [
        "pip install",
        "pip3 install",
        "-m pip ",
        "npm ci",
        "npm install",
        "npm i ",
        "yarn install",
        "pnpm install",
        "poetry install",
        "uv sync",
        "uv pip",
        "pipenv install",
        "pdm install",
        "apt-get",
        "apt install",
        "sudo ",
    ];
    let mut lines = Vec::new();
    for line in run
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if INSTALLS.iter().any(|install| line.contains(install)) || line == "yarn" {
            // `pip install x && pytest` installs and tests on one line.
            if let Some((_, rest)) = line
                .rsplit_once("&&")
                .filter(|(_, rest)| !INSTALLS.iter().any(|i| rest.contains(i)))
            {
                lines.push(unwrapped(rest.trim()).to_owned());
            }
            continue;
        }
        lines.push(unwrapped(line).to_owned());
    }
    let first = lines.first().map(|line| line.split_whitespace().next().unwrap_or(""));
    // tox and nox build environments of their own, which needs a network.
    if lines.is_empty() || matches!(first, Some("tox" | "nox")) || run.contains("${{") {
        None
    } else {
        Some(lines.join("\n"))
    }
}

/// The command without the tool that would only choose its environment, which is already chosen.
fn unwrapped(line: &str) -> &str {
    const WRAPPERS: [&str; 6] = [
        "uv run ",
        "poetry run ",
        "pipenv run ",
        "pdm run ",
        "hatch run ",
        "rye run ",
    ];
    WRAPPERS
        .iter()
        .find_map(|wrapper| line.strip_prefix(wrapper))
        .unwrap_or(line)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use domain::guardrail::Policy;
    use domain::repo::RepoName;

    fn project(test: Option<&str>) -> Project {
        Project {
            repo: RepoName::parse("acme/shop").unwrap(),
            base_branch: None,
            test_command: test.map(Into::into),
            setup_command: None,
            run_tests: true,
            policy: Policy::default(),
            branch_prefix: "fixpoint/".into(),
            budget_seconds: 60,
        }
    }

    fn step(run: &str) -> FailedStep {
        let defined = WorkflowStep {
            name: "Tests".into(),
            run: run.into(),
            working_directory: Some("./api/".into()),
            shell: None,
            env: vec![("MODE".into(), Some("ci".into())), ("KEY".into(), None)],
            matrix: vec![],
            has_expressions: run.contains("${{"),
        };
        FailedStep {
            logged: None,
            defined: Some(defined),
        }
    }

    #[test]
    fn the_stronger_source_wins() {
        let files = BTreeMap::from([("tests/conftest.py".to_owned(), String::new())]);
        let file = RepositoryFile::parse("[test]\ncommand = 'make check'\n").unwrap();
        let none = RepositoryFile::default();
        let pick = |p: &Project, f: &RepositoryFile, s: &FailedStep| {
            choose(p, f, s, &files).map(|e| (e.suite.command, e.source)).unwrap()
        };
        assert_eq!(
            pick(&project(Some("x")), &file, &step("pytest")),
            ("x".into(), CommandSource::Setting)
        );
        assert_eq!(
            pick(&project(None), &file, &step("pytest")),
            ("make check".into(), CommandSource::RepositoryFile)
        );
        assert_eq!(
            pick(&project(None), &none, &step("pytest")),
            ("pytest".into(), CommandSource::WorkflowStep)
        );
        assert_eq!(
            pick(&project(None), &none, &FailedStep::default()).1,
            CommandSource::Detected
        );
        assert!(
            RepositoryFile::parse("[tests]\ncommand = 'x'")
                .unwrap_err()
                .contains(".fixpoint.toml")
        );
    }

    #[test]
    fn a_step_is_reduced_to_what_runs_offline() {
        assert_eq!(
            offline("pip install -r requirements.txt\npytest -q"),
            Some("pytest -q".into())
        );
        assert_eq!(offline("pip install . && poetry run pytest"), Some("pytest".into()));
        assert_eq!(offline("uv run pytest -x"), Some("pytest -x".into()));
        assert_eq!(offline("npm ci"), None);
        assert_eq!(offline("tox -e py311"), None);
        assert_eq!(offline("pytest ${{ matrix.args }}"), None);
        let suite = from_step(&step("pytest")).unwrap();
        assert_eq!((suite.working_directory.as_str(), suite.env.len()), ("api", 1));
    }

    #[test]
    fn a_working_directory_is_written_as_git_writes_it() {
        for (given, plain) in [
            ("./api/", "api"),
            (".", ""),
            ("", ""),
            ("/home/runner/work/shop/shop/api/v1", "api/v1"),
            ("/home/runner/work/shop/shop", ""),
            ("D:\\a\\shop", "D:\\a\\shop"),
            ("../other", "../other"),
        ] {
            assert_eq!(plain_folder(Some(given)), plain, "{given}");
        }
    }
}
