//! The HTTP request that an application was answering, without what would let anybody else make it again.

use super::bound;
use domain::signal::HttpRequest;
use serde_json::Value;

/// A text that is there and not empty.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    let found = value.get(key)?.as_str()?;
    (!found.trim().is_empty()).then(|| bound::cut(found, bound::NAME))
}

/// The request of an event, if it has one.
pub(super) fn request(event: &Value) -> Option<HttpRequest> {
    let request = event
        .get("request")
        .or_else(|| event.get("sentry.interfaces.Http"))
        .filter(|request| request.is_object())?;
    let full = request
        .get("url")
        .and_then(Value::as_str)
        .map(|url| bound::cut(url, 2048));
    let (url, query_of_url) = match full.as_deref().map(|url| url.split('#').next().unwrap_or_default()) {
        Some(url) => match url.split_once('?') {
            Some((url, query)) => (Some(without_user(url)), Some(query.to_owned())),
            None => (Some(without_user(url)), None),
        },
        None => (None, None),
    };
    let kept = HttpRequest {
        method: text(request, "method"),
        url,
        query: query(request)
            .or_else(|| query_of_url.map(|query| clean_query(&query)))
            .filter(|query| !query.is_empty()),
        data: request.get("data").filter(|data| !data.is_null()).map(data),
        headers: pairs(request.get("headers"))
            .into_iter()
            .filter(|(name, _)| !is_credential_header(name))
            .collect(),
    };
    (kept != HttpRequest::default()).then_some(kept)
}

/// A body; one that the SDK left as text is taken apart, so that no credential hides in it.
fn data(data: &Value) -> Value {
    let Some(text) = data.as_str() else {
        return bound::value(data);
    };
    match serde_json::from_str::<Value>(text) {
        Ok(parsed @ (Value::Object(_) | Value::Array(_))) => bound::value(&parsed),
        _ if text.contains('=') && !text.contains(char::is_whitespace) => {
            Value::String(clean_query(&bound::cut(text, bound::TEXT)))
        }
        _ => bound::value(data),
    }
}

/// Lists of pairs and objects, with texts as values.
fn pairs(value: Option<&Value>) -> Vec<(String, String)> {
    let plain = |value: &Value| match value {
        Value::String(text) => bound::cut(text, bound::TEXT),
        Value::Null => String::new(),
        other => bound::cut(&other.to_string(), bound::TEXT),
    };
    let pair = |entry: &Value| Some((bound::cut(entry.get(0)?.as_str()?, bound::NAME), plain(entry.get(1)?)));
    match value {
        Some(Value::Array(entries)) => entries.iter().filter_map(pair).take(bound::VARS).collect(),
        Some(Value::Object(entries)) => entries
            .iter()
            .take(bound::VARS)
            .map(|(name, value)| (bound::cut(name, bound::NAME), plain(value)))
            .collect(),
        _ => Vec::new(),
    }
}

/// Applications name credential headers freely, so a part of the name is enough.
fn is_credential_header(name: &str) -> bool {
    let name = name.to_lowercase();
    bound::is_secret(&name)
        || [
            "auth",
            "cookie",
            "token",
            "secret",
            "api-key",
            "apikey",
            "session",
            "credential",
            "signature",
        ]
        .iter()
        .any(|part| name.contains(part))
}

fn query(request: &Value) -> Option<String> {
    match request.get("query_string")? {
        Value::String(text) => Some(clean_query(&bound::cut(text.trim_start_matches('?'), bound::TEXT))),
        pairs_or_object => {
            let joined = pairs(Some(pairs_or_object))
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join("&");
            Some(clean_query(&joined))
        }
    }
}

fn clean_query(query: &str) -> String {
    let clean = |part: &str| match part.split_once('=') {
        Some((name, value)) if bound::is_secret(name) && !value.is_empty() => format!("{name}=[Filtered]"),
        _ => part.to_owned(),
    };
    query.split('&').map(clean).collect::<Vec<_>>().join("&")
}

/// The address without `user:password@`.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_keeps_no_credentials() {
        let request = request(&json!({"request": {
            "url": "https://bob:pw@shop.example/cart?a=1#x", "method": "POST", "cookies": {"sid": "S3CRET"},
            "query_string": [["a", "1"], ["token", "S3CRET"]], "data": {"qty": 2, "password": "S3CRET"},
            "headers": [["Authorization", "Bearer S3CRET"], ["Cookie", "sid=S3CRET"], ["Ms-Aspnetcore-Token", "S3CRET"], ["X-Api-Key", "S3CRET"], ["Accept", "*/*"]]}})).unwrap();
        assert!(!serde_json::to_string(&request).unwrap().contains("S3CRET"));
        assert_eq!(request.url.as_deref(), Some("https://shop.example/cart"));
        assert_eq!(request.query.as_deref(), Some("a=1&token=[Filtered]"));
        assert_eq!(request.headers, [("Accept".to_owned(), "*/*".to_owned())]);
        assert_eq!(request.data.unwrap()["qty"], 2);
        for body in ["{\"password\": \"S3CRET\"}", "a=1&password=S3CRET"] {
            assert!(!data(&json!(body)).to_string().contains("S3CRET"), "{body}");
        }
    }
}
