//! A golden file per kind of message: what version 1 wrote must be read for ever, and nothing that it wrote may vanish.

use domain::attempt::{Fence, Outcome, Report, Stage};
use domain::delivery::{Delivery, Provider};
use domain::diagnosis::Diagnosis;
use domain::evidence::TestId;
use domain::guardrail::Policy;
use domain::id::{AttemptId, DeliveryId, IncidentId, JobId, NoticeId};
use domain::incident::Trigger;
use domain::job::{JobKind, SkipReason};
use domain::message::*;
use domain::notice::{Notice, NoticeContent, Origin};
use domain::project::Project;
use domain::repo::{BranchName, CommitSha, RepoName};
use domain::signal::{Signal, WorkflowRun};
use serde_json::Value;
use std::path::PathBuf;

const ID: uuid::Uuid = uuid::Uuid::from_u128(0x0192_3456_789a_7bcd_8ef0_1234_5678_9abc);

fn run() -> WorkflowRun {
    WorkflowRun {
        repo: RepoName::parse("acme/shop").unwrap(),
        head_repo: Some(RepoName::parse("acme/shop").unwrap()),
        run_id: 42,
        run_attempt: 1,
        workflow: "CI".into(),
        workflow_path: Some(".github/workflows/ci.yml".into()),
        event: "push".into(),
        conclusion: "failure".into(),
        head_branch: BranchName::parse("main").unwrap(),
        head_sha: CommitSha::parse(&"a".repeat(40)).unwrap(),
        actor: None,
        url: None,
        installation: None,
        default_branch: None,
        title: None,
    }
}

fn golden<M: Message + PartialEq + std::fmt::Debug>(message: &M) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{}.v{}.json", M::KIND.as_str(), M::VERSION));
    let written = serde_json::to_value(message).unwrap();
    if !path.exists() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("{written:#}\n")).unwrap();
        panic!(
            "{} was missing and has been written; read it and commit it",
            path.display()
        );
    }
    let old: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let read: M =
        serde_json::from_value(old.clone()).unwrap_or_else(|e| panic!("{} can no longer be read: {e}", path.display()));
    assert_eq!(&read, message, "{}", path.display());
    assert_contains(&written, &old, M::KIND.as_str());
    let mut newer = old;
    if let Value::Object(map) = &mut newer {
        map.insert("field_of_a_later_version".into(), Value::Bool(true));
    }
    assert!(
        serde_json::from_value::<M>(newer).is_ok(),
        "{}: a later version's field must be ignored",
        M::KIND.as_str()
    );
}

/// Everything that the golden file has must still be written.
fn assert_contains(written: &Value, old: &Value, at: &str) {
    match (written, old) {
        (Value::Object(new), Value::Object(old)) => {
            for (key, value) in old {
                assert_contains(
                    new.get(key)
                        .unwrap_or_else(|| panic!("{at}.{key} is no longer written")),
                    value,
                    &format!("{at}.{key}"),
                );
            }
        }
        _ => assert_eq!(written, old, "{at}"),
    }
}

#[test]
fn every_kind_has_a_golden_file() {
    let repo = RepoName::parse("acme/shop").unwrap();
    let at = chrono::DateTime::from_timestamp(1_760_000_000, 0).unwrap();
    let attempt = AttemptId::from_uuid(ID);
    let job = JobId::from_uuid(ID);
    let fence = Fence(3);
    let main = BranchName::parse("main").unwrap();
    let token = || {
        Some(SealedToken {
            sealed: "c2VhbGVk".into(),
            expires_at: Some(at),
        })
    };
    golden(&SignalReceived {
        delivery: Delivery {
            id: DeliveryId::from_uuid(ID),
            provider: Provider::GitHub,
            transport_id: Some("t".into()),
            semantic_key: "workflow_run:completed:42:1".into(),
            event: "workflow_run.completed".into(),
            received_at: at,
        },
        signal: Signal::WorkflowRun(Box::new(run())),
    });
    golden(&SignalDecided {
        delivery: DeliveryId::from_uuid(ID),
        decision: Decision::Skipped {
            reason: SkipReason::Disabled {
                setting: "SENTRY_FIXER_ENABLED".into(),
            },
        },
    });
    golden(&AttemptRequested {
        attempt,
        job,
        incident: IncidentId::from_uuid(ID),
        kind: JobKind::Fix,
        fence,
        deadline: at,
        trigger: Trigger::WorkflowRun(Box::new(run())),
        project: Project {
            repo: repo.clone(),
            base_branch: Some(main.clone()),
            test_command: None,
            setup_command: None,
            run_tests: true,
            policy: Policy::default(),
            branch_prefix: "fixpoint/".into(),
            budget_seconds: 120,
        },
        retry: 0,
        track_record: std::collections::BTreeMap::new(),
    });
    golden(&AttemptClaim {
        attempt,
        fence,
        worker: "fixer-1".into(),
        public_key: "a2V5".into(),
    });
    golden(&ClaimAnswer::Granted {
        fence,
        read_token: token(),
    });
    golden(&MayPublish {
        attempt,
        fence,
        diagnosis: Diagnosis {
            failing_tests: vec![TestId::new("tests/test_cart.py::test_total")],
            ..Diagnosis::default()
        },
        tree: "b".repeat(40),
        base: main,
        base_sha: CommitSha::parse(&"a".repeat(40)).unwrap(),
        public_key: "a2V5".into(),
    });
    golden(&MayPublishAnswer::Granted {
        branch: BranchName::parse("fixpoint/ci-0123-g1").unwrap(),
        write_token: token(),
        lasts_seconds: None,
    });
    golden(&AttemptProgressed {
        attempt,
        fence,
        stage: Stage::Propose,
        percent: 50,
        candidates_tried: 7,
        lines: vec!["trying".into()],
        limited_until: Some(at),
        at,
    });
    golden(&AttemptFinished {
        attempt,
        fence,
        report: Box::new(Report::new(Outcome::NoFix, "no engine found a fix")),
    });
    let origin = Origin {
        what: "ci".into(),
        title: "CI failed on main".into(),
        url: None,
        environment: None,
    };
    let content = NoticeContent::FixFailed {
        origin,
        retry: 1,
        max_retries: 3,
        error: "no fix".into(),
        outcome: "no_fix".into(),
    };
    golden(&NoticeRaised {
        notice: Notice {
            id: NoticeId::from_uuid(ID),
            job,
            repo: repo.clone(),
            content,
        },
        channel: "slack".into(),
    });
    golden(&NoticeDelivered {
        notice: NoticeId::from_uuid(ID),
        channel: "slack".into(),
        external_id: Some("1.2".into()),
        repo,
        at,
    });
}

#[test]
fn a_sign_of_life_from_before_limits_were_told_is_read_and_written_as_it_was() {
    let old = serde_json::json!({
        "at": "2025-10-09T08:53:20Z", "attempt": ID, "candidates_tried": 7, "fence": 3, "lines": [], "percent": 50,
        "stage": "propose",
    });
    let read: AttemptProgressed = serde_json::from_value(old.clone()).unwrap();
    assert_eq!(read.limited_until, None);
    assert_eq!(serde_json::to_value(read).unwrap(), old);
}
