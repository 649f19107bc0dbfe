//! A Sentry that raises alerts: wraps an event as Sentry's issue alerts do, signs it, and gives up after a second as Sentry does.

use crate::{hmac, http_client};
use anyhow::Context;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// A Sentry with one integration.
#[derive(Clone, Debug)]
pub struct SentryStandIn {
    client: reqwest::Client,
    url: String,
    secret: String,
    /// Slug of the organisation in its addresses.
    pub organization: String,
    /// Slug of the project in its addresses.
    pub project: String,
}

/// What it was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null where it was no JSON.
    pub body: Value,
}

impl SentryStandIn {
    /// A Sentry that delivers to `url` (the full address of the webhook) and signs with `secret`.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub fn new(url: impl Into<String>, secret: impl Into<String>) -> anyhow::Result<Self> {
        let client = http_client(Duration::from_secs(1))?;
        Ok(Self {
            client,
            url: url.into(),
            secret: secret.into(),
            organization: "acme".into(),
            project: "shop".into(),
        })
    }

    /// The body of an issue alert for an event as an SDK has captured it. An event without an id gets one.
    #[must_use]
    pub fn alert(&self, issue: &str, event: &Value) -> Value {
        let (organization, project) = (&self.organization, &self.project);
        let mut event = event.clone();
        let event_id = event
            .get("event_id")
            .and_then(Value::as_str)
            .map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned);
        let outermost = event
            .pointer("/exception/values")
            .and_then(Value::as_array)
            .and_then(|values| values.last())
            .cloned()
            .unwrap_or_default();
        let part = |key: &str| outermost.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
        let added = json!({
            "event_id": event_id,
            "project": 1,
            "title": format!("{}: {}", part("type"), part("value")),
            "issue_id": issue,
            "url": format!("https://sentry.io/api/0/projects/{organization}/{project}/events/{event_id}/"),
            "web_url": format!("https://sentry.io/organizations/{organization}/issues/{issue}/events/{event_id}/"),
            "issue_url": format!("https://sentry.io/api/0/organizations/{organization}/issues/{issue}/"),
        });
        if let (Some(event), Value::Object(added)) = (event.as_object_mut(), added) {
            event.extend(added);
        }
        json!({
            "action": "triggered",
            "installation": { "uuid": "a8e5d37a-696c-4c54-adb5-b3f28d64c7de" },
            "data": { "event": event, "triggered_rule": "Any new error" },
            "actor": { "type": "application", "id": "sentry", "name": "Sentry" },
        })
    }

    /// Raises an alert for an event.
    ///
    /// # Errors
    /// When there is no answer within a second.
    pub async fn raise(&self, issue: &str, event: &Value) -> anyhow::Result<Answer> {
        self.send("event_alert", &self.alert(issue, event)).await
    }

    /// Delivers a payload under a new request id.
    ///
    /// # Errors
    /// When there is no answer within a second.
    pub async fn send(&self, resource: &str, payload: &Value) -> anyhow::Result<Answer> {
        let body = payload.to_string();
        let request = self
            .client
            .post(&self.url)
            .header("Content-Type", "application/json")
            .header("Request-ID", Uuid::new_v4().simple().to_string())
            .header("Sentry-Hook-Resource", resource)
            .header(
                "Sentry-Hook-Timestamp",
                chrono::DateTime::UNIX_EPOCH.timestamp().to_string(),
            )
            .header("Sentry-Hook-Signature", hmac(&self.secret, body.as_bytes()))
            .body(body);
        let response = request
            .send()
            .await
            .context("Sentry gives up: no answer within a second")?;
        let status = response.status().as_u16();
        Ok(Answer {
            status,
            body: response.json().await.unwrap_or_default(),
        })
    }
}
