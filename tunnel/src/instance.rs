//! The nonce that names one function process.

use std::fmt;
use std::str::FromStr;

use crate::random;

/// Random name of one function process, made at its start: 128 bits, 32 hexadecimal digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InstanceNonce([u8; 16]);

impl InstanceNonce {
    /// A fresh name.
    pub fn mint() -> Self {
        Self(random::bytes())
    }
}

/// A text that is not 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 hexadecimal digits")]
pub struct NotANonce;

impl FromStr for InstanceNonce {
    type Err = NotANonce;

    fn from_str(text: &str) -> Result<Self, NotANonce> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotANonce)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for InstanceNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for InstanceNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "ends")]
mod wire {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::InstanceNonce;

    impl Serialize for InstanceNonce {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for InstanceNonce {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
        }
    }
}
