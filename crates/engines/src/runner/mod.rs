//! Judges many candidates in one warm Python: starts the worker in a sandbox, talks to it, and starts it again when it dies.
//!
//! What the tests of a candidate say here decides which candidate is looked at further; it is no proof. A hostile test runs in
//! the same process as its reporter, so the proof is a plain run of the failing command elsewhere.

mod report;
mod tree;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sandbox::{Command, Input, Level, Mount, Output, Running, Sandbox, SandboxError};
use tempfile::TempDir;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::time::timeout;

pub use report::{
    Collected, CollectionError, Discover, Frame, Framework, Lines, Outcome, RunReport, RunRequest, RunnerSpec, TestId,
    TestResult,
};
use wire::{Answer, Ask, Done, Init};

/// The worker's package, file by file.
const WORKER: [(&str, &str); 15] = [
    ("__init__.py", include_str!("fixpoint_worker/__init__.py")),
    ("__main__.py", include_str!("fixpoint_worker/__main__.py")),
    ("child.py", include_str!("fixpoint_worker/child.py")),
    ("lines.py", include_str!("fixpoint_worker/lines.py")),
    ("live.py", include_str!("fixpoint_worker/live.py")),
    ("lives.py", include_str!("fixpoint_worker/lives.py")),
    ("options.py", include_str!("fixpoint_worker/options.py")),
    ("swap.py", include_str!("fixpoint_worker/swap.py")),
    ("text.py", include_str!("fixpoint_worker/text.py")),
    ("tree.py", include_str!("fixpoint_worker/tree.py")),
    ("under_pytest.py", include_str!("fixpoint_worker/under_pytest.py")),
    ("under_unittest.py", include_str!("fixpoint_worker/under_unittest.py")),
    ("warm.py", include_str!("fixpoint_worker/warm.py")),
    ("watch.py", include_str!("fixpoint_worker/watch.py")),
    ("zygote.py", include_str!("fixpoint_worker/zygote.py")),
];
const CHECKOUT_INSIDE: &str = "/work";
const WORKER_INSIDE: &str = "/run/fixpoint/worker";
const PROGRAM_INSIDE: &str = "/run/fixpoint/worker/fixpoint_worker";
const READY_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// On top of a request's own time: writing the candidate, forking, putting the tree back.
const GRACE: Duration = Duration::from_secs(20);
/// Results of one run that are kept; a suite has fewer.
const MOST_RESULTS: usize = 200_000;

/// Why no tests could be run at all. What tests do is never an error but a report.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The sandbox refused.
    #[error("the test runner cannot be started in the sandbox")]
    Sandbox(#[from] SandboxError),
    /// Python did not come up: the interpreter, its mounts or its packages are not usable.
    #[error("the test runner did not come up: {reason}. Check the interpreter and its mounts. It said: {stderr}")]
    NotReady {
        /// What was seen.
        reason: String,
        /// The end of its standard error.
        stderr: String,
    },
    /// The checkout could not be copied.
    #[error("the checkout {checkout} cannot be copied")]
    Copy {
        /// Which checkout.
        checkout: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// A worker that runs the tests of one checkout, again and again.
pub struct Runner {
    sandbox: Arc<dyn Sandbox>,
    spec: RunnerSpec,
    worker: Worker,
    about: About,
    /// What the first collection found, until it is asked for.
    first: Option<Collected>,
    /// Set while a request is under way. Still set at the next one: its caller gave up in the middle, and answers are pending.
    busy: bool,
}

/// What runs the tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The version of Python.
    pub python: String,
    /// `pytest` or `unittest`.
    pub framework: String,
    /// The version of pytest.
    pub pytest: Option<String>,
}

/// The worker process and the folder with its copy of the checkout, which is removed with it.
struct Worker {
    running: Running,
    input: Input,
    answers: BufReader<Output>,
    _folder: TempDir,
}

impl Runner {
    /// Copies the checkout, starts Python and collects all tests once, which also shows it what to import ahead.
    ///
    /// # Errors
    /// When the sandbox or Python does not start. Tests that cannot be collected are no error.
    pub async fn start(sandbox: Arc<dyn Sandbox>, spec: RunnerSpec) -> Result<Self, RunnerError> {
        let (worker, about) = Worker::start(sandbox.as_ref(), &spec).await?;
        let mut runner = Self {
            sandbox,
            spec,
            worker,
            about,
            first: None,
            busy: false,
        };
        runner.first = Some(runner.collect_now().await?);
        Ok(runner)
    }

    /// What runs the tests.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Lists the tests of the checkout as it is.
    ///
    /// # Errors
    /// When the worker died and cannot be started again.
    pub async fn collect(&mut self) -> Result<Collected, RunnerError> {
        match self.first.take() {
            Some(first) => Ok(first),
            None => self.collect_now().await,
        }
    }

    /// Runs tests on a candidate. Takes at most the request's time and some seconds; a worker that dies is started again, once, and
    /// the run is reported as crashed.
    ///
    /// # Errors
    /// When the worker died and cannot be started again.
    pub async fn run(&mut self, request: &RunRequest) -> Result<RunReport, RunnerError> {
        Ok(self.ask(request, false).await?.0)
    }

    /// Ends the worker and removes its copy of the checkout, and returns the processor time of all that ran in it. Dropping
    /// does the same without waiting.
    pub async fn stop(self) -> Duration {
        // Killing is enough: nothing of the worker is kept.
        match timeout(STOP_WITHIN, self.worker.running.kill()).await {
            Ok(Ok(finished)) => finished.cpu,
            _ => Duration::ZERO,
        }
    }

    async fn collect_now(&mut self) -> Result<Collected, RunnerError> {
        let request = RunRequest {
            wall: self.spec.collect_within,
            ..RunRequest::default()
        };
        let (report, tests) = self.ask(&request, true).await?;
        Ok(Collected {
            tests,
            errors: report.collection_errors,
            crashed: report.crashed,
            wall: report.wall,
        })
    }

    async fn ask(&mut self, request: &RunRequest, collect_only: bool) -> Result<(RunReport, Vec<TestId>), RunnerError> {
        if self.busy {
            self.restart().await?;
        }
        self.busy = true;
        let mut report = RunReport {
            coverage: request.coverage.then(Default::default),
            ..RunReport::default()
        };
        let mut items = Vec::new();
        let question = Ask::new(request, collect_only);
        let talk = self.worker.talk(&question, &mut report, &mut items);
        let problem = match timeout(request.wall + GRACE, talk).await {
            Ok(Ok(())) => None,
            Ok(Err(reason)) => Some(reason),
            Err(_) => Some("it did not answer in time".to_owned()),
        };
        if let Some(reason) = problem {
            let stderr = last_lines(&self.worker.running.stderr().text);
            report.crashed = Some(
                format!("the worker was started again: {reason}. {stderr}")
                    .trim()
                    .to_owned(),
            );
            report.wall = report.wall.max(Duration::ZERO);
            self.restart().await?;
        }
        self.busy = false;
        Ok((report, items))
    }

    /// A new worker on a new copy: what the old one left in its tree is not to be trusted.
    async fn restart(&mut self) -> Result<(), RunnerError> {
        let (worker, about) = Worker::start(self.sandbox.as_ref(), &self.spec).await?;
        self.worker = worker;
        self.about = about;
        Ok(())
    }
}

impl Worker {
    async fn start(sandbox: &dyn Sandbox, spec: &RunnerSpec) -> Result<(Self, About), RunnerError> {
        let folder = copied(spec.checkout.clone()).await?;
        let (tree, program) = (folder.path().join("tree"), folder.path().join("worker"));
        let python = spec.python.to_string_lossy().into_owned();
        let mut command = Command::new([python.as_str(), PROGRAM_INSIDE])
            .cwd(CHECKOUT_INSIDE)
            // The same order of sets in every child, and no threads that a fork would lose.
            .env("PYTHONHASHSEED", "0")
            .env("OMP_NUM_THREADS", "1")
            .env("OPENBLAS_NUM_THREADS", "1")
            // First, so that a layer of packages may lie inside the checkout.
            .mount(Mount::read_write(&tree, CHECKOUT_INSIDE))
            .mounts(spec.mounts.iter().cloned())
            .mount(Mount::read_only(&program, WORKER_INSIDE))
            .limits(spec.limits);
        for (name, value) in &spec.env {
            command = command.env(name, value);
        }
        let confined = sandbox.level() != Level::Unconfined;
        let root = if confined {
            CHECKOUT_INSIDE.to_owned()
        } else {
            tree.to_string_lossy().into_owned()
        };
        let mut running = sandbox.start(&command).await?;
        let (Some(input), Some(output)) = (running.stdin.take(), running.stdout.take()) else {
            return Err(RunnerError::NotReady {
                reason: "it has no pipes".into(),
                stderr: String::new(),
            });
        };
        let mut worker = Self {
            running,
            input,
            answers: BufReader::new(output),
            _folder: folder,
        };
        let init = Init {
            root: &root,
            cwd: &spec.cwd,
            pythonpath: &spec.pythonpath,
            confined,
            framework: spec.framework.name(),
            live: spec.live,
            discover: [&spec.discover.start, &spec.discover.pattern, &spec.discover.top],
        };
        let hello = async {
            worker.send(&init).await?;
            wire::read(&mut worker.answers).await
        };
        let reason = match timeout(READY_WITHIN, hello).await {
            Ok(Ok(Answer::Ready {
                python,
                framework,
                pytest,
            })) => {
                return Ok((
                    worker,
                    About {
                        python,
                        framework,
                        pytest,
                    },
                ));
            }
            Ok(Ok(_)) => "it answered something else".to_owned(),
            Ok(Err(reason)) => reason,
            Err(_) => format!("it was not ready within {} s", READY_WITHIN.as_secs()),
        };
        let stderr = match timeout(STOP_WITHIN, worker.running.kill()).await {
            Ok(Ok(finished)) => last_lines(&finished.stderr.text),
            _ => String::new(),
        };
        Err(RunnerError::NotReady { reason, stderr })
    }

    async fn send(&mut self, message: &impl serde::Serialize) -> Result<(), String> {
        let mut line = serde_json::to_vec(message).map_err(|error| error.to_string())?;
        line.push(b'\n');
        let sent = async {
            self.input.write_all(&line).await?;
            self.input.flush().await
        };
        sent.await.map_err(|error| format!("it does not listen: {error}"))
    }

    /// Sends a request and gathers its answers up to the last one. What came before a failure stays in the report.
    async fn talk(&mut self, ask: &Ask<'_>, report: &mut RunReport, items: &mut Vec<TestId>) -> Result<(), String> {
        self.send(ask).await?;
        loop {
            if report.tests.len() + items.len() + report.collection_errors.len() > MOST_RESULTS {
                return Err(format!("it reported more than {MOST_RESULTS} results"));
            }
            match wire::read(&mut self.answers).await? {
                Answer::Item { id } => items.push(id),
                Answer::Test(test) => report.tests.push(test),
                Answer::Broken { at, message } => report.collection_errors.push(CollectionError { at, message }),
                Answer::Lines { id: Some(id), files } => {
                    report.coverage.get_or_insert_default().insert(id, files);
                }
                Answer::Lines { id: None, files } => report.import_coverage = files,
                Answer::Done(Done {
                    crashed,
                    hung,
                    missing,
                    wall,
                    cpu,
                    live,
                }) => {
                    report.crashed = crashed;
                    report.hung = hung;
                    report.missing = missing;
                    report.wall = report::duration(wall);
                    report.cpu = report::duration(cpu);
                    report.live = live;
                    return Ok(());
                }
                Answer::Ready { .. } => return Err("it was ready twice".into()),
            }
        }
    }
}

/// A new folder with `tree`, a copy of the checkout, and `worker`, which holds the package.
async fn copied(checkout: PathBuf) -> Result<TempDir, RunnerError> {
    let from = checkout.clone();
    let copying = tokio::task::spawn_blocking(move || {
        let folder = tempfile::Builder::new().prefix("fixpoint-runner-").tempdir()?;
        tree::copy(&from, &folder.path().join("tree"))?;
        let program = folder.path().join("worker/fixpoint_worker");
        std::fs::create_dir_all(&program)?;
        for (name, text) in WORKER {
            std::fs::write(program.join(name), text)?;
        }
        Ok(folder)
    });
    match copying.await {
        Ok(Ok(folder)) => Ok(folder),
        Ok(Err(source)) => Err(RunnerError::Copy { checkout, source }),
        Err(gone) => Err(RunnerError::Copy {
            checkout,
            source: std::io::Error::other(gone),
        }),
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().rev().take(8).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
