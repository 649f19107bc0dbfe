//! The one way out of a sandbox: a proxy on a unix socket that lets listed hosts through and writes down every decision.
//!
//! It speaks CONNECT for TLS, and GET and HEAD with an absolute URL for plain HTTP. Names are resolved here, once, and the address
//! that was checked is the one that is connected to, so that a name cannot turn into a private address in between.

mod connection;
mod host;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

pub use host::HostPattern;

use crate::SandboxError;

/// What the proxy carries at most, and how it reaches the world.
#[derive(Debug, Clone)]
pub struct EgressLimits {
    /// Connections at one time; more wait.
    pub connections: usize,
    /// Bytes of all connections together, both directions.
    pub bytes: u64,
    /// Length of one connection.
    pub connection: Duration,
    /// A proxy (`host:port`) that is asked instead of connecting directly. Then names are resolved by it, not here.
    pub upstream: Option<String>,
    /// Value of the `Proxy-Authorization` header for that proxy. It is never shown to the sandbox.
    pub upstream_authorization: Option<String>,
}

impl Default for EgressLimits {
    fn default() -> Self {
        Self {
            connections: 32,
            bytes: 4 << 30,
            connection: Duration::from_secs(600),
            upstream: None,
            upstream_authorization: None,
        }
    }
}

/// One decision of the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The host that was asked for, as it was written.
    pub host: String,
    /// The port.
    pub port: u16,
    /// `None` when it was let through, else why not.
    pub refused: Option<String>,
    /// Bytes that came back.
    pub received: u64,
}

/// A running proxy. Dropping it ends all connections and removes the socket.
pub struct Egress {
    /// The socket to name in [`crate::Network::Proxy`].
    pub socket_path: PathBuf,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

pub(crate) struct Shared {
    allow: Vec<HostPattern>,
    limits: EgressLimits,
    carried: AtomicU64,
    log: Mutex<Vec<Decision>>,
}

/// More decisions than this are counted but not kept.
const LOG_LENGTH: usize = 10_000;

impl Egress {
    /// Starts a proxy with the default limits on a new socket in `dir`.
    ///
    /// # Errors
    /// When the socket cannot be made, for instance because its path is longer than the 107 bytes that the system allows.
    pub fn start(allow: Vec<HostPattern>, dir: &Path) -> Result<Self, SandboxError> {
        Self::start_with(allow, dir, EgressLimits::default())
    }

    /// Starts a proxy on a new socket in `dir`.
    ///
    /// # Errors
    /// As [`Egress::start`].
    pub fn start_with(allow: Vec<HostPattern>, dir: &Path, limits: EgressLimits) -> Result<Self, SandboxError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "egress-{}-{}.sock",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let socket_path = dir.join(name);
        let listener = UnixListener::bind(&socket_path)
            .map_err(SandboxError::io(format!("cannot listen on {}", socket_path.display())))?;
        let shared = Arc::new(Shared {
            allow,
            limits,
            carried: AtomicU64::new(0),
            log: Mutex::new(Vec::new()),
        });
        let listener = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            socket_path,
            shared,
            listener,
        })
    }

    /// Every decision so far, oldest first; at most 10 000 of them.
    #[must_use]
    pub fn log(&self) -> Vec<Decision> {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bytes carried so far, both directions.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.shared.carried.load(Ordering::Relaxed)
    }
}

impl Drop for Egress {
    fn drop(&mut self) {
        self.listener.abort();
        let _ = std::fs::remove_file(&self.socket_path);
    }
}

impl Shared {
    fn record(&self, decision: Decision) {
        match &decision.refused {
            None => {
                tracing::debug!(host = %decision.host, port = decision.port, received = decision.received, "egress allowed")
            }
            Some(reason) => tracing::info!(host = %decision.host, port = decision.port, %reason, "egress refused"),
        }
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() < LOG_LENGTH {
            log.push(decision);
        }
    }

    /// Counts bytes; false when the budget is used up.
    fn carry(&self, bytes: usize) -> bool {
        self.carried.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64 <= self.limits.bytes
    }
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(shared.limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    let most = shared.limits.connection;
                    // A connection that is cut off by its time has recorded its decision already, or never asked for anything.
                    let _ = tokio::time::timeout(most, connection::serve(stream, &shared)).await;
                    drop(place);
                });
            }
            // Out of file descriptors, mostly: wait for some to be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}
