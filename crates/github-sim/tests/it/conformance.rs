//! What the door does not ask but the simulator answers, through a proxy that checks the answers against GitHub's own description.
//! `make conformance` (scripts/conformance.sh) starts the proxy; without it this test does not run.

use crate::{SHOP, WRITER};
use github_sim::{AppIdentity, Sim, SimOptions, Step, Token};
use serde_json::{Value, json};

fn address(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/conformance.sh"))
}

#[tokio::test]
#[ignore = "needs the proxy of scripts/conformance.sh"]
async fn conformance_of_the_rest() {
    let port = address("FIXPOINT_CONFORMANCE_LISTEN")
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let proxy = address("FIXPOINT_CONFORMANCE_PROXY");
    let options = SimOptions {
        port,
        app: Some(AppIdentity::simulated(4711, "fixpoint").unwrap()),
        tokens: vec![Token::write(WRITER, "octocat")],
        ..SimOptions::default()
    };
    let sim = Sim::start(options).await.unwrap();
    sim.repository(SHOP)
        .file("src/cart.py", "def total():\n    return 1\n")
        .create()
        .unwrap();
    let sha = sim
        .commit(
            SHOP,
            "feature/fix",
            [("src/cart.py", "def total():\n    return 2\n")],
            "ada",
            "Fix",
        )
        .unwrap();
    let run = sim
        .fail_workflow(
            SHOP,
            "feature/fix",
            &sha,
            "Tests",
            "test",
            vec![Step::fails("Test", "pytest", "FAILED")],
        )
        .unwrap();

    let ask = async |method: &str, path: &str, body: Option<Value>, expected: u16| {
        let (status, answer) = crate::call(&sim, method, &format!("{proxy}{path}"), WRITER, body).await;
        assert_eq!(status, expected, "{method} {path}: {answer}");
        answer
    };
    let new = |head: &str| Some(json!({ "title": "Fix", "head": head, "base": "main", "draft": true }));
    ask("POST", "/repos/acme/shop/pulls", new("feature/fix"), 201).await;
    ask("POST", "/repos/acme/shop/pulls", new("feature/fix"), 422).await;
    ask("POST", "/repos/acme/shop/pulls", new("nowhere"), 422).await;
    ask("PUT", "/repos/acme/shop/pulls/1/merge", Some(json!({})), 405).await;
    ask(
        "POST",
        "/repos/acme/shop/issues/1/labels",
        Some(json!({ "labels": ["fixpoint", "a b"] })),
        200,
    )
    .await;
    ask(
        "POST",
        "/repos/acme/shop/pulls/1/requested_reviewers",
        Some(json!({ "reviewers": ["acme"] })),
        201,
    )
    .await;
    let jobs = ask(
        "GET",
        &format!("/repos/acme/shop/actions/runs/{run}/jobs?filter=all"),
        None,
        200,
    )
    .await;
    ask(
        "GET",
        &format!("/repos/acme/shop/actions/jobs/{}", jobs["jobs"][0]["id"]),
        None,
        200,
    )
    .await;
    ask(
        "POST",
        &format!("/repos/acme/shop/statuses/{sha}"),
        Some(json!({ "state": "failure", "context": "x" })),
        201,
    )
    .await;
    for path in [
        "/user".to_owned(),
        "/rate_limit".to_owned(),
        "/repos/acme/shop/branches".to_owned(),
        "/repos/acme/shop/branches/feature/fix".to_owned(),
        "/repos/acme/shop/contents/src".to_owned(),
        "/repos/acme/shop/pulls?state=all&per_page=1".to_owned(),
        "/repos/acme/shop/pulls/1/files".to_owned(),
        "/repos/acme/shop/pulls/1/commits".to_owned(),
        "/repos/acme/shop/issues/1/comments".to_owned(),
        format!("/repos/acme/shop/commits/{sha}"),
        format!("/repos/acme/shop/commits/{sha}/status"),
        format!("/repos/acme/shop/commits/{sha}/check-runs"),
        format!("/repos/acme/shop/commits/{sha}/pulls"),
    ] {
        ask("GET", &path, None, 200).await;
    }
    ask("GET", "/repos/acme/shop/pulls/99", None, 404).await;
    ask("GET", "/repos/acme/none", None, 404).await;
    sim.stop().await;
}
