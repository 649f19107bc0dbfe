//! Sees the failure gone and nothing else broken, often enough that a flake is unlikely to have fooled it.

use crate::reproduce::{FLAKE_LIMIT, Reproduced, Spent};
use crate::suite::{Answer, Bench, Suite, SuiteError, SuiteRun};
use domain::evidence::{After, CommandRun, FlakyTest, TestId, runs_needed};

/// What unittest puts in front of a module that it could not import.
const UNITTEST_BROKEN: &str = "unittest.loader._FailedTest.";
/// How often a test that broke is run again on each tree before it counts as broken.
const SECOND_LOOKS: u32 = 5;

/// A proof.
pub struct Proof {
    /// The suite on the fixed tree.
    pub after: After,
    /// Everything that was run.
    pub runs: Vec<CommandRun>,
    /// Tests that give both answers.
    pub flaky: Vec<FlakyTest>,
    /// Runs of the failing tests after the first.
    pub reruns: u32,
    /// Sandboxed time.
    pub spent: Spent,
}

/// Why a fix is not proved.
pub struct Disproof {
    /// For people.
    pub reason: String,
    /// Everything that was run.
    pub runs: Vec<CommandRun>,
    /// Sandboxed time.
    pub spent: Spent,
}

struct Trial<'a> {
    bench: &'a Bench,
    suite: &'a Suite,
    seen: &'a Reproduced,
    runs: Vec<CommandRun>,
    spent: Spent,
}

/// Proves that `tree_after` has not got the failure any more. With `whole_suite` false only the failing tests are run, and
/// what comes out is no proof that nothing else broke.
///
/// # Errors
/// When a run could not be made.
pub async fn prove(
    bench: &Bench,
    suite: &Suite,
    seen: &Reproduced,
    trees: (&str, &str),
    whole_suite: bool,
) -> Result<Result<Proof, Disproof>, SuiteError> {
    let mut trial = Trial {
        bench,
        suite,
        seen,
        runs: Vec::new(),
        spent: Spent::default(),
    };
    let outcome = trial.hold(trees, whole_suite).await?;
    let Trial { runs, spent, .. } = trial;
    Ok(match outcome {
        Ok((after, flaky, reruns)) => Ok(Proof {
            after,
            runs,
            flaky,
            reruns,
            spent,
        }),
        Err(reason) => Err(Disproof { reason, runs, spent }),
    })
}

impl Trial<'_> {
    async fn hold(
        &mut self,
        (before, after): (&str, &str),
        whole_suite: bool,
    ) -> Result<Result<(After, Vec<FlakyTest>, u32), String>, SuiteError> {
        // What could not be collected has no name of its own yet, so nothing can be left out.
        let named = self.seen.failing.iter().all(|test| !self.is_uncollected(test));
        let failing = named.then_some(self.seen.failing.as_slice());
        let only = if whole_suite { None } else { failing };
        let run = self.run("suite after", after, only).await?;
        if run.timed_out {
            return Ok(Err("the suite runs out of time with the fix".into()));
        }
        if let Some(test) = self.seen.failing.iter().find(|test| !self.passes(&run, test)) {
            return Ok(Err(format!("`{test}` still does not pass")));
        }
        if self.seen.first.reported && run.passing().next().is_none() {
            return Ok(Err("no test passes with the fix, because none is run".into()));
        }
        let mut flaky = Vec::new();
        if whole_suite {
            let broken: Vec<TestId> = self
                .seen
                .passing
                .iter()
                .filter(|test| !run.passed(test))
                .cloned()
                .collect();
            match self.look_again(before, after, &broken).await? {
                Ok(found) => flaky = found,
                Err(test) => return Ok(Err(format!("`{test}` passed before and does not pass with the fix"))),
            }
            let unexplained = run.failing().find(|test| {
                !self.seen.known_failures.contains(test)
                    && !flaky.iter().any(|f| f.test == **test)
                    && !self.seen.passing.contains(test)
            });
            if let Some(test) = unexplained {
                return Ok(Err(format!("`{test}` fails with the fix and did not run before")));
            }
            // A command may stay red for what was red before, and for nothing else.
            let as_before = run.exit_code == self.seen.first.exit_code && run.failing().next().is_some();
            if run.exit_code != 0 && !as_before {
                return Ok(Err(format!("the command exits with {} with the fix", run.exit_code)));
            }
        }
        let (_, wanted) = runs_needed(FLAKE_LIMIT);
        let mut reruns = 0;
        for again in 1..wanted {
            let run = self
                .run(
                    &format!("failing tests after, {} of {wanted}", again + 1),
                    after,
                    failing,
                )
                .await?;
            reruns += 1;
            if let Some(test) = self.seen.failing.iter().find(|test| !self.passes(&run, test)) {
                return Ok(Err(format!("`{test}` passes only sometimes with the fix")));
            }
            if self.seen.failing.is_empty() && run.exit_code != 0 {
                return Ok(Err("the command passes only sometimes with the fix".into()));
            }
        }
        let count = |wanted: fn(Answer) -> bool| run.count(wanted);
        let after = After {
            exit_code: run.exit_code,
            passed: count(|a| a == Answer::Passed),
            failed: count(Answer::is_failure),
            skipped: count(|a| a == Answer::Skipped),
        };
        Ok(Ok((after, flaky, reruns)))
    }

    /// Tests that seem broken by the fix: run again on both trees. One that also fails without the fix, or fails with it no
    /// second time, gives both answers by itself; the first that fails with the fix alone is returned as the culprit.
    async fn look_again(
        &mut self,
        before: &str,
        after: &str,
        broken: &[TestId],
    ) -> Result<Result<Vec<FlakyTest>, TestId>, SuiteError> {
        if broken.is_empty() {
            return Ok(Ok(Vec::new()));
        }
        let mut failed_without = vec![0u32; broken.len()];
        let mut failed_with = vec![0u32; broken.len()];
        for again in 0..SECOND_LOOKS {
            for (tree, failed, what) in [
                (before, &mut failed_without, "without"),
                (after, &mut failed_with, "with"),
            ] {
                let run = self
                    .run(
                        &format!("second look {what} the fix, {} of {SECOND_LOOKS}", again + 1),
                        tree,
                        Some(broken),
                    )
                    .await?;
                for (at, test) in broken.iter().enumerate() {
                    failed[at] += u32::from(!run.passed(test));
                }
            }
            // Once a test has failed twice with the fix and never without, nothing will acquit it.
            if again >= 1
                && failed_without
                    .iter()
                    .zip(&failed_with)
                    .any(|(without, with)| *without == 0 && *with > again)
            {
                break;
            }
        }
        // A test that fails whenever it is run without the others says nothing about the fix: it is asked among them.
        let alone = |at: usize| failed_without[at] == SECOND_LOOKS;
        let among = if (0..broken.len()).any(alone) {
            let without = self.run("the whole suite again without the fix", before, None).await?;
            Some((
                without,
                self.run("the whole suite again with the fix", after, None).await?,
            ))
        } else {
            None
        };
        let mut flaky = Vec::new();
        for (at, test) in broken.iter().enumerate() {
            let never_without = failed_without[at] == 0 && failed_with[at] > 0;
            let only_with = among
                .as_ref()
                .is_some_and(|(without, with)| alone(at) && without.passed(test) && !with.passed(test));
            if never_without || only_with {
                return Ok(Err(test.clone()));
            }
            flaky.push(FlakyTest {
                test: test.clone(),
                failed: failed_without[at],
                runs: SECOND_LOOKS,
            });
        }
        Ok(Ok(flaky))
    }

    /// Whether a failing test passes now. Only where its runner never told of single tests, a test that the printed output
    /// does not name has passed if the command succeeded.
    fn passes(&self, run: &SuiteRun, test: &TestId) -> bool {
        if self.is_uncollected(test) {
            let mut own = run.tests.iter().filter(|(id, _)| is_of_file(id, test)).peekable();
            return own.peek().is_some() && own.all(|(_, answer)| !answer.answer.is_failure());
        }
        let told = self.seen.first.reported || run.reported;
        run.passed(test) || (!told && run.exit_code == 0 && !run.tests.contains_key(test))
    }

    /// Whether a failing "test" is a file that could not be imported.
    fn is_uncollected(&self, test: &TestId) -> bool {
        test.as_str().contains(UNITTEST_BROKEN)
            || self.seen.first.tests.get(test).is_some_and(|answer| answer.collecting)
    }

    async fn run(&mut self, purpose: &str, tree: &str, only: Option<&[TestId]>) -> Result<SuiteRun, SuiteError> {
        let run = self.bench.run(self.suite, tree, &self.seen.extra, only).await?;
        self.spent.add(&run);
        self.runs.push(run.as_evidence(purpose, &self.suite.command, tree));
        Ok(run)
    }
}

/// Whether a test belongs to a file that could not be imported before: `tests/test_a.py`, or a dotted module.
fn is_of_file(id: &TestId, file: &TestId) -> bool {
    let file = file.as_str();
    match file.strip_prefix(UNITTEST_BROKEN) {
        Some(module) => id.as_str().starts_with(&format!("{module}.")) || id.as_str().contains(&format!(".{module}.")),
        None => id.as_str().starts_with(&format!("{file}::")),
    }
}
