//! What Slack's answers mean. A message that a webhook has taken is never sent again for an answer that cannot be read.

use super::SendError;
use serde::Deserialize;
use std::time::Duration;

/// An answer, as far as it was read.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The pause that Slack asks for.
    pub(super) retry_after: Option<Duration>,
    /// `None` where the connection ended within it.
    pub(super) body: Option<String>,
}

/// Why Slack has not taken a message.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Its layout is not understood; the word is Slack's.
    Layout(String),
    /// Anything else.
    Other(SendError),
}

impl From<Refusal> for SendError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Layout(code) => refused(&code),
            Refusal::Other(error) => error,
        }
    }
}

/// The API's answer; a webhook says no more than `ok`.
#[derive(Deserialize)]
struct Words {
    ok: bool,
    error: Option<String>,
    ts: Option<String>,
}

impl Answer {
    /// The message's id, where the answer has one, or why there is no message. The API also refuses with the status 200, so
    /// that its answer has to be read; a webhook's status says enough.
    pub(super) fn meaning(&self, is_api: bool) -> Result<Option<String>, Refusal> {
        let body = self.body.as_deref().unwrap_or_default().trim();
        let later = |reason: String| {
            let after = self.retry_after;
            Err(Refusal::Other(SendError::Later { after, reason }))
        };
        match self.status {
            200..=299 => match serde_json::from_str(body) {
                Ok(Words { ok: true, ts, .. }) => Ok(ts),
                Ok(Words { error, .. }) => Err(self.refusal(&error.unwrap_or_else(|| "unknown_error".into()))),
                Err(_) if is_api => Err(Refusal::Other(SendError::Unsure {
                    reason: format!("Slack answers {} with what cannot be read", self.status),
                })),
                Err(_) => {
                    if body != "ok" {
                        tracing::warn!(
                            status = self.status,
                            "Slack has taken a message, and its answer cannot be read"
                        );
                    }
                    Ok(None)
                }
            },
            429 => later("Slack asks for patience (429)".into()),
            400 if body.starts_with("invalid_") => Err(Refusal::Layout(word(body))),
            status @ 400..=499 if !matches!(status, 408 | 425) => {
                let word = word(body);
                Err(Refusal::Other(SendError::Never {
                    reason: format!("Slack refuses with {status} `{word}`: {}", advice(&word)),
                }))
            }
            status => later(format!("Slack answers {status}")),
        }
    }

    /// What there is to do about an error of the API.
    fn refusal(&self, code: &str) -> Refusal {
        match code {
            "ratelimited"
            | "rate_limited"
            | "internal_error"
            | "fatal_error"
            | "service_unavailable"
            | "request_timeout"
            | "team_added_to_org" => Refusal::Other(SendError::Later {
                after: self.retry_after,
                reason: format!("Slack answers `{code}`"),
            }),
            code if code.starts_with("invalid_blocks") => Refusal::Layout(word(code)),
            code => Refusal::Other(refused(&word(code))),
        }
    }
}

fn refused(code: &str) -> SendError {
    SendError::Never {
        reason: format!("Slack refuses with `{code}`: {}", advice(code)),
    }
}

/// A code as it may be shown, whoever has written it.
fn word(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(60)
        .collect()
}

fn advice(code: &str) -> &'static str {
    match code {
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            "set a valid SLACK_BOT_TOKEN"
        }
        "channel_not_found" | "not_in_channel" | "is_archived" | "channel_is_archived" => {
            "set SLACK_CHANNEL_ID to a channel that the bot is a member of"
        }
        "missing_scope" | "no_permission" => "give the bot the scope chat:write",
        "no_service" | "no_team" | "invalid_token" | "action_prohibited" | "no_active_hooks" => {
            "make a new incoming webhook and set SLACK_WEBHOOK_URL"
        }
        _ => "see Slack's list of errors",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<Option<String>, Refusal> {
        let answer = Answer {
            status,
            retry_after: Some(Duration::from_secs(3)),
            body: Some(body.to_owned()),
        };
        answer.meaning(false)
    }

    #[test]
    fn what_slack_has_taken_is_delivered_whatever_it_answers() {
        for (status, body) in [
            (200, "ok"),
            (200, ""),
            (200, "<html>fine</html>"),
            (200, "[]"),
            (200, "{}"),
            (201, "{\"ok\":true}"),
            (204, ""),
        ] {
            assert!(matches!(answer(status, body), Ok(None)), "{status} {body}");
        }
        assert!(matches!(answer(200, r#"{"ok":true,"ts":"1.2"}"#), Ok(Some(ts)) if ts == "1.2"));
    }

    #[test]
    fn what_slack_refuses_is_not() {
        for body in [
            "",
            "{}",
            "<html>slow down</html>",
            r#"{"ok":false,"error":"ratelimited"}"#,
        ] {
            let meaning = answer(429, body);
            assert!(
                matches!(&meaning, Err(Refusal::Other(SendError::Later { after: Some(after), .. })) if after.as_secs() == 3),
                "{body}: {meaning:?}"
            );
        }
        for (status, body) in [
            (500, "oops"),
            (302, ""),
            (408, ""),
            (200, r#"{"ok":false,"error":"internal_error"}"#),
        ] {
            let meaning = answer(status, body);
            assert!(
                matches!(&meaning, Err(Refusal::Other(SendError::Later { .. }))),
                "{status}: {meaning:?}"
            );
        }
        for (status, body) in [
            (403, "no_service"),
            (404, ""),
            (200, r#"{"ok":false,"error":"invalid_auth"}"#),
        ] {
            let meaning = answer(status, body);
            assert!(
                matches!(&meaning, Err(Refusal::Other(SendError::Never { .. }))),
                "{status}: {meaning:?}"
            );
        }
        for (status, body) in [
            (400, "invalid_blocks"),
            (200, r#"{"ok":false,"error":"invalid_blocks_format"}"#),
        ] {
            assert!(matches!(answer(status, body), Err(Refusal::Layout(_))), "{status}");
        }
    }
}
