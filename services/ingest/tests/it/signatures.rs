//! Who is believed, over HTTP: a wrong signature is a 401 in every form, and never a 500.

use crate::site::{GITHUB_SECRET, SENTRY_SECRET, Site, answer};
use reqwest::header::HeaderValue;
use serde_json::json;
use testkit::{github_signature, hmac};

const BODY: &str = r#"{"action":"created","data":{}}"#;

async fn send(site: &Site, path: &str, header: &'static str, values: &[Vec<u8>]) -> (u16, serde_json::Value) {
    let mut request = site
        .client
        .post(format!("{}{path}", site.address))
        .header("X-GitHub-Event", "star")
        .header("Sentry-Hook-Resource", "comment");
    let mut headers = reqwest::header::HeaderMap::new();
    for value in values {
        headers.append(header, HeaderValue::from_bytes(value).unwrap());
    }
    request = request.headers(headers);
    answer(request.body(BODY)).await
}

#[tokio::test]
async fn only_the_right_signature_opens() {
    let site = Site::open().await;
    let doors = [
        (
            "/webhooks/github",
            "x-hub-signature-256",
            "sha256=",
            ["the older one", GITHUB_SECRET],
        ),
        (
            "/webhooks/sentry",
            "sentry-hook-signature",
            "",
            [SENTRY_SECRET, "the newer one"],
        ),
    ];
    for (path, header, prefix, secrets) in doors {
        let good = format!("{prefix}{}", hmac(secrets[0], BODY.as_bytes()));
        for secret in secrets {
            let value = format!("{prefix}{}", hmac(secret, BODY.as_bytes())).into_bytes();
            let (status, body) = send(&site, path, header, &[value]).await;
            assert!(matches!(status, 200 | 202), "{path}: {status} {body}");
        }
        let other = format!("{prefix}{}", hmac("another secret", BODY.as_bytes()));
        let other_body = format!("{prefix}{}", hmac(secrets[0], b"{}"));
        let table: Vec<Vec<Vec<u8>>> = vec![
            vec![],
            vec![vec![]],
            vec![b"sha256=".to_vec()],
            vec![good[..good.len() - 1].into()],
            vec![good[..good.len() - 2].into()],
            vec![format!("{good}0").into()],
            vec![format!("{good}00").into()],
            vec![good.repeat(200).into()],
            vec![format!("{prefix}{}", good[prefix.len()..].to_uppercase()).into()],
            vec![good.replace(|c: char| c.is_ascii_digit(), "z").into()],
            vec![format!("sha1={}", &good[prefix.len()..]).into()],
            vec![vec![0xff; 64]],
            vec![other.into()],
            vec![other_body.into()],
            vec![good.clone().into(), good.clone().into()],
            vec![good.clone().into(), vec![b'0'; 64]],
        ];
        for values in table {
            let shown: Vec<_> = values
                .iter()
                .map(|value| String::from_utf8_lossy(value).into_owned())
                .collect();
            assert_eq!(
                send(&site, path, header, &values).await,
                (401, json!({ "error": "Invalid signature" })),
                "{path} {shown:?}"
            );
        }
    }
}

#[tokio::test]
async fn githubs_documented_vector_is_believed() {
    let site = Site::open().await;
    assert_eq!(
        github_signature(GITHUB_SECRET, b"Hello, World!"),
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    );
    let request = site
        .client
        .post(format!("{}/webhooks/github", site.address))
        .header("X-GitHub-Event", "push")
        .body("Hello, World!");
    let request = request.header(
        "X-Hub-Signature-256",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    );
    // It is believed, and then it is no payload.
    assert_eq!(answer(request).await.0, 400);
}

#[tokio::test]
async fn without_a_secret_everybody_is_refused() {
    let site = Site::open_with(|settings| {
        settings.github_secrets = vec!["".into()];
        settings.sentry_secrets.clear();
    })
    .await;
    let nothing = |prefix: &str| vec![format!("{prefix}{}", hmac("", BODY.as_bytes())).into_bytes()];
    assert_eq!(
        send(&site, "/webhooks/github", "x-hub-signature-256", &nothing("sha256="))
            .await
            .0,
        401
    );
    assert_eq!(
        send(&site, "/webhooks/sentry", "sentry-hook-signature", &nothing(""))
            .await
            .0,
        401
    );
}
