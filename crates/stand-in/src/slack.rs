//! A Slack on loopback: incoming webhooks and `chat.postMessage`, with Slack's limits on blocks and its ways to fail.

use actix_web::dev::ServerHandle;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The token that the stand-in accepts.
pub const BOT_TOKEN: &str = "xoxb-stand-in";
/// The channel that exists.
pub const CHANNEL: &str = "C0STANDIN";
const WEBHOOK: &str = "/services/T000/B000/stand-in";

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct SlackMessage {
    /// The channel, where the sender named one.
    pub channel: Option<String>,
    /// The text for notifications.
    pub text: String,
    /// The blocks, as they were sent.
    pub blocks: Value,
    /// When it was accepted.
    pub at: Instant,
}

/// What the next requests are answered instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `Retry-After` seconds.
    RateLimited(u64),
    /// 500 without a word of JSON.
    ServerError,
    /// Accepted and recorded, and yet answered with 500.
    AcceptedThenError,
    /// Slack's refusal with this code: 200 with `ok: false` from the API, 403 with the word from a webhook.
    Refused(String),
}

#[derive(Default)]
struct State {
    messages: Mutex<Vec<SlackMessage>>,
    faults: Mutex<VecDeque<Fault>>,
    requests: Mutex<usize>,
    is_down: AtomicBool,
}

impl State {
    /// Counts a request. One that comes in on a connection that outlives its server is never answered.
    async fn counted(&self) {
        if self.is_down.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        *lock(&self.requests) += 1;
    }
}

/// A Slack on loopback.
pub struct SlackStandIn {
    address: SocketAddr,
    state: Arc<State>,
    server: Mutex<Option<ServerHandle>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SlackStandIn {
    /// Starts on a free port.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening for Slack's stand-in")?;
        let slack = Self {
            address: listener.local_addr()?,
            state: Arc::default(),
            server: Mutex::default(),
        };
        slack.serve(listener)?;
        Ok(slack)
    }

    fn serve(&self, listener: TcpListener) -> anyhow::Result<()> {
        let state = web::Data::from(Arc::clone(&self.state));
        let app = move || {
            App::new()
                .app_data(state.clone())
                .route(WEBHOOK, web::post().to(webhook))
                .route("/api/chat.postMessage", web::post().to(post_message))
                .default_service(web::to(|| async { HttpResponse::NotFound().body("no_service") }))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .shutdown_timeout(1)
            .listen(listener)?
            .run();
        *lock(&self.server) = Some(server.handle());
        tokio::spawn(server);
        Ok(())
    }

    /// The address of an incoming webhook.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        format!("http://{}{WEBHOOK}", self.address)
    }

    /// The address of the Web API, for `slack.api_url`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// What was accepted, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<SlackMessage> {
        lock(&self.state.messages).clone()
    }

    /// How many requests came, failed ones included.
    #[must_use]
    pub fn requests(&self) -> usize {
        *lock(&self.state.requests)
    }

    /// The next request meets this fault; several faults are met in order.
    pub fn fail_next(&self, fault: Fault) {
        lock(&self.state.faults).push_back(fault);
    }

    /// Nobody listens any more: connections are refused.
    pub async fn take_down(&self) {
        self.state.is_down.store(true, Ordering::SeqCst);
        let server = lock(&self.server).take();
        if let Some(server) = server {
            server.stop(false).await;
        }
    }

    /// Listens again, at the same address.
    ///
    /// # Errors
    /// When somebody else took the port.
    pub async fn bring_up(&self) -> anyhow::Result<()> {
        self.take_down().await;
        self.state.is_down.store(false, Ordering::SeqCst);
        self.serve(TcpListener::bind(self.address)?)
    }
}

impl SlackMessage {
    /// The message as a person sees it, line by line.
    #[must_use]
    pub fn as_read(&self) -> String {
        let blocks = self.blocks.as_array().map_or(&[][..], Vec::as_slice);
        if blocks.is_empty() {
            return plain(&self.text);
        }
        let text = |object: &Value| {
            object
                .get("text")
                .and_then(Value::as_str)
                .map(plain)
                .unwrap_or_default()
        };
        let line = |block: &Value| -> Vec<String> {
            let mut lines = Vec::new();
            lines.extend(block.get("text").map(text));
            for key in ["fields", "elements"] {
                let parts = block.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                lines.extend(parts.iter().map(|part| match part.get("text") {
                    Some(Value::Object(_)) => format!("[ {} ]", part.get("text").map(text).unwrap_or_default()),
                    _ => text(part).replacen(":\n", ": ", 1),
                }));
            }
            lines
        };
        let paragraphs: Vec<String> = blocks
            .iter()
            .map(|block| line(block).join("\n"))
            .filter(|lines| !lines.is_empty())
            .collect();
        paragraphs.join("\n\n")
    }
}

/// Slack's markup as it is shown: links by their text, emphasis gone, escapes undone.
fn plain(markup: &str) -> String {
    let mut out = String::new();
    let mut rest = markup;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let (link, after) = after.split_once('>').unwrap_or((after, ""));
        out.push_str(link.split_once('|').map_or(link, |(_, text)| text));
        rest = after;
    }
    out.push_str(rest);
    out.replace('*', "")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

async fn webhook(state: web::Data<State>, body: web::Bytes) -> HttpResponse {
    state.counted().await;
    let payload: Value = match serde_json::from_slice(&body) {
        Ok(payload) => payload,
        Err(_) => return HttpResponse::BadRequest().body("invalid_payload"),
    };
    if let Some(answer) = fault(&state, &payload, |code| HttpResponse::Forbidden().body(code)) {
        return answer;
    }
    match check(&payload) {
        Ok(()) => {
            record(&state, &payload);
            HttpResponse::Ok().content_type("text/html").body("ok")
        }
        Err(code) => HttpResponse::BadRequest().body(code),
    }
}

async fn post_message(state: web::Data<State>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    state.counted().await;
    let refused = |code: String| HttpResponse::Ok().json(json!({ "ok": false, "error": code }));
    let payload: Value = match serde_json::from_slice(&body) {
        Ok(payload) => payload,
        Err(_) => return refused("invalid_json".into()),
    };
    if let Some(answer) = fault(&state, &payload, refused) {
        return answer;
    }
    let token = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match token {
        None => return refused("not_authed".into()),
        Some(token) if token != BOT_TOKEN => return refused("invalid_auth".into()),
        Some(_) => {}
    }
    if payload.get("channel").and_then(Value::as_str) != Some(CHANNEL) {
        return refused("channel_not_found".into());
    }
    match check(&payload) {
        Ok(()) => {
            let ts = record(&state, &payload);
            let message = json!({ "ts": ts, "text": payload["text"], "type": "message" });
            HttpResponse::Ok().json(json!({ "ok": true, "channel": CHANNEL, "ts": ts, "message": message }))
        }
        Err(code) => refused(code.into()),
    }
}

fn fault(state: &State, payload: &Value, refused: impl Fn(String) -> HttpResponse) -> Option<HttpResponse> {
    let fault = lock(&state.faults).pop_front()?;
    Some(match fault {
        Fault::RateLimited(seconds) => HttpResponse::TooManyRequests()
            .insert_header(("Retry-After", seconds.to_string()))
            .json(json!({ "ok": false, "error": "ratelimited" })),
        Fault::ServerError => HttpResponse::InternalServerError().body("oops"),
        Fault::AcceptedThenError => {
            record(state, payload);
            HttpResponse::InternalServerError().body("oops")
        }
        Fault::Refused(code) => refused(code),
    })
}

fn record(state: &State, payload: &Value) -> String {
    let mut messages = lock(&state.messages);
    let text = |key: &str| payload.get(key).and_then(Value::as_str).map(str::to_owned);
    messages.push(SlackMessage {
        channel: text("channel"),
        text: text("text").unwrap_or_default(),
        blocks: payload.get("blocks").cloned().unwrap_or(Value::Null),
        at: Instant::now(),
    });
    format!("1700000000.{:06}", messages.len())
}

/// Slack's limits on a message, as far as they are documented; the error is Slack's code.
///
/// # Errors
/// `no_text`, `msg_too_long` or `invalid_blocks`.
pub fn check(payload: &Value) -> Result<(), &'static str> {
    let text = payload.get("text").and_then(Value::as_str).unwrap_or_default();
    let blocks = match payload.get("blocks") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(blocks)) => blocks.as_slice(),
        Some(_) => return Err("invalid_blocks_format"),
    };
    if text.is_empty() && blocks.is_empty() {
        return Err("no_text");
    }
    if text.chars().count() > 40_000 {
        return Err("msg_too_long");
    }
    let all = |items: Option<&Value>, most: usize, ok: fn(&Value) -> bool| {
        items.is_none_or(|items| {
            items
                .as_array()
                .is_some_and(|items| !items.is_empty() && items.len() <= most && items.iter().all(ok))
        })
    };
    let sound = |block: &Value| match block.get("type").and_then(Value::as_str) {
        Some("header") => block
            .get("text")
            .is_some_and(|text| is_text(text, 150) && text["type"] == "plain_text"),
        Some("section") => {
            let (text, fields) = (block.get("text"), block.get("fields"));
            (text.is_some() || fields.is_some())
                && text.is_none_or(|text| is_text(text, 3000))
                && all(fields, 10, |field| is_text(field, 2000))
        }
        Some("context") => {
            block.get("elements").is_some() && all(block.get("elements"), 10, |element| is_text(element, 2000))
        }
        Some("actions") => block.get("elements").is_some() && all(block.get("elements"), 25, is_button),
        Some("divider") => true,
        _ => false,
    };
    if blocks.len() > 50 || !blocks.iter().all(sound) {
        return Err("invalid_blocks");
    }
    Ok(())
}

fn is_text(object: &Value, most: usize) -> bool {
    let kind = object.get("type").and_then(Value::as_str);
    let length = object
        .get("text")
        .and_then(Value::as_str)
        .map_or(0, |text| text.chars().count());
    matches!(kind, Some("plain_text" | "mrkdwn")) && (1..=most).contains(&length)
}

fn is_button(button: &Value) -> bool {
    let short = |key: &str, most: usize| {
        button
            .get(key)
            .is_none_or(|value| value.as_str().is_some_and(|text| text.chars().count() <= most))
    };
    let text = button
        .get("text")
        .is_some_and(|text| is_text(text, 75) && text["type"] == "plain_text");
    button.get("type").and_then(Value::as_str) == Some("button")
        && text
        && short("url", 3000)
        && short("action_id", 255)
}
