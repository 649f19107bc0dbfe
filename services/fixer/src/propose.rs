//! Lets the engines propose fixes, within a budget, on a warm copy of the tree.

use crate::progress::Progress;
use crate::reproduce::{Reproduced, Spent};
use crate::suite::discovery;
use crate::suite::{Bench, Suite};
use anyhow::Context as _;
use domain::evidence::{Oracle, TestId};
use domain::fix::{FileRewrite, Fix};
use domain::guardrail;
use domain::path::RepoPath;
use domain::project::Project;
use engines::brief::{Blocked, Brief, Failure, Frame};
use engines::engine::{Engine, Proposals};
use engines::error::EngineError;
use engines::runner::{Framework, Runner, RunnerSpec};
use engines::search::Search;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many proposals are proved at most.
const MOST_PROOFS: usize = 4;
/// Warm runners side by side at most.
const MOST_LANES: usize = 4;
/// Candidates that are tried at most.
const MOST_CANDIDATES: u64 = 50_000;

/// What finding a fix may cost.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Wall time in seconds.
    pub seconds: u64,
}

/// What the engines found.
#[derive(Default)]
pub struct Found {
    /// Fixes, best first.
    pub fixes: Vec<Fix>,
    /// Candidates that were run.
    pub candidates_tried: u64,
    /// Whether time or tries ran out.
    pub budget_exhausted: bool,
    /// Plausible fixes that differ in more than layout.
    pub distinct: u32,
    /// Sandboxed time.
    pub spent: Spent,
    /// Why no engine could look, where none could.
    pub unable: Option<String>,
    /// Failing tests that some candidate turned green while others stayed red.
    pub partly_fixed: Vec<String>,
}

impl Found {
    /// For people, when nothing was proved.
    #[must_use]
    pub fn message(&self) -> String {
        let partly = match self.partly_fixed.first() {
            Some(test) => format!(
                ". Some of them turn `{test}` green and leave other failing tests red: if those are not meant, give the log that names the one that is"
            ),
            None => String::new(),
        };
        match (&self.unable, self.budget_exhausted) {
            (Some(reason), _) => reason.clone(),
            (None, true) => format!(
                "no fix among {} candidates within the budget; a larger one may find it{partly}",
                self.candidates_tried
            ),
            (None, false) => format!("no fix among all {} candidates{partly}", self.candidates_tried),
        }
    }
}

/// Everything that the engines work on.
pub struct Job<'a> {
    /// Where untrusted code runs.
    pub bench: &'a Bench,
    /// The command that decides.
    pub suite: &'a Suite,
    /// The failure.
    pub seen: &'a Reproduced,
    /// The repository's Python files.
    pub sources: &'a BTreeMap<String, String>,
    /// Whether the project's own tests count.
    pub whole_suite: bool,
    /// The repository's settings.
    pub project: &'a Project,
    /// The tree under repair.
    pub tree: &'a str,
}

impl Job<'_> {
    /// Asks every engine in turn and stops at the first that has an answer.
    ///
    /// # Errors
    /// When something of ours failed.
    pub async fn propose(&self, budget: Budget, progress: &Progress) -> anyhow::Result<Found> {
        let started = Instant::now();
        let wall = Duration::from_secs(budget.seconds);
        if self.seen.failing.is_empty() || self.bench.environment.python.is_none() {
            return Ok(Found {
                unable: Some(
                    "no engine can look for a fix here: the failing tests are not Python's, or not known one by one"
                        .into(),
                ),
                ..Found::default()
            });
        }
        let checkout = tempfile::Builder::new()
            .prefix("warm-")
            .tempdir_in(&self.bench.scratch)?;
        let folder = checkout.path().join("tree");
        self.bench.git.write_out(self.tree, &folder).await?;
        for (path, content) in &self.seen.extra {
            crate::suite::write_inside(&folder, path, content)?;
        }
        let spec = self.runner_spec(&folder);
        let mut first = Runner::start(Arc::clone(&self.bench.sandbox), spec.clone())
            .await
            .context("the warm runner did not start")?;
        let collected = first.collect().await.context("the warm runner did not collect")?;
        let names = Names::of(
            &collected.tests,
            &collected
                .errors
                .iter()
                .map(|error| error.at.clone())
                .collect::<Vec<_>>(),
        );
        let brief = self.brief(&names, wall.saturating_sub(started.elapsed()));
        if brief.failing.is_empty() {
            return Ok(Found {
                unable: Some("the warm runner does not know the failing tests".into()),
                ..Found::default()
            });
        }
        let mut lanes = vec![first];
        while lanes.len()
            < std::thread::available_parallelism()
                .map_or(1, usize::from)
                .min(MOST_LANES)
        {
            lanes.push(
                Runner::start(Arc::clone(&self.bench.sandbox), spec.clone())
                    .await
                    .context("the warm runner did not start")?,
            );
        }
        let mut bench = engines::bench::Bench::new(lanes);
        let (tell, mut watcher) = engines::engine::Progress::pair();
        let told = progress.clone();
        let watch = async move {
            while watcher.tally.changed().await.is_ok() {
                let tally = watcher.tally.borrow_and_update().clone();
                told.tried(tally.tried);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            std::future::pending::<()>().await;
        };
        let engine = Search;
        let proposals = tokio::select! {
            found = engine.propose(&brief, &mut bench, &tell) => found,
            () = watch => Ok(Proposals::default()),
            // The engine keeps its own budget; this is for one that does not.
            () = tokio::time::sleep(wall.saturating_add(Duration::from_secs(60))) => Ok(Proposals { budget_exhausted: true, ..Proposals::default() }),
        };
        let cpu = bench.stop().await;
        let spent = Spent {
            wall: started.elapsed(),
            cpu,
        };
        let proposals = match proposals {
            Ok(proposals) => proposals,
            Err(error @ (EngineError::NothingFails(_) | EngineError::NothingToChange)) => {
                return Ok(Found {
                    unable: Some(error.to_string()),
                    spent,
                    ..Found::default()
                });
            }
            Err(error) => return Err(error).context("the engine broke"),
        };
        progress.tried(proposals.candidates_tried);
        Ok(Found {
            candidates_tried: proposals.candidates_tried,
            budget_exhausted: proposals.budget_exhausted,
            distinct: u32::try_from(proposals.distinct).unwrap_or(u32::MAX),
            spent,
            unable: None,
            partly_fixed: proposals.partly_fixed,
            fixes: proposals
                .found
                .into_iter()
                .take(MOST_PROOFS)
                .filter_map(as_fix)
                .collect(),
        })
    }

    fn runner_spec(&self, folder: &std::path::Path) -> RunnerSpec {
        let environment = &self.bench.environment;
        let mut spec = RunnerSpec::new(folder, environment.python.clone().unwrap_or_default());
        let (cwd, discover) = discovery::read(&self.suite.command, &self.suite.working_directory);
        (spec.cwd, spec.discover) = (cwd, discover);
        spec.mounts.clone_from(&environment.mounts);
        spec.env = environment.env.iter().chain(&self.suite.env).cloned().collect();
        spec.framework = if self.suite.command.contains("unittest") {
            Framework::Unittest
        } else {
            Framework::Auto
        };
        if self.suite.command.contains("-m pytest") || self.suite.command.contains("-m unittest") {
            spec.pythonpath.push(String::new());
        }
        spec.limits.memory_bytes = self.bench.limits.memory_bytes;
        spec.limits.processes = self.bench.limits.processes;
        spec
    }

    fn brief(&self, names: &Names, wall: Duration) -> Brief {
        let all = |tests: &[TestId]| tests.iter().filter_map(|test| names.warm(test.as_str())).collect();
        let passing = if self.whole_suite {
            all(&self.seen.passing)
        } else {
            Vec::new()
        };
        let mut brief = Brief::new(self.sources.clone(), all(&self.seen.failing), passing);
        let is_test = |path: &String| {
            RepoPath::parse(path).is_ok_and(|path| guardrail::is_test(&path) || guardrail::steers_tests(&path))
        };
        brief.oracle = self.sources.keys().filter(|path| is_test(path)).cloned().collect();
        brief.oracle.extend(self.seen.oracle_files.iter().cloned());
        brief.failures = self
            .seen
            .failing
            .iter()
            .filter_map(|test| self.failure(names, test))
            .collect();
        if self.seen.oracle == Oracle::NoLongerRaises {
            brief.suspects = self.seen.diagnosis.frames.iter().map(frame).collect();
            brief.weak_oracle = true;
        }
        let policy = self.project.policy.clone();
        brief.blocked = Blocked::when(move |path| {
            RepoPath::parse(path).map_or(true, |path| guardrail::blocked(&policy, &path).is_some())
        });
        brief.budget.wall = wall;
        brief.budget.candidates = MOST_CANDIDATES;
        brief
    }

    fn failure(&self, names: &Names, test: &TestId) -> Option<Failure> {
        let answer = self.seen.first.tests.get(test)?;
        Some(Failure {
            test: names.warm(test.as_str())?,
            exception: answer.error_type.clone().unwrap_or_default(),
            message: answer.message.clone().unwrap_or_default(),
            frames: answer.frames.iter().map(frame).collect(),
        })
    }
}

fn frame(at: &domain::diagnosis::CodeFrame) -> Frame {
    Frame {
        file: at.file.clone(),
        line: at.line,
        function: at.function.clone(),
    }
}

fn as_fix(proposal: engines::engine::Proposal) -> Option<Fix> {
    let files: Option<Vec<FileRewrite>> = proposal
        .files
        .into_iter()
        .map(|(path, content)| {
            Some(FileRewrite {
                path: RepoPath::parse(&path).ok()?,
                content: Some(content),
            })
        })
        .collect();
    Some(Fix {
        files: files?,
        engine: proposal.engine.to_owned(),
        template: proposal.template,
        cost: proposal.cost,
        why: proposal.why,
    })
}

/// The warm runner's names of tests, found by the names that the project's own command uses.
struct Names {
    by_dotted: BTreeMap<String, String>,
}

impl Names {
    /// Names of tests, and of files that cannot be collected.
    fn of(collected: &[String], broken: &[String]) -> Self {
        Self {
            by_dotted: collected
                .iter()
                .chain(broken)
                .map(|id| (dotted(id), id.clone()))
                .collect(),
        }
    }

    fn warm(&self, name: &str) -> Option<String> {
        let wanted = dotted(name);
        if let Some(id) = self.by_dotted.get(&wanted) {
            return Some(id.clone());
        }
        // A command that starts in a folder of its own names tests without that folder, or the other way round.
        let meets = |known: &str| {
            known
                .strip_suffix(wanted.as_str())
                .is_some_and(|head| head.ends_with('.'))
                || wanted.strip_suffix(known).is_some_and(|head| head.ends_with('.'))
        };
        let mut hits = self.by_dotted.iter().filter(|(known, _)| meets(known));
        match (hits.next(), hits.next()) {
            (Some((_, id)), None) => Some(id.clone()),
            _ => None,
        }
    }
}

/// `tests/test_a.py::T::test_x[a/b]` and `tests.test_a.T.test_x` meet in their dotted form; parameters stay as they are.
fn dotted(id: &str) -> String {
    let id = id.strip_prefix("unittest.loader._FailedTest.").unwrap_or(id);
    let (name, parameters) = id.find('[').map_or((id, ""), |at| id.split_at(at));
    name.replace(".py::", ".").replace("::", ".").replace('/', ".") + parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_runners_meet() {
        let names = Names::of(
            &[
                "tests/test_a.py::T::test_x".into(),
                "tests/test_a.py::test_y[a/b.py::c]".into(),
                "tests/b/test_c.py::test_z".into(),
            ],
            &[],
        );
        assert_eq!(
            names.warm("tests.test_a.T.test_x").as_deref(),
            Some("tests/test_a.py::T::test_x")
        );
        assert_eq!(
            names.warm("test_a.T.test_x").as_deref(),
            Some("tests/test_a.py::T::test_x")
        );
        assert_eq!(
            names.warm("tests/test_a.py::test_y[a/b.py::c]").as_deref(),
            Some("tests/test_a.py::test_y[a/b.py::c]")
        );
        assert_eq!(names.warm("est_c.test_z"), None);
        assert_eq!(
            names.warm("api/tests/b/test_c.py::test_z").as_deref(),
            Some("tests/b/test_c.py::test_z")
        );
    }
}
