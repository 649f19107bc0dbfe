//! Builds the environment that a project's tests need: the one stage in which untrusted code has a network.
//!
//! What a project's manifests or lock files ask for, or its setup command, is installed in the sandbox, which holds no secret and
//! whose only way out is a proxy with an allow-list (`registry`). The result is a read-only layer, kept under a key of everything that
//! went in (`layer`). A layer that exists is used without any network, and a project that needs nothing gets none.
mod checkout;
mod copy;
mod layer;
mod lock;
mod manifest;
mod node;
mod plan;
mod python;
mod registry;
mod requirement;
mod run;
mod settings;
mod toolchain;
mod wanted;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sandbox::{Mount, Sandbox, SandboxError};
use tokio::sync::Mutex;

pub use settings::Settings;

use crate::diagnose::Framework;
use layer::{Lease, Store};
use plan::Plan;
use toolchain::Interpreter;

/// Where a layer is mounted in every sandbox. Scripts in it begin with this path.
pub const LAYER_INSIDE: &str = "/opt/fixpoint";
/// Where a test run finds what reports on it.
pub const REPORT_INSIDE: &str = "/opt/fixpoint-report";
/// A `.pth` file that has every Python of an environment report, also where a command sets `PYTHONPATH` itself. It does nothing
/// where the folder is not there.
pub const REPORT_HOOK: &str = "/opt/fixpoint-report\nimport importlib.util; importlib.util.find_spec(\"fixpoint_site\") and __import__(\"fixpoint_site\")\n";
/// How long the answer of an interpreter about itself is believed.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// What is to be prepared.
#[derive(Clone, Debug)]
pub struct PrepareSpec {
    /// The project's own command, a line for `sh`. It takes the place of everything that would be found in the files.
    pub setup_command: Option<String>,
    /// The framework that will run the tests, when it is known. pytest is installed if it is to run and nothing lists it.
    pub runner: Option<Framework>,
    /// Where the checkout will be mounted inside, for instance `/work`.
    pub inside: PathBuf,
    /// Names the repository and its tree. A layer that the project's own code helped to make is kept for that tree alone; a
    /// list of names from a registry makes the same layer for everybody.
    pub origin: String,
}

/// What a later stage mounts and sets to run a project's tests.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The folder of the layer on the host; `None` when nothing had to be installed.
    pub layer: Option<PathBuf>,
    /// Read-only mounts: toolchains, the layer at [`LAYER_INSIDE`], then what a setup command or npm made within the checkout. The last
    /// lie inside the checkout, so they come after its mount, which must be writable for bubblewrap to make their mount points.
    pub mounts: Vec<Mount>,
    /// Variables: `PATH`, and for Python `VIRTUAL_ENV` and `PYTHONPATH`.
    pub env: Vec<(String, String)>,
    /// The Python to run, inside.
    pub python: Option<PathBuf>,
    /// The Node to run, inside.
    pub node: Option<PathBuf>,
    /// Names the layer, or what would have been in it.
    pub key: String,
    /// Whether the layer was there already.
    pub cached: bool,
    /// The end of what the installation printed, redacted.
    pub log_tail: String,
    /// Time that the preparation took.
    pub wall: Duration,
    /// Hosts that were asked for and refused by the allow-list, `host:port`.
    pub refused_hosts: Vec<String>,
    /// Keeps the layer from being evicted.
    lease: Option<Arc<Lease>>,
}

impl Environment {
    /// Whether it holds a layer against eviction.
    pub fn is_leased(&self) -> bool {
        self.lease.is_some()
    }
}

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The project's own environment cannot be built: its requirement, its command, or a tool that the machine lacks.
    #[error("the environment cannot be built: {}", what_happened(command, exit, tail))]
    Environment {
        /// What was run, as a person would write it.
        command: String,
        /// How it ended.
        exit: String,
        /// The end of its output, redacted.
        tail: String,
    },
    /// The sandbox could not run it.
    #[error("the sandbox could not build the environment")]
    Sandbox(#[from] SandboxError),
    /// The folder of layers is of no use.
    #[error("{doing}: make the layers folder below data.dir writable and give it room")]
    Layers {
        /// What was being done.
        doing: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A setting is wrong.
    #[error("setting prepare.{0}")]
    Setting(String),
}

impl PrepareError {
    /// A project's environment that the machine cannot offer, said without having run anything.
    fn lacking(command: &str, what: impl Into<String>) -> Self {
        Self::Environment {
            command: command.to_owned(),
            exit: NOT_RUN.to_owned(),
            tail: what.into(),
        }
    }

    fn layers(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Layers { doing, source }
    }
}

/// How a step ended that the machine lacks something for.
const NOT_RUN: &str = "nothing was run";

fn what_happened(command: &str, exit: &str, tail: &str) -> String {
    if exit == NOT_RUN {
        tail.to_owned()
    } else {
        format!("`{command}` ended with {exit}: {}", last_line(tail))
    }
}

fn last_line(tail: &str) -> &str {
    tail.lines()
        .rev()
        .find(|line| line.starts_with("ERROR") || line.contains("error"))
        .or_else(|| tail.lines().rev().find(|line| !line.trim().is_empty()))
        .unwrap_or("it printed nothing")
}

/// Told about what is being done, one line at a time.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Prepares environments and keeps their layers.
pub struct Preparer {
    sandbox: Arc<dyn Sandbox>,
    store: Store,
    settings: Settings,
    interpreters: Mutex<HashMap<PathBuf, (Instant, Interpreter)>>,
    nodes: Mutex<Option<(Instant, toolchain::Node)>>,
}

impl Preparer {
    /// One for a folder of layers, which is made when it is needed.
    pub fn new(sandbox: Arc<dyn Sandbox>, layers_dir: impl Into<PathBuf>, settings: Settings) -> Self {
        let store = Store::new(layers_dir.into(), settings.max_bytes);
        Self {
            sandbox,
            store,
            settings,
            interpreters: Mutex::new(HashMap::new()),
            nodes: Mutex::new(None),
        }
    }

    /// Builds what the checkout needs, or finds it built.
    ///
    /// # Errors
    /// [`PrepareError::Environment`] is about the project; all others are about this machine.
    pub async fn prepare(
        &self,
        checkout: &Path,
        spec: &PrepareSpec,
        progress: Progress<'_>,
    ) -> Result<Environment, PrepareError> {
        let start = Instant::now();
        let plan = Plan::of(checkout, spec).map_err(PrepareError::layers("cannot read the checkout"))?;
        let interpreter = if plan.wants_python {
            // Who sets up the environment, or names the interpreter, has chosen.
            let chosen = spec.setup_command.is_some() || self.settings.python.is_some();
            let requires = plan.wanted.requires_python.as_deref().filter(|_| !chosen);
            Some(self.interpreter(requires).await?)
        } else {
            None
        };
        let node = if plan.wants_node {
            Some(self.node().await?)
        } else {
            None
        };
        let key = plan.key(interpreter.as_ref(), node.as_ref());
        let mut environment = Environment {
            layer: None,
            mounts: Vec::new(),
            env: Vec::new(),
            python: interpreter.as_ref().map(|python| python.toolchain.executable.clone()),
            node: node.as_ref().map(|node| node.toolchain.executable.clone()),
            key: key.clone(),
            cached: true,
            log_tail: String::new(),
            wall: Duration::ZERO,
            refused_hosts: Vec::new(),
            lease: None,
        };
        if plan.installs() {
            let built = match self.store.find(&key)? {
                Some(lease) => lease,
                None => {
                    let _turn = self.store.lock(&key, self.settings.wall()).await?;
                    match self.store.find(&key)? {
                        Some(lease) => lease,
                        None => {
                            environment.cached = false;
                            self.build(
                                checkout,
                                spec,
                                &plan,
                                interpreter.as_ref(),
                                node.as_ref(),
                                progress,
                                &mut environment,
                            )
                            .await?
                        }
                    }
                }
            };
            environment.layer = Some(built.folder.clone());
            environment.lease = Some(Arc::new(built));
        }
        self.describe(&mut environment, spec, &plan, interpreter.as_ref(), node.as_ref());
        environment.wall = start.elapsed();
        Ok(environment)
    }

    /// The Python of the settings, or the first of the search path that the project runs on and that can make virtual
    /// environments, or else the first that it runs on.
    async fn interpreter(&self, requires: Option<&str>) -> Result<Interpreter, PrepareError> {
        let mut known = self.interpreters.lock().await;
        let (mut first, mut failure, mut unfit) = (None, None, Vec::new());
        for executable in toolchain::candidates(&self.settings)? {
            let asked = known
                .get(&executable)
                .filter(|(asked, _)| asked.elapsed() < ASK_AGAIN_AFTER);
            let interpreter = match asked {
                Some((_, interpreter)) => interpreter.clone(),
                None => match Interpreter::ask(&*self.sandbox, &executable).await {
                    Ok(interpreter) => {
                        known.insert(executable, (Instant::now(), interpreter.clone()));
                        interpreter
                    }
                    Err(error) => {
                        failure = failure.or(Some(error));
                        continue;
                    }
                },
            };
            if !interpreter.satisfies(requires) {
                if !unfit.contains(&interpreter.version) {
                    unfit.push(interpreter.version.clone());
                }
                continue;
            }
            if interpreter.has_venv {
                return Ok(interpreter);
            }
            first = first.or(Some(interpreter));
        }
        first.ok_or_else(|| match requires {
            Some(requires) if !unfit.is_empty() => toolchain::unfit(requires, &unfit),
            _ => failure.unwrap_or_else(toolchain::absent),
        })
    }

    async fn node(&self) -> Result<toolchain::Node, PrepareError> {
        let mut known = self.nodes.lock().await;
        if let Some((_, node)) = known.as_ref().filter(|(asked, _)| asked.elapsed() < ASK_AGAIN_AFTER) {
            return Ok(node.clone());
        }
        let node = toolchain::find_node(&self.settings).await?;
        *known = Some((Instant::now(), node.clone()));
        Ok(node)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "all that was found out about one build, used nowhere else"
    )]
    async fn build(
        &self,
        checkout: &Path,
        spec: &PrepareSpec,
        plan: &Plan,
        interpreter: Option<&Interpreter>,
        node: Option<&toolchain::Node>,
        progress: Progress<'_>,
        environment: &mut Environment,
    ) -> Result<Lease, PrepareError> {
        let draft = self.store.draft()?;
        progress("asking the package clients where they fetch from");
        let reach = registry::Reach::ask(&*self.sandbox, &self.settings, interpreter, node).await?;
        let mut session = run::Session::open(Arc::clone(&self.sandbox), &self.settings, reach, draft.path(), progress)?;
        if let Some(interpreter) = interpreter {
            session.toolchain(&interpreter.toolchain);
        }
        if let Some(node) = node {
            session.toolchain(&node.toolchain);
        }
        let result = async {
            if let Some(interpreter) = interpreter {
                python::install(&mut session, interpreter, plan, spec, checkout).await?;
            }
            if let Some(command) = &spec.setup_command {
                run::setup(&mut session, command, spec, checkout).await?;
            } else if let Some(node) = node {
                node::install(&mut session, node, spec, checkout).await?;
            }
            Ok(())
        }
        .await;
        environment.refused_hosts = session.refused();
        environment.log_tail = session.tail();
        match result {
            Err(PrepareError::Environment {
                command,
                exit,
                mut tail,
            }) => {
                if !environment.refused_hosts.is_empty() {
                    tail.push_str(&format!(
                        "\nrefused by the allow-list (prepare.allow_hosts): {}",
                        environment.refused_hosts.join(", ")
                    ));
                }
                Err(PrepareError::Environment { command, exit, tail })
            }
            Err(other) => Err(other),
            Ok(()) => {
                drop(session);
                self.store.keep(&environment.key, draft)
            }
        }
    }

    fn describe(
        &self,
        environment: &mut Environment,
        spec: &PrepareSpec,
        plan: &Plan,
        interpreter: Option<&Interpreter>,
        node: Option<&toolchain::Node>,
    ) {
        let mut path = Vec::new();
        if let Some(interpreter) = interpreter {
            environment.mounts.extend(interpreter.toolchain.mounts.iter().cloned());
            path.extend(
                interpreter
                    .toolchain
                    .executable
                    .parent()
                    .map(|folder| folder.display().to_string()),
            );
        }
        if let Some(node) = node {
            environment.mounts.extend(
                node.toolchain
                    .mounts
                    .iter()
                    .filter(|mount| !environment.mounts.contains(mount))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            path.extend(
                node.toolchain
                    .executable
                    .parent()
                    .map(|folder| folder.display().to_string()),
            );
        }
        if let Some(layer) = &environment.layer {
            environment
                .mounts
                .push(Mount::read_only(layer.join(layer::ROOT), LAYER_INSIDE));
            if interpreter.is_some() {
                let env = format!("{LAYER_INSIDE}/env");
                path.insert(0, format!("{env}/bin"));
                environment.python = Some(PathBuf::from(format!("{env}/bin/python")));
                environment.env.push(("VIRTUAL_ENV".to_owned(), env));
            }
            for made in layer::made(layer) {
                environment.mounts.push(Mount::read_only(
                    layer.join(layer::TREE).join(&made),
                    spec.inside.join(&made),
                ));
            }
        }
        if interpreter.is_some() {
            environment
                .env
                .push(("PYTHONPATH".to_owned(), plan.python_path(&spec.inside)));
            environment
                .env
                .push(("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()));
        }
        path.push(run::SYSTEM_PATH.to_owned());
        path.dedup();
        environment.env.push(("PATH".to_owned(), path.join(":")));
    }
}
