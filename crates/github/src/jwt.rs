//! The App's proof of identity: a JWT signed with RS256.

use crate::error::GitHubError;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

/// GitHub's clock may be behind ours.
const ISSUED_BEFORE_SECS: i64 = 60;
/// GitHub accepts ten minutes at most.
const LIVES_SECS: i64 = 540;

/// The App's private key.
pub(crate) struct Signer {
    app_id: u64,
    key: RsaKeyPair,
}

impl Signer {
    /// Reads PEM in the form that GitHub hands out (PKCS#1) or that openssl makes of it (PKCS#8).
    pub(crate) fn new(app_id: u64, pem: &SecretString) -> Result<Self, GitHubError> {
        let wrong = |why: String| {
            GitHubError::Misconfigured(format!(
                "github.auth.app.private_key: {why}; download a private key from the App's page and use that file"
            ))
        };
        let text = pem.expose_secret();
        let label = text
            .split_once("-----BEGIN ")
            .and_then(|(_, rest)| rest.split_once("-----"))
            .map(|(label, _)| label)
            .ok_or_else(|| wrong("it is not PEM: there is no BEGIN line".to_owned()))?;
        let body = text
            .split_once(&format!("-----BEGIN {label}-----"))
            .and_then(|(_, rest)| rest.split_once("-----END"))
            .map(|(body, _)| body.split_whitespace().collect::<String>())
            .ok_or_else(|| wrong("it is cut off: there is no END line".to_owned()))?;
        let der = STANDARD
            .decode(body)
            .map_err(|_| wrong("it is damaged: what is between BEGIN and END is not base64".to_owned()))?;
        let key = match label {
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der),
            other => return Err(wrong(format!("it is a {other}, not a private key"))),
        };
        let key = key.map_err(|error| wrong(format!("it is not an RSA key of at least 2048 bits ({error})")))?;
        Ok(Self { app_id, key })
    }

    /// A JWT that is good for nine minutes from `now`.
    pub(crate) fn sign(&self, now: DateTime<Utc>) -> Result<SecretString, GitHubError> {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({
            "iss": self.app_id.to_string(), "iat": now.timestamp() - ISSUED_BEFORE_SECS, "exp": now.timestamp() + LIVES_SECS,
        });
        let text = format!("{}.{}", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| GitHubError::Misconfigured("the App's private key cannot sign".to_owned()))?;
        Ok(SecretString::from(format!(
            "{text}.{}",
            URL_SAFE_NO_PAD.encode(signature)
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(pem: &str) -> String {
        Signer::new(1, &SecretString::from(pem))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn says_what_is_wrong_with_a_key() {
        assert!(why("nonsense").contains("not PEM"));
        assert!(why("-----BEGIN RSA PRIVATE KEY-----\nAAAA").contains("cut off"));
        assert!(why("-----BEGIN RSA PRIVATE KEY-----\n%%%\n-----END RSA PRIVATE KEY-----").contains("base64"));
        assert!(
            why("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----").contains("PUBLIC KEY, not a private key")
        );
        assert!(why("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----").contains("not an RSA key"));
        assert!(!why("secret-text-itself").contains("secret-text-itself"));
    }
}
