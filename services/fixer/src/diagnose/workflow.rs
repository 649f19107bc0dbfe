//! The failing step, read from the workflow file of the repository.
use serde_norway::{Mapping, Value};

/// Largest workflow file that is read, in bytes.
const MAX_FILE: usize = 1 << 20;

/// What a step of a workflow file runs, with the defaults of its job and workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkflowStep {
    /// Its name, or what the runner shows for a step without one.
    pub name: String,
    /// The `run:` text as written, with `${{ … }}` in it.
    pub run: String,
    /// `working-directory` of the step or of the defaults.
    pub working_directory: Option<String>,
    /// `shell` of the step or of the defaults.
    pub shell: Option<String>,
    /// Name and value of its environment, the step's over the job's over the workflow's. A value with `${{ … }}` in it is `None`.
    pub env: Vec<(String, Option<String>)>,
    /// The names of the job's matrix, empty without one.
    pub matrix: Vec<String>,
    /// Whether `run`, directory or shell hold an expression that only the CI can fill in.
    pub has_expressions: bool,
}

/// Why a step could not be found.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// The file is not a workflow.
    #[error("the workflow file cannot be read: {0}")]
    Invalid(String),
    /// There is no such job with steps of its own; a job that calls another workflow has none.
    #[error("the workflow file has no job {0:?} with steps")]
    NoJob(String),
    /// The job has no step of this name that runs a command.
    #[error("the job has no step {0:?} that runs a command")]
    NoStep(String),
}

/// Finds a step by the names that GitHub reports for its job (`test (3.12)`, `Unit tests`) and itself (`Run pytest -q`). An empty name
/// of a job means any job.
///
/// # Errors
/// The file is not a workflow, or it has no such job or step.
pub fn find_step(yaml: &str, job: &str, step: &str) -> Result<WorkflowStep, WorkflowError> {
    if yaml.len() > MAX_FILE {
        return Err(WorkflowError::Invalid(format!("it is larger than {MAX_FILE} bytes")));
    }
    let file: Mapping = serde_norway::from_str(yaml).map_err(|error| WorkflowError::Invalid(error.to_string()))?;
    let jobs = map(&file, "jobs").ok_or_else(|| WorkflowError::Invalid("it has no jobs".to_owned()))?;
    let candidates = pick_jobs(jobs, job);
    if candidates.is_empty() {
        return Err(WorkflowError::NoJob(job.to_owned()));
    }
    let (found, step) = candidates
        .into_iter()
        .find_map(|(job, steps)| Some((job, pick_step(steps, step)?)))
        .ok_or_else(|| WorkflowError::NoStep(step.to_owned()))?;

    let defaults = |key: &str| {
        [found, &file]
            .into_iter()
            .find_map(|level| text(map(map(level, "defaults")?, "run")?, key))
    };
    let run = text(step, "run").unwrap_or_default();
    let working_directory = text(step, "working-directory").or_else(|| defaults("working-directory"));
    let shell = text(step, "shell").or_else(|| defaults("shell"));
    let mut env: Vec<(String, Option<String>)> = Vec::new();
    for level in [&file, found, step] {
        for (name, value) in map(level, "env").into_iter().flatten() {
            let (Some(name), value) = (name.as_str(), scalar(value)) else {
                continue;
            };
            env.retain(|(known, _)| known != name);
            env.push((name.to_owned(), value.filter(|value| !value.contains("${{"))));
        }
    }
    let matrix = map(found, "strategy")
        .and_then(|strategy| map(strategy, "matrix"))
        .map(|matrix| {
            matrix
                .keys()
                .filter_map(Value::as_str)
                .filter(|key| !matches!(*key, "include" | "exclude"))
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default();
    let has_expressions = [Some(&run), working_directory.as_ref(), shell.as_ref()]
        .into_iter()
        .flatten()
        .any(|text| text.contains("${{"));
    Ok(WorkflowStep {
        name: shown_name(step),
        run,
        working_directory,
        shell,
        env,
        matrix,
        has_expressions,
    })
}

/// The jobs that may be meant, with their steps: by id, by name, by name up to the matrix values that GitHub adds in brackets, by a
/// name with expressions; the only job if there is just one, and all of them if the name is not known.
fn pick_jobs<'a>(jobs: &'a Mapping, name: &str) -> Vec<(&'a Mapping, &'a [Value])> {
    let plain = name.rsplit(" / ").next().unwrap_or(name);
    let stem = plain
        .rsplit_once(" (")
        .filter(|(_, rest)| rest.ends_with(')'))
        .map_or(plain, |(stem, _)| stem);
    let all: Vec<(&str, &Mapping, &[Value])> = jobs
        .iter()
        .filter_map(|(id, job)| {
            let job = job.as_mapping()?;
            Some((id.as_str()?, job, job.get("steps")?.as_sequence()?.as_slice()))
        })
        .collect();
    if name.is_empty() || all.len() == 1 {
        return all.into_iter().map(|(_, job, steps)| (job, steps)).collect();
    }
    let named = |wanted: &str| {
        all.iter()
            .find(|(id, job, _)| *id == wanted || text(job, "name").as_deref() == Some(wanted))
    };
    let like = || {
        all.iter().find(|(_, job, _)| {
            text(job, "name").is_some_and(|pattern| pattern.contains("${{") && fits(&pattern, plain))
        })
    };
    named(plain)
        .or_else(|| named(stem))
        .or_else(like)
        .map(|(_, job, steps)| (*job, *steps))
        .into_iter()
        .collect()
}

/// By its name, by what the runner shows for it, or by the beginning of its script.
fn pick_step<'a>(steps: &'a [Value], name: &str) -> Option<&'a Mapping> {
    let running = || {
        steps
            .iter()
            .filter_map(Value::as_mapping)
            .filter(|step| text(step, "run").is_some())
    };
    let bare = name.strip_prefix("Run ").unwrap_or(name).trim();
    running()
        .find(|step| shown_name(step) == name || text(step, "name").as_deref() == Some(bare))
        .or_else(|| running().find(|step| first_line(step) == bare || fits(&first_line(step), bare)))
        .or_else(|| {
            running()
                .find(|step| text(step, "name").is_some_and(|pattern| pattern.contains("${{") && fits(&pattern, name)))
        })
}

fn shown_name(step: &Mapping) -> String {
    text(step, "name").unwrap_or_else(|| format!("Run {}", first_line(step)))
}

fn first_line(step: &Mapping) -> String {
    text(step, "run")
        .and_then(|run| run.trim().lines().next().map(str::to_owned))
        .unwrap_or_default()
}

/// Whether the text is the pattern with something in place of each `${{ … }}`.
fn fits(pattern: &str, name: &str) -> bool {
    let mut rest = name;
    let mut parts = pattern.split("${{");
    let Some(head) = parts.next() else { return false };
    let Some(after) = rest.strip_prefix(head) else {
        return false;
    };
    rest = after;
    let mut open = false;
    for part in parts {
        let Some((_, literal)) = part.split_once("}}") else {
            return false;
        };
        open = literal.is_empty();
        let Some(at) = rest.find(literal) else { return false };
        rest = &rest[at + literal.len()..];
    }
    rest.is_empty() || open
}

fn map<'a>(from: &'a Mapping, key: &str) -> Option<&'a Mapping> {
    from.get(key)?.as_mapping()
}

fn text(from: &Mapping, key: &str) -> Option<String> {
    scalar(from.get(key)?)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const FILE: &str = r#"
on: push
env: { LEVEL: workflow, KEEP: "1" }
defaults: { run: { working-directory: app } }
jobs:
  lint:
    runs-on: ubuntu-latest
    steps: [{ run: ruff check . }]
  test:
    name: Tests on ${{ matrix.python }}
    strategy: { matrix: { python: ["3.11", "3.12"], include: [] } }
    env: { LEVEL: job }
    steps:
      - uses: actions/checkout@v4
      - run: pip install -r requirements.txt
      - name: Unit tests
        env: { LEVEL: step, TOKEN: "${{ secrets.TOKEN }}" }
        shell: bash
        run: |
          cd src
          pytest -q
"#;

    #[test]
    fn a_step_has_what_its_job_and_workflow_say() {
        let step = find_step(FILE, "Tests on 3.12", "Unit tests").unwrap();
        assert_eq!(step.run, "cd src\npytest -q\n");
        assert_eq!(step.working_directory.as_deref(), Some("app"));
        assert_eq!(step.shell.as_deref(), Some("bash"));
        assert_eq!(step.matrix, ["python"]);
        assert!(!step.has_expressions);
        let env: Vec<_> = step
            .env
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect();
        assert_eq!(env, [("KEEP", Some("1")), ("LEVEL", Some("step")), ("TOKEN", None)]);
    }

    #[test]
    fn steps_are_found_by_what_the_runner_shows() {
        assert_eq!(
            find_step(FILE, "test (3.11)", "Run pip install -r requirements.txt")
                .unwrap()
                .run,
            "pip install -r requirements.txt"
        );
        assert_eq!(find_step(FILE, "lint", "Run ruff check .").unwrap().run, "ruff check .");
        assert!(matches!(
            find_step(FILE, "test", "Deploy"),
            Err(WorkflowError::NoStep(_))
        ));
        assert!(matches!(find_step(FILE, "deploy", "x"), Err(WorkflowError::NoJob(_))));
        assert!(matches!(
            find_step("- a\n- b", "x", "x"),
            Err(WorkflowError::Invalid(_))
        ));
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut yaml = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let names = vec![format!("*a{}", level - 1); 9].join(",");
            yaml.push_str(&format!("a{level}: &a{level} [{names}]\n"));
        }
        assert!(find_step(&yaml, "x", "x").is_err());
    }
}
