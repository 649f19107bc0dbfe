//! Retry: what becomes of a job when an attempt has ended.

use chrono::Duration;
use domain::attempt::{Outcome, Report};
use domain::job::{JobState, SkipReason};

/// The operator's rules.
#[derive(Clone, Copy, Debug)]
pub struct BackOff {
    /// Wait before the first retry; each further one waits five times as long.
    pub first: Duration,
    /// No wait is longer.
    pub most: Duration,
}

impl BackOff {
    /// The wait before retry number `retry + 1`.
    #[must_use]
    pub fn after(&self, retry: u32) -> Duration {
        let factor = 5_i32.saturating_pow(retry.min(12));
        self.first
            .checked_mul(factor)
            .map_or(self.most, |wait| wait.min(self.most))
    }
}

/// What becomes of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, not before so long from now.
    Retry(Duration),
    /// It is over.
    End {
        /// In this state …
        state: JobState,
        /// … for this reason, if it is [`JobState::Skipped`].
        skip: Option<SkipReason>,
    },
}

/// An attempt of the job has reported, while `retry` of `max_retries` retries were used up.
#[must_use]
pub fn after_report(report: &Report, retry: u32, max_retries: u32, back_off: &BackOff) -> Next {
    let over = |state| Next::End { state, skip: None };
    match report.outcome {
        Outcome::Proved | Outcome::Unverified if report.pull_request.is_some() => over(JobState::Succeeded),
        Outcome::Skipped => {
            let skip = report.skipped.clone().unwrap_or_else(|| SkipReason::NothingToDo {
                detail: report.message.clone(),
            });
            Next::End {
                state: JobState::Skipped,
                skip: Some(skip),
            }
        }
        Outcome::Environment | Outcome::Failed if report.worth_retrying && retry < max_retries => {
            let asked =
                Duration::try_seconds(i64::try_from(report.retry_after_seconds.unwrap_or(0)).unwrap_or(i64::MAX))
                    .unwrap_or(back_off.most);
            // What the other side asks for counts, even beyond our own longest wait, up to a day.
            Next::Retry(back_off.after(retry).max(asked.min(Duration::days(1))))
        }
        // A proof without a pull request is no success: nobody can merge it.
        _ => over(JobState::Failed),
    }
}

/// An attempt of the job fell silent or ran out of time.
#[must_use]
pub fn after_loss(retry: u32, max_retries: u32, back_off: &BackOff) -> Next {
    if retry < max_retries {
        Next::Retry(back_off.after(retry))
    } else {
        Next::End {
            state: JobState::Failed,
            skip: None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use domain::pull_request::OpenedPullRequest;
    use domain::repo::{BranchName, CommitSha, RepoName};

    const BACK_OFF: BackOff = BackOff {
        first: Duration::minutes(1),
        most: Duration::hours(2),
    };

    #[test]
    fn waits_grow_and_are_capped() {
        let minutes: Vec<_> = (0..5).map(|retry| BACK_OFF.after(retry).num_minutes()).collect();
        assert_eq!(minutes, [1, 5, 25, 120, 120]);
        assert_eq!(BACK_OFF.after(u32::MAX), Duration::hours(2));
    }

    #[test]
    fn every_outcome_has_its_end() {
        let ended = |outcome, worth_retrying, retry| {
            let report = Report {
                worth_retrying,
                ..Report::new(outcome, "x")
            };
            after_report(&report, retry, 3, &BACK_OFF)
        };
        let failed = Next::End {
            state: JobState::Failed,
            skip: None,
        };
        for outcome in [
            Outcome::NoFix,
            Outcome::Refused,
            Outcome::NotReproduced,
            Outcome::Flaky,
            Outcome::AlreadyFixed,
            Outcome::Proved,
        ] {
            assert_eq!(ended(outcome, true, 0), failed, "{outcome:?} is final");
        }
        for outcome in [Outcome::Environment, Outcome::Failed] {
            assert_eq!(ended(outcome, true, 0), Next::Retry(Duration::minutes(1)));
            assert_eq!(ended(outcome, true, 2), Next::Retry(Duration::minutes(25)));
            assert_eq!(ended(outcome, true, 3), failed, "none is left");
            assert_eq!(ended(outcome, false, 0), failed, "not worth it");
        }
        assert_eq!(
            ended(Outcome::Skipped, false, 0),
            Next::End {
                state: JobState::Skipped,
                skip: Some(SkipReason::NothingToDo { detail: "x".into() })
            }
        );
        assert_eq!(after_loss(0, 3, &BACK_OFF), Next::Retry(Duration::minutes(1)));
        assert_eq!(after_loss(3, 3, &BACK_OFF), failed);
    }

    #[test]
    fn a_pull_request_is_a_success_and_the_other_side_is_heard() {
        let pull_request = OpenedPullRequest {
            repo: RepoName::parse("acme/shop").unwrap(),
            number: 1,
            url: String::new(),
            title: String::new(),
            body: String::new(),
            branch: BranchName::parse("b").unwrap(),
            base: BranchName::parse("main").unwrap(),
            head_sha: CommitSha::parse(&"a".repeat(40)).unwrap(),
            draft: true,
            draft_reasons: Vec::new(),
            additions: 1,
            deletions: 1,
        };
        for outcome in [Outcome::Proved, Outcome::Unverified] {
            let report = Report {
                pull_request: Some(pull_request.clone()),
                ..Report::new(outcome, "x")
            };
            assert_eq!(
                after_report(&report, 0, 3, &BACK_OFF),
                Next::End {
                    state: JobState::Succeeded,
                    skip: None
                }
            );
        }
        let told = |seconds| {
            let report = Report {
                worth_retrying: true,
                retry_after_seconds: Some(seconds),
                ..Report::new(Outcome::Failed, "x")
            };
            after_report(&report, 0, 3, &BACK_OFF)
        };
        assert_eq!(told(10), Next::Retry(Duration::minutes(1)));
        assert_eq!(told(3600), Next::Retry(Duration::hours(1)));
        assert_eq!(
            told(u64::MAX),
            Next::Retry(BACK_OFF.most),
            "a wait that is no number is our longest"
        );
    }
}
