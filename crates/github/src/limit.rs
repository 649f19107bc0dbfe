//! What an answer means: done, refused for good, or how long to wait. Pure, so that every case has a test.

use crate::error::GitHubError;
use crate::redact::redact;
use crate::settings::RetrySettings;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// What to do about an answer.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is good.
    Done,
    /// It will not get better by itself.
    Refused(GitHubError),
    /// GitHub did not do it and says when to come back.
    Limited { wait: Duration, message: String },
    /// GitHub stumbled; a write may have been done.
    Stumbled(String),
}

/// Reads an answer to `what` (e.g. `GET /repos/acme/shop`).
pub(crate) fn judge(
    what: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    retry: &RetrySettings,
    now: DateTime<Utc>,
) -> Verdict {
    if status.is_success() || status.is_redirection() {
        return Verdict::Done;
    }
    let message = message(status, body);
    if matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS)
        && let Some(wait) = limit(status, headers, &message, retry, now)
    {
        return Verdict::Limited { wait, message };
    }
    let what = what.to_owned();
    match status {
        StatusCode::UNAUTHORIZED => Verdict::Refused(GitHubError::Unauthorized {
            message,
            advice: String::new(),
        }),
        StatusCode::FORBIDDEN => Verdict::Refused(GitHubError::Forbidden {
            what,
            advice: permission(headers),
            message,
        }),
        StatusCode::NOT_FOUND | StatusCode::GONE => Verdict::Refused(GitHubError::NotFound { what }),
        StatusCode::REQUEST_TIMEOUT => Verdict::Stumbled(message),
        status if status.is_server_error() => Verdict::Stumbled(message),
        _ => Verdict::Refused(GitHubError::Unprocessable { what, message }),
    }
}

/// How long to wait if this is a limit: what GitHub says, else until its clock starts anew, else a minute at least.
fn limit(
    status: StatusCode,
    headers: &HeaderMap,
    message: &str,
    retry: &RetrySettings,
    now: DateTime<Utc>,
) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let seconds = |seconds: i64| Duration::from_secs(seconds.max(0).unsigned_abs());
    if let Some(wait) = number("retry-after") {
        return Some(seconds(wait));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let reset =
            number("x-ratelimit-reset").map_or(retry.secondary_wait_secs as i64, |reset| reset - now.timestamp() + 1);
        return Some(seconds(reset));
    }
    let text = message.to_lowercase();
    let secondary = text.contains("secondary rate limit")
        || text.contains("abuse detection")
        || text.contains("rate limit exceeded");
    (secondary || status == StatusCode::TOO_MANY_REQUESTS).then(|| Duration::from_secs(retry.secondary_wait_secs))
}

/// GitHub's words out of a body, without markup and without secrets, at most 500 characters.
pub(crate) fn message(status: StatusCode, body: &[u8]) -> String {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let said = value
        .as_ref()
        .and_then(|value| value.get("message"))
        .and_then(Value::as_str);
    let mut text = match said {
        Some(said) => said.to_owned(),
        None => format!("status {}", status.as_u16()),
    };
    for error in value
        .iter()
        .filter_map(|value| value.get("errors"))
        .filter_map(Value::as_array)
        .flatten()
    {
        let part = |name: &str| error.get(name).and_then(Value::as_str);
        let detail = match (error.as_str().or_else(|| part("message")), part("field"), part("code")) {
            (Some(words), _, _) => words.to_owned(),
            (None, Some(field), Some(code)) => format!("{field}: {code}"),
            _ => continue,
        };
        text.push_str("; ");
        text.push_str(&detail);
    }
    redact(&text).chars().take(500).collect()
}

/// Which permission or scope would have helped, as far as GitHub tells.
fn permission(headers: &HeaderMap) -> String {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    if let Some(permissions) = text("x-accepted-github-permissions") {
        return format!(
            "give the App or the token the permission {}",
            permissions.replace("; ", " or ").replace('=', ": ")
        );
    }
    if let Some(url) = text("x-github-sso") {
        return format!(
            "authorise the token for the organisation's single sign-on ({})",
            redact(url)
        );
    }
    if let Some(scopes) = text("x-accepted-oauth-scopes") {
        let has = text("x-oauth-scopes").unwrap_or("none");
        return format!("give the token one of the scopes {scopes} (it has: {has})");
    }
    "give the App or the token these permissions: contents, pull requests, checks and commit statuses (read and write), actions (read)".to_owned()
}

/// When a wait ends.
pub(crate) fn until(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    let end = TimeDelta::from_std(wait)
        .ok()
        .and_then(|wait| now.checked_add_signed(wait));
    end.unwrap_or_else(|| now + TimeDelta::days(1))
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn judged(status: u16, headers: &[(&'static str, &str)], body: &str) -> Verdict {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        judge(
            "GET /x",
            StatusCode::from_u16(status).unwrap(),
            &headers,
            body.as_bytes(),
            &RetrySettings::default(),
            now,
        )
    }

    fn wait(verdict: Verdict) -> u64 {
        match verdict {
            Verdict::Limited { wait, .. } => wait.as_secs(),
            other => panic!("not a limit: {other:?}"),
        }
    }

    #[test]
    fn limits_are_obeyed_in_githubs_order() {
        let secondary = r#"{"message":"You have exceeded a secondary rate limit"}"#;
        assert_eq!(
            wait(judged(
                403,
                &[
                    ("retry-after", "7"),
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1100")
                ],
                secondary
            )),
            7
        );
        assert_eq!(
            wait(judged(
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1100")],
                "{}"
            )),
            101
        );
        assert_eq!(
            wait(judged(
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "900")],
                "{}"
            )),
            0
        );
        assert_eq!(wait(judged(403, &[("x-ratelimit-remaining", "12")], secondary)), 60);
        assert_eq!(wait(judged(429, &[], "<html>")), 60);
    }

    #[test]
    fn an_absurd_wait_has_an_end() {
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        assert_eq!(until(now, Duration::from_secs(7)).timestamp(), 1_007);
        for absurd in [u64::MAX, u64::MAX / 2, 1 << 52] {
            assert_eq!(until(now, Duration::from_secs(absurd)).timestamp(), 87_400);
        }
    }

    #[test]
    fn refusals_say_what_is_missing() {
        let said = |verdict| match verdict {
            Verdict::Refused(error) => error.to_string(),
            other => panic!("not refused: {other:?}"),
        };
        let no = r#"{"message":"Resource not accessible by integration"}"#;
        assert!(
            said(judged(
                403,
                &[("x-accepted-github-permissions", "contents=write; pull_requests=write")],
                no
            ))
            .contains("contents: write or pull_requests: write")
        );
        assert!(
            said(judged(
                403,
                &[("x-accepted-oauth-scopes", "repo"), ("x-oauth-scopes", "gist")],
                no
            ))
            .contains("scopes repo (it has: gist)")
        );
        assert!(said(judged(404, &[], "{}")).contains("GET /x"));
        let invalid = r#"{"message":"Validation Failed","errors":[{"field":"head","code":"invalid"},{"message":"No ghp_abc commits"}]}"#;
        assert_eq!(
            said(judged(422, &[], invalid)),
            "GitHub refuses GET /x: Validation Failed; head: invalid; No ghp_[redacted] commits"
        );
    }

    #[test]
    fn stumbling_is_told_from_refusing() {
        for status in [408, 500, 502, 503, 504] {
            assert!(
                matches!(judged(status, &[], "<html>unicorn</html>"), Verdict::Stumbled(message) if message == format!("status {status}"))
            );
        }
        assert!(matches!(judged(200, &[], ""), Verdict::Done));
        assert!(matches!(
            judged(401, &[], "{}"),
            Verdict::Refused(GitHubError::Unauthorized { .. })
        ));
    }
}
