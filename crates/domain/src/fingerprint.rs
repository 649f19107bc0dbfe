//! A short, stable name for a problem: equal problems have equal fingerprints.

use serde::{Deserialize, Serialize};

/// Sixteen hexadecimal digits over the parts that make two problems the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Hashes the parts in order; their boundaries count, so `["ab", "c"]` and `["a", "bc"]` differ.
    pub fn of<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> Self {
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for part in parts {
            digest.update(&(part.as_ref().len() as u64).to_be_bytes());
            digest.update(part.as_ref().as_bytes());
        }
        Self(hex::encode(&digest.finish().as_ref()[..8]))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_count() {
        assert_ne!(Fingerprint::of(["ab", "c"]), Fingerprint::of(["a", "bc"]));
        assert_eq!(Fingerprint::of(["ab"]).as_str().len(), 16);
    }
}
