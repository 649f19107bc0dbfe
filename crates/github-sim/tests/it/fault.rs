//! Bad days on order.

use crate::{SHOP, WRITER, call, client, send, sim};
use github_sim::{Fault, FaultKind};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_502_can_hide_a_pull_request() {
    let sim = sim().await;
    sim.commit(SHOP, "fix", [("n", "1")], "ada", "Fix").unwrap();
    let fault = sim
        .faults()
        .push(Fault::once(
            "POST",
            "^/repos/acme/shop/pulls$",
            FaultKind::DoThenStatus(502),
        ))
        .unwrap();
    let body = json!({ "title": "Fix", "head": "fix", "base": "main" });
    let (status, text) = call(&sim, "POST", "/repos/acme/shop/pulls", WRITER, Some(body.clone())).await;
    assert!(status == 502 && text.as_str().unwrap().contains("<html>"));
    assert_eq!((sim.pulls(SHOP).len(), fault.hits()), (1, 1));
    assert_eq!(
        call(&sim, "POST", "/repos/acme/shop/pulls", WRITER, Some(body)).await.0,
        422
    );
    assert_eq!(
        sim.content_requests().iter().map(|one| one.status).collect::<Vec<_>>(),
        [Some(502), Some(422)]
    );
}

#[tokio::test]
async fn limits_come_with_their_headers() {
    let sim = sim().await;
    let kind = FaultKind::Status {
        code: 403,
        body: json!({ "message": "You have exceeded a secondary rate limit." }).to_string(),
        headers: vec![
            ("retry-after".into(), "1".into()),
            ("x-ratelimit-remaining".into(), "0".into()),
        ],
    };
    sim.faults().push(Fault::once("GET", "/repos/", kind)).unwrap();
    let limited = send(&sim, "GET", "/repos/acme/shop", WRITER, None).await;
    assert_eq!(
        (
            limited.status().as_u16(),
            &limited.headers()["retry-after"],
            &limited.headers()["x-ratelimit-remaining"]
        ),
        (403, &"1".parse().unwrap(), &"0".parse().unwrap())
    );
    let fine = send(&sim, "GET", "/repos/acme/shop", WRITER, None).await;
    assert_eq!(
        (fine.status().as_u16(), &fine.headers()["x-ratelimit-limit"]),
        (200, &"5000".parse().unwrap())
    );
}

#[tokio::test]
async fn a_held_request_goes_on_when_it_is_released() {
    let sim = sim().await;
    let fault = sim
        .faults()
        .push(Fault::once("", "/repos/acme/shop$", FaultKind::Block))
        .unwrap();
    let url = format!("{}/repos/acme/shop", sim.url());
    let waiting = tokio::spawn(async move { client().get(url).bearer_auth(WRITER).send().await.unwrap().status() });
    fault.reached().await;
    assert_eq!(sim.requests().last().unwrap().status, None);
    assert!(!waiting.is_finished());
    fault.release();
    assert_eq!(waiting.await.unwrap(), 200);
}

#[tokio::test]
async fn a_done_request_can_stay_unanswered() {
    let sim = sim().await;
    sim.commit(SHOP, "fix", [("n", "1")], "ada", "Fix").unwrap();
    sim.faults()
        .push(Fault::once("POST", "/pulls$", FaultKind::DoThenTimeout))
        .unwrap();
    let request = client()
        .post(format!("{}/repos/acme/shop/pulls", sim.url()))
        .bearer_auth(WRITER)
        .timeout(Duration::from_millis(500))
        .json(&json!({ "title": "Fix", "head": "fix", "base": "main" }));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(sim.pulls(SHOP).len(), 1);
}

#[tokio::test]
async fn down_is_down_for_everything() {
    let sim = sim().await;
    sim.down();
    assert_eq!(send(&sim, "GET", "/repos/acme/shop", WRITER, None).await.status(), 503);
    let refs = format!("{}/info/refs?service=git-upload-pack", sim.git_url(SHOP));
    assert_eq!(
        client()
            .get(&refs)
            .basic_auth("x", Some(WRITER))
            .send()
            .await
            .unwrap()
            .status(),
        503
    );
    sim.up();
    assert_eq!(
        client()
            .get(&refs)
            .basic_auth("x", Some(WRITER))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn a_wrong_expression_is_refused() {
    assert!(
        sim()
            .await
            .faults()
            .push(Fault::once("GET", "(", FaultKind::Block))
            .is_err()
    );
}

#[tokio::test]
async fn a_held_request_outlives_its_client_unless_it_is_discarded() {
    let sim = sim().await;
    sim.commit(SHOP, "fix", [("n", "1")], "ada", "Fix").unwrap();
    for (discard, pulls) in [(true, 0), (false, 1)] {
        let fault = sim
            .faults()
            .push(Fault::once("POST", "/pulls$", FaultKind::Block))
            .unwrap();
        let request = client()
            .post(format!("{}/repos/acme/shop/pulls", sim.url()))
            .bearer_auth(WRITER)
            .timeout(Duration::from_millis(300))
            .json(&json!({ "title": "Fix", "head": "fix", "base": "main" }));
        assert!(request.send().await.unwrap_err().is_timeout());
        if discard {
            fault.discard()
        } else {
            fault.release()
        }
        while sim.requests().last().unwrap().status.is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(sim.pulls(SHOP).len(), pulls, "discard: {discard}");
    }
}
