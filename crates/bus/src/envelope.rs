//! A message on its way: the same for every kind, so that the bus needs to know none of them.

use bytes::{Bytes, BytesMut};
use domain::message::{Kind, Message};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The first bytes of every encoded envelope; the last one is the version of the framing.
const MAGIC: [u8; 4] = *b"FXP\x01";
const PREFIX: usize = MAGIC.len() + size_of::<u32>();

/// A message on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Its own identifier, version 7. A message that comes again keeps it.
    pub id: Uuid,
    /// Which message it is.
    pub kind: Kind,
    /// The version of the schema that its body was written by.
    pub version: u16,
    /// The trace that it belongs to, as W3C headers (`traceparent`, `tracestate`).
    pub trace: BTreeMap<String, String>,
    /// The message.
    pub body: Value,
    /// Bytes that travel beside the message and that nobody looks into, for example a compressed payload.
    pub attachment: Option<Bytes>,
}

/// An envelope that cannot be written or read. Trying again does not help.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The message cannot be written as JSON.
    #[error("`{}` cannot be written", kind.as_str())]
    Unwritable {
        /// Which message.
        kind: Kind,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Another message was expected.
    #[error("`{}` was expected, and `{}` came", expected.as_str(), found.as_str())]
    WrongKind {
        /// What the reader reads.
        expected: Kind,
        /// What came.
        found: Kind,
    },
    /// The body does not fit the message's schema.
    #[error("the body of `{}` version {version} does not fit its schema", kind.as_str())]
    Schema {
        /// Which message.
        kind: Kind,
        /// The version that wrote it.
        version: u16,
        /// Where it does not fit.
        #[source]
        source: serde_json::Error,
    },
    /// The bytes are no envelope.
    #[error("these bytes are no envelope: {what}")]
    Framing {
        /// What is wrong with them.
        what: &'static str,
    },
    /// The head is no JSON, or lacks something, or its kind is unknown to this build.
    #[error("the head of the envelope cannot be read")]
    Head(#[source] serde_json::Error),
}

impl Envelope {
    /// An envelope with a new identifier, no trace and no attachment.
    #[must_use]
    pub fn new(kind: Kind, version: u16, body: Value) -> Self {
        Self {
            id: Uuid::now_v7(),
            kind,
            version,
            trace: BTreeMap::new(),
            body,
            attachment: None,
        }
    }

    /// Puts a message into an envelope.
    ///
    /// # Errors
    /// [`EnvelopeError::Unwritable`].
    pub fn of<M: Message>(message: &M) -> Result<Self, EnvelopeError> {
        let body =
            serde_json::to_value(message).map_err(|source| EnvelopeError::Unwritable { kind: M::KIND, source })?;
        Ok(Self::new(M::KIND, M::VERSION, body))
    }

    /// With the trace that it belongs to.
    #[must_use]
    pub fn traced(self, trace: BTreeMap<String, String>) -> Self {
        Self { trace, ..self }
    }

    /// With bytes beside the message.
    #[must_use]
    pub fn with_attachment(self, attachment: Bytes) -> Self {
        Self {
            attachment: Some(attachment),
            ..self
        }
    }

    /// Takes the message out. Fields that a later version has added are ignored.
    ///
    /// # Errors
    /// [`EnvelopeError::WrongKind`] and [`EnvelopeError::Schema`].
    pub fn read<M: Message>(&self) -> Result<M, EnvelopeError> {
        if self.kind != M::KIND {
            return Err(EnvelopeError::WrongKind {
                expected: M::KIND,
                found: self.kind,
            });
        }
        M::deserialize(&self.body).map_err(|source| EnvelopeError::Schema {
            kind: self.kind,
            version: self.version,
            source,
        })
    }

    /// The form on the wire and on disk: magic, the head's length (u32, big-endian), the head as JSON, the attachment.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        // `Value`'s Display cannot fail, unlike a serializer over any type; and it needs no copy of the body.
        let trace: Value = self
            .trace
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect();
        let attachment = self.attachment.as_ref().map_or(Value::Null, |bytes| bytes.len().into());
        let head = format!(
            r#"{{"id":"{}","kind":"{}","version":{},"trace":{trace},"attachment":{attachment},"body":{}}}"#,
            self.id.hyphenated(),
            self.kind.as_str(),
            self.version,
            self.body
        );
        let mut out = BytesMut::with_capacity(PREFIX + head.len() + self.attachment.as_ref().map_or(0, Bytes::len));
        out.extend_from_slice(&MAGIC);
        // A head of 4 GiB cannot be: requests are bounded far below. If one came, its length would not fit and decode would say so.
        out.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(head.as_bytes());
        if let Some(attachment) = &self.attachment {
            out.extend_from_slice(attachment);
        }
        out.freeze()
    }

    /// Reads what [`Self::encode`] wrote; a file that was cut off is noticed.
    ///
    /// # Errors
    /// [`EnvelopeError::Framing`] and [`EnvelopeError::Head`].
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let framing = |what| EnvelopeError::Framing { what };
        let rest = bytes
            .strip_prefix(&MAGIC)
            .ok_or(framing("they do not begin with the magic"))?;
        let (length, rest) = rest
            .split_first_chunk()
            .ok_or(framing("the head's length is cut off"))?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| framing("the head is too long"))?;
        let (head, rest) = rest.split_at_checked(length).ok_or(framing("the head is cut off"))?;
        let head: Head = serde_json::from_slice(head).map_err(EnvelopeError::Head)?;
        if rest.len() != head.attachment.unwrap_or(0) {
            return Err(framing("the attachment is not as long as the head says"));
        }
        let attachment = head.attachment.map(|_| Bytes::copy_from_slice(rest));
        Ok(Self {
            id: head.id,
            kind: head.kind,
            version: head.version,
            trace: head.trace,
            body: head.body,
            attachment,
        })
    }
}

#[derive(Deserialize)]
struct Head {
    id: Uuid,
    kind: Kind,
    version: u16,
    #[serde(default)]
    trace: BTreeMap<String, String>,
    /// Its length; none where there is none.
    attachment: Option<usize>,
    body: Value,
}
