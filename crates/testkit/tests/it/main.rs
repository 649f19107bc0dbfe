//! The stand-ins stand in, and the tap holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use bus::{Bus, Envelope, MemoryBus};
use domain::message::Kind;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use testkit::slack::{BOT_TOKEN, CHANNEL, Fault, check};
use testkit::{SentryStandIn, SlackStandIn, TappedBus, eventually, fresh_databases, http_client};

#[tokio::test]
async fn a_held_envelope_waits_and_the_others_pass() {
    let memory = MemoryBus::default();
    let tap = TappedBus::new(Arc::new(memory.clone()));
    let held = tap.hold(Kind::AttemptFinished);
    let (holding, passing) = (tap.clone(), tap.clone());
    let finished = tokio::spawn(async move {
        holding
            .publish(Envelope::new(Kind::AttemptFinished, 1, json!({})))
            .await
    });
    drop(
        passing
            .publish(Envelope::new(Kind::SignalReceived, 1, json!({})))
            .await
            .unwrap(),
    );
    let caught = tokio::time::timeout(Duration::from_secs(5), held.caught())
        .await
        .unwrap();
    assert_eq!((caught.kind, memory.in_flight()), (Kind::AttemptFinished, 1));
    assert_eq!(tap.envelopes().len(), 2);
    held.release();
    drop(finished.await.unwrap().unwrap());
    assert_eq!(memory.in_flight(), 2);
}

#[tokio::test]
async fn what_never_comes_true_is_named() {
    let error = eventually("pigs fly", Duration::from_millis(30), async || None::<()>)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("pigs fly"));
}

#[tokio::test]
async fn slack_takes_refuses_and_fails() {
    let slack = SlackStandIn::start().await.unwrap();
    let client = http_client(Duration::from_secs(5)).unwrap();
    let post = async |body: Value| client.post(slack.webhook_url()).json(&body).send().await;
    assert_eq!(post(json!({"text": "a"})).await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(
        post(json!({"text": ""})).await.unwrap().text().await.unwrap(),
        "no_text"
    );
    slack.fail_next(Fault::RateLimited(3));
    let limited = post(json!({"text": "b"})).await.unwrap();
    assert_eq!(
        (
            limited.status().as_u16(),
            limited.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "3")
    );
    slack.fail_next(Fault::AcceptedThenError);
    assert_eq!(post(json!({"text": "c"})).await.unwrap().status().as_u16(), 500);
    slack.take_down().await;
    assert!(post(json!({"text": "d"})).await.is_err());
    slack.bring_up().await.unwrap();
    let api = async |token: &str, channel: &str| -> Value {
        let request = client
            .post(format!("{}/chat.postMessage", slack.api_url()))
            .bearer_auth(token);
        request
            .json(&json!({"channel": channel, "text": "e"}))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    assert_eq!(api(BOT_TOKEN, CHANNEL).await["ok"], true);
    assert_eq!(api("x", CHANNEL).await["error"], "invalid_auth");
    assert_eq!(api(BOT_TOKEN, "C1").await["error"], "channel_not_found");
    let texts: Vec<String> = slack.messages().into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["a", "c", "e"]);
}

#[test]
fn slacks_limits_are_checked() {
    let text = |length: usize| json!({"type": "mrkdwn", "text": "x".repeat(length)});
    let section = |length: usize| json!({"type": "section", "text": text(length)});
    let header =
        |kind: &str, length: usize| json!({"type": "header", "text": {"type": kind, "text": "x".repeat(length)}});
    let button = |label: usize, url: usize| {
        let text = json!({"type": "plain_text", "text": "x".repeat(label)});
        json!({"type": "actions", "elements": [{"type": "button", "text": text, "url": "u".repeat(url)}]})
    };
    let fields = |count: usize, length: usize| json!({"type": "section", "fields": vec![text(length); count]});
    for good in [
        section(3000),
        header("plain_text", 150),
        button(75, 3000),
        fields(10, 2000),
        json!({"type": "divider"}),
    ] {
        assert_eq!(check(&json!({"text": "t", "blocks": [good]})), Ok(()), "{good}");
    }
    let bad = [
        section(3001),
        section(0),
        header("plain_text", 151),
        header("mrkdwn", 5),
        button(76, 1),
        button(1, 3001),
        fields(11, 1),
        fields(1, 2001),
        json!({"type": "section"}),
        json!({"type": "marquee"}),
    ];
    for bad in bad {
        assert_eq!(
            check(&json!({"text": "t", "blocks": [bad]})),
            Err("invalid_blocks"),
            "{bad}"
        );
    }
    assert_eq!(
        check(&json!({"text": "t", "blocks": vec![section(1); 51]})),
        Err("invalid_blocks")
    );
    assert_eq!(check(&json!({"text": "x".repeat(40_001)})), Err("msg_too_long"));
}

#[test]
fn an_alert_looks_like_sentrys() {
    let sentry = SentryStandIn::new("http://127.0.0.1:1/webhooks/sentry", "s").unwrap();
    let event = json!({"event_id": "e1", "exception": {"values": [{"type": "KeyError", "value": "'sku'"}]}});
    let alert = sentry.alert("42", &event);
    assert_eq!(alert["data"]["event"]["title"], "KeyError: 'sku'");
    assert_eq!(alert["data"]["event"]["issue_id"], "42");
    assert_eq!(alert["data"]["event"]["event_id"], "e1");
    assert_eq!(alert["action"], "triggered");
}

#[test]
fn every_database_is_fresh() {
    let first = fresh_databases().unwrap();
    let second = fresh_databases().unwrap();
    assert!(
        first
            .iter()
            .zip(&second)
            .all(|(first, second)| first.url() != second.url())
    );
    assert!(first[0].url().starts_with("sqlite:///"));
}
