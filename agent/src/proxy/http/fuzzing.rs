//! What must hold for any bytes of a client and of a site, for the fuzz targets.

use bytes::{Bytes, BytesMut};
use tunnel::destination::Destination;

use super::body::{BadBody, Decoder, Framing, Piece, request_framing, response_framing};
use super::fields::Fields;
use super::head::{BadHead, Exactness, Scanner, Version, parse_request, parse_response};
use super::request::{Forward, Request};
use super::response::{Delivery, final_head, interim_head};

/// A request and its body. What goes on to a site is one message with the same body, for the site that was asked for.
///
/// # Panics
/// When it is not.
pub fn request(bytes: &[u8], cut: usize) {
    let Some(end) = scan(bytes, Exactness::Request, cut) else { return };
    let Ok(head) = parse_request(&Bytes::copy_from_slice(&bytes[..end])) else { return };
    match Request::new(head) {
        Ok(Request::Pac) => {}
        Ok(Request::Connect(destination)) => assert_eq!(destination.to_string().parse(), Ok(destination)),
        Ok(Request::Forward(forward)) => {
            check_forwarded(&forward);
            check_body(forward.framing, &bytes[end..], cut);
        }
        Err(bad) => assert!(matches!(bad.status(), 400 | 431)),
    }
}

fn check_forwarded(forward: &Forward) {
    let written = forward.head_for_site();
    assert_eq!(scan(&written, Exactness::Request, 1), Some(written.len()), "one head and nothing behind it");
    let head = parse_request(&Bytes::from(written)).expect("what is written is a head");
    assert_eq!(request_framing(&head), Ok(forward.framing));
    assert!(head.target.starts_with('/') || head.target == "*", "{}", head.target);
    let hosts: Vec<_> = head.fields.values("host").map(String::from_utf8_lossy).collect();
    assert_eq!(hosts.len(), 1);
    assert_eq!(Destination::parse_or(&hosts[0], 80).as_ref(), Ok(&forward.destination));
    assert!(head.fields.values("proxy-authorization").next().is_none());
    assert_eq!(head.fields.values("connection").next().is_some(), forward.wants_upgrade());
}

/// A response to `method` and its body, for a client of HTTP/1.1 or 1.0. What goes on to the client ends where the site's
/// message does.
///
/// # Panics
/// When it does not.
pub fn response(bytes: &[u8], method: &str, old_client: bool, keeps: bool, cut: usize) {
    let Some(end) = scan(bytes, Exactness::Response, cut) else { return };
    let Ok(head) = parse_response(&Bytes::copy_from_slice(&bytes[..end])) else { return };
    if matches!(head.status, 100..200) {
        check_head(interim_head(&head), method, Framing::Empty);
        return;
    }
    let Ok(framing) = response_framing(&head, method) else { return };
    let version = if old_client { Version::Http10 } else { Version::Http11 };
    if let Some(delivery) = Delivery::new(&head, framing, version, keeps) {
        let open_ended = matches!(framing, Framing::Chunked | Framing::UntilClose);
        let expected = match (delivery.chunked, open_ended) {
            (true, _) => Framing::Chunked,
            (false, true) => Framing::UntilClose,
            (false, false) => framing,
        };
        assert!(delivery.is_last || expected != Framing::UntilClose, "the client could not tell the end");
        check_head(final_head(&head, &delivery), method, expected);
    }
    check_body(framing, &bytes[end..], cut);
}

/// Our own heads pass the stricter reading.
fn check_head(written: Vec<u8>, method: &str, expected: Framing) {
    assert_eq!(scan(&written, Exactness::Request, 1), Some(written.len()), "one head and nothing behind it");
    let head = parse_response(&Bytes::from(written)).expect("what is written is a head");
    assert_eq!(response_framing(&head, method), Ok(expected));
}

/// The length of the head, found the same however it comes.
fn scan(bytes: &[u8], exactness: Exactness, cut: usize) -> Option<usize> {
    let whole = Scanner::new(exactness).look(bytes);
    let mut scanner = Scanner::new(exactness);
    let mut found: Result<Option<usize>, BadHead> = Ok(None);
    let mut size = 0;
    while size < bytes.len() && found == Ok(None) {
        size = (size + cut.max(1)).min(bytes.len());
        found = scanner.look(&bytes[..size]);
    }
    assert_eq!(found, whole);
    whole.ok().flatten()
}

/// A body is the same however it comes, and no byte behind its end is taken.
fn check_body(framing: Framing, bytes: &[u8], cut: usize) {
    let whole = decode(framing, bytes, bytes.len().max(1));
    assert_eq!(decode(framing, bytes, cut.max(1)), whole);
    if let (Framing::Length(length), Ok(body)) = (framing, &whole) {
        assert_eq!((body.content.len() as u64, body.left), (length, bytes.len() - length as usize));
    }
}

#[derive(Debug, PartialEq)]
struct Body {
    content: Vec<u8>,
    trailers: Fields,
    left: usize,
}

fn decode(framing: Framing, bytes: &[u8], cut: usize) -> Result<Body, BadBody> {
    let (mut decoder, mut buffer, mut content) = (Decoder::new(framing), BytesMut::new(), Vec::new());
    let mut rest = bytes;
    loop {
        match decoder.take(&mut buffer, rest.is_empty())? {
            Piece::Data(data) => content.extend_from_slice(&data),
            Piece::End(trailers) => return Ok(Body { content, trailers, left: buffer.len() + rest.len() }),
            Piece::More => {
                let (next, later) = rest.split_at(cut.min(rest.len()));
                buffer.extend_from_slice(next);
                rest = later;
            }
        }
    }
}
