//! Sees the failure gone and nothing else broken, often enough that a flake is unlikely to have fooled it.

use crate::reproduce::{FLAKE_LIMIT, Reproduced, Spent};
use crate::suite::{Answer, Bench, Suite, SuiteError, SuiteRun};
use domain::evidence::{After, CommandRun, FlakyTest, TestId, runs_needed};

/// What unittest puts in front of a module that it could not import.
const UNITTEST_BROKEN: &str = "unittest.loader._FailedTest.";
/// How often a test that broke is run again on each tree before it counts as broken.
const SECOND_LOOKS: u32 = 5;
/// How often it is then run among all others on each tree.
const AMONG_ALL: u32 = 3;

/// A proof.
pub struct Proof {
    /// The suite on the fixed tree.
    pub after: After,
    /// Tests that fail in that run all the same: known failures, and tests that give both answers.
    pub red: Vec<TestId>,
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
    /// Whether the failure went away without the fix, too.
    pub comes_and_goes: bool,
    /// Everything that was run.
    pub runs: Vec<CommandRun>,
    /// Sandboxed time.
    pub spent: Spent,
}

struct Trial<'a> {
    bench: &'a Bench,
    suite: &'a Suite,
    seen: &'a Reproduced,
    before: &'a str,
    after: &'a str,
    runs: Vec<CommandRun>,
    spent: Spent,
}

/// What held, before it is put together with everything that was run.
struct Held {
    run: SuiteRun,
    flaky: Vec<FlakyTest>,
    reruns: u32,
}

/// Why it does not hold.
enum Fails {
    /// With the fix.
    With(String),
    /// The failure went away without the fix.
    Without(String),
}

/// Proves that the second of the trees has not got the failure of the first any more. With `whole_suite` false only the
/// failing tests are run, and what comes out is no proof that nothing else broke.
///
/// # Errors
/// When a run could not be made.
pub async fn prove(
    bench: &Bench,
    suite: &Suite,
    seen: &Reproduced,
    (before, after): (&str, &str),
    whole_suite: bool,
) -> Result<Result<Proof, Disproof>, SuiteError> {
    let mut trial = Trial {
        bench,
        suite,
        seen,
        before,
        after,
        runs: Vec::new(),
        spent: Spent::default(),
    };
    let outcome = trial.hold(whole_suite).await?;
    let Trial { runs, spent, .. } = trial;
    let (reason, comes_and_goes) = match outcome {
        Ok(Held { run, flaky, reruns }) => {
            return Ok(Ok(Proof {
                after: After {
                    exit_code: run.exit_code,
                    passed: run.count(|answer| answer == Answer::Passed),
                    failed: run.count(Answer::is_failure),
                    skipped: run.count(|answer| answer == Answer::Skipped),
                },
                red: run.failing().cloned().collect(),
                runs,
                flaky,
                reruns,
                spent,
            }));
        }
        Err(Fails::With(reason)) => (reason, false),
        Err(Fails::Without(reason)) => (reason, true),
    };
    Ok(Err(Disproof {
        reason,
        comes_and_goes,
        runs,
        spent,
    }))
}

impl Trial<'_> {
    async fn hold(&mut self, whole_suite: bool) -> Result<Result<Held, Fails>, SuiteError> {
        // What could not be collected has no name of its own yet, so nothing can be left out.
        let named = self.seen.failing.iter().all(|test| !self.is_uncollected(test));
        let failing = named.then_some(self.seen.failing.as_slice());
        let only = if whole_suite { None } else { failing };
        let mut run = self.run("suite after", self.after, only).await?;
        if let Some(reason) = self.still_fails(&run) {
            return Ok(Err(Fails::With(reason)));
        }
        let mut flaky = Vec::new();
        if whole_suite {
            let broken = self.broken(&run);
            if !broken.is_empty() {
                match self.look_again(run, &broken).await? {
                    Ok((calmest, found)) => (run, flaky) = (calmest, found),
                    Err(test) => {
                        let reason = format!("`{test}` passed before and does not pass with the fix");
                        return Ok(Err(Fails::With(reason)));
                    }
                }
            }
            if let Some(reason) = self.still_fails(&run).or_else(|| self.unexplained(&run, &flaky)) {
                return Ok(Err(Fails::With(reason)));
            }
        }
        let (_, wanted) = runs_needed(FLAKE_LIMIT);
        let mut reruns = 0;
        for again in 1..wanted {
            let purpose = format!("failing tests after, {} of {wanted}", again + 1);
            let again = self.run(&purpose, self.after, failing).await?;
            reruns += 1;
            if let Some(test) = self.seen.failing.iter().find(|test| !self.passes(&again, test)) {
                return Ok(Err(Fails::With(format!("`{test}` passes only sometimes with the fix"))));
            }
            if self.seen.failing.is_empty() && again.exit_code != 0 {
                let reason = "the command passes only sometimes with the fix".to_owned();
                return Ok(Err(Fails::With(reason)));
            }
        }
        // What changes with time looks like a fix while all runs without it come first: so the last run is without it.
        let last = self
            .run("failing tests before, after all others", self.before, failing)
            .await?;
        reruns += 1;
        let gone = match self.seen.failing.iter().find(|test| self.passes(&last, test)) {
            Some(test) => Some(format!("`{test}` passes without the fix by now: it comes and goes")),
            None if self.seen.failing.is_empty() && last.exit_code == 0 => {
                Some("the command passes without the fix by now: it comes and goes".to_owned())
            }
            None => None,
        };
        Ok(match gone {
            Some(reason) => Err(Fails::Without(reason)),
            None => Ok(Held { run, flaky, reruns }),
        })
    }

    /// Why the failure is not gone in a run with the fix.
    fn still_fails(&self, run: &SuiteRun) -> Option<String> {
        if run.timed_out {
            return Some("the suite runs out of time with the fix".into());
        }
        if let Some(test) = self.seen.failing.iter().find(|test| !self.passes(run, test)) {
            return Some(format!("`{test}` still does not pass"));
        }
        (self.seen.first.reported && run.passing().next().is_none())
            .then(|| "no test passes with the fix, because none is run".into())
    }

    /// Tests that passed before, if only sometimes, and did not in this run.
    fn broken(&self, run: &SuiteRun) -> Vec<TestId> {
        let watched = self.seen.passing.iter().chain(&self.seen.unstable);
        watched.filter(|test| !run.passed(test)).cloned().collect()
    }

    /// What else is wrong with a run: a failure that nothing excuses, or an exit code that no failure explains.
    fn unexplained(&self, run: &SuiteRun, flaky: &[FlakyTest]) -> Option<String> {
        let excused =
            |test: &TestId| self.seen.known_failures.contains(test) || flaky.iter().any(|known| known.test == *test);
        if let Some(test) = run.failing().find(|test| !excused(test)) {
            return Some(format!("`{test}` fails with the fix and did not fail before"));
        }
        // A command may stay red for what was red before, and for nothing else.
        let as_before = run.exit_code == self.seen.first.exit_code && run.failing().next().is_some();
        (run.exit_code != 0 && !as_before).then(|| format!("the command exits with {} with the fix", run.exit_code))
    }

    /// Tests that seem broken by the fix: first run by themselves on both trees, then among all others, since a fix may
    /// break a test by what it leaves behind. A test that is not seen to pass with the fix, or that fails only with it, is
    /// returned as the culprit. The others give both answers; the calmest run with the fix comes with them.
    async fn look_again(
        &mut self,
        first: SuiteRun,
        broken: &[TestId],
    ) -> Result<Result<(SuiteRun, Vec<FlakyTest>), TestId>, SuiteError> {
        let mut failed_without = vec![0u32; broken.len()];
        let mut failed_with = vec![0u32; broken.len()];
        for again in 0..SECOND_LOOKS {
            for (tree, failed, what) in [
                (self.before, &mut failed_without, "without"),
                (self.after, &mut failed_with, "with"),
            ] {
                let purpose = format!("second look {what} the fix, {} of {SECOND_LOOKS}", again + 1);
                let run = self.run(&purpose, tree, Some(broken)).await?;
                count_failures(broken, &run, failed);
            }
            // Once a test has failed twice with the fix and never without, nothing will acquit it.
            let hopeless = |(without, with): (&u32, &u32)| *without == 0 && *with > again;
            if again >= 1 && failed_without.iter().zip(&failed_with).any(hopeless) {
                break;
            }
        }
        for (at, test) in broken.iter().enumerate() {
            let (without, with) = (failed_without[at], failed_with[at]);
            if (without == 0 && with > 0) || (with == SECOND_LOOKS && without < SECOND_LOOKS) {
                return Ok(Err(test.clone()));
            }
        }
        // A test that gave both answers by itself on both trees is not the fix's doing.
        let asked: Vec<usize> = (0..broken.len())
            .filter(|at| failed_without[*at] == 0 || failed_without[*at] == SECOND_LOOKS)
            .collect();
        let (mut without, mut with) = (vec![0u32; broken.len()], vec![1u32; broken.len()]);
        let mut calmest = first;
        let mut rounds = 0;
        let seen_to_pass = |at: usize, with: &[u32], rounds: u32| failed_with[at] < SECOND_LOOKS || with[at] <= rounds;
        while rounds < AMONG_ALL
            && asked
                .iter()
                .any(|at| without[*at] == 0 || !seen_to_pass(*at, &with, rounds))
        {
            rounds += 1;
            let run = self
                .run("the whole suite again without the fix", self.before, None)
                .await?;
            count_failures(broken, &run, &mut without);
            let run = self.run("the whole suite again with the fix", self.after, None).await?;
            count_failures(broken, &run, &mut with);
            // A run in which other tests fail than in the first is no better one.
            if run.failing().count() < calmest.failing().count()
                && self.broken(&run).iter().all(|test| broken.contains(test))
            {
                calmest = run;
            }
        }
        let is_culprit = |at: &usize| {
            let (failed, failed_too) = (without[*at], with[*at]);
            // It passed before, if only sometimes: so it has to be seen to pass with the fix.
            (failed == 0 && failed_too > 1)
                || (failed_too > rounds && failed < rounds)
                || !seen_to_pass(*at, &with, rounds)
        };
        if let Some(culprit) = asked.into_iter().find(is_culprit) {
            return Ok(Err(broken[culprit].clone()));
        }
        let flaky = |(at, test): (usize, &TestId)| FlakyTest {
            test: test.clone(),
            failed: failed_without[at] + without[at],
            runs: SECOND_LOOKS + rounds,
        };
        Ok(Ok((calmest, broken.iter().enumerate().map(flaky).collect())))
    }

    /// Whether a failing test passes now. Only where its runner never told of single tests, a test that the printed output
    /// does not name has passed if the command succeeded.
    fn passes(&self, run: &SuiteRun, test: &TestId) -> bool {
        if self.is_uncollected(test) {
            let own = || {
                run.tests
                    .iter()
                    .filter(|(id, _)| is_of_file(id, test))
                    .map(|(_, own)| own.answer)
            };
            // Skipped is not passed: a file that can be read and runs nothing shows nothing.
            return own().any(|answer| answer == Answer::Passed) && !own().any(Answer::is_failure);
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

fn count_failures(tests: &[TestId], run: &SuiteRun, failed: &mut [u32]) {
    for (test, failed) in tests.iter().zip(failed) {
        *failed += u32::from(!run.passed(test));
    }
}
