//! The App: its JWT, its tokens and its rights.

use crate::{SHOP, WRITER, call, sim};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use github_sim::AppIdentity;
use ring::{rand::SystemRandom, signature};
use serde_json::json;

fn jwt(issuer: u64, issued: i64, lives: i64) -> String {
    let now = chrono::Utc::now().timestamp();
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": issuer.to_string(), "iat": now + issued, "exp": now + lives });
    let text = format!("{}.{}", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims));
    let der: String = AppIdentity::simulated_key()
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let key = signature::RsaKeyPair::from_der(&STANDARD.decode(der).unwrap()).unwrap();
    let mut proof = vec![0; key.public().modulus_len()];
    key.sign(
        &signature::RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut proof,
    )
    .unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(proof))
}

#[tokio::test]
async fn a_jwt_buys_a_token_with_narrow_rights() {
    let sim = sim().await;
    sim.repository("acme/other").file("a", "1").create().unwrap();
    let app = jwt(4711, -60, 540);
    assert_eq!(call(&sim, "GET", "/app", &app, None).await.1["slug"], json!("fixpoint"));
    let (_, installation) = call(&sim, "GET", "/repos/acme/shop/installation", &app, None).await;
    let path = format!("/app/installations/{}/access_tokens", installation["id"]);
    let narrow = json!({ "repositories": ["shop"], "permissions": { "contents": "write", "pull_requests": "read" } });
    let (status, minted) = call(&sim, "POST", &path, &app, Some(narrow)).await;
    assert_eq!((status, &minted["permissions"]["contents"]), (201, &json!("write")));
    let token = minted["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("ghs_"));

    assert_eq!(call(&sim, "GET", "/repos/acme/shop", &token, None).await.0, 200);
    assert_eq!(call(&sim, "GET", "/repos/acme/other", &token, None).await.0, 404);
    sim.commit(SHOP, "fix", [("n", "1")], "ada", "Fix").unwrap();
    let (status, refusal) = call(
        &sim,
        "POST",
        "/repos/acme/shop/pulls",
        &token,
        Some(json!({ "title": "T", "head": "fix", "base": "main" })),
    )
    .await;
    assert_eq!(
        (status, &refusal["message"]),
        (403, &json!("Resource not accessible by integration"))
    );
    assert_eq!(call(&sim, "GET", "/user", &token, None).await.0, 403);
    sim.revoke(&token);
    assert_eq!(call(&sim, "GET", "/repos/acme/shop", &token, None).await.0, 401);

    let (status, refusal) = call(
        &sim,
        "POST",
        &path,
        &app,
        Some(json!({ "permissions": { "administration": "write" } })),
    )
    .await;
    assert_eq!(
        (status, &refusal["message"]),
        (
            422,
            &json!("The permissions requested are not granted to this installation.")
        )
    );
}

#[tokio::test]
async fn a_wrong_jwt_buys_nothing() {
    let sim = sim().await;
    assert_eq!(call(&sim, "GET", "/app", &jwt(4712, -60, 540), None).await.0, 404);
    assert_eq!(call(&sim, "GET", "/app", &jwt(4711, -700, -10), None).await.0, 401);
    assert_eq!(call(&sim, "GET", "/app", &jwt(4711, -60, 3_600), None).await.0, 401);
    let mut forged = jwt(4711, -60, 540);
    forged.truncate(forged.len() - 8);
    forged.push_str("AAAAAAAA");
    assert_eq!(call(&sim, "GET", "/app", &forged, None).await.0, 401);
    assert_eq!(call(&sim, "GET", "/app", WRITER, None).await.0, 401);
}

#[tokio::test]
async fn only_apps_write_check_runs() {
    let sim = sim().await;
    let sha = sim.head(SHOP, "main").unwrap().unwrap();
    let body = json!({ "name": "Fixpoint", "head_sha": sha, "status": "completed", "conclusion": "success", "output": { "title": "Proved", "summary": "3 of 3" } });
    assert_eq!(
        call(&sim, "POST", "/repos/acme/shop/check-runs", WRITER, Some(body.clone()))
            .await
            .0,
        403
    );
    let path = "/app/installations/1004711/access_tokens";
    let (_, minted) = call(&sim, "POST", path, &jwt(4711, -60, 540), None).await;
    let token = minted["token"].as_str().unwrap();
    let (status, check) = call(&sim, "POST", "/repos/acme/shop/check-runs", token, Some(body)).await;
    assert_eq!(
        (status, &check["app"]["slug"], &check["output"]["summary"]),
        (201, &json!("fixpoint"), &json!("3 of 3"))
    );
    assert_eq!(sim.check_runs(SHOP)[0].name, "Fixpoint");
}

#[tokio::test]
async fn failed_deliveries_are_listed_and_sent_again() {
    let sim = sim().await;
    // Nobody listens on the discard port.
    sim.add_webhook("http://127.0.0.1:9/hook", "s3cret");
    sim.commit(SHOP, "main", [("n", "1")], "ada", "One").unwrap();
    sim.webhooks_settled().await;
    let app = jwt(4711, -60, 540);
    let (_, failed) = call(&sim, "GET", "/app/hook/deliveries?status=failure", &app, None).await;
    assert_eq!(
        (&failed[0]["event"], &failed[0]["status_code"]),
        (&json!("push"), &json!(0))
    );
    let path = format!("/app/hook/deliveries/{}/attempts", failed[0]["id"]);
    assert_eq!(call(&sim, "POST", &path, &app, None).await.0, 202);
    sim.webhooks_settled().await;
    assert_eq!(
        sim.deliveries().iter().map(|one| one.redelivery).collect::<Vec<_>>(),
        [false, true]
    );
}
