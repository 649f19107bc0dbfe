//! What a process says to those who look after it: that it lives, whether it can do its work, and what it measures.
//!
//! [`Health`] has the answers, for whoever serves HTTP; [`listen`] serves them for a process that has nothing else to serve.

mod server;
mod underway;

use futures::future::join_all;
use serde_json::{Map, Value, json};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use server::{ListenError, Listener, Settings, listen};
pub use underway::Underway;

/// The process runs.
pub const LIVE: &str = "/health/live";
/// The process can do its work, or why it cannot.
pub const READY: &str = "/health/ready";
/// What the process measures.
pub const METRICS: &str = "/metrics";
/// Every path that [`Health`] answers.
pub const PATHS: [&str; 3] = [LIVE, READY, METRICS];

/// What has not answered for so long does not answer. Whoever asks us is answered within two seconds.
const PATIENCE: Duration = Duration::from_millis(1800);

/// What a process needs to do its work, as checks that are made whenever somebody asks. Clones share them.
#[derive(Clone, Default)]
pub struct Health {
    checks: Vec<Check>,
    details: Vec<(&'static str, Detail)>,
}

type Detail = Arc<dyn Fn() -> Value + Send + Sync>;

#[derive(Clone)]
enum Check {
    Asked(Arc<Asked>),
    Known(Arc<dyn Fn() -> Vec<String> + Send + Sync>),
}

type Asking = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Somebody else is asked. One question at a time: who does not answer is not asked ever more of.
struct Asked {
    otherwise: String,
    turn: Arc<Semaphore>,
    ask: Box<dyn Fn() -> Asking + Send + Sync>,
}

/// An answer, with the status 200 when it is good, else 503.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether all is well.
    pub good: bool,
    /// What kind of text it is.
    pub content_type: &'static str,
    /// The text.
    pub body: String,
}

impl Answer {
    /// Its status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        if self.good { 200 } else { 503 }
    }
}

impl Health {
    /// Needs the answer yes within two seconds; `otherwise` is the sentence that says what is wrong.
    #[must_use]
    pub fn ask<F, A>(mut self, otherwise: impl Into<String>, ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = bool> + Send + 'static,
    {
        self.checks.push(Check::Asked(Arc::new(Asked {
            otherwise: otherwise.into(),
            turn: Arc::new(Semaphore::new(1)),
            ask: Box::new(move || Box::pin(ask())),
        })));
        self
    }

    /// Needs that nothing is wrong, which the process knows by itself: one sentence for each thing that is.
    #[must_use]
    pub fn unless(mut self, wrong: impl Fn() -> Vec<String> + Send + Sync + 'static) -> Self {
        self.checks.push(Check::Known(Arc::new(wrong)));
        self
    }

    /// Needs that something is under way; `otherwise` is the sentence that says what is not.
    #[must_use]
    pub fn while_underway(self, otherwise: impl Into<String>, underway: &Underway) -> Self {
        let (otherwise, underway) = (otherwise.into(), underway.clone());
        self.unless(move || (!underway.is()).then(|| otherwise.clone()).into_iter().collect())
    }

    /// Is not ready any more once it is to stop.
    #[must_use]
    pub fn until(self, stop: CancellationToken) -> Self {
        self.unless(move || {
            stop.is_cancelled()
                .then(|| "it is stopping".to_owned())
                .into_iter()
                .collect()
        })
    }

    /// Shows something more under `name` beside the reasons.
    #[must_use]
    pub fn show(mut self, name: &'static str, value: impl Fn() -> Value + Send + Sync + 'static) -> Self {
        self.details.push((name, Arc::new(value)));
        self
    }

    /// Needs what the other needs as well: the health of a process with several parts.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.checks.extend(other.checks);
        self.details.extend(other.details);
        self
    }

    /// Why the process cannot do its work, each reason once; nothing when it can. Takes two seconds at most.
    pub async fn reasons(&self) -> Vec<String> {
        let mut reasons: Vec<String> = Vec::new();
        for wrong in join_all(self.checks.iter().map(Check::wrong))
            .await
            .into_iter()
            .flatten()
        {
            if !reasons.contains(&wrong) {
                reasons.push(wrong);
            }
        }
        reasons
    }

    /// The answer to one of [`PATHS`].
    pub async fn answer(&self, path: &str) -> Option<Answer> {
        match path {
            LIVE => Some(Answer::json(true, &json!({ "status": "ok" }))),
            READY => {
                let reasons = self.reasons().await;
                let good = reasons.is_empty();
                let mut said: Map<String, Value> = self
                    .details
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value()))
                    .collect();
                said.insert("status".into(), if good { "ok" } else { "not ready" }.into());
                said.insert("reasons".into(), reasons.into());
                Some(Answer::json(good, &said.into()))
            }
            METRICS => Some(Answer {
                good: true,
                content_type: "text/plain; version=0.0.4",
                body: crate::metrics_text(),
            }),
            _ => None,
        }
    }
}

impl Answer {
    fn json(good: bool, body: &Value) -> Self {
        Self {
            good,
            content_type: "application/json",
            body: body.to_string(),
        }
    }
}

impl Check {
    async fn wrong(&self) -> Vec<String> {
        match self {
            Self::Known(wrong) => wrong(),
            Self::Asked(asked) => {
                let yes = tokio::time::timeout(PATIENCE, asked.yes()).await.unwrap_or(false);
                (!yes).then(|| asked.otherwise.clone()).into_iter().collect()
            }
        }
    }
}

impl Asked {
    async fn yes(&self) -> bool {
        let Ok(turn) = Arc::clone(&self.turn).acquire_owned().await else {
            return false;
        };
        let asking = (self.ask)();
        // A task of its own: the turn is over when the answer is there, not when nobody waits for it any more.
        let asked = tokio::spawn(async move {
            let yes = asking.await;
            drop(turn);
            yes
        });
        asked.await.unwrap_or(false)
    }
}
