//! What the tests of single parts need: a fixer that nobody has started, and what it is asked.

use crate::{Fixer, Settings};
use bus::Bus;
use chrono::TimeDelta;
use domain::message::{AttemptRequested, MayPublish};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// An address where no GitHub is.
pub(crate) const NOBODY: &str = "http://127.0.0.1:9";

/// A limit that is longer than anybody waits.
pub(crate) const LIMITED: &str =
    "HTTP/1.1 429 Too Many Requests\r\nretry-after: 600\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";

/// A fixer with its folder, which has to be kept.
pub(crate) fn fixer(bus: Arc<dyn Bus>, github: &str) -> (Fixer, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let source = ::settings::Source::default().set("data.dir", home.path().to_str().unwrap());
    let mut settings = Settings::read(&::settings::Settings::load(&source).unwrap()).unwrap();
    // No code of a repository is run.
    settings.sandbox.allow_unconfined = true;
    settings.github.api_url = github.to_owned();
    let fixer = Fixer::open(settings, bus, CancellationToken::new()).unwrap();
    (fixer, home)
}

/// An attempt that has twenty minutes.
pub(crate) fn request(fixer: &Fixer) -> AttemptRequested {
    let golden = include_str!("../../../crates/domain/tests/golden/attempt.requested.v1.json");
    let mut request: AttemptRequested = serde_json::from_str(golden).unwrap();
    request.deadline = fixer.now() + TimeDelta::minutes(20);
    request
}

/// What it asks when it has a proof.
pub(crate) fn question(request: &AttemptRequested) -> MayPublish {
    let golden = include_str!("../../../crates/domain/tests/golden/attempt.may_publish.v1.json");
    let mut question: MayPublish = serde_json::from_str(golden).unwrap();
    question.attempt = request.attempt;
    question
}

/// The address of a GitHub that gives every request this answer; an empty one is never given.
pub(crate) async fn github_that_says(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0_u8; 4096];
                let mut answered = false;
                // Read on to the end: a connection that is closed with unread bytes cuts the answer off.
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    if !answered && !answer.is_empty() {
                        answered = stream.write_all(answer.as_bytes()).await.is_ok();
                    }
                }
            });
        }
    });
    format!("http://{address}")
}
