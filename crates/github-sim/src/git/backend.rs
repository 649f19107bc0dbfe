//! Hands requests of git clients to `git http-backend`.

use super::Git;
use anyhow::{Context as _, Result};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// Longest time that one request of a git client may take.
const BACKEND_TIMEOUT: Duration = Duration::from_secs(120);

/// A request of a git client, as CGI wants it.
pub(crate) struct BackendRequest<'a> {
    pub(crate) root: &'a Path,
    pub(crate) method: &'a str,
    /// `/owner/name.git/info/refs` and the like.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) protocol: &'a str,
    pub(crate) user: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

/// What git's HTTP backend answered.
pub(crate) struct BackendAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Hands one request to `git http-backend`.
pub(crate) async fn answer(request: BackendRequest<'_>) -> Result<BackendAnswer> {
    let mut command = tokio::process::Command::new("git");
    command
        .arg("http-backend")
        .env_clear()
        .envs(Git::environment(request.root))
        .kill_on_drop(true);
    command
        .env("GIT_PROJECT_ROOT", request.root)
        .env("GIT_HTTP_EXPORT_ALL", "1");
    command
        .env("REQUEST_METHOD", request.method)
        .env("PATH_INFO", request.path)
        .env("QUERY_STRING", request.query);
    command
        .env("CONTENT_TYPE", request.content_type)
        .env("CONTENT_LENGTH", request.body.len().to_string());
    command
        .env("GIT_PROTOCOL", request.protocol)
        .env("REMOTE_ADDR", "127.0.0.1");
    if let Some(user) = request.user {
        command.env("REMOTE_USER", user);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start git http-backend")?;
    let mut stdin = child.stdin.take().context("git http-backend has no input")?;
    let feed = async {
        // The backend may answer without having read all; its answer counts, not our broken pipe.
        let _ = stdin.write_all(request.body).await;
        drop(stdin);
    };
    let both = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = tokio::time::timeout(BACKEND_TIMEOUT, both)
        .await
        .context("git http-backend took too long")??;
    let at = find(&output.stdout, b"\r\n\r\n").with_context(|| {
        format!(
            "git http-backend gave no answer: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )
    })?;
    let (mut status, mut headers) = (200, Vec::new());
    for line in String::from_utf8_lossy(&output.stdout[..at]).lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("status") {
            status = value
                .split_whitespace()
                .next()
                .and_then(|code| code.parse().ok())
                .unwrap_or(500);
        } else {
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    Ok(BackendAnswer {
        status,
        headers,
        body: output.stdout[at + 4..].to_vec(),
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
