//! Seals a token to a key that lives in one process for one purpose: X25519, HKDF-SHA256, AES-256-GCM.
//!
//! A sealed token is base64 of: version (1 byte), the sealer's ephemeral public key (32), ciphertext and tag. The key is used once, so the
//! nonce is zero; both public keys are bound into it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::SystemRandom;
use secrecy::{ExposeSecret as _, SecretString};

const VERSION: u8 = 1;
const KEY_LEN: usize = 32;
const PURPOSE: &[u8] = b"fixpoint sealed token, version 1";

/// Why nothing could be sealed or opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// The public key is not one.
    #[error("the public key is not 32 bytes in base64")]
    BadPublicKey,
    /// The sealed text is damaged, made for another key or of an unknown version.
    #[error("the sealed token cannot be opened: it is damaged or was sealed to another key")]
    CannotOpen,
    /// The system gives no randomness.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// The private half of a key made for one sealed token.
pub struct Opener {
    private: EphemeralPrivateKey,
    public: Vec<u8>,
}

impl Opener {
    /// A fresh key: the opener, and the public key in base64 for whoever is to seal.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn new() -> Result<(Self, String), SealError> {
        let (private, public) = fresh()?;
        let text = STANDARD.encode(&public);
        Ok((Self { private, public }, text))
    }

    /// Opens what was sealed to this key. A key opens once: that is why it is used up.
    ///
    /// # Errors
    /// [`SealError::CannotOpen`].
    pub fn open(self, sealed: &str) -> Result<SecretString, SealError> {
        let bytes = STANDARD.decode(sealed).map_err(|_| SealError::CannotOpen)?;
        let (header, ciphertext) = bytes.split_at_checked(1 + KEY_LEN).ok_or(SealError::CannotOpen)?;
        let (version, theirs) = header.split_at(1);
        if version != [VERSION] {
            return Err(SealError::CannotOpen);
        }
        let key = agree(self.private, theirs, theirs, &self.public).map_err(|_| SealError::CannotOpen)?;
        let mut buffer = ciphertext.to_vec();
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let plain = key
            .open_in_place(nonce, Aad::from(header), &mut buffer)
            .map_err(|_| SealError::CannotOpen)?;
        let text = std::str::from_utf8(plain).map_err(|_| SealError::CannotOpen)?;
        Ok(SecretString::from(text))
    }
}

/// Seals a token to a public key in base64, and gives base64.
///
/// # Errors
/// [`SealError::BadPublicKey`] or [`SealError::NoRandomness`].
pub fn seal(public_key: &str, secret: &SecretString) -> Result<String, SealError> {
    let theirs = STANDARD.decode(public_key).map_err(|_| SealError::BadPublicKey)?;
    if theirs.len() != KEY_LEN {
        return Err(SealError::BadPublicKey);
    }
    let (private, ours) = fresh()?;
    let key = agree(private, &theirs, &ours, &theirs)?;
    let mut sealed = vec![VERSION];
    sealed.extend(&ours);
    let mut buffer = secret.expose_secret().as_bytes().to_vec();
    let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
    key.seal_in_place_append_tag(nonce, Aad::from(&sealed), &mut buffer)
        .map_err(|_| SealError::BadPublicKey)?;
    sealed.extend(buffer);
    Ok(STANDARD.encode(sealed))
}

fn fresh() -> Result<(EphemeralPrivateKey, Vec<u8>), SealError> {
    let private = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(|_| SealError::NoRandomness)?;
    let public = private.compute_public_key().map_err(|_| SealError::NoRandomness)?;
    Ok((private, public.as_ref().to_vec()))
}

/// The key that both sides come to, bound to both public keys.
fn agree(private: EphemeralPrivateKey, peer: &[u8], sealer: &[u8], opener: &[u8]) -> Result<LessSafeKey, SealError> {
    let peer = UnparsedPublicKey::new(&X25519, peer);
    agree_ephemeral(private, &peer, |shared| {
        let secret = Salt::new(HKDF_SHA256, &[]).extract(shared);
        let info = [PURPOSE, sealer, opener];
        let key = secret
            .expand(&info, &AES_256_GCM)
            .map(UnboundKey::from)
            .map(LessSafeKey::new);
        key.map_err(|_| SealError::BadPublicKey)
    })
    .map_err(|_| SealError::BadPublicKey)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_was_sealed_to_it_and_nothing_else() {
        let secret = SecretString::from("ghs_abc");
        let (opener, public) = Opener::new().unwrap();
        let sealed = seal(&public, &secret).unwrap();
        assert_ne!(sealed, seal(&public, &secret).unwrap());
        assert!(
            !STANDARD
                .decode(&sealed)
                .unwrap()
                .windows(7)
                .any(|window| window == b"ghs_abc")
        );
        assert_eq!(opener.open(&sealed).unwrap().expose_secret(), "ghs_abc");

        let (other, _) = Opener::new().unwrap();
        assert_eq!(other.open(&sealed).err(), Some(SealError::CannotOpen));
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let length = {
            let (_, public) = Opener::new().unwrap();
            STANDARD
                .decode(seal(&public, &SecretString::from("t")).unwrap())
                .unwrap()
                .len()
        };
        for at in 0..length {
            let (opener, public) = Opener::new().unwrap();
            let mut bytes = STANDARD
                .decode(seal(&public, &SecretString::from("t")).unwrap())
                .unwrap();
            bytes[at] ^= 1;
            assert_eq!(
                opener.open(&STANDARD.encode(bytes)).err(),
                Some(SealError::CannotOpen),
                "byte {at}"
            );
        }
    }

    #[test]
    fn garbage_is_refused() {
        let secret = SecretString::from("t");
        for bad in ["", "%%", "AAAA", &STANDARD.encode([0; 32])] {
            assert_eq!(seal(bad, &secret).err(), Some(SealError::BadPublicKey), "{bad}");
        }
        for bad in ["", "%%", "AQ=="] {
            let (opener, _) = Opener::new().unwrap();
            assert_eq!(opener.open(bad).err(), Some(SealError::CannotOpen));
        }
    }
}
