//! Faults on order: what a real GitHub does on a bad day.

use anyhow::{Context as _, Result};
use regex::Regex;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What happens to a request that a fault hits.
#[derive(Debug, Clone)]
pub enum FaultKind {
    /// Nothing is done; this is answered.
    Status {
        /// Status code.
        code: u16,
        /// Body, sent as JSON when it begins with a brace, else as HTML.
        body: String,
        /// Further headers; they win over the simulator's own.
        headers: Vec<(String, String)>,
    },
    /// The request is carried out, then this status is answered with an HTML page.
    DoThenStatus(u16),
    /// The request is carried out, then nothing is answered until the fault is released or the simulator stops.
    DoThenTimeout,
    /// The request waits, then goes on.
    Delay(Duration),
    /// The request is carried out, and its answer waits.
    DoThenDelay(Duration),
    /// The request waits until the fault is released, then goes on: also when its client has gone, as with the real one. What is
    /// discarded instead was never received.
    Block,
}

/// A fault for requests that match.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Method, e.g. `POST`; empty for any.
    pub method: String,
    /// Regular expression on the path without `/api/v3`, e.g. `/pulls$`.
    pub path_regex: String,
    /// How many requests it hits.
    pub times: usize,
    /// What it does.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault that hits once.
    pub fn once(method: &str, path_regex: &str, kind: FaultKind) -> Self {
        Self {
            method: method.to_owned(),
            path_regex: path_regex.to_owned(),
            times: 1,
            kind,
        }
    }

    /// The same fault, hitting so many times.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }
}

/// Watches a fault and lets go what it holds.
#[derive(Clone)]
pub struct FaultHandle {
    hits: Arc<watch::Sender<usize>>,
    fate: Arc<watch::Sender<Option<Fate>>>,
}

impl FaultHandle {
    /// How many requests it has hit.
    pub fn hits(&self) -> usize {
        *self.hits.borrow()
    }

    /// Waits until it has hit at least one request.
    pub async fn reached(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.hits.subscribe().wait_for(|hits| *hits > 0).await;
    }

    /// Lets held requests go on.
    pub fn release(&self) {
        self.fate.send_replace(Some(Fate::Released));
    }

    /// Held requests are lost: nothing is done, and whoever still waits gets a 503.
    pub fn discard(&self) {
        self.fate.send_replace(Some(Fate::Discarded));
    }

    /// Waits until it is decided what becomes of a held request.
    pub(crate) async fn decided(&self) -> Fate {
        let mut fate = self.fate.subscribe();
        let decided = fate.wait_for(Option::is_some).await.map(|fate| *fate);
        decided.ok().flatten().unwrap_or(Fate::Released)
    }
}

/// What becomes of a held request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Released,
    Discarded,
}

struct Rule {
    method: String,
    path: Regex,
    left: usize,
    kind: FaultKind,
    handle: FaultHandle,
}

/// The faults that are on order, in order.
#[derive(Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
}

impl Faults {
    /// Orders a fault. Fails when its path is no regular expression.
    pub fn push(&self, fault: Fault) -> Result<FaultHandle> {
        let path =
            Regex::new(&fault.path_regex).with_context(|| format!("{} is no regular expression", fault.path_regex))?;
        let handle = FaultHandle {
            hits: Arc::new(watch::Sender::new(0)),
            fate: Arc::new(watch::Sender::new(None)),
        };
        let rule = Rule {
            method: fault.method,
            path,
            left: fault.times,
            kind: fault.kind,
            handle: handle.clone(),
        };
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
        Ok(handle)
    }

    /// Cancels all that is left; held requests go on.
    pub fn clear(&self) {
        for rule in self.rules.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            rule.handle.release();
        }
    }

    /// The first fault that matches, used up by one.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<(FaultKind, FaultHandle)> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules.iter_mut().find(|rule| {
            rule.left > 0
                && (rule.method.is_empty() || rule.method.eq_ignore_ascii_case(method))
                && rule.path.is_match(path)
        })?;
        rule.left -= 1;
        rule.handle.hits.send_modify(|hits| *hits += 1);
        Some((rule.kind.clone(), rule.handle.clone()))
    }
}
