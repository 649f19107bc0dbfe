//! Sentry's webhooks: which resource and action mean an error, and which only wish to be acknowledged.

use super::{BadPayload, Reading, bound, event, key_of_body, parse};
use domain::signal::Signal;
use serde_json::Value;

pub(super) fn read(resource: Option<&str>, body: &[u8]) -> Result<Reading, BadPayload> {
    let payload = parse(body)?;
    let data = payload
        .get("data")
        .filter(|data| data.is_object())
        .ok_or(BadPayload::Missing("data"))?;
    let action = payload
        .get("action")
        .and_then(Value::as_str)
        .ok_or(BadPayload::Missing("action"))?;
    let resource = match resource {
        Some(resource) => resource,
        None => guess(data).ok_or(BadPayload::Missing("the Sentry-Hook-Resource header"))?,
    };
    let name = format!("{}.{}", bound::cut(resource, 64), bound::cut(action, 64));
    let (object, mut alert) = match (resource, action) {
        ("event_alert", "triggered") => {
            let found = data
                .get("event")
                .filter(|e| e.is_object())
                .ok_or(BadPayload::Missing("data.event"))?;
            ("event", event::alert(found, &payload)?)
        }
        ("error", "created") => {
            let found = data
                .get("error")
                .filter(|e| e.is_object())
                .ok_or(BadPayload::Missing("data.error"))?;
            ("event", event::alert(found, &payload)?)
        }
        ("issue", "created" | "unresolved") => {
            let issue = data
                .get("issue")
                .filter(|i| i.is_object())
                .ok_or(BadPayload::Missing("data.issue"))?;
            ("issue", event::alert_of_issue(issue, &payload)?)
        }
        _ => {
            let reason = format!("`{name}` is not an event that Fixpoint acts on");
            return Ok(Reading {
                semantic_key: key_of_body(&name, body),
                event: name,
                signal: Signal::Ignored { reason },
            });
        }
    };
    let rule = data.get("triggered_rule").and_then(Value::as_str);
    let rule = rule.or_else(|| data.pointer("/issue_alert/title").and_then(Value::as_str));
    alert.rule = rule.map(|rule| bound::cut(rule, bound::NAME));
    // An issue that comes back has no event id of its own; when it was last seen tells one return from the next.
    let occurrence = match object {
        "event" => alert.event_id.clone(),
        _ => alert
            .occurred_at
            .map_or_else(String::new, |at| at.timestamp_millis().to_string()),
    };
    let semantic_key = format!("{resource}:{action}:{}:{occurrence}", alert.issue_id);
    let mut signal = Signal::ErrorAlert(Box::new(alert));
    bound::fit(&mut signal);
    Ok(Reading {
        event: name,
        semantic_key,
        signal,
    })
}

/// The resource, from what the payload carries.
fn guess(data: &Value) -> Option<&'static str> {
    let known = [
        ("event", "event_alert"),
        ("issue", "issue"),
        ("error", "error"),
        ("metric_alert", "metric_alert"),
        ("comment", "comment"),
    ];
    let named = known
        .into_iter()
        .find(|(key, _)| data.get(key).is_some())
        .map(|(_, resource)| resource);
    named.or_else(|| data.get("installation").map(|_| "installation"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use serde_json::json;

    fn reading(resource: &str, payload: &Value) -> Reading {
        read(Some(resource), payload.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn an_alert_is_read_with_its_rule_and_key() {
        let payload = json!({"action": "triggered", "installation": {"uuid": "u"}, "data": {"triggered_rule": "Errors", "event": {
            "event_id": "abc", "issue_id": "77", "title": "KeyError: 'sku'", "environment": "production",
            "web_url": "https://sentry.io/organizations/acme/issues/77/events/abc/",
            "url": "https://sentry.io/api/0/projects/acme/shop/events/abc/"}}});
        let reading = reading("event_alert", &payload);
        assert_eq!(reading.semantic_key, "event_alert:triggered:77:abc");
        assert_eq!(reading.event, "event_alert.triggered");
        let Signal::ErrorAlert(alert) = reading.signal else {
            panic!("no alert")
        };
        assert_eq!(
            (
                alert.rule.as_deref(),
                alert.organization.as_deref(),
                alert.project.as_deref()
            ),
            (Some("Errors"), Some("acme"), Some("shop"))
        );
        assert_eq!(
            alert.issue_url.as_deref(),
            Some("https://sentry.io/organizations/acme/issues/77/events/abc/")
        );
    }

    #[test]
    fn a_title_that_was_cut_within_a_character_is_read() {
        let event = r#"{"event_id": "abc", "issue_id": "77", "title": "Oh \ud83d"}"#;
        let body = format!(r#"{{"action": "triggered", "data": {{"event": {event}}}}}"#);
        let Signal::ErrorAlert(alert) = read(Some("event_alert"), body.as_bytes()).unwrap().signal else {
            panic!("no alert")
        };
        assert_eq!(alert.title, "Oh \u{fffd}");
    }

    #[test]
    fn an_issue_that_returns_is_another_delivery() {
        let payload = |seen: &str| json!({"action": "unresolved", "data": {"issue": {"id": "9", "title": "boom", "lastSeen": seen, "project": {"slug": "shop"}}}});
        let first = reading("issue", &payload("2026-01-01T00:00:00Z"));
        let again = reading("issue", &payload("2026-01-02T00:00:00Z"));
        assert_ne!(first.semantic_key, again.semantic_key);
        let Signal::ErrorAlert(alert) = first.signal else {
            panic!("no alert")
        };
        assert!(alert.exceptions.is_empty());
        assert_eq!(alert.project.as_deref(), Some("shop"));
    }

    #[test]
    fn what_nothing_acts_on_is_ignored_and_what_is_broken_refused() {
        for (resource, action) in [
            ("installation", "created"),
            ("issue", "assigned"),
            ("metric_alert", "critical"),
            ("new_thing", "x"),
        ] {
            let reading = reading(resource, &json!({"action": action, "data": {}}));
            assert!(matches!(reading.signal, Signal::Ignored { .. }), "{resource}.{action}");
        }
        for bad in [
            "",
            "[]",
            "{}",
            "null",
            "{\"action\":\"triggered\"}",
            "{\"action\":1,\"data\":{}}",
            "{\"action\":\"triggered\",\"data\":{\"event\":{}}}",
        ] {
            assert!(read(Some("event_alert"), bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
