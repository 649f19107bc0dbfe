//! Stand-ins for the world outside, and ways to look into the middle of things: for tests and for the demo, never for real use.

pub mod database;
pub mod eventually;
pub mod sentry;
pub mod slack;
pub mod tap;

pub use database::{FreshDatabase, fresh_databases};
pub use eventually::eventually;
pub use sentry::SentryStandIn;
pub use slack::SlackStandIn;
pub use tap::TappedBus;

/// Signs a body as GitHub does: the value of `X-Hub-Signature-256`.
#[must_use]
pub fn github_signature(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hmac(secret, body))
}

/// Lower-case hexadecimal HMAC-SHA256.
#[must_use]
pub fn hmac(secret: &str, body: &[u8]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(ring::hmac::sign(&key, body))
}

/// An HTTP client with a time limit for the whole exchange; a client for TLS is not possible without this crate's provider.
///
/// # Errors
/// When the client cannot be built.
pub fn http_client(timeout: std::time::Duration) -> anyhow::Result<reqwest::Client> {
    // The second caller is told that there is one already, which is what everybody wants.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().timeout(timeout).no_proxy().build()?)
}
