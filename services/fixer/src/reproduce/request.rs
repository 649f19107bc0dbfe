//! Calls of a project's WSGI applications with the request that an alert recorded.

use super::call::Call;
use super::value::quote;
use domain::signal::HttpRequest;
use std::collections::{BTreeMap, BTreeSet};

/// Calls of the project's WSGI applications with the recorded request.
pub(super) fn calls(
    request: &HttpRequest,
    sources: &BTreeMap<String, String>,
    modules: &BTreeMap<String, String>,
) -> Vec<Call> {
    let Some(url) = request.url.as_deref() else {
        return Vec::new();
    };
    let path = url
        .split_once("://")
        .map_or(url, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let path = path.split(['?', '#']).next().unwrap_or("/");
    let body = request
        .data
        .as_ref()
        .map(|data| {
            if let serde_json::Value::String(text) = data {
                text.clone()
            } else {
                data.to_string()
            }
        })
        .unwrap_or_default();
    let mut calls = Vec::new();
    for (file, text) in sources {
        let Some(module) = modules.get(file) else { continue };
        for application in wsgi_applications(text) {
            let mut lines = vec![
                "environ = {}".to_owned(),
                format!(
                    "environ[\"REQUEST_METHOD\"] = {}",
                    quote(request.method.as_deref().unwrap_or("GET"))
                ),
                format!("environ[\"PATH_INFO\"] = {}", quote(path)),
                format!(
                    "environ[\"QUERY_STRING\"] = {}",
                    quote(request.query.as_deref().unwrap_or(""))
                ),
                format!("environ[\"wsgi.input\"] = io.BytesIO({}.encode())", quote(&body)),
                format!("environ[\"CONTENT_LENGTH\"] = {}", quote(&body.len().to_string())),
            ];
            for (name, value) in &request.headers {
                let key = name.to_uppercase().replace('-', "_");
                let key = if key == "CONTENT_TYPE" {
                    key
                } else {
                    format!("HTTP_{key}")
                };
                if key != "CONTENT_LENGTH" && key != "HTTP_CONTENT_LENGTH" {
                    lines.push(format!("environ[{}] = {}", quote(&key), quote(value)));
                }
            }
            lines.push("setup_testing_defaults(environ)".into());
            lines.push(format!("if hasattr({application}, \"config\"):"));
            lines.push(format!("    {application}.config[\"PROPAGATE_EXCEPTIONS\"] = True"));
            let code = format!("b\"\".join({application}(environ, lambda status, headers, exc_info=None: None))");
            let imports = [
                "import io".into(),
                "from wsgiref.util import setup_testing_defaults".into(),
                format!("from {module} import {application}"),
            ];
            calls.push(Call {
                subject: "request".into(),
                imports: BTreeSet::from(imports),
                lines,
                call: code,
                package: None,
                rebuilt: vec!["method".into(), "path".into(), "query".into(), "body".into()],
                not_rebuilt: vec!["cookies and credentials: never kept".into()],
            });
        }
    }
    calls
}

fn wsgi_applications(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            if line.starts_with("def ") && line.contains("(environ, start_response)") {
                return line
                    .strip_prefix("def ")
                    .and_then(|rest| rest.split('(').next())
                    .map(str::to_owned);
            }
            let (name, value) = line.split_once('=')?;
            let made = [
                "Flask(",
                "flask.Flask(",
                "get_wsgi_application(",
                "Bottle(",
                "falcon.App(",
            ]
            .iter()
            .any(|maker| value.trim().starts_with(maker));
            (made && name.trim() == name.trim_end() && !name.contains(' '))
                .then(|| name.trim().to_owned())
                .or_else(|| {
                    (made && !name.starts_with(' ')).then(|| name.split(':').next().unwrap_or(name).trim().to_owned())
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wsgi_applications_are_found() {
        assert_eq!(
            wsgi_applications("app = Flask(__name__)\n  x = Flask(1)\ndef application(environ, start_response):\n"),
            ["app", "application"]
        );
    }
}
