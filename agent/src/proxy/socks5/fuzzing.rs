//! What must hold for any bytes of a SOCKS5 client, for the fuzz target.

use super::message::{self, Parsed};

/// Every message of the protocol, at the beginning of `bytes`.
///
/// # Panics
/// When a message is read differently as it comes in pieces, or a destination has two spellings.
pub fn messages(bytes: &[u8]) {
    check(bytes, |bytes| Ok(message::greeting(bytes)?.map(|(methods, used)| (methods.to_vec(), used))));
    check(bytes, |bytes| Ok(message::password(bytes)?.map(|((name, word), used)| ((name.to_vec(), word.to_vec()), used))));
    check(bytes, message::request);
    if let Ok(Some((request, _))) = message::request(bytes) {
        assert_eq!(request.destination.to_string().parse(), Ok(request.destination));
    }
}

/// A message is whole at one length and not before, and what follows changes nothing.
fn check<T: PartialEq + std::fmt::Debug>(bytes: &[u8], parse: impl Fn(&[u8]) -> Parsed<T>) {
    let whole = parse(bytes);
    let first = (0..=bytes.len()).map(|size| parse(&bytes[..size])).find(|read| !matches!(read, Ok(None)));
    match (&whole, first) {
        (Ok(None), first) => assert_eq!(first, None),
        (whole, first) => assert_eq!(Some(whole), first.as_ref()),
    }
    if let Ok(Some((_, used))) = whole {
        assert!(used <= bytes.len());
        assert_eq!(parse(&bytes[..used - 1]).ok(), Some(None));
    }
}
