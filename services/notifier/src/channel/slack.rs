//! Slack: an incoming webhook, or a bot's token. One message a second, as Slack allows, and as patient as Slack asks for.

use super::{Channel, SendError};
use crate::page::Text;
use crate::settings::Way;
use anyhow::Context;
use async_trait::async_trait;
use hyper_rustls::HttpsConnectorBuilder;
use secrecy::ExposeSecret;
use slack_morphism::SlackClient;
use slack_morphism::api::{SlackApiChatPostMessageRequest, SlackApiPostWebhookMessageRequest};
use slack_morphism::blocks::SlackBlock;
use slack_morphism::errors::SlackClientError;
use slack_morphism::hyper_tokio::{SlackClientHyperConnector, SlackClientHyperHttpsConnector};
use slack_morphism::{SlackApiToken, SlackMessageContent};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};

/// Slack takes one message a second and channel.
const PACE: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(15);

pub(crate) struct Slack {
    client: SlackClient<SlackClientHyperHttpsConnector>,
    way: Way,
    next: Mutex<Instant>,
}

impl Slack {
    pub(crate) fn new(way: Way) -> anyhow::Result<Self> {
        telemetry::crypto();
        let roots = HttpsConnectorBuilder::new()
            .with_native_roots()
            .context("reading this machine's root certificates: install ca-certificates")?;
        // Plain http is for proxies and stand-ins; the address is the operator's.
        let https = roots.https_or_http().enable_http1().enable_http2().build();
        let mut connector = SlackClientHyperConnector::with_connector(https);
        if let Way::Bot { api, .. } = &way {
            connector = connector.with_slack_api_url(api.as_str().trim_end_matches('/'));
        }
        Ok(Self {
            client: SlackClient::new(connector),
            way,
            next: Mutex::new(Instant::now()),
        })
    }

    async fn post(&self, content: SlackMessageContent) -> Result<Option<String>, SlackClientError> {
        match &self.way {
            Way::Webhook(url) => {
                let request = SlackApiPostWebhookMessageRequest::new(content);
                match self.client.post_webhook_message(url, &request).await {
                    // The webhook's answer is the word `ok`; a proxy may have taken away its content type.
                    Err(SlackClientError::ProtocolError(answer)) if answer.json_body.as_deref() == Some("ok") => {
                        Ok(None)
                    }
                    answer => answer.map(|_| None),
                }
            }
            Way::Bot { token, channel, .. } => {
                let token = SlackApiToken::new(token.expose_secret().trim().to_owned().into());
                let mut request = SlackApiChatPostMessageRequest::new(channel.clone().into(), content);
                (request.unfurl_links, request.unfurl_media) = (Some(false), Some(false));
                let posted = self.client.open_session(&token).chat_post_message(&request).await?;
                Ok(Some(posted.ts.0))
            }
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
        let mut sent = timeout(TIMEOUT, self.post(plain().with_blocks(blocks))).await;
        if let Ok(Err(error)) = &sent
            && is_about_layout(error)
        {
            // Better without layout than not at all.
            tracing::error!(error = %error, "Slack refuses our layout; sending the words alone");
            sent = timeout(TIMEOUT, self.post(plain())).await;
        }
        *next = Instant::now() + PACE;
        match sent {
            Ok(Ok(id)) => Ok(id),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => Err(SendError::Later {
                after: None,
                reason: format!("Slack did not answer within {TIMEOUT:?}"),
            }),
        }
    }
}

fn is_about_layout(error: &SlackClientError) -> bool {
    match error {
        SlackClientError::ApiError(error) => error.code.starts_with("invalid_blocks"),
        SlackClientError::HttpError(error) => {
            error.status_code == 400
                && error
                    .http_response_body
                    .as_deref()
                    .is_some_and(|body| body.trim().starts_with("invalid_"))
        }
        _ => false,
    }
}

/// What there is to do about an error. The texts of the HTTP library are not passed on: a webhook's address is a secret.
fn judge(error: &SlackClientError) -> SendError {
    let later = |reason: String| SendError::Later { after: None, reason };
    match error {
        SlackClientError::RateLimitError(limit) => SendError::Later {
            after: limit.retry_after,
            reason: "Slack asks for patience (429)".into(),
        },
        SlackClientError::ApiError(error) => match error.code.as_str() {
            "ratelimited"
            | "rate_limited"
            | "internal_error"
            | "fatal_error"
            | "service_unavailable"
            | "request_timeout"
            | "team_added_to_org" => later(format!("Slack answers `{}`", error.code)),
            code => SendError::Never {
                reason: format!("Slack refuses with `{code}`: {}", advice(code)),
            },
        },
        SlackClientError::HttpError(error) => {
            let status = error.status_code.as_u16();
            let word: String = error
                .http_response_body
                .as_deref()
                .unwrap_or_default()
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                .take(60)
                .collect();
            match status {
                400..=499 if !matches!(status, 408 | 425 | 429) => SendError::Never {
                    reason: format!("Slack refuses with {status} `{word}`: {}", advice(&word)),
                },
                _ => later(format!("Slack answers {status}")),
            }
        }
        SlackClientError::ProtocolError(_) => later("Slack's answer cannot be read".into()),
        _ => later("Slack cannot be reached".into()),
    }
}

fn advice(code: &str) -> &'static str {
    match code {
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            "set a valid SLACK_BOT_TOKEN"
        }
        "channel_not_found" | "not_in_channel" | "is_archived" | "channel_is_archived" => {
            "set SLACK_CHANNEL_ID to a channel that the bot is a member of"
        }
        "missing_scope" | "no_permission" => "give the bot the scope chat:write",
        "no_service" | "no_team" | "invalid_token" | "action_prohibited" | "no_active_hooks" => {
            "make a new incoming webhook and set SLACK_WEBHOOK_URL"
        }
        _ => "see Slack's list of errors",
    }
}
