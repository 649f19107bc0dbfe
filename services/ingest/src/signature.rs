//! Who sent it: HMAC-SHA256 over the raw bytes, compared in constant time, with every secret that is in use.

use crate::settings::usable;
use actix_web::http::header::HeaderMap;
use domain::delivery::Provider;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

/// The keys that a provider's deliveries may be signed with.
pub(crate) struct Keys {
    provider: Provider,
    keys: Vec<hmac::Key>,
}

/// Why a delivery is not believed. All of them are the same 401 for the sender; the log says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unproved {
    #[error("no secret is configured: set {0}")]
    NoSecret(&'static str),
    #[error("there is no signature header, or more than one")]
    NotOneHeader,
    #[error("the signature is not 64 lower-case hexadecimal digits in the sender's form")]
    Malformed,
    #[error("the signature belongs to another body or another secret")]
    Wrong,
}

impl Keys {
    pub(crate) fn new(provider: Provider, secrets: &[SecretString]) -> Self {
        let keys = usable(secrets)
            .into_iter()
            .map(|s| hmac::Key::new(hmac::HMAC_SHA256, s.expose_secret().as_bytes()))
            .collect();
        Self { provider, keys }
    }

    /// Whether any secret is configured.
    pub(crate) fn configured(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The variable that an operator sets the secret with.
    pub(crate) const fn variable(&self) -> &'static str {
        match self.provider {
            Provider::GitHub => "GITHUB_WEBHOOK_SECRET",
            Provider::Sentry => "SENTRY_WEBHOOK_SECRET",
        }
    }

    const fn header(&self) -> &'static str {
        match self.provider {
            Provider::GitHub => "X-Hub-Signature-256",
            Provider::Sentry => "Sentry-Hook-Signature",
        }
    }

    /// Reads the one signature of a request, before its body is looked at.
    pub(crate) fn claimed(&self, headers: &HeaderMap) -> Result<[u8; 32], Unproved> {
        if !self.configured() {
            return Err(Unproved::NoSecret(self.variable()));
        }
        let mut values = headers.get_all(self.header());
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(Unproved::NotOneHeader);
        };
        let digits = match self.provider {
            Provider::GitHub => value.as_bytes().strip_prefix(b"sha256=").ok_or(Unproved::Malformed)?,
            Provider::Sentry => value.as_bytes(),
        };
        // Both senders write lower case, and accepting one spelling only keeps a signature a usable key for logs.
        if digits.iter().any(u8::is_ascii_uppercase) {
            return Err(Unproved::Malformed);
        }
        let mut tag = [0; 32];
        hex::decode_to_slice(digits, &mut tag).map_err(|_| Unproved::Malformed)?;
        Ok(tag)
    }

    /// Whether one of the keys made this tag of these bytes.
    pub(crate) fn verify(&self, body: &[u8], tag: &[u8; 32]) -> Result<(), Unproved> {
        // Every key is tried, so that the time taken does not tell which one is in use.
        let proved = self
            .keys
            .iter()
            .fold(false, |proved, key| hmac::verify(key, body, tag).is_ok() | proved);
        if proved { Ok(()) } else { Err(Unproved::Wrong) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn check(keys: &Keys, values: &[&[u8]], body: &[u8]) -> Result<(), Unproved> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                HeaderName::from_bytes(keys.header().as_bytes()).unwrap(),
                HeaderValue::from_bytes(value).unwrap(),
            );
        }
        keys.verify(body, &keys.claimed(&headers)?)
    }

    const GOOD: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const BODY: &[u8] = b"Hello, World!";

    #[test]
    fn githubs_own_vector_and_everything_near_it() {
        let keys = Keys::new(Provider::GitHub, &["older".into(), "It's a Secret to Everybody".into()]);
        assert_eq!(check(&keys, &[GOOD.as_bytes()], BODY), Ok(()));
        assert_eq!(check(&keys, &[GOOD.as_bytes()], b"Hello, World"), Err(Unproved::Wrong));
        assert_eq!(check(&keys, &[], BODY), Err(Unproved::NotOneHeader));
        assert_eq!(
            check(&keys, &[GOOD.as_bytes(), GOOD.as_bytes()], BODY),
            Err(Unproved::NotOneHeader)
        );
        let malformed: [&[u8]; 9] = [
            b"",
            b"sha256=",
            b"sha256=75",
            &GOOD.as_bytes()[7..],
            &GOOD.as_bytes()[..70],
            b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17aa",
            b"sha256=zz7107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            b"sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17",
            b"sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        ];
        for value in malformed {
            assert_eq!(
                check(&keys, &[value], BODY),
                Err(Unproved::Malformed),
                "{}",
                String::from_utf8_lossy(value)
            );
        }
        assert_eq!(check(&keys, &[b"sha256=\xff\xfe"], BODY), Err(Unproved::Malformed));
    }

    #[test]
    fn without_a_secret_nobody_is_believed() {
        for secrets in [vec![], vec!["".into()], vec!["  ".into()]] {
            let keys = Keys::new(Provider::Sentry, &secrets);
            let signed_with_nothing = hex::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b""), BODY));
            assert_eq!(
                check(&keys, &[signed_with_nothing.as_bytes()], BODY),
                Err(Unproved::NoSecret("SENTRY_WEBHOOK_SECRET"))
            );
        }
    }
}
