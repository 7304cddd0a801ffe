//! The body of a close frame (RFC 6455 sections 5.5.1 and 7.4).

use std::str::from_utf8;

use super::Violation;

/// The code of a close frame, if it has one.
pub(super) fn code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        [_] => return Err(Violation::Framing("half a close code")),
    };
    if !may_be_sent(code) {
        return Err(Violation::Framing("a close code that may not be sent"));
    }
    from_utf8(reason).map_err(|_| Violation::NotUtf8)?;
    Ok(Some(code))
}

/// Registered codes, but those that only a library tells its user; and those of applications.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
