//! Webhooks that mean nothing: green runs of a repository that nobody breaks. They come all the time, so that the doors are
//! tried at every moment.

use crate::arena::Arena;
use crate::fan_out::Webhook;
use crate::settings::SECRETS;
use bytes::Bytes;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How large a webhook of GitHub's is, about.
const BODY: usize = 8 * 1024;
/// Branches that the runs are of.
const BRANCHES: usize = 50;

/// GitHub never gives a number twice, and the repositories of the incidents have runs, too.
const FIRST: usize = 1 << 40;

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    /// Webhooks a second.
    pub rate: u32,
    /// Copies of each.
    pub copies: usize,
    /// At least so many, also when nobody wants more.
    pub least: usize,
}

/// Sends them at their rate until `stop`, and until there are enough.
pub async fn make(arena: Arc<Arena>, noise: Noise, stop: CancellationToken) {
    let mut tick = tokio::time::interval(Duration::from_secs(1) / noise.rate.max(1));
    let mut sent = 0;
    while !stop.is_cancelled() || sent < noise.least {
        tick.tick().await;
        sent += 1;
        arena.fan_out.sender.spread(green_run(sent), noise.copies);
    }
}

/// A green run: it is dealt with, and there is nothing to do about it.
fn green_run(number: usize) -> Webhook {
    let repository = json!({ "id": 1, "full_name": "acme/green", "default_branch": "main" });
    let body = json!({
        "action": "completed", "repository": repository,
        "workflow_run": {
            "id": FIRST + number, "run_attempt": 1, "name": "Tests", "path": ".github/workflows/ci.yml", "event": "push",
            "conclusion": "success", "head_branch": format!("branch-{}", number % BRANCHES), "head_sha": format!("{number:040x}"),
            "html_url": format!("https://github.example/acme/green/actions/runs/{number}"), "head_repository": repository,
            "actor": { "login": "ada", "type": "User" }, "display_title": "Change things", "padding": "x".repeat(BODY),
        },
    });
    let body = Bytes::from(body.to_string());
    let [_, (_, secret), ..] = SECRETS;
    let signature = stand_in::github_signature(secret, &body);
    let id = uuid::Uuid::new_v4().to_string();
    let headers = [
        ("content-type", "application/json"),
        ("x-github-event", "workflow_run"),
        ("x-github-delivery", &id),
        ("x-hub-signature-256", &signature),
    ];
    Webhook {
        event: "workflow_run.completed".into(),
        repo: Some("acme/green".into()),
        path: "/webhooks/github".into(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        number: id,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same_and_a_commit_is_as_long_as_one() {
        let (one, other) = (green_run(1), green_run(2));
        assert!(one.number != other.number && one.body != other.body);
        let body: serde_json::Value = serde_json::from_slice(&one.body).unwrap_or_default();
        assert_eq!(body["workflow_run"]["head_sha"].as_str().map(str::len), Some(40));
    }
}
