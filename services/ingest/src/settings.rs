//! What an operator can set for the doors: `[ingest]` in config/default.toml.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of the doors, `[ingest]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Client secrets of the Sentry integration; any of them may sign, so that a secret can be rotated without a gap.
    pub sentry_secrets: Vec<SecretString>,
    /// Secrets of the GitHub webhooks; any of them may sign.
    pub github_secrets: Vec<SecretString>,
    /// What `GET /webhooks/sentry` says about the pipeline: `[sentry] enabled`, filled in by whoever loads both. The planner is
    /// the one that skips.
    #[serde(skip)]
    pub sentry_enabled: bool,
    /// Where a process of its own listens: `[server] listen`. In a shared process the server is not ours.
    #[serde(skip)]
    pub listen: String,
    /// Largest accepted body in bytes; GitHub sends up to 25 MiB.
    pub max_body_bytes: usize,
    /// How long a sender may take for its body, in milliseconds.
    pub body_timeout_ms: u64,
    /// What an answer to Sentry may cost from receipt, in milliseconds. Sentry gives up after 1000.
    pub sentry_budget_ms: u64,
    /// Where accepted deliveries are kept until the planner has them.
    pub spool: SpoolSettings,
}

/// Where accepted deliveries are kept, `[ingest.spool]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolSettings {
    /// The folder; made when it is missing, and used by one process at a time.
    pub dir: PathBuf,
    /// Most bytes on disk; beyond them senders are told 503.
    pub max_bytes: u64,
    /// Most deliveries that wait; beyond them senders are told 503.
    pub max_entries: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sentry_secrets: Vec::new(),
            github_secrets: Vec::new(),
            sentry_enabled: false,
            listen: "127.0.0.1:8080".into(),
            max_body_bytes: 25 * 1024 * 1024,
            body_timeout_ms: 8_000,
            sentry_budget_ms: 300,
            spool: SpoolSettings::default(),
        }
    }
}

impl Default for SpoolSettings {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("spool"),
            max_bytes: 1024 * 1024 * 1024,
            max_entries: 100_000,
        }
    }
}

/// What is read from sections of others.
#[derive(Deserialize)]
struct Sentry {
    enabled: bool,
}

#[derive(Deserialize)]
struct Data {
    dir: PathBuf,
}

#[derive(Deserialize)]
struct Server {
    listen: String,
}

impl Settings {
    /// Reads `[ingest]`, and what it needs of `[sentry]`, `[data]` and `[server]`.
    ///
    /// # Errors
    /// One sentence that names the setting.
    pub fn read(all: &settings::Settings) -> Result<Self, settings::SettingsError> {
        let mut own: Self = all.section("ingest")?;
        own.sentry_enabled = all.section::<Sentry>("sentry")?.enabled;
        own.listen = all.section::<Server>("server")?.listen;
        own.spool.dir = all.section::<Data>("data")?.dir.join(&own.spool.dir);
        let nothing_fits = [
            ("ingest.max_body_bytes", own.max_body_bytes == 0),
            ("ingest.spool.max_bytes", own.spool.max_bytes == 0),
            ("ingest.spool.max_entries", own.spool.max_entries == 0),
        ];
        if let Some((key, _)) = nothing_fits.into_iter().find(|(_, nothing)| *nothing) {
            return Err(settings::SettingsError::Refused {
                name: all.name_of(key),
                why: "at 0 every delivery is refused".into(),
            });
        }
        Ok(own)
    }

    /// See `sentry_budget_ms`.
    #[must_use]
    pub const fn sentry_budget(&self) -> Duration {
        Duration::from_millis(self.sentry_budget_ms)
    }

    /// See `body_timeout_ms`.
    #[must_use]
    pub const fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }
}

/// The secrets that are not empty: an empty key would let everybody sign.
pub(crate) fn usable(secrets: &[SecretString]) -> Vec<&SecretString> {
    secrets
        .iter()
        .filter(|secret| !secret.expose_secret().trim().is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_defaults_and_the_documented_names_are_read() {
        let variables = [
            ("SENTRY_WEBHOOK_SECRET", "abc"),
            ("SENTRY_FIXER_ENABLED", "true"),
            ("PORT", "9001"),
        ];
        let all = settings::Settings::load(
            &settings::Source::default()
                .environment(variables)
                .set("data.dir", "/var/lib/fixpoint"),
        )
        .unwrap();
        let own = Settings::read(&all).unwrap();
        assert_eq!(usable(&own.sentry_secrets).len(), 1);
        assert!(usable(&own.github_secrets).is_empty());
        assert!(own.sentry_enabled);
        assert_eq!(own.spool.dir, PathBuf::from("/var/lib/fixpoint/spool"));
        assert_eq!((own.max_body_bytes, own.sentry_budget_ms), (25 * 1024 * 1024, 300));
        assert!(own.listen.ends_with(":9001"), "{}", own.listen);
    }

    #[test]
    fn doors_through_which_nothing_fits_are_refused() {
        for key in [
            "ingest.max_body_bytes",
            "ingest.spool.max_bytes",
            "ingest.spool.max_entries",
        ] {
            let all = settings::Settings::load(&settings::Source::default().set(key, "0")).unwrap();
            let error = Settings::read(&all).unwrap_err().to_string();
            assert_eq!(error, format!("{key} cannot be used: at 0 every delivery is refused"));
        }
    }
}
