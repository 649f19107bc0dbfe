//! A GitHub on loopback: repositories with real git over HTTP, the REST API, runs and logs, an App, signed webhooks, and faults on order.
//!
//! It is a server, not a mock: whoever speaks to it cannot tell it from a GitHub Enterprise server with one App installed. The demo shows
//! Fixpoint on it and the tests drive it: [`Sim`] is its remote control.

#![recursion_limit = "256"]

mod app;
mod call;
mod check;
mod comment;
mod fault;
mod git;
mod http;
mod log;
mod pull;
mod push;
mod repository;
mod run;
mod state;
mod story;
mod transport;
mod webhook;

pub use app::AppIdentity;
pub use check::{CheckRun, Status};
pub use comment::Comment;
pub use fault::{Fault, FaultHandle, FaultKind, Faults};
pub use git::{Author, File};
pub use pull::{Merged, Pull};
pub use run::{JobSpec, RunSpec, Step};
pub use state::{Request, Token};
pub use story::RepositoryBuilder;
pub use webhook::{Delivery, WebhookTarget, signature};

use anyhow::{Context as _, Result};
use state::{Links, Shared};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

/// How a [`Sim`] starts.
#[derive(Debug, Clone, Default)]
pub struct SimOptions {
    /// Port on loopback; 0 takes a free one.
    pub port: u16,
    /// Where webhooks go; more can be added later.
    pub webhook_targets: Vec<WebhookTarget>,
    /// The App that is installed, if any.
    pub app: Option<AppIdentity>,
    /// Personal access tokens that are accepted.
    pub tokens: Vec<Token>,
}

/// A running GitHub. It stops when this is dropped.
pub struct Sim {
    shared: Arc<Shared>,
    server: actix_web::dev::ServerHandle,
}

impl Sim {
    /// Starts on loopback, in threads of its own and with a task on the current tokio runtime that sends webhooks.
    pub async fn start(options: SimOptions) -> Result<Self> {
        // Another part of the process may have installed it before: the provider is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .with_context(|| format!("listen on 127.0.0.1:{}: is the port free?", options.port))?;
        let web = format!("http://{}", listener.local_addr()?);
        let links = Links {
            api: format!("{web}/api/v3"),
            web,
        };
        let home = tempfile::Builder::new()
            .prefix("github-sim-")
            .tempdir()
            .context("make a temporary folder")?;
        let outbox = webhook::Outbox::new(options.webhook_targets);
        let shared = Arc::new(Shared::new(links, options.app, outbox, home, options.tokens));
        let server = http::serve(Arc::clone(&shared), listener).context("start the HTTP server")?;
        let handle = server.handle();
        tokio::spawn(server);
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        tokio::spawn(webhook::dispatch(Arc::clone(&shared), client));
        Ok(Self { shared, server: handle })
    }

    /// Stops: requests in flight get a second to end.
    pub async fn stop(self) {
        self.shared.stopped.cancel();
        self.server.stop(true).await;
    }

    /// Base of the REST API, as for GitHub Enterprise: `http://127.0.0.1:PORT/api/v3`.
    pub fn url(&self) -> &str {
        &self.shared.links.api
    }

    /// Base of pages and of git: `http://127.0.0.1:PORT`.
    pub fn web_url(&self) -> &str {
        &self.shared.links.web
    }

    /// Address for `git clone`.
    pub fn git_url(&self, repository: &str) -> String {
        format!("{}/{repository}.git", self.shared.links.web)
    }

    /// Faults that are on order.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// From now on everything is answered 503, git included.
    pub fn down(&self) {
        self.shared.state().down = true;
    }

    /// All is well again.
    pub fn up(&self) {
        self.shared.state().down = false;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shared.stopped.cancel();
        // The command is sent by the call; nobody can wait for it here.
        drop(self.server.stop(false));
    }
}
