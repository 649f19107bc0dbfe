//! Real payloads of others, where this machine has them: every one of them has a meaning.

use domain::signal::Signal;
use ingest::{read_github, read_sentry};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn samples(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/samples")
        .join(folder);
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED 1: there are no samples in {}", folder.display());
        return Vec::new();
    };
    let files = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn name(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

#[test]
fn sentrys_webhooks() {
    for (path, body) in samples("sentry/webhooks") {
        let resource = name(&path).split('.').nth(1).unwrap();
        let reading = read_sentry(Some(resource), &body).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let action = serde_json::from_slice::<Value>(&body).unwrap()["action"]
            .as_str()
            .unwrap()
            .to_owned();
        let acts = matches!(
            (resource, action.as_str()),
            ("event_alert", "triggered") | ("issue", "created" | "unresolved") | ("error", "created")
        );
        assert_eq!(
            matches!(reading.signal, Signal::ErrorAlert(_)),
            acts,
            "{}",
            path.display()
        );
        assert_eq!(
            read_sentry(None, &body).map(|_| ()).map_err(|e| e.to_string()),
            Ok(()),
            "{}",
            path.display()
        );
    }
}

#[test]
fn sentrys_events() {
    for folder in ["sentry/events", "sentry/sdk-events"] {
        for (path, body) in samples(folder) {
            let mut event: Value = serde_json::from_slice(&body).unwrap();
            // Samples of SDKs lack what Sentry adds when it stores them.
            event["issue_id"] = json!("1");
            if event.get("event_id").is_none_or(Value::is_null) {
                event["event_id"] = json!("ab12");
            }
            let frames = |event: &Value| event.to_string().contains("\"frames\":[{");
            let has_frames = event
                .get("exception")
                .or_else(|| event.get("sentry.interfaces.Exception"))
                .is_some_and(frames);
            let body = json!({"action": "triggered", "data": {"event": event}}).to_string();
            let reading = read_sentry(Some("event_alert"), body.as_bytes())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(
                serde_json::to_vec(&reading.signal).unwrap().len() < 1024 * 1024,
                "{}",
                path.display()
            );
            let Signal::ErrorAlert(alert) = reading.signal else {
                panic!("{}: not an alert", path.display())
            };
            assert!(
                alert.exceptions.iter().any(|exception| !exception.frames.is_empty()) || !has_frames,
                "{}",
                path.display()
            );
            assert!(!alert.title.is_empty());
        }
    }
}

#[test]
fn githubs_webhooks() {
    for (path, body) in samples("github-webhooks-bors") {
        let name = name(&path);
        let payload: Value = serde_json::from_slice(&body).unwrap();
        let event = match name {
            name if name.starts_with("pull-request-review-comment") => "pull_request_review_comment",
            name if name.starts_with("pull-request") => "pull_request",
            name if name.starts_with("workflow-run") => "workflow_run",
            name if name.starts_with("workflow-job") => "workflow_job",
            name if name.starts_with("installation") => "installation",
            name if name.starts_with("issue-comment") => "issue_comment",
            name if name.starts_with("check-run") => "check_run",
            name if name.starts_with("check-suite") => "check_suite",
            name => name,
        };
        let reading = read_github(event, &body).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let action = payload["action"].as_str().unwrap_or_default();
        match (event, action) {
            ("workflow_run", "completed") => assert!(matches!(reading.signal, Signal::WorkflowRun(_)), "{name}"),
            ("pull_request", "opened" | "synchronize" | "closed" | "reopened" | "ready_for_review") => {
                assert!(matches!(reading.signal, Signal::PullRequest(_)), "{name}")
            }
            ("push", _) => assert!(matches!(reading.signal, Signal::Push(_)), "{name}"),
            _ => assert!(
                matches!(reading.signal, Signal::Ignored { .. }),
                "{name}: {:?}",
                reading.signal
            ),
        }
    }
}
