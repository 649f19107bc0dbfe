//! How much of what a sender writes is kept: a message is to stay under one mebibyte whatever arrives.

use domain::signal::{ErrorAlert, Signal};
use serde_json::{Map, Value};

/// Longest kept text of a value, in characters.
pub(super) const TEXT: usize = 4096;
/// Longest kept line of source, in characters.
pub(super) const LINE: usize = 512;
/// Longest kept name, in characters.
pub(super) const NAME: usize = 512;
/// Frames kept of one exception: the last ones, since the last one raised.
pub(super) const FRAMES: usize = 100;
/// Exceptions kept of a chain: the last ones, since the last one was seen.
pub(super) const CHAIN: usize = 10;
/// Variables kept of one frame.
pub(super) const VARS: usize = 100;
const DEPTH: usize = 8;
const ITEMS: usize = 200;
const MESSAGE_BYTES: usize = 900 * 1024;

/// Names under which SDKs and people keep credentials. Compared without case, `-` and `_`.
const SECRET_NAMES: [&str; 27] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "clientsecret",
    "apikey",
    "xapikey",
    "auth",
    "authorization",
    "proxyauthorization",
    "credentials",
    "token",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "xauthtoken",
    "xaccesstoken",
    "session",
    "sessionid",
    "csrftoken",
    "xcsrftoken",
    "privatekey",
    "mysqlpwd",
    "cookie",
    "cookies",
    "setcookie",
    "signature",
];

/// Words in front of credentials that are none themselves.
const SCHEMES: [&str; 6] = ["Bearer", "bearer", "Basic", "Digest", "Token", "token"];

/// Whether a key names a credential.
pub(super) fn is_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect();
    SECRET_NAMES.contains(&plain.as_str())
}

/// At most `limit` characters; what was cut ends in `…`.
pub(super) fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A value with bounded depth, width and texts, and with credentials filtered.
pub(super) fn value(value: &Value) -> Value {
    bounded(value, DEPTH)
}

fn bounded(value: &Value, depth: usize) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text, TEXT)),
        Value::Array(_) | Value::Object(_) if depth == 0 => Value::String("…".into()),
        Value::Array(items) => items.iter().take(ITEMS).map(|item| bounded(item, depth - 1)).collect(),
        Value::Object(entries) => Value::Object(object(entries, depth - 1)),
        other => other.clone(),
    }
}

fn object(entries: &Map<String, Value>, depth: usize) -> Map<String, Value> {
    let keep = |(name, value): (&String, &Value)| (cut(name, NAME), named(name, value, depth));
    entries.iter().take(ITEMS).map(keep).collect()
}

/// The bounded value of a variable or key with this name.
pub(super) fn named(name: &str, value: &Value, depth: usize) -> Value {
    // `None` under such a name is no secret, and often the very cause of the error.
    let empty = value.is_null()
        || value
            .as_str()
            .is_some_and(|text| text.is_empty() || text == "None" || text == "null");
    if is_secret(name) && !empty {
        masked(value)
    } else {
        bounded(value, depth)
    }
}

/// A credential's shape without its content: letters and digits become `x` and `0`, so that code which takes it apart still
/// meets the same number of parts. Names of schemes stay, and so do the names of a constructor and of its arguments.
fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut(&mask_text(text), TEXT)),
        Value::Array(items) => items.iter().take(ITEMS).map(masked).collect(),
        Value::Object(entries) => Value::Object(
            entries
                .iter()
                .take(ITEMS)
                .map(|(key, value)| (cut(key, NAME), masked(value)))
                .collect(),
        ),
        Value::Number(_) => Value::from(0),
        other => other.clone(),
    }
}

fn mask_text(text: &str) -> String {
    let is_call = text.ends_with(')') && !text.starts_with(['\'', '"']);
    let mut quote = None;
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_alphanumeric() || (c == '_' && quote.is_none()) {
            word.push(c);
            continue;
        }
        let names = is_call && quote.is_none() && matches!(c, '(' | '=');
        let keep = names || SCHEMES.contains(&word.as_str()) || matches!(word.as_str(), "None" | "True" | "False");
        let shape = |c: char| if c.is_numeric() { '0' } else { 'x' };
        out.extend(word.drain(..).map(|c| if keep { c } else { shape(c) }));
        if c != '\0' {
            out.push(c);
        }
        match quote {
            None if matches!(c, '\'' | '"') => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
    }
    out
}

/// Gives up the least useful parts, in order, until the signal fits into a message.
pub(super) fn fit(signal: &mut Signal) {
    let Signal::ErrorAlert(alert) = signal else { return };
    let steps: [fn(&mut ErrorAlert); 5] = [
        |alert| {
            frames(alert, |age, frame| {
                if age >= 10 || frame.in_app == Some(false) {
                    frame.vars.clear();
                }
            })
        },
        |alert| {
            if let Some(request) = &mut alert.request {
                request.data = None;
                request.headers.clear();
            }
        },
        |alert| {
            frames(alert, |age, frame| {
                if age >= 3 {
                    frame.vars.clear();
                    frame.pre_context.clear();
                    frame.post_context.clear();
                }
            })
        },
        |alert| frames(alert, |_, frame| frame.vars.clear()),
        |alert| {
            for exception in &mut alert.exceptions {
                let old = exception.frames.len().saturating_sub(20);
                exception.frames.drain(..old);
            }
        },
    ];
    for step in steps {
        if serde_json::to_vec(&*alert).is_ok_and(|bytes| bytes.len() <= MESSAGE_BYTES) {
            return;
        }
        step(alert);
    }
}

/// Visits every frame with its distance from the one that raised.
fn frames(alert: &mut ErrorAlert, visit: impl Fn(usize, &mut domain::signal::StackFrame)) {
    for exception in &mut alert.exceptions {
        for (age, frame) in exception.frames.iter_mut().rev().enumerate() {
            visit(age, frame);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use domain::signal::{ExceptionInfo, StackFrame};
    use serde_json::json;

    #[test]
    fn values_are_bounded_and_credentials_filtered() {
        let long = "x".repeat(TEXT + 10);
        let kept = value(
            &json!({"long": long, "api_key": "Ab1-c", "API-Key": ["k", 7], "token": null, "nested": {"Authorization": "'Bearer s3cret'"}}),
        );
        assert_eq!(kept["long"].as_str().unwrap().chars().count(), TEXT);
        assert_eq!(kept["api_key"], "xx0-x");
        assert_eq!(kept["API-Key"], json!(["x", 0]));
        assert_eq!(kept["token"], Value::Null);
        assert_eq!(kept["nested"]["Authorization"], "'Bearer x0xxxx'");
        assert_eq!(mask_text("Session(email='a@b.c', n=3)"), "Session(email='x@x.x', n=0)");
        assert_eq!(mask_text("hunt'er2"), "xxxx'xx0");
        let mut deep = json!(1);
        for _ in 0..50 {
            deep = json!([deep]);
        }
        assert!(value(&deep).to_string().len() < 40);
    }

    #[test]
    fn the_frame_that_raised_is_given_up_last() {
        let frame = |n: usize| StackFrame {
            function: Some(format!("f{n}")),
            vars: (0..40).map(|v| (format!("v{v}"), json!("y".repeat(TEXT)))).collect(),
            ..StackFrame::default()
        };
        let exception = ExceptionInfo {
            kind: "E".into(),
            frames: (0..FRAMES).map(frame).collect(),
            ..ExceptionInfo::default()
        };
        let mut alert = crate::provider::event::alert(&json!({"event_id": "e", "issue_id": "1"}), &json!({})).unwrap();
        alert.exceptions = vec![exception];
        let mut signal = Signal::ErrorAlert(Box::new(alert));
        fit(&mut signal);
        assert!(serde_json::to_vec(&signal).unwrap().len() <= 1024 * 1024);
        let Signal::ErrorAlert(alert) = signal else {
            unreachable!()
        };
        assert_eq!(alert.exceptions[0].frames.last().unwrap().vars.len(), 40);
        assert!(alert.exceptions[0].frames[0].vars.is_empty());
    }
}
