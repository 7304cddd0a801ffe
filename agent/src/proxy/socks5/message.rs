//! The messages of SOCKS5 (RFC 1928, RFC 1929) as pure parsers over what has been read so far.
//!
//! An own parser, since the kept library (fast-socks5) reads field by field from a socket, resolves names unless told
//! otherwise, and picks the replies itself; this one is bounded by construction and can be tested byte by byte.
//! Never: nothing here reads, waits or resolves.

use std::net::{Ipv4Addr, Ipv6Addr};

use tunnel::destination::{Destination, Host};

/// The version byte of every message but those of RFC 1929.
pub(super) const VERSION: u8 = 5;
/// The version byte of RFC 1929.
const PASSWORD_VERSION: u8 = 1;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Method "no authentication required".
pub(super) const NO_AUTH: u8 = 0;
/// Method "user name and password" (RFC 1929).
pub(super) const PASSWORD: u8 = 2;
/// "No acceptable methods".
pub(super) const NO_METHOD: u8 = 0xFF;

/// Reply "succeeded".
pub(super) const SUCCEEDED: u8 = 0;
/// Reply "general failure", also for a malformed request.
pub(super) const FAILURE: u8 = 1;
/// Reply "command not supported".
pub(super) const BAD_COMMAND: u8 = 7;
/// Reply "address type not supported".
pub(super) const BAD_ADDRESS_TYPE: u8 = 8;

/// Why a client's message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// Not the version that belongs there.
    #[error("not a SOCKS5 message")]
    Version,
    /// A field that must be zero is not, or a name is none.
    #[error("a malformed SOCKS5 request")]
    Malformed,
    /// BIND or UDP ASSOCIATE.
    #[error("only CONNECT is supported")]
    Command,
    /// An unknown kind of address.
    #[error("an unknown address type")]
    AddressType,
}

impl BadMessage {
    /// The reply that goes with it.
    pub const fn reply(self) -> u8 {
        match self {
            Self::Version | Self::Malformed => FAILURE,
            Self::Command => BAD_COMMAND,
            Self::AddressType => BAD_ADDRESS_TYPE,
        }
    }
}

/// A parsed message and how many bytes it took; `None` until enough has been read.
pub(super) type Parsed<T> = Result<Option<(T, usize)>, BadMessage>;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where to.
    pub destination: Destination,
    /// The client sent an address, having resolved a name itself, perhaps.
    pub is_literal: bool,
}

/// The greeting: the methods that the client offers.
pub(super) fn greeting(bytes: &[u8]) -> Parsed<&[u8]> {
    let mut cursor = Cursor { bytes, used: 0 };
    complete(cursor.version(VERSION).and_then(|()| cursor.counted()), &cursor)
}

/// A user name and password (RFC 1929).
pub(super) fn password(bytes: &[u8]) -> Parsed<(&[u8], &[u8])> {
    let mut cursor = Cursor { bytes, used: 0 };
    let both = cursor.version(PASSWORD_VERSION).and_then(|()| Ok((cursor.counted()?, cursor.counted()?)));
    complete(both, &cursor)
}

/// The request. A command other than CONNECT is refused once its address has been read, so that nothing is left over.
pub(super) fn request(bytes: &[u8]) -> Parsed<Request> {
    let mut cursor = Cursor { bytes, used: 0 };
    complete(read_request(&mut cursor), &cursor)
}

fn read_request(cursor: &mut Cursor<'_>) -> Result<Request, Stop> {
    cursor.version(VERSION)?;
    let (command, reserved, kind) = (cursor.byte()?, cursor.byte()?, cursor.byte()?);
    if reserved != 0 {
        return Err(BadMessage::Malformed.into());
    }
    let host = match kind {
        IPV4 => Ok(Host::from(Ipv4Addr::from(cursor.array::<4>()?))),
        IPV6 => Ok(Host::Ip(Ipv6Addr::from(cursor.array::<16>()?).into())),
        NAME => name(cursor.counted()?),
        _ => return Err(BadMessage::AddressType.into()),
    };
    let port = u16::from_be_bytes(cursor.array()?);
    if command != CONNECT {
        return Err(BadMessage::Command.into());
    }
    let destination = Destination::new(host?, port).map_err(|_| BadMessage::Malformed)?;
    Ok(Request { is_literal: matches!(destination.host, Host::Ip(_)), destination })
}

fn name(bytes: &[u8]) -> Result<Host, BadMessage> {
    std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).ok_or(BadMessage::Malformed)
}

/// The answer to a greeting.
pub(super) const fn method(method: u8) -> [u8; 2] {
    [VERSION, method]
}

/// The answer to a user name and password.
pub(super) const fn password_answer(accepted: bool) -> [u8; 2] {
    [PASSWORD_VERSION, !accepted as u8]
}

/// The answer to a request. The bound address is the exit's own business: zeros.
pub(super) const fn reply(code: u8) -> [u8; 10] {
    [VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0]
}

/// The refusal of a SOCKS4 request: code 91 and six bytes that mean nothing.
pub const SOCKS4_REFUSAL: [u8; 8] = [0, 0x5B, 0, 0, 0, 0, 0, 0];

/// Why a cursor stops: too few bytes yet, or wrong ones.
enum Stop {
    Short,
    Bad(BadMessage),
}

impl From<BadMessage> for Stop {
    fn from(bad: BadMessage) -> Self {
        Self::Bad(bad)
    }
}

fn complete<T>(read: Result<T, Stop>, cursor: &Cursor<'_>) -> Parsed<T> {
    match read {
        Ok(value) => Ok(Some((value, cursor.used))),
        Err(Stop::Short) => Ok(None),
        Err(Stop::Bad(bad)) => Err(bad),
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    used: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Stop> {
        let taken = self.bytes.get(self.used..self.used + count).ok_or(Stop::Short)?;
        self.used += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        self.take(N)?.try_into().map_err(|_| Stop::Short)
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    fn counted(&mut self) -> Result<&'a [u8], Stop> {
        let count = self.byte()?;
        self.take(usize::from(count))
    }

    fn version(&mut self, version: u8) -> Result<(), Stop> {
        if self.byte()? != version {
            return Err(BadMessage::Version.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The longest message of a client, bytes: RFC 1929's with two strings of 255.
    const LONGEST: usize = 3 + 255 + 255;

    const TO_NAME: &[u8] = b"\x05\x01\x00\x03\x0bexample.com\x01\xbb";

    fn asked(bytes: &[u8]) -> Result<String, BadMessage> {
        request(bytes).map(|parsed| parsed.map_or("short".into(), |(request, _)| request.destination.to_string()))
    }

    #[test]
    fn every_kind_of_address_is_read() {
        assert_eq!(asked(TO_NAME), Ok("example.com:443".into()));
        assert_eq!(asked(b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"), Ok("192.0.2.1:80".into()));
        let v6 = [b"\x05\x01\x00\x04".as_slice(), &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], &[0, 80]].concat();
        assert_eq!(asked(&v6), Ok("[2001:db8::1]:80".into()));
    }

    #[test]
    fn a_literal_is_told_from_a_name_even_when_sent_as_one() {
        let literal = |bytes: &[u8]| request(bytes).ok().flatten().map(|(request, _)| request.is_literal);
        assert_eq!(literal(TO_NAME), Some(false));
        assert_eq!(literal(b"\x05\x01\x00\x03\x09192.0.2.1\x00\x50"), Some(true));
    }

    #[test]
    fn what_is_refused_gets_its_reply() {
        for (bytes, reply) in [
            (b"\x05\x02\x00\x01\xc0\x00\x02\x01\x00\x50".as_slice(), BAD_COMMAND),
            (b"\x05\x03\x00\x01\xc0\x00\x02\x01\x00\x50", BAD_COMMAND),
            (b"\x05\x01\x00\x02\xc0\x00", BAD_ADDRESS_TYPE),
            (b"\x05\x01\x01\x01\xc0\x00\x02\x01\x00\x50", FAILURE),
            (b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x00", FAILURE),
            (b"\x05\x01\x00\x03\x00\x00\x50", FAILURE),
            (b"\x05\x01\x00\x03\x03a\x00b\x00\x50", FAILURE),
            (b"\x04\x01\x00\x01\xc0\x00\x02\x01\x00\x50", FAILURE),
        ] {
            assert_eq!(request(bytes).map_err(BadMessage::reply), Err(reply), "{bytes:?}");
        }
    }

    #[test]
    fn greeting_and_password_are_read() {
        assert_eq!(greeting(b"\x05\x02\x00\x02rest"), Ok(Some((b"\x00\x02".as_slice(), 4))));
        assert_eq!(password(b"\x01\x04user\x04pass"), Ok(Some(((b"user".as_slice(), b"pass".as_slice()), 11))));
        assert_eq!(password(b"\x05\x04user\x04pass"), Err(BadMessage::Version));
        assert_eq!(password_answer(true), [1, 0]);
        assert_eq!(password_answer(false), [1, 1]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_none_beyond_the_longest_are_awaited(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            for (used, open) in [
                greeting(&bytes).map(|it| it.map(|it| it.1)),
                password(&bytes).map(|it| it.map(|it| it.1)),
                request(&bytes).map(|it| it.map(|it| it.1)),
            ]
            .into_iter()
            .map(|parsed| (parsed.ok().flatten(), parsed == Ok(None)))
            {
                prop_assert!(used.unwrap_or(0) <= bytes.len().min(LONGEST));
                prop_assert!(!open || bytes.len() < LONGEST);
            }
        }

        #[test]
        fn a_cut_message_is_awaited_and_what_follows_is_left(cut in 0..TO_NAME.len(), rest in proptest::collection::vec(any::<u8>(), 0..20)) {
            prop_assert_eq!(request(&TO_NAME[..cut]), Ok(None));
            let whole = [TO_NAME, &rest].concat();
            prop_assert_eq!(request(&whole).map(|it| it.map(|it| it.1)), Ok(Some(TO_NAME.len())));
        }
    }
}
