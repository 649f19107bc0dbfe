//! Section `[github]`: where GitHub is, who we are there, and how patient we are.

use crate::error::GitHubError;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Base of the public API; its pages are on another host.
const PUBLIC_API: &str = "https://api.github.com";
const PUBLIC_WEB: &str = "https://github.com";

/// Section `[github]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Base of the REST API: the public one, or `https://HOST/api/v3` of GitHub Enterprise.
    pub api_url: String,
    /// Base of pages and of git. Empty: derived from `api_url`.
    pub web_url: String,
    /// Who we are. Nothing in it: only public repositories can be read.
    pub auth: AuthSettings,
    /// Seconds to wait for a connection.
    pub connect_timeout_secs: u64,
    /// Seconds to wait for one answer.
    pub timeout_secs: u64,
    /// Seconds to wait for the download of a log.
    pub download_timeout_secs: u64,
    /// When and how long to try again.
    pub retry: RetrySettings,
}

/// Section `[github.auth]`: a token or an App, not both.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// A personal access token.
    pub token: Option<SecretString>,
    /// A GitHub App.
    pub app: Option<AppSettings>,
}

/// Section `[github.auth.app]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppSettings {
    /// The App's id, as its page shows it.
    pub id: u64,
    /// File with the private key (PEM).
    #[serde(default)]
    pub private_key_path: Option<PathBuf>,
    /// The private key itself (PEM; `\n` may stand for line ends). Wins over the path.
    #[serde(default)]
    pub private_key: Option<SecretString>,
    /// The installation. Left out, it is looked up for each repository.
    #[serde(default)]
    pub installation_id: Option<u64>,
}

/// Section `[github.retry]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrySettings {
    /// Waits in milliseconds after 408, 5xx and network errors; as many tries as there are waits, and one.
    pub ladder_ms: Vec<u64>,
    /// Seconds to wait at least when GitHub reports a secondary limit and says no time.
    pub secondary_wait_secs: u64,
    /// Seconds that one call may spend waiting in all; a longer wait is given back as an error that says until when.
    pub patience_secs: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_url: PUBLIC_API.to_owned(),
            web_url: String::new(),
            auth: AuthSettings::default(),
            connect_timeout_secs: 10,
            timeout_secs: 30,
            download_timeout_secs: 120,
            retry: RetrySettings::default(),
        }
    }
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            ladder_ms: vec![1_000, 2_000, 4_000],
            secondary_wait_secs: 60,
            patience_secs: 120,
        }
    }
}

impl Settings {
    pub(crate) fn api(&self) -> Result<Url, GitHubError> {
        parse("github.api_url", &self.api_url)
    }

    pub(crate) fn web(&self) -> Result<Url, GitHubError> {
        match self.web_url.trim() {
            "" if self.api_url.trim_end_matches('/') == PUBLIC_API => parse("github.web_url", PUBLIC_WEB),
            "" => {
                let api = self.api()?;
                let mut web = api.clone();
                web.set_path(api.path().trim_end_matches('/').trim_end_matches("/api/v3"));
                Ok(web)
            }
            web => parse("github.web_url", web),
        }
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_secs)
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_secs)
    }

    pub(crate) fn download_timeout(&self) -> Duration {
        Duration::from_secs(self.download_timeout_secs)
    }
}

impl AuthSettings {
    /// The token, unless it is empty: an unset variable often arrives as that.
    pub(crate) fn token(&self) -> Option<&SecretString> {
        self.token
            .as_ref()
            .filter(|token| !token.expose_secret().trim().is_empty())
    }
}

impl AppSettings {
    /// The private key's text.
    pub(crate) fn pem(&self) -> Result<SecretString, GitHubError> {
        if let Some(key) = self
            .private_key
            .as_ref()
            .filter(|key| !key.expose_secret().trim().is_empty())
        {
            return Ok(SecretString::from(key.expose_secret().replace("\\n", "\n")));
        }
        let Some(path) = &self.private_key_path else {
            let text = "set github.auth.app.private_key_path to the file with the App's private key, or github.auth.app.private_key to its content";
            return Err(GitHubError::Misconfigured(text.to_owned()));
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            GitHubError::Misconfigured(format!(
                "github.auth.app.private_key_path: cannot read {}: {error}",
                path.display()
            ))
        })?;
        Ok(SecretString::from(text))
    }
}

fn parse(name: &str, text: &str) -> Result<Url, GitHubError> {
    let wrong = |why: &str| GitHubError::Misconfigured(format!("{name} is `{text}`: {why}, e.g. {PUBLIC_API}"));
    let url = Url::parse(text.trim().trim_end_matches('/')).map_err(|_| wrong("write a whole address"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() && url.username().is_empty() && url.password().is_none() => Ok(url),
        "http" | "https" => Err(GitHubError::Misconfigured(format!(
            "{name}: put no credential into the address"
        ))),
        _ => Err(wrong("it must begin with https:// or http://")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_from_the_api() {
        for (api, web) in [
            ("https://api.github.com", "https://github.com/"),
            ("https://git.example.com/api/v3/", "https://git.example.com/"),
            ("http://127.0.0.1:99/api/v3", "http://127.0.0.1:99/"),
        ] {
            let settings = Settings {
                api_url: api.to_owned(),
                ..Settings::default()
            };
            assert_eq!(settings.web().unwrap().as_str(), web);
        }
    }

    #[test]
    fn wrong_addresses_are_named() {
        for bad in ["api.github.com", "ftp://x", "https://me:pw@x"] {
            let settings = Settings {
                api_url: bad.to_owned(),
                ..Settings::default()
            };
            let message = settings.api().unwrap_err().to_string();
            assert!(
                message.contains("github.api_url") && !message.contains("pw@x"),
                "{message}"
            );
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_str::<Settings>(r#"{ "api_url": "x", "tokn": "y" }"#).is_err());
        assert!(
            serde_json::from_str::<Settings>(r#"{ "auth": { "app": { "id": 1, "private_key_path": "k.pem" } } }"#)
                .is_ok()
        );
    }
}
