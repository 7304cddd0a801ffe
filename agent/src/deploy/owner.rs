//! Who made it: a random id that stands in the local state and in the tags of all that was made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tunnel::random;

use super::tags::{OWNER, Tags};

/// Bytes of an id: two desktops never draw the same.
const BYTES: usize = 16;

/// A desktop, as the account's tags name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OwnerId(String);

/// A text that is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an owner is {} hexadecimal digits", BYTES * 2)]
pub struct BadOwner;

impl OwnerId {
    /// A fresh one.
    pub fn mint() -> Self {
        Self(hex::encode(random::bytes::<BYTES>()))
    }
}

impl FromStr for OwnerId {
    type Err = BadOwner;

    fn from_str(text: &str) -> Result<Self, BadOwner> {
        let is_id = text.len() == BYTES * 2 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if is_id { Ok(Self(text.to_owned())) } else { Err(BadOwner) }
    }
}

impl TryFrom<String> for OwnerId {
    type Error = BadOwner;

    fn try_from(text: String) -> Result<Self, BadOwner> {
        text.parse()
    }
}

impl From<OwnerId> for String {
    fn from(id: OwnerId) -> Self {
        id.0
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// In whose name a command works.
#[derive(Debug, Clone)]
pub struct Claim {
    /// This desktop.
    pub owner: OwnerId,
    /// Whether what is another's, or nobody's, is taken over.
    pub adopt: bool,
}

/// Something of our name that is not ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// Another desktop made it, or this one before it lost its state.
    #[error("it belongs to another owner ({0})")]
    Another(String),
    /// Whoever made it, this program did not.
    #[error("this program did not make it (it has no tag {OWNER})")]
    Unmarked,
}

impl Claim {
    /// Whether what carries these tags may be changed.
    pub fn covers(&self, tags: &Tags) -> Result<(), NotOurs> {
        match tags.get(OWNER) {
            Some(owner) if *owner == self.owner.0 => Ok(()),
            _ if self.adopt => Ok(()),
            Some(other) => Err(NotOurs::Another(crate::cloud::printable(other, BYTES * 2))),
            None => Err(NotOurs::Unmarked),
        }
    }

    /// Whether what carries these tags was made by this program, and may be changed.
    pub fn covers_marked(&self, tags: &Tags) -> bool {
        tags.contains_key(OWNER) && self.covers(tags).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tags::of_owner;
    use super::*;

    #[test]
    fn what_is_anothers_or_nobodys_needs_adopting() {
        let ours = Claim { owner: OwnerId::mint(), adopt: false };
        let adopting = Claim { adopt: true, ..ours.clone() };
        let (mine, other) = (of_owner(&ours.owner), of_owner(&OwnerId::mint()));
        assert_eq!(ours.covers(&mine), Ok(()));
        assert!(matches!(ours.covers(&other), Err(NotOurs::Another(_))));
        assert_eq!(ours.covers(&Tags::new()), Err(NotOurs::Unmarked));
        assert!(adopting.covers(&other).is_ok() && adopting.covers(&Tags::new()).is_ok());
        assert!(adopting.covers_marked(&other) && !adopting.covers_marked(&Tags::new()) && !ours.covers_marked(&other));
    }

    #[test]
    fn an_id_is_read_back_and_nothing_else_is() {
        let id = OwnerId::mint();
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "0123", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33)] {
            assert_eq!(text.parse::<OwnerId>(), Err(BadOwner), "{text}");
        }
    }
}
