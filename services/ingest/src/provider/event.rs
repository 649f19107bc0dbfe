//! One Sentry event or issue as an [`ErrorAlert`]. SDKs of ten years write them, so every field is optional and of several forms.

use super::request::{request, text};
use super::{BadPayload, bound};
use chrono::{DateTime, Utc};
use domain::signal::{ErrorAlert, ExceptionInfo, StackFrame};
use serde_json::Value;

/// Reads an event; `payload` is the whole webhook, for what stands beside the event.
pub(super) fn alert(event: &Value, payload: &Value) -> Result<ErrorAlert, BadPayload> {
    let issue_id = id(event, "issue_id")
        .or_else(|| id(event, "groupID"))
        .or_else(|| issue_in_url(event));
    let exceptions = exceptions(event);
    Ok(ErrorAlert {
        issue_id: issue_id.ok_or(BadPayload::Missing("data.event.issue_id"))?,
        event_id: id(event, "event_id")
            .or_else(|| id(event, "eventID"))
            .ok_or(BadPayload::Missing("data.event.event_id"))?,
        title: title(event, &exceptions),
        issue_url: web_url(event),
        organization: organization(event, payload),
        project: project(event, payload),
        environment: text(event, "environment").or_else(|| tag(event, &["environment"])),
        release: text(event, "release")
            .or_else(|| event.get("release").and_then(|release| text(release, "version")))
            .or_else(|| tag(event, &["sentry:release", "release"])),
        platform: text(event, "platform"),
        rule: None,
        occurred_at: moment(event, &["datetime", "dateCreated", "timestamp"]),
        request: request(event),
        exceptions,
    })
}

/// Reads an issue, with its event where the sender included one.
pub(super) fn alert_of_issue(issue: &Value, payload: &Value) -> Result<ErrorAlert, BadPayload> {
    let issue_id = id(issue, "id").ok_or(BadPayload::Missing("data.issue.id"))?;
    let event = payload
        .pointer("/data/event")
        .or_else(|| issue.get("event"))
        .filter(|event| event.is_object());
    let exceptions = event.map(exceptions).unwrap_or_default();
    Ok(ErrorAlert {
        // `latest` is what Sentry's own API calls the newest occurrence of an issue.
        event_id: event
            .and_then(|event| id(event, "event_id"))
            .unwrap_or_else(|| "latest".into()),
        title: title(issue, &exceptions),
        issue_url: web_url(issue),
        organization: organization(issue, payload),
        project: project(issue, payload),
        environment: event.and_then(|event| text(event, "environment")),
        release: event.and_then(|event| text(event, "release")),
        platform: text(issue, "platform"),
        rule: None,
        occurred_at: moment(issue, &["lastSeen", "firstSeen"]),
        request: event.and_then(request),
        exceptions,
        issue_id,
    })
}

/// An identifier, sent as text or number.
fn id(value: &Value, key: &str) -> Option<String> {
    let found = match value.get(key)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!found.is_empty() && found.len() <= 128 && found.chars().all(plain)).then_some(found)
}

/// Tags are a list of pairs, a list of `{key, value}` or an object, by age of the sender.
fn tag(event: &Value, names: &[&str]) -> Option<String> {
    let pair = |entry: &Value| -> Option<(String, String)> {
        let (key, value) = match entry {
            Value::Array(pair) => (pair.first()?, pair.get(1)?),
            _ => (entry.get("key")?, entry.get("value")?),
        };
        Some((key.as_str()?.to_owned(), value.as_str()?.to_owned()))
    };
    let pairs: Vec<(String, String)> = match event.get("tags")? {
        Value::Array(entries) => entries.iter().filter_map(pair).collect(),
        Value::Object(entries) => entries
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        _ => return None,
    };
    let found = names
        .iter()
        .find_map(|name| pairs.iter().find(|(key, value)| key == name && !value.is_empty()));
    found.map(|(_, value)| bound::cut(value, bound::NAME))
}

fn moment(value: &Value, keys: &[&str]) -> Option<DateTime<Utc>> {
    keys.iter().find_map(|key| match value.get(key)? {
        Value::String(text) => DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc)),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a float beyond i64 saturates, and chrono refuses it"
        )]
        Value::Number(number) => DateTime::from_timestamp_millis((number.as_f64()? * 1000.0) as i64),
        _ => None,
    })
}

fn title(event: &Value, exceptions: &[ExceptionInfo]) -> String {
    let line = |kind: Option<String>, value: Option<String>| match (kind, value) {
        (Some(kind), Some(value)) => Some(format!("{kind}: {value}")),
        (kind, value) => kind.or(value),
    };
    let metadata = event
        .get("metadata")
        .and_then(|m| text(m, "title").or_else(|| line(text(m, "type"), text(m, "value"))));
    let outermost = exceptions
        .last()
        .and_then(|e| line((!e.kind.is_empty()).then(|| e.kind.clone()), e.value.clone()));
    let message = || {
        let logged = event
            .get("logentry")
            .and_then(|entry| text(entry, "formatted").or_else(|| text(entry, "message")));
        logged
            .or_else(|| text(event, "message"))
            .or_else(|| text(event, "culprit"))
    };
    let found = text(event, "title")
        .or(metadata)
        .or(outermost)
        .or_else(message)
        .unwrap_or_else(|| "An error without a title".into());
    bound::cut(found.lines().next().unwrap_or_default(), 300)
}

/// The page for people; only web addresses are passed on.
fn web_url(value: &Value) -> Option<String> {
    let found = ["web_url", "permalink", "url", "issue_url"]
        .iter()
        .filter_map(|key| value.get(key)?.as_str());
    let mut web = found.filter(|url| (url.starts_with("https://") || url.starts_with("http://")) && url.len() <= 2048);
    let urls: Vec<&str> = web.by_ref().collect();
    urls.iter()
        .find(|url| !url.contains("/api/0/"))
        .or_else(|| urls.first())
        .map(|url| (*url).to_owned())
}

fn urls(value: &Value) -> impl Iterator<Item = &str> {
    ["web_url", "url", "issue_url", "permalink", "project_url"]
        .into_iter()
        .filter_map(|key| value.get(key)?.as_str())
}

/// The path segment after `name`.
fn segment_after<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let mut segments = path.split('/').skip_while(|segment| *segment != name);
    segments
        .nth(1)
        .filter(|segment| !segment.is_empty() && segment.len() <= 128)
}

fn issue_in_url(event: &Value) -> Option<String> {
    let found = urls(event).find_map(|url| segment_after(url, "issues"))?;
    found.chars().all(|c| c.is_ascii_digit()).then(|| found.to_owned())
}

fn organization(value: &Value, payload: &Value) -> Option<String> {
    let in_path = |url: &str| {
        segment_after(url, "organizations")
            .or_else(|| segment_after(url, "projects"))
            .map(str::to_owned)
    };
    // Newer addresses carry the organisation as a subdomain, `acme.sentry.io`.
    let in_host = |url: &str| {
        url.split("://")
            .nth(1)?
            .split('/')
            .next()?
            .strip_suffix(".sentry.io")
            .filter(|s| !s.contains('.'))
            .map(str::to_owned)
    };
    let slug = || {
        payload
            .pointer("/installation/organization/slug")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    urls(value)
        .find_map(in_path)
        .or_else(slug)
        .or_else(|| urls(value).find_map(in_host))
}

fn project(value: &Value, payload: &Value) -> Option<String> {
    let in_url = urls(value).find_map(|url| {
        let organization = segment_after(url, "projects")?;
        let path = url.split(['?', '#']).next()?;
        let (_, rest) = path.split_once(&format!("/projects/{organization}/"))?;
        rest.split('/')
            .next()
            .filter(|slug| !slug.is_empty())
            .map(str::to_owned)
    });
    let named = |value: &Value| {
        text(value, "project_slug")
            .or_else(|| text(value, "project_name"))
            .or_else(|| text(value, "project"))
    };
    let nested = value
        .get("project")
        .and_then(|project| text(project, "slug").or_else(|| text(project, "name")));
    let beside = payload.get("data").and_then(|data| text(data, "project_slug"));
    in_url
        .or(nested)
        .or_else(|| named(value))
        .or(beside)
        .or_else(|| id(value, "project"))
}

/// The chain, wherever the sender keeps it; a bare stack trace counts as one exception.
fn exceptions(event: &Value) -> Vec<ExceptionInfo> {
    let entry = || {
        let entries = event.get("entries")?.as_array()?;
        entries
            .iter()
            .find(|entry| entry.get("type").and_then(Value::as_str) == Some("exception"))?
            .get("data")
    };
    let named = |key: &str| event.get(key).filter(|value| !value.is_null());
    let holder = named("exception")
        .or_else(|| named("sentry.interfaces.Exception"))
        .or_else(entry);
    let values = match holder {
        Some(Value::Array(values)) => values.as_slice(),
        Some(holder) => holder
            .get("values")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice),
        None => &[],
    };
    let oldest = values.len().saturating_sub(bound::CHAIN);
    let chain: Vec<ExceptionInfo> = values[oldest..]
        .iter()
        .filter(|value| value.is_object())
        .map(exception)
        .collect();
    if !chain.is_empty() {
        return chain;
    }
    let bare = event
        .get("stacktrace")
        .or_else(|| event.get("sentry.interfaces.Stacktrace"))
        .map(frames)
        .unwrap_or_default();
    if bare.is_empty() {
        return Vec::new();
    }
    let metadata = event.get("metadata");
    let kind = metadata.and_then(|metadata| text(metadata, "type")).unwrap_or_default();
    let value = metadata
        .and_then(|metadata| text(metadata, "value"))
        .or_else(|| text(event, "message"));
    vec![ExceptionInfo {
        kind,
        value,
        module: None,
        frames: bare,
    }]
}

fn exception(value: &Value) -> ExceptionInfo {
    let with_frames = |key: &str| value.get(key).map(frames).filter(|frames| !frames.is_empty());
    let message = match value.get("value") {
        Some(Value::String(text)) => Some(bound::cut(text, bound::TEXT)),
        Some(Value::Null) | None => None,
        Some(other) => Some(bound::cut(&other.to_string(), bound::TEXT)),
    };
    ExceptionInfo {
        kind: text(value, "type").unwrap_or_default(),
        value: message,
        module: text(value, "module"),
        frames: with_frames("stacktrace")
            .or_else(|| with_frames("raw_stacktrace"))
            .unwrap_or_default(),
    }
}

fn frames(trace: &Value) -> Vec<StackFrame> {
    let frames = trace
        .get("frames")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let oldest = frames.len().saturating_sub(bound::FRAMES);
    frames[oldest..]
        .iter()
        .filter(|frame| frame.is_object())
        .map(frame)
        .collect()
}

fn frame(frame: &Value) -> StackFrame {
    let lines = |keys: [&str; 2]| -> Vec<String> {
        let found = keys.iter().find_map(|key| frame.get(key)?.as_array());
        found
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .take(20)
            .map(|l| bound::cut(l.as_str().unwrap_or_default(), bound::LINE))
            .collect()
    };
    let vars = frame.get("vars").and_then(Value::as_object);
    let vars = vars.into_iter().flatten().take(bound::VARS);
    let line = ["lineno", "lineNo"].iter().find_map(|key| frame.get(key)?.as_u64());
    StackFrame {
        file: ["filename", "abs_path", "absPath"]
            .iter()
            .find_map(|key| text(frame, key)),
        module: text(frame, "module"),
        function: text(frame, "function"),
        line: line.and_then(|line| u32::try_from(line).ok()).filter(|line| *line > 0),
        in_app: ["in_app", "inApp"].iter().find_map(|key| frame.get(key)?.as_bool()),
        pre_context: lines(["pre_context", "preContext"]),
        context_line: frame
            .get("context_line")
            .and_then(Value::as_str)
            .map(|line| bound::cut(line, bound::LINE)),
        post_context: lines(["post_context", "postContext"]),
        vars: vars
            .map(|(name, value)| (bound::cut(name, bound::NAME), bound::named(name, value, 8)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    fn read(mut event: Value) -> ErrorAlert {
        event["event_id"] = json!("e1");
        event["issue_id"] = json!(12);
        alert(&event, &json!({"installation": {"organization": {"slug": "acme"}}})).unwrap()
    }

    #[test]
    fn both_forms_of_exceptions_are_read() {
        let values = json!([null, {"type": "ValueError", "value": "bad"}, {"type": "RuntimeError", "value": 4, "stacktrace": {"frames": [
            {"filename": null, "abs_path": "/app/shop/cart.py", "lineno": 7, "in_app": null, "vars": {"qty": "0", "items": [1, {"a": "b"}], "password": "'x'"}},
            {"filename": "shop/tax.py", "lineno": -1, "vars": null, "pre_context": null, "context_line": "  return a / b"}]}}]);
        for key in ["exception", "sentry.interfaces.Exception"] {
            let alert = read(json!({key: {"values": values}}));
            assert_eq!(alert.exceptions.len(), 2, "{key}");
            let outermost = alert.outermost().unwrap();
            assert_eq!(
                (outermost.kind.as_str(), outermost.value.as_deref()),
                ("RuntimeError", Some("4"))
            );
            let [first, last] = outermost.frames.as_slice() else {
                unreachable!()
            };
            assert_eq!(
                (first.file.as_deref(), first.line, first.in_app),
                (Some("/app/shop/cart.py"), Some(7), None)
            );
            assert_eq!(first.vars["items"], json!([1, {"a": "b"}]));
            assert_ne!(first.vars["password"], json!("hunter2"));
            assert_eq!(
                (last.line, last.context_line.as_deref()),
                (None, Some("  return a / b"))
            );
            assert_eq!(alert.title, "RuntimeError: 4");
        }
    }

    #[test]
    fn tags_give_environment_and_release_in_every_form() {
        for tags in [
            json!([["environment", "prod"], ["sentry:release", "1.2"], null, ["odd"]]),
            json!([{"key": "environment", "value": "prod"}, {"key": "release", "value": "1.2"}]),
            json!({"environment": "prod", "release": "1.2", "n": 3}),
        ] {
            let alert = read(json!({"tags": tags}));
            assert_eq!(
                (alert.environment.as_deref(), alert.release.as_deref()),
                (Some("prod"), Some("1.2"))
            );
        }
    }

    #[test]
    fn slugs_come_from_addresses_or_stand_beside_them() {
        let alert = read(json!({"project": 4, "issue_url": "https://sentry.io/api/0/organizations/globex/issues/12/"}));
        assert_eq!(
            (alert.organization.as_deref(), alert.project.as_deref()),
            (Some("globex"), Some("4"))
        );
        let alert = read(json!({"project_name": "shop", "web_url": "javascript:alert(1)"}));
        assert_eq!(
            (alert.organization.as_deref(), alert.project.as_deref(), alert.issue_url),
            (Some("acme"), Some("shop"), None)
        );
    }
}
