//! Servers that stand in for Slack and Sentry on loopback: for the demo and the tests, never for real use. GitHub's is `github-sim`.

pub mod sentry;
pub mod slack;

pub use sentry::SentryStandIn;
pub use slack::SlackStandIn;

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
