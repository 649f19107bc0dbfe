//! Logs of runs and jobs. GitHub answers with a link to another host: it is followed here, without our credential, and read up to a limit.

use crate::auth::Access;
use crate::door::{API_VERSION, Door, authorization, chain, now};
use crate::error::GitHubError;
use crate::limit::{Verdict, judge};
use crate::redact::redact;
use domain::repo::RepoName;
use http::header::{ACCEPT, AUTHORIZATION, LOCATION};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use std::io::{Cursor, Read as _};
use url::Url;

/// Largest download, in bytes.
const DOWNLOAD_LIMIT: u64 = 64 * 1024 * 1024;
/// A refusal's body is short.
const REFUSAL_LIMIT: u64 = 64 * 1024;

/// How much an archive of logs may unpack to.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLimits {
    /// Number of entries.
    pub entries: usize,
    /// Bytes of all entries together.
    pub total: u64,
    /// How many times larger than its archive the content may be, once it is over a megabyte.
    pub ratio: u64,
}

/// The limits that [`Door::run_logs`] uses.
pub const ARCHIVE_LIMITS: ArchiveLimits = ArchiveLimits {
    entries: 5_000,
    total: 512 * 1024 * 1024,
    ratio: 400,
};

/// One file of a run's archive. Its name is GitHub's and only a label: nothing is written to disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// `<job>/<n>_<step>.txt`, or `<n>_<job>.txt`.
    pub name: String,
    /// The text; bytes that are not UTF-8 are replaced.
    pub text: String,
}

impl Door {
    /// The log of a job, up to 64 MiB, with GitHub's time before each line.
    ///
    /// # Errors
    /// [`GitHubError::NotFound`] when it is no longer kept; others as usual.
    pub async fn job_log(&self, repo: &RepoName, job: u64) -> Result<String, GitHubError> {
        let bytes = self
            .download(repo, &format!("/repos/{repo}/actions/jobs/{job}/logs"))
            .await?;
        Ok(text(&bytes))
    }

    /// The logs of a run's latest attempt, unpacked in memory within [`ARCHIVE_LIMITS`].
    ///
    /// # Errors
    /// [`GitHubError::NotFound`] when they are no longer kept, [`GitHubError::TooLarge`] over a limit; others as usual.
    pub async fn run_logs(&self, repo: &RepoName, run: u64) -> Result<Vec<LogFile>, GitHubError> {
        let what = format!("the logs of run {run} of {repo}");
        let bytes = self
            .download(repo, &format!("/repos/{repo}/actions/runs/{run}/logs"))
            .await?;
        let unpacked = tokio::task::spawn_blocking(move || unpack(&what, bytes, ARCHIVE_LIMITS)).await;
        unpacked.map_err(|error| GitHubError::invalid("the logs", error))?
    }

    async fn download(&self, repo: &RepoName, path: &str) -> Result<Vec<u8>, GitHubError> {
        let what = format!("GET {path}");
        let mut bearer = self.bearer(repo, Access::Read).await?;
        let mut renewed = false;
        let mut trial = self.trial(&what, true);
        loop {
            trial.admit().await?;
            // The link lives for a minute, so each try asks for a new one.
            let verdict = match self.fetch(&what, path, bearer.as_ref()).await {
                Ok(bytes) => return Ok(bytes),
                Err(verdict) => verdict,
            };
            let unauthorized = matches!(verdict, Verdict::Refused(GitHubError::Unauthorized { .. }));
            if unauthorized && !renewed && self.auth().forget(repo, Access::Read).await {
                renewed = true;
                bearer = self.bearer(repo, Access::Read).await?;
            } else {
                trial.wait_after(verdict).await?;
            }
        }
    }

    async fn fetch(&self, what: &str, path: &str, bearer: Option<&SecretString>) -> Result<Vec<u8>, Verdict> {
        let api = format!("{}{path}", self.api().as_str().trim_end_matches('/'));
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, http::HeaderValue::from_static("application/vnd.github+json"));
        headers.insert("x-github-api-version", http::HeaderValue::from_static(API_VERSION));
        headers.extend(authorization(bearer).map(|value| (AUTHORIZATION, value)));
        let first = self
            .plain()
            .get(&api)
            .headers(headers)
            .timeout(self.settings().timeout())
            .send()
            .await
            .map_err(stumbled)?;
        let (status, headers) = (first.status(), first.headers().clone());
        if !status.is_redirection() {
            let limit = if status.is_success() {
                DOWNLOAD_LIMIT
            } else {
                REFUSAL_LIMIT
            };
            let body = capped(what, first, limit).await?;
            return match judge(what, status, &headers, &body, &self.settings().retry, now()) {
                Verdict::Done => Ok(body),
                verdict => Err(verdict),
            };
        }
        let link = headers
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|link| self.api().join(link).ok());
        let link = link.filter(|link| self.may_follow(link)).ok_or_else(|| {
            Verdict::Refused(GitHubError::invalid(
                what,
                "the redirect leads nowhere that may be followed",
            ))
        })?;
        let second = self
            .plain()
            .get(link)
            .timeout(self.settings().download_timeout())
            .send()
            .await
            .map_err(stumbled)?;
        match second.status() {
            StatusCode::OK => capped(what, second, DOWNLOAD_LIMIT).await,
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                Err(Verdict::Refused(GitHubError::NotFound { what: what.to_owned() }))
            }
            // The storage host speaks another language; an expired link is a 403, and a new one may do.
            status => Err(Verdict::Stumbled(format!(
                "the storage host answered {}",
                status.as_u16()
            ))),
        }
    }

    /// Never from https down to http.
    fn may_follow(&self, link: &Url) -> bool {
        link.scheme() == "https" || (link.scheme() == "http" && self.api().scheme() == "http")
    }
}

fn stumbled(error: reqwest::Error) -> Verdict {
    // Links carry a signature in their query.
    Verdict::Stumbled(redact(&chain(&error.without_url())))
}

async fn capped(what: &str, mut response: reqwest::Response, limit: u64) -> Result<Vec<u8>, Verdict> {
    let too_large = || {
        Verdict::Refused(GitHubError::TooLarge {
            what: what.to_owned(),
            limit,
        })
    };
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(stumbled)? {
        if body.len() as u64 + chunk.len() as u64 > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
}

/// Reads a zip without trusting what it says about its sizes.
fn unpack(what: &str, bytes: Vec<u8>, limits: ArchiveLimits) -> Result<Vec<LogFile>, GitHubError> {
    let allowed = limits.total.min((bytes.len() as u64 * limits.ratio).max(1024 * 1024));
    let too_large = || GitHubError::TooLarge {
        what: what.to_owned(),
        limit: allowed,
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| GitHubError::invalid(what, error))?;
    if archive.len() > limits.entries {
        return Err(too_large());
    }
    let mut left = allowed;
    let mut files = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive
            .by_index(index)
            .map_err(|error| GitHubError::invalid(what, error))?;
        if !entry.is_file() {
            continue;
        }
        let name = entry
            .name()
            .map_err(|error| GitHubError::invalid(what, error))?
            .into_owned();
        let mut content = Vec::new();
        // One byte more than allowed shows that there is more.
        entry
            .take(left + 1)
            .read_to_end(&mut content)
            .map_err(|error| GitHubError::invalid(what, error))?;
        left = left.checked_sub(content.len() as u64).ok_or_else(too_large)?;
        files.push(LogFile {
            name,
            text: text(&content),
        });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn names_are_labels_only() {
        let files = unpack(
            "logs",
            archive(&[("../../etc/passwd", b"\xef\xbb\xbfa\xff")]),
            ARCHIVE_LIMITS,
        )
        .unwrap();
        assert_eq!(
            files,
            [LogFile {
                name: "../../etc/passwd".to_owned(),
                text: "a\u{fffd}".to_owned()
            }]
        );
    }

    #[test]
    fn bombs_do_not_go_off() {
        let bomb = archive(&[("a", &vec![b'a'; 8 * 1024 * 1024]), ("b", &vec![b'a'; 8 * 1024 * 1024])]);
        assert!(matches!(
            unpack(
                "logs",
                bomb.clone(),
                ArchiveLimits {
                    ratio: 100,
                    ..ARCHIVE_LIMITS
                }
            ),
            Err(GitHubError::TooLarge { .. })
        ));
        assert!(matches!(
            unpack(
                "logs",
                bomb.clone(),
                ArchiveLimits {
                    total: 9 * 1024 * 1024,
                    ratio: 10_000,
                    ..ARCHIVE_LIMITS
                }
            ),
            Err(GitHubError::TooLarge { .. })
        ));
        assert!(matches!(
            unpack(
                "logs",
                bomb.clone(),
                ArchiveLimits {
                    entries: 1,
                    ..ARCHIVE_LIMITS
                }
            ),
            Err(GitHubError::TooLarge { .. })
        ));
        assert_eq!(
            unpack(
                "logs",
                bomb,
                ArchiveLimits {
                    ratio: 10_000,
                    ..ARCHIVE_LIMITS
                }
            )
            .unwrap()
            .len(),
            2
        );
        assert!(matches!(
            unpack("logs", b"<html>".to_vec(), ARCHIVE_LIMITS),
            Err(GitHubError::Invalid { .. })
        ));
    }
}
