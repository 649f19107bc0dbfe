//! One repair, from a tree and a symptom to a proved change: prepare → reproduce → propose → judge → prove. The server's
//! attempts and the command line both go through here.

use crate::diagnose::Framework;
use crate::diagnose::workflow;
use crate::prepare::{Environment, PrepareError, PrepareSpec, Preparer};
use crate::progress::Progress;
use crate::propose::{Budget, Job};
use crate::prove::prove;
use crate::ready::Ready;
use crate::report::{describe, doubts, environment_failed, evidence, not_seen, source_words, still_red};
use crate::reproduce::command::{self, Effective, FailedStep, RepositoryFile};
use crate::reproduce::{NotSeen, Reproduced, Scene, Symptom};
use crate::suite::{Bench, WORK};
use crate::workspace::git::Git;
use crate::workspace::tree::Entry;
use anyhow::Context as _;
use domain::attempt::{Outcome, Report, Stage};
use domain::confidence::{self, TrackRecord};
use domain::guardrail::{self, Objection, TreeChange};
use domain::path::RepoPath;
use domain::project::Project;
use domain::repo::CommitSha;
use sandbox::Sandbox;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What a fixer has for every repair.
#[derive(Clone)]
pub struct Workshop {
    /// Where untrusted code runs.
    pub sandbox: Arc<dyn Sandbox>,
    /// Limits of one test run.
    pub limits: sandbox::Limits,
    /// Builds and keeps environments.
    pub preparer: Arc<Preparer>,
}

/// One failure to repair.
pub struct Case {
    /// The repository's objects.
    pub git: Git,
    /// The commit under repair.
    pub commit: CommitSha,
    /// A commit of the default branch: the only place where `.fixpoint.toml` is read.
    pub default_commit: CommitSha,
    /// The commit that the alert's release names, where the repository has it.
    pub release_commit: Option<CommitSha>,
    /// What is known of the failure.
    pub symptom: Symptom,
    /// The repository's settings.
    pub project: Project,
    /// What became of earlier fixes, by engine.
    pub track_record: BTreeMap<String, TrackRecord>,
    /// A folder for this repair alone; removed by its owner.
    pub scratch: PathBuf,
}

/// How a repair ended.
pub struct Repaired {
    /// Everything that is known; its pull request is still missing.
    pub report: Report,
    /// The change, where one may be published.
    pub change: Option<Change>,
}

/// A change that may be published.
pub struct Change {
    /// Git's hash of the tree with the change.
    pub tree: String,
    /// Why it can be a draft at most, in words; empty when it is ready for review.
    pub draft_reasons: Vec<String>,
    /// Whether the outcome is `unverified`.
    pub unverified: bool,
}

impl Workshop {
    /// Repairs one failure.
    ///
    /// # Errors
    /// When something of ours failed: git, the sandbox, the disk. Everything that can be said of the repository's code is
    /// an outcome in the report.
    pub async fn repair(&self, case: &Case, progress: &Progress) -> anyhow::Result<Repaired> {
        progress.enter(Stage::Prepare);
        let ready = match self.prepare(case, progress).await? {
            Ok(ready) => ready,
            Err(report) => {
                return Ok(Repaired {
                    report: *report,
                    change: None,
                });
            }
        };
        progress.enter(Stage::Reproduce);
        progress.line(format!(
            "test command: {}",
            ready.effective.suite.command.replace('\n', " && ")
        ));
        let seen = match self.reproduce(case, &ready).await? {
            Ok(seen) => seen,
            Err(missed) => {
                return Ok(Repaired {
                    report: not_seen(*missed, &ready, &case.symptom),
                    change: None,
                });
            }
        };
        progress.line(format!("reproduced: {}", seen.diagnosis.headline));
        self.repair_seen(case, &ready, *seen, progress).await
    }

    async fn prepare(&self, case: &Case, progress: &Progress) -> anyhow::Result<Result<Ready, Box<Report>>> {
        let tree = case
            .git
            .tree_of(case.commit.as_str())
            .await
            .context("the commit under repair is not in the mirror")?;
        let texts = case.git.texts(&tree, is_read).await?;
        let default_tree = case.git.tree_of(case.default_commit.as_str()).await?;
        let file = match case.git.file(&default_tree, ".fixpoint.toml").await? {
            Some(text) => match RepositoryFile::parse(&text) {
                Ok(file) => file,
                Err(message) => return Ok(Err(Box::new(Report::new(Outcome::Environment, message)))),
            },
            None => RepositoryFile::default(),
        };
        let step = failed_step(&case.symptom, &texts);
        let chosen = command::choose(&case.project, &file, &step, &texts);
        let whole_suite = chosen.is_some() && case.project.run_tests;
        // Without a test command an alert can still be reproduced by the test that is written from it.
        let written_only = || command::written_only(&texts).filter(|_| matches!(case.symptom, Symptom::Alert(_)));
        let Some(effective) = chosen.or_else(written_only) else {
            let message = "no test command: set project.test_command, or `[test] command` in .fixpoint.toml on the default branch";
            return Ok(Err(Box::new(Report::new(Outcome::Environment, message))));
        };
        if let Some(message) = misplaced(&effective, &case.git.entries(&tree).await?) {
            return Ok(Err(Box::new(Report::new(Outcome::Environment, message))));
        }
        let environment = match self.environment(case, &tree, &file, &effective, progress).await? {
            Ok(environment) => environment,
            Err(error) => return environment_failed(error).map(Err),
        };
        let bench = Bench {
            sandbox: Arc::clone(&self.sandbox),
            environment,
            git: case.git.clone(),
            scratch: case.scratch.clone(),
            limits: self.limits,
        };
        let sources = texts.into_iter().filter(|(path, _)| path.ends_with(".py")).collect();
        Ok(Ok(Ready {
            bench,
            effective,
            whole_suite,
            tree,
            sources,
        }))
    }

    async fn environment(
        &self,
        case: &Case,
        tree: &str,
        file: &RepositoryFile,
        effective: &Effective,
        progress: &Progress,
    ) -> anyhow::Result<Result<Environment, PrepareError>> {
        let checkout = case.scratch.join("prepare");
        case.git.write_out(tree, &checkout).await?;
        let spec = PrepareSpec {
            setup_command: case
                .project
                .setup_command
                .clone()
                .or_else(|| file.setup.command.clone()),
            runner: runner_of(&effective.suite.command),
            inside: PathBuf::from(WORK),
            origin: format!("{} {tree}", case.project.repo),
        };
        let told = progress.clone();
        Ok(self
            .preparer
            .prepare(&checkout, &spec, &move |line: &str| told.line(line))
            .await)
    }

    async fn reproduce(&self, case: &Case, ready: &Ready) -> anyhow::Result<Result<Box<Reproduced>, Box<NotSeen>>> {
        let release_tree = match &case.release_commit {
            Some(commit) => Some(case.git.tree_of(commit.as_str()).await?),
            None => None,
        };
        let scene = Scene {
            bench: &ready.bench,
            suite: &ready.effective.suite,
            tree: &ready.tree,
            release_tree: release_tree.as_deref(),
            sources: &ready.sources,
            pytest: !ready.effective.suite.command.contains("unittest"),
        };
        Ok(scene.reproduce(&case.symptom).await?)
    }

    async fn repair_seen(
        &self,
        case: &Case,
        ready: &Ready,
        seen: Reproduced,
        progress: &Progress,
    ) -> anyhow::Result<Repaired> {
        progress.enter(Stage::Propose);
        let budget = Budget {
            seconds: case.project.budget_seconds,
        };
        let found = Job {
            bench: &ready.bench,
            suite: &ready.effective.suite,
            seen: &seen,
            sources: &ready.sources,
            whole_suite: ready.whole_suite,
            project: &case.project,
            tree: &ready.tree,
        }
        .propose(budget, progress)
        .await?;
        let mut report = Report::new(Outcome::NoFix, found.message());
        report.candidates_tried = found.candidates_tried;
        report.budget_exhausted = found.budget_exhausted;
        report.diagnosis = Some(seen.diagnosis.clone());
        let mut evidence = evidence(ready, &seen);
        let mut spent = seen.spent;
        spent.wall += found.spent.wall;
        spent.cpu += found.spent.cpu;
        let mut change = None;
        let mut refused: Vec<Objection> = Vec::new();
        for fix in &found.fixes {
            progress.enter(Stage::Judge);
            let tree = case.git.apply(&ready.tree, &fix.files).await?;
            let changes: Vec<TreeChange> = case.git.changes(&ready.tree, &tree).await?;
            let mut verdict = guardrail::judge(&case.project.policy, &changes, &case.git.links(&tree).await?);
            verdict.objections.extend(edits_of_run_tests(&seen, &changes));
            if verdict.is_refused() {
                progress.line(format!("refused: {}", verdict.objections[0].detail));
                describe(&mut report, fix, case.git.diffs(&ready.tree, &tree).await?);
                refused.extend(verdict.objections);
                continue;
            }
            progress.enter(Stage::Prove);
            progress.line(format!("proving: {}", fix.why));
            match prove(
                &ready.bench,
                &ready.effective.suite,
                &seen,
                (&ready.tree, &tree),
                ready.whole_suite,
            )
            .await?
            {
                Err(disproof) => {
                    spent.wall += disproof.spent.wall;
                    spent.cpu += disproof.spent.cpu;
                    progress.line(format!("not proved: {}", disproof.reason));
                    report.message = format!("a fix was found and not proved: {}", disproof.reason);
                    if disproof.comes_and_goes {
                        report.outcome = Outcome::Flaky;
                        report.message = disproof.reason;
                        evidence.runs.extend(disproof.runs);
                        break;
                    }
                }
                Ok(proof) => {
                    spent.wall += proof.spent.wall;
                    spent.cpu += proof.spent.cpu;
                    evidence.runs.extend(proof.runs);
                    evidence.after = Some(proof.after);
                    evidence.flaky = proof.flaky;
                    evidence.reruns += proof.reruns;
                    evidence.tree_after = Some(tree.clone());
                    describe(&mut report, fix, case.git.diffs(&ready.tree, &tree).await?);
                    let record = case.track_record.get(&fix.engine).copied().unwrap_or_default();
                    report.confidence = Some(confidence::estimate(record, seen.oracle, found.distinct));
                    let unverified = !ready.whole_suite;
                    report.outcome = if unverified {
                        Outcome::Unverified
                    } else {
                        Outcome::Proved
                    };
                    report.message = if unverified {
                        "a fix was found, and no whole test suite could be run with it: tests are switched off, or there is no test command".into()
                    } else {
                        crate::text::proof_line(&evidence)
                    };
                    let mut draft_reasons = verdict.draft_reasons;
                    draft_reasons.extend(doubts(&seen, unverified, found.distinct));
                    draft_reasons.extend(still_red(&evidence, &proof.red));
                    change = Some(Change {
                        tree,
                        draft_reasons,
                        unverified,
                    });
                    break;
                }
            }
        }
        if change.is_none() && !refused.is_empty() && report.outcome == Outcome::NoFix {
            report.outcome = Outcome::Refused;
            report.message = format!(
                "the only fix that was found is refused: {} ({})",
                refused[0].detail, refused[0].path
            );
            report.objections = refused;
        }
        report.evidence = Some(evidence);
        report.cpu_ms = u64::try_from(spent.cpu.as_millis()).unwrap_or(u64::MAX);
        report.sandbox_ms = u64::try_from(spent.wall.as_millis()).unwrap_or(u64::MAX);
        Ok(Repaired { report, change })
    }
}

/// Objections to changes of files that were seen to be tests, whatever their names say: those that hold a test that ran, or
/// the assertion that failed.
fn edits_of_run_tests(seen: &Reproduced, changes: &[TreeChange]) -> Vec<Objection> {
    changes
        .iter()
        .filter(|change| change.before.is_some() && seen.oracle_files.contains(&change.path))
        .map(|change| Objection {
            rule: guardrail::Rule::ProtectedOracle,
            path: change.path.clone(),
            detail: "it holds tests that were run, and the tests decide whether a fix is right".into(),
        })
        .collect()
}

/// Why the test command cannot start: its working directory is not a folder of the repository.
fn misplaced(effective: &Effective, entries: &BTreeMap<String, Entry>) -> Option<String> {
    let folder = &effective.suite.working_directory;
    let below = format!("{folder}/");
    let known =
        folder.is_empty() || (RepoPath::parse(folder).is_ok() && entries.keys().any(|path| path.starts_with(&below)));
    (!known).then(|| {
        format!(
            "the working directory `{folder}` of the test command ({}) is not a folder of the repository: name one that is, with `/` between its parts",
            source_words(effective.source)
        )
    })
}

/// The framework that a command names.
fn runner_of(command: &str) -> Option<Framework> {
    let named = [
        ("pytest", Framework::Pytest),
        ("unittest", Framework::Unittest),
        ("jest", Framework::Jest),
        ("vitest", Framework::Vitest),
        ("mocha", Framework::Mocha),
    ];
    named
        .into_iter()
        .find_map(|(name, framework)| command.contains(name).then_some(framework))
}

/// Files that are read at all: code, and what says how it is built and tested.
fn is_read(path: &str) -> bool {
    const NAMES: [&str; 10] = [
        "pyproject.toml",
        "setup.cfg",
        "setup.py",
        "tox.ini",
        "pytest.ini",
        "Pipfile",
        "package.json",
        "go.mod",
        "Cargo.toml",
        ".fixpoint.toml",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    path.ends_with(".py")
        || NAMES.contains(&name)
        || (name.starts_with("requirements") && name.ends_with(".txt"))
        || path.starts_with(".github/workflows/")
}

/// The failing step as the log shows it and as a workflow file of the same tree defines it.
fn failed_step(symptom: &Symptom, texts: &BTreeMap<String, String>) -> FailedStep {
    let Symptom::Log(reading) = symptom else {
        return FailedStep::default();
    };
    let logged = reading.failing_step.clone();
    // Several workflows may have a step of that name: the right one is the one that the log shows running.
    let defined = logged.as_ref().and_then(|step| {
        let files = texts.iter().filter(|(path, _)| path.starts_with(".github/workflows/"));
        let all: Vec<_> = files
            .filter_map(|(_, text)| workflow::find_step(text, "", &step.name).ok())
            .collect();
        let first = |text: &str| text.lines().next().map(|line| line.trim().to_owned());
        match &step.command {
            Some(ran) => all.into_iter().find(|one| first(&one.run) == first(ran)),
            None if all.len() == 1 => all.into_iter().next(),
            None => None,
        }
    });
    FailedStep { logged, defined }
}
