//! When GitHub wants to be left alone. A limit is the credential's, so what one call is told holds for all of them.

use crate::limit::until;
use chrono::{DateTime, Utc};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// GitHub's longest window. One odd answer must not silence everybody for longer: after it, somebody asks again.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Time between calls that have waited for the same end, so that they do not meet the next limit by coming all at once.
const GAP: Duration = Duration::from_millis(200);

/// The newest limit that is known, and the line of those who wait for its end.
#[derive(Default)]
pub(crate) struct Quiet {
    limit: watch::Sender<Option<Limit>>,
    next: Mutex<Option<Instant>>,
}

/// A limit that was met.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    end: Instant,
    /// Its end for people and other processes.
    pub(crate) until: DateTime<Utc>,
    /// GitHub's words.
    pub(crate) message: String,
}

/// When a call may be sent.
#[derive(Debug)]
pub(crate) enum Turn {
    /// At once.
    Now,
    /// Then, if nothing new is known by then.
    At(Instant),
    /// Later than the caller is willing to wait.
    TooLate(Limit),
}

impl Quiet {
    /// Somebody has been told to wait. A longer wait that is known already stays.
    pub(crate) fn note(&self, now: DateTime<Utc>, wait: Duration, message: &str) {
        let wait = wait.min(LONGEST);
        if wait.is_zero() {
            return;
        }
        let end = Instant::now() + wait;
        self.limit.send_if_modified(|known| {
            if known.as_ref().is_some_and(|known| known.end >= end) {
                return false;
            }
            *known = Some(Limit {
                end,
                until: until(now, wait),
                message: message.to_owned(),
            });
            true
        });
    }

    /// The limit that holds.
    pub(crate) fn limit(&self) -> Option<Limit> {
        let known = self.limit.borrow().clone();
        known.filter(|limit| limit.end > Instant::now())
    }

    /// When a call may be sent that is willing to wait for `patience`; a place in the line is kept for it.
    pub(crate) fn turn(&self, patience: Duration) -> Turn {
        let Some(limit) = self.limit() else { return Turn::Now };
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = next.map_or(limit.end, |next| next.max(limit.end));
        if at.saturating_duration_since(Instant::now()) > patience {
            return Turn::TooLate(limit);
        }
        *next = Some(at + GAP);
        Turn::At(at)
    }

    pub(crate) fn watch(&self) -> Limits {
        Limits(self.limit.subscribe())
    }
}

/// Tells of limits that are newly met.
pub struct Limits(watch::Receiver<Option<Limit>>);

impl Limits {
    /// Waits until a limit is met that is longer than those known before; for ever when there is no door any more.
    pub async fn met(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn at(turn: Turn) -> Instant {
        match turn {
            Turn::At(at) => at,
            other => panic!("no place in the line: {other:?}"),
        }
    }

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(43_200, 0).unwrap()
    }

    #[test]
    fn a_limit_holds_for_all_and_they_come_one_after_the_other() {
        let quiet = Quiet::default();
        let patience = Duration::from_secs(120);
        assert!(matches!(quiet.turn(patience), Turn::Now));
        quiet.note(noon(), Duration::from_secs(60), "slow down");
        assert_eq!(quiet.limit().unwrap().until.timestamp(), 43_260);
        let (first, second, third) = (
            at(quiet.turn(patience)),
            at(quiet.turn(patience)),
            at(quiet.turn(patience)),
        );
        assert_eq!((second - first, third - second), (GAP, GAP));
        match quiet.turn(Duration::from_secs(50)) {
            Turn::TooLate(limit) => assert_eq!(limit.message, "slow down"),
            other => panic!("it is willing to wait: {other:?}"),
        }
    }

    #[test]
    fn the_longest_wait_counts_and_none_is_believed_for_ever() {
        let quiet = Quiet::default();
        quiet.note(noon(), Duration::ZERO, "none");
        assert!(quiet.limit().is_none());
        quiet.note(noon(), Duration::from_secs(60), "long");
        quiet.note(noon(), Duration::from_secs(10), "short");
        assert_eq!(quiet.limit().unwrap().message, "long");
        quiet.note(noon(), Duration::from_secs(u64::MAX), "odd");
        assert_eq!(quiet.limit().unwrap().until.timestamp(), 43_200 + 3_600);
    }

    #[tokio::test]
    async fn a_limit_that_is_over_holds_nobody() {
        let quiet = Quiet::default();
        let mut limits = quiet.watch();
        quiet.note(noon(), Duration::from_millis(1), "short");
        limits.met().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(matches!(quiet.turn(Duration::ZERO), Turn::Now));
        assert!(quiet.limit().is_none());
    }
}
