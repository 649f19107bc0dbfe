//! Bad answers of the world around, and bad messages.

use crate::arena::Arena;
use crate::fault::{GitHubTrouble, Held};
use crate::inject::Done;
use anyhow::Result;
use bus::{Envelope, Queue, topology};
use domain::message::Kind;
use github_sim::{Fault, FaultKind, Request};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for the broker to take a bad message.
pub const POISON_PATIENCE: Duration = Duration::from_secs(10);
/// A request that is never answered is let go after so long; whoever asked has given up by then.
const SILENCE: Duration = Duration::from_secs(30);
const OPENING: &str = "/pulls$";
/// Whatever is asked of the API about a repository.
const ANYTHING: &str = "^/repos/";

/// Orders bad answers of GitHub.
pub fn github(arena: &Arc<Arena>, trouble: GitHubTrouble, times: usize) -> Result<Done> {
    let says = |code: u16, message: &str, wait: Option<&str>| {
        FaultKind::Status {
        code,
        body: json!({ "message": message, "errors": [{ "resource": "PullRequest", "code": "custom", "message": message }] }).to_string(),
        headers: wait.map(|seconds| ("retry-after".to_owned(), seconds.to_owned())).into_iter().collect(),
    }
    };
    let (method, path, kind) = match trouble {
        GitHubTrouble::MadeThen502 => ("POST", OPENING, FaultKind::DoThenStatus(502)),
        GitHubTrouble::MadeThenSilence => ("POST", OPENING, FaultKind::DoThenTimeout),
        GitHubTrouble::WebhookFirst => ("POST", OPENING, FaultKind::DoThenDelay(Duration::from_secs(2))),
        GitHubTrouble::AlreadyExists => (
            "POST",
            OPENING,
            says(422, "A pull request already exists for acme:it.", None),
        ),
        GitHubTrouble::SecondaryLimit => (
            "POST",
            OPENING,
            says(403, "You have exceeded a secondary rate limit. Please wait.", Some("2")),
        ),
        GitHubTrouble::TooMany => ("", ANYTHING, says(429, "Too many requests.", Some("1"))),
        GitHubTrouble::Broken => ("", ANYTHING, says(500, "Server Error", None)),
        GitHubTrouble::Slow => ("", ANYTHING, FaultKind::Delay(Duration::from_secs(3))),
    };
    let silent = matches!(kind, FaultKind::DoThenTimeout);
    let ordered = arena
        .github
        .faults()
        .push(Fault::once(method, path, kind).times(times))?;
    if silent {
        tokio::spawn(async move {
            ordered.reached().await;
            tokio::time::sleep(SILENCE).await;
            ordered.release();
        });
    }
    Ok(Done::default())
}

/// Puts a message that nobody can read among those of a kind; whether the broker has confirmed it.
pub async fn poison(arena: &Arc<Arena>, kind: Kind, patience: Duration) -> bool {
    matches!(
        tokio::time::timeout(patience, arena.bus.publish(unreadable(kind))).await,
        Ok(Ok(_))
    )
}

fn unreadable(kind: Kind) -> Envelope {
    // What it is routed by is there, and nothing else that its reader needs.
    Envelope::new(kind, 1, json!({ "kind": "fix", "channel": "slack", "nonsense": true }))
}

/// The queue that a bad message of a kind dies in.
pub fn queue_of(kind: &str) -> Option<String> {
    let kind = serde_json::from_value(json!(kind)).ok()?;
    let key = topology::route(&unreadable(kind));
    let mut queues = Queue::standing().into_iter();
    queues
        .find(|queue| queue.binding().contains(&key))
        .map(|queue| queue.name().into_owned())
}

/// Whether a request is the one that is held: it has no answer yet.
pub fn is_held(asked: &Request, request: Held) -> bool {
    let ends = match request {
        Held::Fetch => "/git-upload-pack",
        Held::Log => "/logs",
        Held::Push => "/git-receive-pack",
        Held::Open => "/pulls",
    };
    asked.status.is_none() && asked.method == request.matches().0 && asked.path.ends_with(ends)
}

/// The repository that a path is about, of the API or of git.
pub fn repository(path: &str) -> Option<String> {
    let mut parts = path.trim_start_matches("/repos").trim_start_matches('/').split('/');
    let (owner, name) = (parts.next()?, parts.next()?);
    Some(format!("{owner}/{}", name.trim_end_matches(".git")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_repository() {
        for path in ["/repos/acme/r0001/pulls", "/acme/r0001.git/git-receive-pack"] {
            assert_eq!(repository(path).as_deref(), Some("acme/r0001"), "{path}");
        }
        assert_eq!(repository("/"), None);
    }

    #[test]
    fn every_poison_has_a_queue() {
        for (kind, queue) in [
            (Kind::SignalReceived, "planner.signals"),
            (Kind::AttemptRequested, "fixer.fix"),
            (Kind::AttemptFinished, "planner.finished"),
            (Kind::NoticeRaised, "notifier.slack"),
        ] {
            assert_eq!(queue_of(kind.as_str()).as_deref(), Some(queue));
        }
    }
}
