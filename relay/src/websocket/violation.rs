//! How a client broke the protocol, and the close code that says so.

use tunnel::leg::port::close;

/// Text that is no UTF-8 (RFC 6455 section 7.4.1).
const NOT_UTF8: u16 = 1007;

/// What a client did that no client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    /// Against the rules of framing.
    #[error("{0}")]
    Framing(&'static str),
    /// A message above the limit.
    #[error("a message above the limit")]
    TooBig,
    /// Text that is none.
    #[error("text that is not UTF-8")]
    NotUtf8,
}

impl Violation {
    /// The code to close with.
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Framing(_) => close::PROTOCOL_ERROR,
            Self::TooBig => close::TOO_BIG,
            Self::NotUtf8 => NOT_UTF8,
        }
    }
}
