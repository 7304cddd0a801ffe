//! The key that signs releases. Its public half is compiled in; RELEASE.md says how one is made and used.
//!
//! Never: a key is not read from a file or the environment at run time, or whoever can set it decides what is a release.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::UpdateError;

/// What `AWSLAMBDAPROXY_RELEASE_KEY` was at build time: the Base64 of the public key's DER, as in a PEM file. A debug build,
/// which is never installed, takes the key of `packaging/develop` instead, so that tests can sign releases of their own.
const COMPILED: Option<&str> = match option_env!("AWSLAMBDAPROXY_RELEASE_KEY") {
    Some(key) => Some(key),
    None if cfg!(debug_assertions) => Some(DEVELOPMENT),
    None => None,
};

/// The public half of `packaging/develop/release-key.pem`.
const DEVELOPMENT: &str = "MCowBQYDK2VwAyEA6G6soplbIVz2uG2ZoLrUOMXWO1dt2NJ4HA9ZZiANqZ0=";

/// What comes before the 32 bytes of an Ed25519 key in its DER (RFC 8410 section 4).
const DER_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Length of an Ed25519 key.
const KEY: usize = 32;

/// An Ed25519 public key.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReleaseKey([u8; KEY]);

impl ReleaseKey {
    /// The key of this build.
    pub(super) fn compiled() -> Result<Self, UpdateError> {
        let text = COMPILED.filter(|text| !text.is_empty()).ok_or(UpdateError::NoKey)?;
        Self::parse(text).ok_or(UpdateError::BadKey)
    }

    fn parse(text: &str) -> Option<Self> {
        let der = STANDARD.decode(text).ok()?;
        der.strip_prefix(&DER_PREFIX)?.try_into().ok().map(Self)
    }

    /// Whether this key signed `message`.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    #[test]
    fn only_the_keys_own_signature_counts() {
        let pair = Ed25519KeyPair::generate().expect("a key");
        let der: Vec<u8> = DER_PREFIX.iter().chain(pair.public_key().as_ref()).copied().collect();
        let key = ReleaseKey::parse(&STANDARD.encode(&der)).expect("a key");
        let signature = pair.sign(b"sums");
        assert!(key.has_signed(b"sums", signature.as_ref()));
        assert!(!key.has_signed(b"sumz", signature.as_ref()));
        assert!(!key.has_signed(b"sums", &signature.as_ref()[..63]));
        assert!(!key.has_signed(b"sums", b""));
        assert!(!ReleaseKey::compiled().expect("the key of tests").has_signed(b"sums", signature.as_ref()));
    }

    #[test]
    fn a_text_that_is_no_key_is_none() {
        for text in ["", "x", "MCowBQYDK2VwAyEA", "MCowBQYDK2VuAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="] {
            assert!(ReleaseKey::parse(text).is_none(), "{text}");
        }
    }
}
