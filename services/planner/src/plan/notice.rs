//! Notice: what people are told when an attempt has ended.

use domain::attempt::{Outcome, Report};
use domain::evidence::{Evidence, Oracle};
use domain::incident::Trigger;
use domain::notice::{NoticeContent, Origin};

/// Where a problem came from.
#[must_use]
pub fn origin(what: &str, trigger: &Trigger) -> Origin {
    let environment = match trigger {
        Trigger::ErrorAlert(alert) => alert.environment.clone(),
        Trigger::WorkflowRun(_) => None,
    };
    Origin {
        what: what.to_owned(),
        title: trigger.title(),
        url: trigger.url().map(str::to_owned),
        environment,
    }
}

/// What is said of a report, if anything: an opened pull request, or a failed attempt. `retry` of `max_retries` are used up.
#[must_use]
pub fn of_report(report: &Report, origin: Origin, retry: u32, max_retries: u32) -> Option<NoticeContent> {
    match (&report.pull_request, report.outcome) {
        (Some(opened), Outcome::Proved | Outcome::Unverified) => Some(NoticeContent::PullRequestOpened {
            origin,
            number: opened.number,
            url: opened.url.clone(),
            title: opened.title.clone(),
            branch: opened.branch.as_str().to_owned(),
            draft: opened.draft,
            draft_reasons: opened.draft_reasons.clone(),
            proof: proof(report.evidence.as_ref()),
        }),
        // There is a reason in the ledger, and nothing for a person to do.
        (_, Outcome::Skipped) => None,
        (_, outcome) => Some(failed(origin, retry, max_retries, outcome, &report.message)),
    }
}

/// What is said of an attempt that failed.
#[must_use]
pub fn failed(origin: Origin, retry: u32, max_retries: u32, outcome: Outcome, message: &str) -> NoticeContent {
    NoticeContent::FixFailed {
        origin,
        retry,
        max_retries,
        error: message.to_owned(),
        outcome: outcome.as_str().to_owned(),
    }
}

/// The proof in one line.
#[must_use]
pub fn proof(evidence: Option<&Evidence>) -> String {
    let Some(evidence) = evidence else {
        return "not verified: nothing was run".into();
    };
    let failed = evidence.reproduction.failed.len();
    let before = match (failed, evidence.oracle) {
        (0, _) => format!("before: exit code {}", evidence.reproduction.exit_code),
        (1, Oracle::NoLongerRaises) => "before: the call raised".into(),
        (1, _) => "before: 1 test failed".into(),
        (many, _) => format!("before: {many} tests failed"),
    };
    match evidence.after {
        Some(after) if after.skipped > 0 => format!(
            "{before}; after: {} passed, {} failed, {} skipped",
            after.passed, after.failed, after.skipped
        ),
        Some(after) => format!("{before}; after: {} passed, {} failed", after.passed, after.failed),
        None => format!("{before}; after: not verified"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::evidence::{After, CommandSource, Reproduction, TestId};

    fn origin() -> Origin {
        Origin {
            what: "ci".into(),
            title: "Tests failed on main".into(),
            url: None,
            environment: None,
        }
    }

    #[test]
    fn failures_are_told_and_skips_are_not() {
        for outcome in [
            Outcome::NoFix,
            Outcome::Environment,
            Outcome::AlreadyFixed,
            Outcome::Failed,
        ] {
            let told = of_report(&Report::new(outcome, "why"), origin(), 2, 3);
            assert!(
                matches!(told, Some(NoticeContent::FixFailed { retry: 2, max_retries: 3, error, .. }) if error == "why")
            );
        }
        assert_eq!(of_report(&Report::new(Outcome::Skipped, "why"), origin(), 0, 3), None);
    }

    #[test]
    fn the_proof_is_one_line() {
        let evidence = Evidence {
            command: "pytest".into(),
            command_source: CommandSource::Detected,
            oracle: Oracle::FailingTests,
            reproduction: Reproduction {
                exit_code: 1,
                failed: vec![TestId::new("a"), TestId::new("b")],
                written_test: None,
            },
            after: Some(After {
                exit_code: 0,
                passed: 31,
                failed: 0,
                skipped: 1,
            }),
            reruns: 7,
            tree_before: String::new(),
            tree_after: None,
            runs: Vec::new(),
            flaky: Vec::new(),
            known_failures: Vec::new(),
        };
        assert_eq!(
            proof(Some(&evidence)),
            "before: 2 tests failed; after: 31 passed, 0 failed, 1 skipped"
        );
        assert_eq!(proof(None), "not verified: nothing was run");
    }
}
