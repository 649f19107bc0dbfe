//! Builders of what comes in: signals, diagnoses and reports.

use crate::case::delivery_id;
use domain::attempt::{Outcome, Report, Stage, StageTime};
use domain::delivery::{Delivery, Provider};
use domain::diagnosis::{Diagnosis, FailureClass};
use domain::evidence::{After, CommandSource, Evidence, Oracle, Reproduction, TestId};
use domain::message::SignalReceived;
use domain::pull_request::OpenedPullRequest;
use domain::repo::{BranchName, CommitSha, RepoName};
use domain::signal::{
    Actor, ErrorAlert, ExceptionInfo, PullRequestAction, PullRequestChange, Push, Signal, WorkflowRun,
};
use uuid::Uuid;

pub fn repo() -> RepoName {
    RepoName::parse("acme/shop").unwrap()
}

pub fn sha(digit: char) -> CommitSha {
    CommitSha::parse(&digit.to_string().repeat(40)).unwrap()
}

pub fn branch(name: &str) -> BranchName {
    BranchName::parse(name).unwrap()
}

pub fn person() -> Actor {
    Actor {
        login: "ada".into(),
        bot: false,
    }
}

#[allow(clippy::disallowed_methods, reason = "the test is the outside world")]
pub fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

/// A delivery that nobody has seen before.
pub fn delivered(provider: Provider, event: &str, signal: Signal) -> SignalReceived {
    let unique = Uuid::new_v4().to_string();
    SignalReceived {
        delivery: Delivery {
            id: delivery_id(),
            provider,
            transport_id: Some(unique.clone()),
            semantic_key: format!("{event}:{unique}"),
            event: event.into(),
            received_at: now(),
        },
        signal,
    }
}

pub fn run(commit: CommitSha, run_id: u64) -> WorkflowRun {
    WorkflowRun {
        repo: repo(),
        head_repo: Some(repo()),
        run_id,
        run_attempt: 1,
        workflow: "Tests".into(),
        workflow_path: Some(".github/workflows/ci.yml".into()),
        event: "push".into(),
        conclusion: "failure".into(),
        head_branch: branch("main"),
        head_sha: commit,
        actor: Some(person()),
        url: Some("https://github.example/acme/shop/actions/runs/1".into()),
        installation: None,
        default_branch: Some(branch("main")),
        title: Some("Ship it".into()),
    }
}

/// A red run of a commit; a later commit's run has a higher number.
pub fn red_run(commit: char) -> SignalReceived {
    let number = 100 + u64::from(u32::from(commit));
    delivered(
        Provider::GitHub,
        "workflow_run.completed",
        Signal::WorkflowRun(Box::new(run(sha(commit), number))),
    )
}

pub fn changed_run(change: impl FnOnce(&mut WorkflowRun)) -> SignalReceived {
    let mut run = run(sha('a'), 1);
    change(&mut run);
    delivered(
        Provider::GitHub,
        "workflow_run.completed",
        Signal::WorkflowRun(Box::new(run)),
    )
}

/// An alert of an issue; the text may hold what databases do not like.
pub fn alert(issue: &str) -> SignalReceived {
    let event = ErrorAlert {
        issue_id: issue.into(),
        event_id: Uuid::new_v4().simple().to_string(),
        title: "KeyError: 'total\u{0}'".into(),
        issue_url: Some("https://sentry.example/issues/1/".into()),
        organization: Some("acme".into()),
        project: Some("shop".into()),
        environment: Some("production".into()),
        release: Some("1.2.3".into()),
        platform: Some("python".into()),
        rule: None,
        occurred_at: None,
        exceptions: vec![ExceptionInfo {
            kind: "KeyError".into(),
            value: Some("'total\u{0}'".into()),
            ..ExceptionInfo::default()
        }],
        request: None,
    };
    delivered(
        Provider::Sentry,
        "event_alert.triggered",
        Signal::ErrorAlert(Box::new(event)),
    )
}

pub fn push(commit: char, name: &str, who: &str) -> SignalReceived {
    let push = Push {
        repo: repo(),
        branch: branch(name),
        head_sha: Some(sha(commit)),
        actor: Some(Actor {
            login: who.into(),
            bot: false,
        }),
    };
    delivered(Provider::GitHub, "push", Signal::Push(push))
}

/// Something that a person does to a pull request of ours.
pub fn change(number: u64, action: PullRequestAction, name: &BranchName, commit: char) -> SignalReceived {
    let change = PullRequestChange {
        repo: repo(),
        number,
        action,
        head_branch: name.clone(),
        head_sha: sha(commit),
        head_repo: Some(repo()),
        base_branch: branch("main"),
        actor: Some(person()),
        author: None,
        updated_at: Some(now()),
    };
    delivered(Provider::GitHub, "pull_request", Signal::PullRequest(Box::new(change)))
}

pub fn diagnosis(test: &str) -> Diagnosis {
    Diagnosis {
        class: FailureClass::TestFailure,
        headline: format!("{test} fails"),
        failing_tests: vec![TestId::new(test)],
        ..Diagnosis::default()
    }
}

/// The commit that a proved report says was pushed.
pub const PUSHED: char = 'f';

pub fn proved(number: u64, name: &BranchName, diagnosis: &Diagnosis) -> Report {
    let opened = OpenedPullRequest {
        repo: repo(),
        number,
        url: format!("https://github.example/acme/shop/pull/{number}"),
        title: "Guard the empty cart".into(),
        body: "Proved.\u{0}".into(),
        branch: name.clone(),
        base: branch("main"),
        head_sha: sha(PUSHED),
        draft: false,
        draft_reasons: Vec::new(),
        additions: 2,
        deletions: 1,
    };
    let evidence = Evidence {
        command: "pytest -q".into(),
        command_source: CommandSource::WorkflowStep,
        oracle: Oracle::FailingTests,
        reproduction: Reproduction {
            exit_code: 1,
            failed: diagnosis.failing_tests.clone(),
            written_test: None,
        },
        after: Some(After {
            exit_code: 0,
            passed: 31,
            failed: 0,
            skipped: 0,
        }),
        reruns: 7,
        tree_before: "b".repeat(40),
        tree_after: Some("c".repeat(40)),
        runs: Vec::new(),
        flaky: Vec::new(),
        known_failures: Vec::new(),
    };
    Report {
        diagnosis: Some(diagnosis.clone()),
        engine: Some("search".into()),
        confidence: Some(0.8),
        evidence: Some(evidence),
        candidates_tried: 12,
        stages: vec![StageTime {
            stage: Stage::Propose,
            wall_ms: 1200,
        }],
        pull_request: Some(opened),
        ..Report::new(Outcome::Proved, "A fix was proved.")
    }
}
