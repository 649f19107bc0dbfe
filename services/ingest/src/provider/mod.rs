//! What a delivery means, provider by provider. Payloads are read leniently: only what is used has to be there.

mod bound;
mod event;
mod github;
mod parts;
mod request;
mod sentry;
mod surrogate;

use domain::signal::Signal;
use serde_json::Value;

/// A payload in our words.
#[derive(Debug, PartialEq)]
pub struct Reading {
    /// Event and action, `workflow_run.completed`.
    pub event: String,
    /// What the delivery is about; see [`domain::delivery::Delivery::semantic_key`].
    pub semantic_key: String,
    /// What it means.
    pub signal: Signal,
}

/// Why a correctly signed body is not a payload that its sender describes.
#[derive(Debug, thiserror::Error)]
pub enum BadPayload {
    /// Not JSON at all.
    #[error("the body is not valid JSON: {0}")]
    NotJson(String),
    /// JSON without something that is needed.
    #[error("{0} is missing or has the wrong form")]
    Missing(&'static str),
}

/// Parses a GitHub payload. `event` is the value of `X-GitHub-Event`.
///
/// # Errors
/// [`BadPayload`] for what GitHub would never send.
pub fn read_github(event: &str, body: &[u8]) -> Result<Reading, BadPayload> {
    github::read(event, body)
}

/// Parses a Sentry payload. `resource` is the value of `Sentry-Hook-Resource`, where it was sent.
///
/// # Errors
/// [`BadPayload`] for what Sentry would never send.
pub fn read_sentry(resource: Option<&str>, body: &[u8]) -> Result<Reading, BadPayload> {
    sentry::read(resource, body)
}

/// Parses JSON as the senders write it: half characters, which are no text, become replacement characters.
///
/// # Errors
/// [`BadPayload::NotJson`].
pub fn parse(body: &[u8]) -> Result<Value, BadPayload> {
    // serde_json's own limit on nesting (128) bounds the stack.
    let parsed = serde_json::from_slice(body).or_else(|error| match surrogate::mended(body) {
        Some(mended) => serde_json::from_slice(&mended),
        None => Err(error),
    });
    parsed.map_err(|e| BadPayload::NotJson(e.to_string()))
}

/// A key for deliveries that nothing acts on: equal only for equal bodies.
fn key_of_body(event: &str, body: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, body);
    format!("{event}:{}", hex::encode(&digest.as_ref()[..16]))
}
