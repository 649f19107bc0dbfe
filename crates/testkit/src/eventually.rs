//! Waiting for something that other tasks bring about.

use anyhow::bail;
use std::time::{Duration, Instant};

/// Asks every 10 ms until there is an answer, which it returns.
///
/// # Errors
/// When `timeout` passes without one; the message holds `what`.
pub async fn eventually<T, F, Fut>(what: &str, timeout: Duration, mut check: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let end = Instant::now() + timeout;
    loop {
        if let Some(found) = check().await {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("this did not come true within {timeout:?}: {what}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
