//! The doors: who sent it, what it means, and safely into our hands. Nothing is decided here, and nothing remembered for longer
//! than it takes to pass on.

mod drain;
mod http;
mod keep;
mod metric;
pub mod provider;
mod receive;
mod reply;
mod settings;
mod signature;
mod spool;

pub use http::watched;
pub use provider::{BadPayload, Reading, read_github, read_sentry};
pub use settings::{Settings, SpoolSettings};
pub use spool::Depth;

use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use anyhow::{Context, bail};
use bus::Bus;
use domain::delivery::Provider;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use telemetry::Health;
use telemetry::health::Underway;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long a server of ours keeps an idle connection: longer than those before it do. Whoever closes first can cut off a
/// request that is just being sent, and a webhook that is cut off never comes again.
pub const KEEP_ALIVE: std::time::Duration = std::time::Duration::from_secs(75);

/// The doors, open: whatever [`Self::routes`] accept is on disk until [`Self::run`] has passed it on.
pub struct Ingest {
    door: Arc<receive::Door>,
    bus: Arc<dyn Bus>,
    entries: Mutex<Option<mpsc::UnboundedReceiver<spool::Entry>>>,
}

impl Ingest {
    /// Opens the spool and reads what was left in it.
    ///
    /// # Errors
    /// When the spool's folder cannot be used, or another process uses it.
    pub fn open(settings: Settings, bus: Arc<dyn Bus>) -> anyhow::Result<Self> {
        let (spool, entries) = spool::Spool::open(&settings.spool)?;
        let github = signature::Keys::new(Provider::GitHub, &settings.github_secrets);
        let sentry = signature::Keys::new(Provider::Sentry, &settings.sentry_secrets);
        for keys in [&github, &sentry] {
            if !keys.configured() {
                tracing::warn!(
                    "{} is not set: deliveries of this provider are refused",
                    keys.variable()
                );
            }
        }
        let left = spool.depth().entries;
        if left > 0 {
            tracing::info!(deliveries = left, "the spool holds deliveries of an earlier run");
        }
        let spool = Arc::new(spool);
        let patience = Arc::new(reply::Patience::new(settings.sentry_budget()));
        let metrics = Arc::new(metric::Metrics::new());
        let keeper = keep::Keeper {
            bus: Arc::clone(&bus),
            spool: Arc::clone(&spool),
            breaker: Arc::default(),
            patience: Arc::clone(&patience),
            metrics: Arc::clone(&metrics),
        };
        let door = receive::Door {
            keeper,
            patience,
            metrics,
            draining: Underway::default(),
            spool,
            settings,
            github,
            sentry,
        };
        Ok(Self {
            door: Arc::new(door),
            bus,
            entries: Mutex::new(Some(entries)),
        })
    }

    /// All doors, for a server that other services may share: `App::new().configure(ingest.routes())`.
    pub fn routes(&self) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static + use<> {
        let door = Arc::clone(&self.door);
        move |config| http::routes(&door, config)
    }

    /// Passes deliveries on until `stop`. Dropping the future aborts what is on its way; it comes again after the next start.
    ///
    /// # Errors
    /// When it runs already, or has run before.
    pub async fn run(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let Some(entries) = self.entries.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            bail!("the spool is drained already: open it again to drain it again");
        };
        let drain = drain::Drain {
            spool: Arc::clone(&self.door.spool),
            bus: Arc::clone(&self.bus),
            patience: Arc::clone(&self.door.patience),
            breaker: Arc::clone(&self.door.keeper.breaker),
            metrics: Arc::clone(&self.door.metrics),
        };
        self.door.draining.during(drain.run(entries, &stop)).await;
        Ok(())
    }

    /// Whether deliveries can be accepted and are passed on. A broker or a planner that is away is no reason: what comes is
    /// kept until they are back.
    #[must_use]
    pub fn health(&self) -> Health {
        let (wrong, shown) = (Arc::clone(&self.door), Arc::clone(&self.door));
        Health::default()
            .unless(move || wrong.trouble())
            .show("spool", move || {
                let depth = shown.spool.depth();
                let oldest = depth.oldest.map(|age| age.as_secs());
                json!({ "deliveries": depth.entries, "bytes": depth.bytes, "oldestSeconds": oldest })
            })
    }

    /// Why deliveries cannot be accepted or passed on, in words; nothing when all is well.
    #[must_use]
    pub fn trouble(&self) -> Vec<String> {
        self.door.trouble()
    }

    /// How much waits to be passed on.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.door.spool.depth()
    }
}

/// Serves as a process of its own, with its own HTTP server, until `stop`.
///
/// # Errors
/// When the spool cannot be opened, the address is taken, or the server ends.
pub async fn serve(settings: Settings, bus: Arc<dyn Bus>, stop: CancellationToken) -> anyhow::Result<()> {
    let listen = settings.listen.clone();
    let ingest = Ingest::open(settings, bus)?;
    let (routes, watched) = (ingest.routes(), watched(&ingest.health()));
    let app = move || App::new().configure(routes.clone()).configure(watched.clone());
    let server = HttpServer::new(app)
        .disable_signals()
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(10)
        .bind(&listen)
        .with_context(|| format!("server.listen `{listen}` cannot be used"))?;
    tracing::info!(listen, "the doors are open");
    let server = server.run();
    let handle = server.handle();
    let close = async {
        stop.cancelled().await;
        handle.stop(true).await;
        Ok(())
    };
    // The drain outlives the server, so that what was accepted last is on its way too.
    let closed = CancellationToken::new();
    let serve = async {
        let served = server.await.context("the HTTP server ended");
        closed.cancel();
        served
    };
    futures::try_join!(serve, ingest.run(closed.clone()), close).map(|_| ())
}
