//! An agent's token, and the hash by which the relay knows it.
//!
//! Never: a token is neither stored nor logged; hashes are compared in constant time.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tunnel::{random, ticket};

/// The secret of an agent, shown once when it is made.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// A fresh token: 256 random bits in hexadecimal.
    pub fn mint() -> Self {
        Self(hex::encode(random::bytes::<32>()).into())
    }

    /// A token that somebody presents.
    pub fn presented(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, for the one line that shows it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(ticket::sha256(self.expose().as_bytes()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The SHA-256 of a token's text.
#[derive(Clone, Copy, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Parses 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The 64 hexadecimal digits of the file.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_never_shown() {
        let token = Token::mint();
        assert_eq!(token.expose().len(), 64);
        assert_eq!(Token::presented(token.expose()).hash(), token.hash());
        assert_ne!(Token::mint().hash(), token.hash());
        assert_eq!(TokenHash::from_hex(&token.hash().to_hex()), Some(token.hash()));
        assert_eq!(format!("{token:?} {:?}", token.hash()), "Token(…) TokenHash(…)");
    }
}
