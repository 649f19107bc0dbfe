//! `fixpoint up`: all four services in one process, on one HTTP port, with whatever bus and database the settings name.

use crate::cli::Usage;
use actix_web::{App, HttpServer};
use anyhow::Context as _;
use bus::Bus;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A running system.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    tasks: JoinSet<anyhow::Result<()>>,
}

/// Starts everything. What cannot work is an error now, not a surprise later.
///
/// # Errors
/// One sentence that names the setting, the address or the tool.
pub async fn start(source: &settings::Source, stop: CancellationToken) -> anyhow::Result<Running> {
    let all = settings::Settings::load(source)?;
    let bus: Arc<dyn Bus> = bus::open(&all.section("bus")?).await?;
    let fixer = fixer::Settings::read(&all)?;
    let notifier = notifier::Notifier::open(&all.section("slack")?, Arc::clone(&bus))?;
    let github: github::Settings = all.section("github")?;
    if github.auth.token.is_none() && github.auth.app.is_none() {
        tracing::warn!(
            "GITHUB_TOKEN is not set, and no App: only public repositories can be read, and nothing can be published"
        );
    }
    let rules: planner::Settings = settings::load(source)?;
    if rules.sentry.enabled && rules.project.name.is_none() && rules.sentry.projects.is_empty() {
        tracing::warn!(
            "SENTRY_FIXER_ENABLED is set, and no repository belongs to any alert: every alert is skipped until \
             GITHUB_REPO_OWNER and GITHUB_REPO_NAME are set, or [sentry.projects] names a repository"
        );
    }
    std::fs::create_dir_all(fixer.data_dir.parent().unwrap_or(&fixer.data_dir)).context("data.dir cannot be made")?;
    let planner = planner::Planner::open(&rules, Arc::clone(&bus)).await?;
    let doors = ingest::Settings::read(&all)?;
    let listen = doors.listen.clone();
    let ingest = Arc::new(ingest::Ingest::open(doors, Arc::clone(&bus))?);
    // Refused here, before any webhook is accepted, when code cannot be confined. Not earlier: it clears what an earlier run has
    // left, and only the spool's lock says that no other process is still at it.
    let fixer = fixer::Fixer::open(fixer, Arc::clone(&bus), stop.clone())?;

    let health = ingest
        .health()
        .and(planner.health())
        .and(fixer.health())
        .and(notifier.health());
    let (door_routes, planner_routes, watched) = (ingest.routes(), planner.routes(), ingest::watched(&health));
    let app = move || {
        App::new()
            .configure(door_routes.clone())
            .configure(planner_routes.clone())
            .configure(watched.clone())
    };
    let server = HttpServer::new(app)
        .workers(2)
        .disable_signals()
        .keep_alive(ingest::KEEP_ALIVE)
        .shutdown_timeout(10)
        .bind(&listen);
    let server = server.with_context(|| {
        format!("server.listen `{listen}` cannot be used: choose another address with --listen or PORT")
    })?;
    let address = server.addrs().first().copied().context("the server has no address")?;
    let server = server.run();
    let handle = server.handle();

    let mut tasks = JoinSet::new();
    tasks.spawn(async move { server.await.context("the HTTP server ended") });
    {
        let stop = stop.clone();
        tasks.spawn(async move {
            stop.cancelled().await;
            handle.stop(true).await;
            Ok(())
        });
    }
    tasks.spawn(planner.run(stop.clone()));
    tasks.spawn(fixer.work());
    tasks.spawn(notifier.run(stop.clone()));
    tasks.spawn(async move { ingest.run(stop).await });
    Ok(Running { address, tasks })
}

impl Running {
    /// Waits until everything has ended. The first part that ends before it was asked to ends all others.
    ///
    /// # Errors
    /// What that part ended with.
    pub async fn wait(mut self, stop: &CancellationToken) -> anyhow::Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a part of the system was aborted")??;
            anyhow::ensure!(stop.is_cancelled(), "a part of the system has ended by itself");
        }
        Ok(())
    }
}

/// Runs `fixpoint up` until a signal.
///
/// # Errors
/// See [`start`] and [`Running::wait`].
pub async fn run(arguments: crate::cli::Up) -> anyhow::Result<u8> {
    let mut source = settings::Source::process();
    if let Some(file) = &arguments.config {
        source = source.file(file);
    }
    if let Some(listen) = &arguments.listen {
        source = source.set("server.listen", listen);
    }
    if let Some(data) = &arguments.data {
        source = source.set("data.dir", data.to_string_lossy());
    }
    let telemetry = telemetry::start(&settings::Settings::load(&source)?.section("telemetry")?, "fixpoint");
    let telemetry = telemetry.map_err(|error| match error {
        telemetry::StartError::AlreadyStarted(_) => anyhow::Error::from(error),
        wrong => Usage(format!("{:#}", anyhow::Error::from(wrong))).into(),
    })?;
    let stop = telemetry::on_signal()?;
    // Whatever keeps the system from starting is a setting, an address or a tool that somebody can mend.
    let running = start(&source, stop.clone())
        .await
        .map_err(|error| Usage(format!("{error:#}")))?;
    // Nobody may be there to read it, which is no reason to stop.
    let _ = writeln!(
        std::io::stderr(),
        "fixpoint listens on http://{0}\n  webhooks  POST /webhooks/sentry, POST /webhooks/github\n  jobs      GET  http://{0}/api/v1/jobs\n  health    GET  http://{0}/health/ready",
        running.address
    );
    let done = running.wait(&stop).await;
    telemetry.stop().await;
    done.map(|()| 0)
}
