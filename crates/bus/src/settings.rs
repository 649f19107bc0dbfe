//! Section `[bus]`: which bus it is.

use crate::{Bus, MemoryBus, RabbitBus, rabbit};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::sync::Arc;

/// Section `[bus]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `memory://`, or `amqp://…` and `amqps://…`. Secret, since the address of a broker has a password in it.
    pub url: SecretString,
}

/// No bus.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is of no bus that this build knows. The address itself is not repeated: it may hold a password.
    #[error("bus.url begins with `{scheme}`: `memory://`, `amqp://` or `amqps://` is needed")]
    UnknownScheme {
        /// What it begins with.
        scheme: String,
    },
    /// The address of a broker cannot be read.
    #[error("bus.url cannot be used")]
    BadAddress(#[source] rabbit::BadAddress),
}

/// Opens the bus that the settings name. A broker that is away is waited for in the background; only an address that can never
/// work is an error.
///
/// # Errors
/// [`OpenError`].
pub async fn open(settings: &Settings) -> Result<Arc<dyn Bus>, OpenError> {
    let url = settings.url.expose_secret();
    match url.split_once("://") {
        Some(("memory", "")) => Ok(Arc::new(MemoryBus::default())),
        Some(("amqp" | "amqps", _)) => {
            let bus = RabbitBus::open(url, &rabbit::Options::default()).map_err(OpenError::BadAddress)?;
            Ok(Arc::new(bus))
        }
        scheme => Err(OpenError::UnknownScheme {
            scheme: scheme.map_or_else(String::new, |(scheme, _)| format!("{scheme}://")),
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_unknown_address_is_refused_without_its_password() {
        let settings = |url: &str| Settings {
            url: url.to_string().into(),
        };
        assert!(open(&settings("memory://")).await.is_ok());
        let error = open(&settings("carrier://me:hunter2@pigeon"))
            .await
            .err()
            .unwrap()
            .to_string();
        assert_eq!(
            error,
            "bus.url begins with `carrier://`: `memory://`, `amqp://` or `amqps://` is needed"
        );
    }
}
