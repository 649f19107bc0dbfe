//! What senders are told. The words and codes are those that the senders' guides document.

use crate::provider::BadPayload;
use crate::signature::Unproved;
use crate::spool::SpoolError;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, ResponseError};
use domain::id::DeliveryId;
use domain::message::Decision;
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A delivery that is durable.
pub(crate) struct Accepted {
    pub(crate) delivery: DeliveryId,
    pub(crate) outcome: Outcome,
}

/// What is known of it besides.
pub(crate) enum Outcome {
    /// The sender only asked whether we are there.
    Ping,
    /// Nothing acts on it.
    Ignored(String),
    /// The planner will decide; whoever wants to know may wait.
    Pending(Option<oneshot::Receiver<Decision>>),
}

/// Why a request is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("Invalid signature")]
    Unproved(#[source] Unproved),
    #[error(transparent)]
    BadPayload(#[from] BadPayload),
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the body broke off")]
    BrokeOff,
    #[error("the delivery cannot be stored now; send it again later")]
    NotDurable(#[source] SpoolError),
    #[error("the delivery could not be dealt with")]
    Internal(#[source] anyhow::Error),
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unproved(_) => StatusCode::UNAUTHORIZED,
            Self::BadPayload(_) | Self::BrokeOff => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NotDurable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self, Self::NotDurable(_)) {
            response.insert_header((RETRY_AFTER, "5"));
        }
        response.json(json!({ "error": self.to_string() }))
    }
}

/// GitHub is answered as soon as its delivery is durable.
pub(crate) fn to_github(accepted: &Accepted) -> HttpResponse {
    match accepted.outcome {
        Outcome::Ping => HttpResponse::Ok().json(json!({ "status": "ok", "event": "ping" })),
        _ => HttpResponse::Accepted().json(json!({ "deliveryId": accepted.delivery.to_string() })),
    }
}

/// Sentry is told the decision, if it comes while the budget of this request lasts.
pub(crate) async fn to_sentry(accepted: Accepted, deadline: Instant, patience: &Patience) -> HttpResponse {
    let decision = match accepted.outcome {
        Outcome::Ping => None,
        Outcome::Ignored(detail) => {
            return HttpResponse::Ok().json(json!({ "skipped": true, "reason": "ignored", "detail": detail }));
        }
        Outcome::Pending(None) => None,
        Outcome::Pending(Some(decision)) => patience.wait(decision, deadline).await,
    };
    match decision {
        Some(Decision::Enqueued { job }) => HttpResponse::Accepted().json(json!({ "jobId": job.to_string() })),
        Some(Decision::Skipped { reason }) => {
            HttpResponse::Ok().json(json!({ "skipped": true, "reason": reason.code(), "detail": reason.observed() }))
        }
        Some(Decision::Noted) | None => {
            HttpResponse::Accepted().json(json!({ "deliveryId": accepted.delivery.to_string() }))
        }
    }
}

/// Whether waiting for decisions is worth it: after a few that came too late nobody waits, until one comes in time again. Now and
/// then somebody waits to find that out.
pub(crate) struct Patience {
    budget: Duration,
    late: AtomicU32,
    tried: Mutex<Instant>,
}

impl Patience {
    const ENOUGH: u32 = 3;
    /// How often somebody waits all the same.
    const TRY: Duration = Duration::from_secs(10);

    pub(crate) fn new(budget: Duration) -> Self {
        Self {
            budget,
            late: AtomicU32::new(0),
            tried: Mutex::new(Instant::now()),
        }
    }

    pub(crate) fn is_worth_it(&self) -> bool {
        if self.late.load(Ordering::Relaxed) < Self::ENOUGH {
            return true;
        }
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let due = tried.elapsed() >= Self::TRY;
        if due {
            *tried = Instant::now();
        }
        due
    }

    /// A decision did not come in time.
    pub(crate) fn was_late(&self) {
        if self.late.fetch_add(1, Ordering::Relaxed) + 1 == Self::ENOUGH {
            *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
    }

    async fn wait(&self, decision: oneshot::Receiver<Decision>, deadline: Instant) -> Option<Decision> {
        let patient = self.late.load(Ordering::Relaxed) < Self::ENOUGH;
        // What is there already costs no waiting.
        let deadline = if patient { deadline } else { Instant::now() };
        match tokio::time::timeout_at(deadline.into(), decision).await {
            Ok(decision) => decision.ok(),
            Err(_) if patient => {
                self.was_late();
                None
            }
            Err(_) => None,
        }
    }

    /// A decision has come, so long after its delivery was durable, whether somebody waits for it or not.
    pub(crate) fn decided_after(&self, took: Duration) {
        if took <= self.budget {
            self.late.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn patience_ends_after_three_and_returns_with_one_in_time() {
        let patience = Patience::new(Duration::from_millis(300));
        let deadline = || Instant::now() + Duration::from_millis(5);
        for _ in 0..3 {
            let (_keep, decision) = oneshot::channel();
            assert!(patience.wait(decision, deadline()).await.is_none());
        }
        let answered = || {
            let (tell, decision) = oneshot::channel();
            let _ = tell.send(Decision::Noted);
            decision
        };
        assert!(!patience.is_worth_it());
        let (_keep, decision) = oneshot::channel();
        let begin = Instant::now();
        assert!(patience.wait(decision, begin + Duration::from_secs(9)).await.is_none());
        assert!(begin.elapsed() < Duration::from_secs(1), "nobody waits any more");
        patience.decided_after(Duration::from_millis(301));
        assert!(!patience.is_worth_it());
        patience.decided_after(Duration::from_millis(20));
        assert!(patience.is_worth_it());
        assert!(patience.wait(answered(), deadline()).await.is_some());
    }
}
