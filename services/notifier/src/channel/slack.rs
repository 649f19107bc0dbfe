//! Slack: an incoming webhook, or a bot's token. One message a second, as Slack allows.

use super::answer::{Answer, Refusal};
use super::{Channel, SendError};
use crate::page::Text;
use crate::settings::Way;
use anyhow::Context;
use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use secrecy::ExposeSecret;
use slack_morphism::SlackMessageContent;
use slack_morphism::api::{SlackApiChatPostMessageRequest, SlackApiPostWebhookMessageRequest};
use slack_morphism::blocks::SlackBlock;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Slack takes one message a second and channel.
const PACE: Duration = Duration::from_secs(1);
const CONNECT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(15);
/// Slack warns of a message that does not say how it is written.
const JSON: &str = "application/json; charset=utf-8";

pub(crate) struct Slack {
    http: reqwest::Client,
    way: Way,
    next: Mutex<Instant>,
}

impl Slack {
    pub(crate) fn new(way: Way) -> anyhow::Result<Self> {
        telemetry::crypto();
        // No connection is kept: one that ends just as a message is sent would leave open whether it arrived.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .timeout(TIMEOUT)
            .build()
            .context("the HTTP client for Slack: install ca-certificates")?;
        Ok(Self {
            http,
            way,
            next: Mutex::new(Instant::now()),
        })
    }

    async fn post(&self, content: SlackMessageContent) -> Result<Option<String>, Refusal> {
        let request = match &self.way {
            Way::Webhook(url) => {
                let message = SlackApiPostWebhookMessageRequest::new(content);
                self.http.post(url.clone()).header(CONTENT_TYPE, JSON).json(&message)
            }
            Way::Bot { token, channel, api } => {
                let mut message = SlackApiChatPostMessageRequest::new(channel.clone().into(), content);
                (message.unfurl_links, message.unfurl_media) = (Some(false), Some(false));
                self.http
                    .post(format!("{}/chat.postMessage", api.as_str().trim_end_matches('/')))
                    .bearer_auth(token.expose_secret().trim())
                    .header(CONTENT_TYPE, JSON)
                    .json(&message)
            }
        };
        let response = request
            .send()
            .await
            .map_err(|error| Refusal::Other(unanswered(&error)))?;
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let answer = Answer {
            status: response.status().as_u16(),
            retry_after,
            body: response.text().await.ok(),
        };
        answer.meaning(matches!(self.way, Way::Bot { .. }))
    }
}

/// The texts of the HTTP library are not passed on: a webhook's address is a secret.
fn unanswered(error: &reqwest::Error) -> SendError {
    if error.is_connect() {
        SendError::Later {
            after: None,
            reason: "Slack cannot be reached".into(),
        }
    } else {
        SendError::Unsure {
            reason: format!("Slack has not answered within {TIMEOUT:?}, or has ended the connection"),
        }
    }
}

#[async_trait]
impl Channel for Slack {
    async fn send(&self, text: &Text) -> Result<Option<String>, SendError> {
        // Held while sending, so that messages keep their order and their distance.
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        let plain = || SlackMessageContent::new().with_text(text.fallback.clone());
        // `Unknown` is sent exactly as it is.
        let blocks = text.blocks.iter().cloned().map(SlackBlock::Unknown).collect();
        let mut sent = self.post(plain().with_blocks(blocks)).await;
        if let Err(Refusal::Layout(code)) = &sent {
            // Better without layout than not at all.
            tracing::error!(code, "Slack refuses our layout; sending the words alone");
            sent = self.post(plain()).await;
        }
        *next = Instant::now() + PACE;
        sent.map_err(Into::into)
    }
}
