//! Takes attempts off the bus, one per free worker.

use crate::Fixer;
use crate::attempt::{self, Ended};
use async_trait::async_trait;
use bus::{Answer, Handler, Incoming};
use domain::message::AttemptRequested;
use tracing::Instrument as _;

/// Handles `attempt.requested`.
pub struct Inbox {
    /// Everything an attempt needs.
    pub fixer: Fixer,
}

#[async_trait]
impl Handler for Inbox {
    async fn handle(&self, incoming: Incoming) -> Answer {
        let request = match incoming.envelope.read::<AttemptRequested>() {
            Ok(request) => request,
            Err(error) => {
                return Answer::Never {
                    reason: error.to_string(),
                };
            }
        };
        let span = tracing::info_span!("attempt", attempt = %request.attempt, job = %request.job, repo = %request.project.repo);
        telemetry::trace::set_parent(&span, &incoming.envelope.trace);
        let running = self.fixer.measure.running(request.kind);
        let ended = attempt::carry_out(&self.fixer, &request).instrument(span).await;
        drop(running);
        let (how, answer) = match ended {
            Ended::Reported(outcome) => (outcome.as_str(), Answer::Done),
            Ended::NotOurs => ("not_granted", Answer::Done),
            Ended::GiveBack(reason) => ("given_back", Answer::Again { reason }),
        };
        self.fixer.measure.ended(request.kind, how);
        answer
    }
}
