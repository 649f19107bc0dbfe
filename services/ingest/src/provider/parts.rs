//! A JSON object of which only the parts that are asked for are read. Most of a payload is links that nobody here follows.

use super::{BadPayload, surrogate};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// The members of an object, each still as it was written.
pub(super) struct Parts<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

/// A member's name; a text without escapes is not copied.
#[derive(Deserialize, PartialEq, Eq, Hash)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The body as it can be parsed: half characters, which are no text, become replacement characters.
pub(super) fn text(body: &[u8]) -> Cow<'_, [u8]> {
    // Few bodies have an escaped character at all.
    if memchr::memmem::find(body, b"\\u").is_none() {
        return Cow::Borrowed(body);
    }
    surrogate::mended(body).map_or(Cow::Borrowed(body), Cow::Owned)
}

impl<'a> Parts<'a> {
    /// Reads an object; the whole of it has to be JSON.
    pub(super) fn of(text: &'a [u8]) -> Result<Self, BadPayload> {
        let members: HashMap<Name<'a>, &'a RawValue> = serde_json::from_slice(text).map_err(|error| {
            if error.is_data() {
                BadPayload::Missing("the payload object")
            } else {
                BadPayload::NotJson(error.to_string())
            }
        })?;
        Ok(Self(members.into_iter().map(|(name, value)| (name.0, value)).collect()))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// A part in the form that we use; `None` when it is not there or has another form.
    pub(super) fn get<T: Deserialize<'a>>(&self, key: &str) -> Option<T> {
        serde_json::from_str(self.0.get(key)?.get()).ok()
    }

    /// A part that has to be there.
    pub(super) fn part<T: Deserialize<'a>>(&self, key: &'static str) -> Result<T, BadPayload> {
        self.get(key).ok_or(BadPayload::Missing(key))
    }
}
