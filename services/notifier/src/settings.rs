//! What an operator can set for telling people: `[slack]` in config/default.toml.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// `[slack]`. An empty text is the same as none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// An incoming webhook (`SLACK_WEBHOOK_URL`).
    pub webhook_url: Option<SecretString>,
    /// A bot's token (`SLACK_BOT_TOKEN`); it goes before the webhook where both are set.
    pub bot_token: Option<SecretString>,
    /// The channel that the bot posts to (`SLACK_CHANNEL_ID`).
    pub channel_id: Option<String>,
    /// The API that the bot's token is for.
    pub api_url: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            webhook_url: None,
            bot_token: None,
            channel_id: None,
            api_url: "https://slack.com/api".into(),
        }
    }
}

/// A setting that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum BadSetting {
    /// A token without a channel.
    #[error("SLACK_BOT_TOKEN is set and SLACK_CHANNEL_ID is not: name the channel that the bot posts to")]
    NoChannel,
    /// A channel without a token.
    #[error("SLACK_CHANNEL_ID is set and SLACK_BOT_TOKEN is not: set the token of the bot that posts there")]
    NoToken,
    /// Not an address.
    #[error("{name} is not an http or https address")]
    NotAnAddress {
        /// Which setting.
        name: &'static str,
    },
}

/// How Slack is spoken to.
pub(crate) enum Way {
    Webhook(url::Url),
    Bot {
        token: SecretString,
        channel: String,
        api: url::Url,
    },
}

impl Settings {
    /// The way that is set; `None` where Slack is not set up.
    pub(crate) fn way(&self) -> Result<Option<Way>, BadSetting> {
        let set = |secret: &Option<SecretString>| {
            secret
                .clone()
                .filter(|secret| !secret.expose_secret().trim().is_empty())
        };
        if let Some(token) = set(&self.bot_token) {
            let channel = self
                .channel_id
                .clone()
                .filter(|channel| !channel.trim().is_empty())
                .ok_or(BadSetting::NoChannel)?;
            return Ok(Some(Way::Bot {
                token,
                channel,
                api: address(&self.api_url, "slack.api_url")?,
            }));
        }
        match set(&self.webhook_url) {
            Some(url) => Ok(Some(Way::Webhook(address(url.expose_secret(), "SLACK_WEBHOOK_URL")?))),
            None if self.channel_id.as_deref().is_some_and(|id| !id.trim().is_empty()) => Err(BadSetting::NoToken),
            None => Ok(None),
        }
    }
}

fn address(text: &str, name: &'static str) -> Result<url::Url, BadSetting> {
    let url = url::Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or(BadSetting::NotAnAddress { name })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_documented_names_are_read() {
        let variables = [("SLACK_BOT_TOKEN", "xoxb-1"), ("SLACK_CHANNEL_ID", "C1")];
        let read = |source: settings::Source| {
            settings::Settings::load(&source)
                .unwrap()
                .section::<Settings>("slack")
                .unwrap()
        };
        assert!(
            matches!(read(settings::Source::default().environment(variables)).way(), Ok(Some(Way::Bot { channel, .. })) if channel == "C1")
        );
        assert!(matches!(read(settings::Source::default()).way(), Ok(None)));
    }

    #[test]
    fn what_is_missing_is_named_and_secrets_are_not() {
        let none = Settings {
            webhook_url: Some("".into()),
            bot_token: Some(" ".into()),
            ..Settings::default()
        };
        assert!(none.way().unwrap().is_none());
        let lonely = Settings {
            bot_token: Some("xoxb-1".into()),
            ..Settings::default()
        };
        assert!(lonely.way().err().unwrap().to_string().contains("SLACK_CHANNEL_ID"));
        let silent = Settings {
            channel_id: Some("C1".into()),
            ..Settings::default()
        };
        assert!(silent.way().err().unwrap().to_string().contains("SLACK_BOT_TOKEN"));
        let wrong = Settings {
            webhook_url: Some("hooks.slack.example/S3CRET".into()),
            ..Settings::default()
        };
        let error = wrong.way().err().unwrap().to_string();
        assert!(
            error.contains("SLACK_WEBHOOK_URL") && !error.contains("S3CRET"),
            "{error}"
        );
    }
}
