//! The simulator seen from outside, over HTTP and with a real git.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod app;
mod conformance;
mod fault;
mod git;
mod pull;
mod run;
mod webhook;

use github_sim::{AppIdentity, Sim, SimOptions, Token};
use serde_json::Value;

const SHOP: &str = "acme/shop";
const WRITER: &str = "ghp_writer";
const READER: &str = "ghp_reader";

/// A GitHub with one private repository, one App and two tokens.
async fn sim() -> Sim {
    let options = SimOptions {
        app: Some(AppIdentity::simulated(4711, "fixpoint").unwrap()),
        tokens: vec![Token::write(WRITER, "octocat"), Token::read(READER, "reader")],
        ..SimOptions::default()
    };
    let sim = Sim::start(options).await.unwrap();
    sim.repository(SHOP)
        .file("README.md", "# Shop\n")
        .file("src/cart.py", "def total():\n    return 1\n")
        .create()
        .unwrap();
    sim
}

/// One API call with a token.
async fn call(sim: &Sim, method: &str, path: &str, token: &str, body: Option<Value>) -> (u16, Value) {
    let response = send(sim, method, path, token, body).await;
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

async fn send(sim: &Sim, method: &str, path: &str, token: &str, body: Option<Value>) -> reqwest::Response {
    let url = if path.starts_with("http") {
        path.to_owned()
    } else {
        format!("{}{path}", sim.url())
    };
    let mut request = client().request(method.parse().unwrap(), url);
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.unwrap()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}
