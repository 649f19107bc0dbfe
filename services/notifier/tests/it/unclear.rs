//! Answers of which nobody can say what they mean, and none at all.

use crate::{Office, PATIENT};
use notifier::Settings;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use testkit::{SlackStandIn, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A server that answers every request with these bytes, and counts them.
async fn server(answer: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            whole_request(&mut stream).await;
            counter.fetch_add(1, Ordering::SeqCst);
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    (url, count)
}

async fn whole_request(stream: &mut TcpStream) {
    let mut read = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().unwrap());
            if body.len() >= length {
                return;
            }
        }
        let count = stream.read(&mut part).await.unwrap();
        assert!(count > 0, "the request is whole");
        read.extend_from_slice(&part[..count]);
    }
}

/// Raises one notice; the number of requests once it counts as delivered, and a moment later.
async fn requests(answer: &'static str, settings: impl FnOnce(String) -> Settings) -> usize {
    let (url, count) = server(answer).await;
    let office = Office::open(SlackStandIn::start().await.unwrap(), settings(url));
    office.raise(1).await;
    office.all_told(1).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    count.load(Ordering::SeqCst)
}

fn webhook(url: String) -> Settings {
    Settings {
        webhook_url: Some(url.into()),
        ..Settings::default()
    }
}

fn bot(url: String) -> Settings {
    Settings {
        bot_token: Some("xoxb-1".into()),
        channel_id: Some("C1".into()),
        api_url: url,
        ..Settings::default()
    }
}

const UNREADABLE: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";

#[tokio::test]
async fn a_message_that_was_taken_is_not_repeated_for_an_unreadable_answer() {
    let cut_off = "HTTP/1.1 200 OK\r\nContent-Length: 600\r\nConnection: close\r\n\r\n{\"ok\"";
    let created = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let (unreadable, cut_off, created) = tokio::join!(
        requests(UNREADABLE, webhook),
        requests(cut_off, webhook),
        requests(created, webhook),
    );
    assert_eq!((unreadable, cut_off, created), (1, 1, 1));
}

#[tokio::test]
async fn what_the_api_answers_has_to_be_read_and_is_asked_for_once_more_only() {
    let (url, count) = server(UNREADABLE).await;
    let office = Office::open(SlackStandIn::start().await.unwrap(), bot(url));
    office.raise(1).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(count.load(Ordering::SeqCst), 2);
    assert!(office.delivered.lock().unwrap().is_empty(), "it may have been refused");
}

#[tokio::test]
async fn a_pause_that_is_asked_for_without_a_word_is_kept() {
    let limit = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 700\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let (url, count) = server(limit).await;
    let office = Office::open(SlackStandIn::start().await.unwrap(), webhook(url));
    office.raise(1).await;
    let asked = async || (count.load(Ordering::SeqCst) > 0).then_some(());
    eventually("Slack was asked", PATIENT, asked).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert!(office.delivered.lock().unwrap().is_empty());
}
