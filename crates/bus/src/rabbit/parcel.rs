//! The form of a message at the broker: the encoded envelope as the body, and beside it what people and tools of the broker look
//! at. Only the body is read back.

use crate::envelope::Envelope;
use crate::topology::Queue;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, LongString};

const CONTENT_TYPE: &str = "application/x-fixpoint-envelope";
/// Why a message is in a dead queue.
const REASON: &str = "fixpoint-reason";
const VERSION: &str = "fixpoint-version";
/// What became of a request: one of [`Answered`].
const ANSWER: &str = "fixpoint-answer";

/// What a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// The body is the reply's envelope.
    Reply,
    /// It was dealt with, or refused; the body says why there is no reply.
    Unanswered,
    /// Every try was put off; the body says why.
    Exhausted,
}

impl Answered {
    const ALL: [Self; 3] = [Self::Reply, Self::Unanswered, Self::Exhausted];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Unanswered => "unanswered",
            Self::Exhausted => "exhausted",
        }
    }

    pub(super) fn of(properties: &BasicProperties) -> Option<Self> {
        let word = text(properties, ANSWER)?;
        Self::ALL.into_iter().find(|answered| answered.as_str() == word)
    }

    pub(super) fn properties(self, correlation: &str) -> BasicProperties {
        let mut headers = FieldTable::default();
        headers.insert(ANSWER.into(), AMQPValue::LongString(self.as_str().into()));
        BasicProperties::default()
            .with_correlation_id(correlation.into())
            .with_headers(headers)
    }
}

/// The properties of an envelope. `durable` messages outlive the broker.
pub(super) fn properties(envelope: &Envelope, durable: bool) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(VERSION.into(), AMQPValue::LongInt(i32::from(envelope.version)));
    for (name, value) in &envelope.trace {
        headers.insert(name.as_str().into(), AMQPValue::LongString(value.as_str().into()));
    }
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_message_id(envelope.id.to_string().into())
        .with_type(envelope.kind.as_str().into())
        .with_delivery_mode(if durable { 2 } else { 1 })
        .with_headers(headers)
}

/// The properties of a message that goes to the dead queue: its own, and the reason.
pub(super) fn buried(properties: &BasicProperties, reason: &str) -> BasicProperties {
    let mut headers = properties.headers().clone().unwrap_or_default();
    headers.insert(REASON.into(), AMQPValue::LongString(reason.into()));
    // It waits there for a person, however long that takes, and nobody waits for its reply any more.
    let mut kept = BasicProperties::default().with_delivery_mode(2).with_headers(headers);
    if let Some(id) = properties.message_id() {
        kept = kept.with_message_id(id.clone());
    }
    if let Some(kind) = properties.kind() {
        kept = kept.with_type(kind.clone());
    }
    kept
}

/// Why a message of a dead queue is there.
pub(super) fn reason(properties: &BasicProperties) -> String {
    text(properties, REASON).unwrap_or_default()
}

/// How a message has come to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct History {
    /// Deliveries before this one.
    pub(super) attempts: u32,
    /// It waited longer in the work queue than anybody waits for its reply.
    pub(super) expired: bool,
}

/// Reads what the broker has noted: how often it gave the message back by itself (`x-delivery-count`), and how often the message
/// went through the retry queue (`x-death`).
pub(super) fn history(properties: &BasicProperties, work: &str, queue: &Queue) -> History {
    let headers = properties.headers().as_ref();
    let given_back = headers
        .and_then(|headers| headers.inner().get("x-delivery-count"))
        .map_or(0, integer);
    let mut attempts = given_back;
    let mut expired = false;
    if let Some(AMQPValue::FieldArray(deaths)) = headers.and_then(|headers| headers.inner().get("x-death")) {
        for death in deaths.as_slice() {
            let AMQPValue::FieldTable(death) = death else { continue };
            let field = |name: &str| death.inner().get(name);
            if field("queue").and_then(word).as_deref() != Some(work) {
                continue;
            }
            let count = field("count").map_or(1, integer);
            match field("reason").and_then(word).as_deref() {
                Some("expired") => expired = true,
                Some("delivery_limit") => attempts += count * u64::from(queue.delivery_limit()),
                _ => attempts += count,
            }
        }
    }
    History {
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        expired,
    }
}

fn text(properties: &BasicProperties, name: &str) -> Option<String> {
    word(properties.headers().as_ref()?.inner().get(name)?)
}

fn word(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(lossy(text)),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

fn lossy(text: &LongString) -> String {
    String::from_utf8_lossy(text.as_bytes()).into_owned()
}

fn integer(value: &AMQPValue) -> u64 {
    let number = match value {
        AMQPValue::LongLongInt(number) => *number,
        AMQPValue::LongInt(number) => i64::from(*number),
        AMQPValue::LongUInt(number) => i64::from(*number),
        AMQPValue::ShortInt(number) => i64::from(*number),
        AMQPValue::ShortUInt(number) => i64::from(*number),
        AMQPValue::ShortShortInt(number) => i64::from(*number),
        AMQPValue::ShortShortUInt(number) => i64::from(*number),
        _ => 0,
    };
    u64::try_from(number).unwrap_or(0)
}
