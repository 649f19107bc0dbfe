//! One delivery, from raw bytes to durable: verify, parse, store. The answer is [`crate::reply`]'s.

use crate::keep::Keeper;
use crate::metric::Metrics;
use crate::provider::{self, BadPayload, Reading};
use crate::reply::{Accepted, Outcome, Patience, Refused};
use crate::settings::Settings;
use crate::signature::{Keys, Unproved};
use crate::spool::Spool;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use anyhow::Context;
use bus::Envelope;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::delivery::{Delivery, Provider};
use domain::id::DeliveryId;
use domain::message::SignalReceived;
use domain::signal::Signal;
use std::sync::Arc;
use std::time::Instant;
use telemetry::health::Underway;
use uuid::Uuid;

/// Everything that a request needs.
pub(crate) struct Door {
    pub(crate) settings: Settings,
    pub(crate) github: Keys,
    pub(crate) sentry: Keys,
    pub(crate) spool: Arc<Spool>,
    pub(crate) keeper: Keeper,
    pub(crate) patience: Arc<Patience>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) draining: Underway,
}

/// Bodies above this size are worked on beside the event loop.
const LARGE_BODY: usize = 128 * 1024;

impl Door {
    pub(crate) fn keys(&self, provider: Provider) -> &Keys {
        match provider {
            Provider::GitHub => &self.github,
            Provider::Sentry => &self.sentry,
        }
    }

    /// Reads the signature before the body, so that a request without one costs nothing.
    pub(crate) fn claimed(&self, provider: Provider, headers: &HeaderMap) -> Result<[u8; 32], Refused> {
        self.keys(provider)
            .claimed(headers)
            .map_err(|unproved| self.refuse(provider, unproved))
    }

    fn refuse(&self, provider: Provider, unproved: Unproved) -> Refused {
        let provider = provider.as_str();
        match unproved {
            Unproved::NoSecret(variable) => tracing::error!(
                provider,
                "every delivery is refused, since no secret is configured: set {variable}"
            ),
            _ => tracing::warn!(provider, reason = %unproved, "a delivery was refused"),
        }
        Refused::Unproved(unproved)
    }

    /// Returns once the delivery is durable; the sender is answered at `deadline`.
    pub(crate) async fn receive(
        self: &Arc<Self>,
        provider: Provider,
        headers: &HeaderMap,
        tag: [u8; 32],
        body: Bytes,
        received_at: DateTime<Utc>,
        deadline: Instant,
    ) -> Result<Accepted, Refused> {
        let facts = Facts::of(provider, headers);
        let large = body.len() > LARGE_BODY;
        let door = Arc::clone(self);
        let read = move || door.read(provider, &facts, &tag, &body, received_at);
        let (message, attachment) = if large {
            tokio::task::spawn_blocking(read)
                .await
                .map_err(|e| Refused::Internal(e.into()))??
        } else {
            read()?
        };
        let delivery = message.delivery.id;
        let span =
            tracing::info_span!("delivery", %delivery, provider = provider.as_str(), event = message.delivery.event);
        if message.signal == Signal::Ping {
            return Ok(Accepted {
                delivery,
                outcome: Outcome::Ping,
            });
        }
        let envelope = Envelope::of(&message)
            .context("writing signal.received")
            .map_err(Refused::Internal)?;
        let envelope = envelope
            .traced(span.in_scope(telemetry::trace::inject))
            .with_attachment(attachment);
        let asked = matches!((provider, &message.signal), (Provider::Sentry, Signal::ErrorAlert(_)));
        let decision = self.keeper.keep(envelope, asked, deadline).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, %delivery, "a delivery could not be made durable");
            Refused::NotDurable(error)
        })?;
        span.in_scope(|| tracing::info!(key = message.delivery.semantic_key, "a delivery is durable"));
        let outcome = match message.signal {
            Signal::Ignored { reason } => Outcome::Ignored(reason),
            _ => Outcome::Pending(decision),
        };
        Ok(Accepted { delivery, outcome })
    }

    /// The part that only computes.
    fn read(
        &self,
        provider: Provider,
        facts: &Facts,
        tag: &[u8; 32],
        body: &[u8],
        received_at: DateTime<Utc>,
    ) -> Result<(SignalReceived, Bytes), Refused> {
        self.keys(provider)
            .verify(body, tag)
            .map_err(|unproved| self.refuse(provider, unproved))?;
        let payload = if facts.form { form_payload(body)? } else { None };
        let payload = payload.as_deref().unwrap_or(body);
        let Reading {
            event,
            semantic_key,
            signal,
        } = match provider {
            Provider::GitHub => provider::read_github(
                facts
                    .event
                    .as_deref()
                    .ok_or(BadPayload::Missing("the X-GitHub-Event header"))?,
                payload,
            )?,
            Provider::Sentry => provider::read_sentry(facts.event.as_deref(), payload)?,
        };
        let id = DeliveryId::from_uuid(Uuid::now_v7());
        let delivery = Delivery {
            id,
            provider,
            transport_id: facts.transport_id.clone(),
            semantic_key,
            event,
            received_at,
        };
        Ok((SignalReceived { delivery, signal }, bus::packed::pack(payload)))
    }
}

/// What the headers say.
struct Facts {
    event: Option<String>,
    transport_id: Option<String>,
    form: bool,
}

impl Facts {
    fn of(provider: Provider, headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(|value| value.chars().take(200).collect::<String>())
        };
        let (event, transport_id) = match provider {
            Provider::GitHub => ("X-GitHub-Event", "X-GitHub-Delivery"),
            Provider::Sentry => ("Sentry-Hook-Resource", "Request-ID"),
        };
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let form = provider == Provider::GitHub
            && kind
                .to_ascii_lowercase()
                .starts_with("application/x-www-form-urlencoded");
        Self {
            event: text(event).filter(|e| !e.is_empty()),
            transport_id: text(transport_id).filter(|id| !id.is_empty()),
            form,
        }
    }
}

/// The field `payload` of a form: GitHub's other content type, signed as it travels.
fn form_payload(body: &[u8]) -> Result<Option<Vec<u8>>, BadPayload> {
    let field = body
        .split(|byte| *byte == b'&')
        .find_map(|field| field.strip_prefix(b"payload="));
    let field = field.ok_or(BadPayload::Missing("the form's `payload` field"))?;
    let spaced: Vec<u8> = field
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    Ok(Some(percent_encoding::percent_decode(&spaced).collect()))
}
