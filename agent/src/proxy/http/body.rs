//! Where a body ends (RFC 9112 section 6), and what is in it. Pure.
//!
//! Never: bytes beyond the end of a message are not taken from the buffer.

use bytes::{Buf, Bytes, BytesMut};

use super::fields::Fields;
use super::head::{BadHead, Exactness, RequestHead, ResponseHead, Scanner, Version, parse_trailers};

/// Longest line before a chunk, bytes: its size, and extensions, which are dropped.
const LONGEST_CHUNK_LINE: usize = 1024;
/// Most digits of a chunk's size: more would not fit 64 bits.
const MOST_CHUNK_DIGITS: usize = 15;

/// How a message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Without a body.
    Empty,
    /// After so many bytes.
    Length(u64),
    /// After the last chunk.
    Chunked,
    /// With its connection.
    UntilClose,
}

/// The framing of a request. What could be read in two ways is refused.
pub(super) fn request_framing(head: &RequestHead) -> Result<Framing, BadHead> {
    let mut codings = head.fields.elements("transfer-encoding");
    let length = head.fields.content_length()?;
    let is_coded = head.fields.values("transfer-encoding").next().is_some();
    match (is_coded, length) {
        (false, None) => Ok(Framing::Empty),
        (false, Some(length)) => Ok(Framing::Length(length)),
        (true, None) if head.version == Version::Http11 => match (codings.next(), codings.next()) {
            (Some(only), None) if only.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
            _ => Err(BadHead::Length),
        },
        (true, _) => Err(BadHead::Length),
    }
}

/// The framing of the response to `method`.
pub(super) fn response_framing(head: &ResponseHead, method: &str) -> Result<Framing, BadHead> {
    if method == "HEAD" || matches!(head.status, 100..200 | 204 | 304) {
        return Ok(Framing::Empty);
    }
    let last_coding = head.fields.elements("transfer-encoding").last();
    match (last_coding, head.fields.content_length()?) {
        (Some(_), _) if head.version == Version::Http10 => Err(BadHead::Length),
        (Some(coding), _) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        (Some(_), _) => Ok(Framing::UntilClose),
        (None, Some(length)) => Ok(Framing::Length(length)),
        (None, None) => Ok(Framing::UntilClose),
    }
}

/// A body that breaks the rules of its framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadBody {
    /// A line between chunks that is none.
    #[error("a malformed chunk")]
    Chunk,
    /// The fields after the last chunk.
    #[error("malformed trailers: {0}")]
    Trailers(#[from] BadHead),
    /// The connection ended before the body did.
    #[error("the body is cut off")]
    CutOff,
}

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Some content.
    Data(Bytes),
    /// The end, with the trailers.
    End(Fields),
    /// Nothing whole yet: read more.
    More,
}

/// Takes a body from a buffer, piece by piece.
///
/// ```text
/// Length(n) ─n bytes─▶ Ended          Size ─▶ Chunk(n) ─n bytes─▶ ChunkEnd ─▶ Size
/// UntilClose ─end of input─▶ Ended      └─ size 0 ─▶ Trailers ─▶ Ended
/// ```
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
}

#[derive(Debug)]
enum State {
    Length(u64),
    UntilClose,
    Size,
    Chunk(u64),
    ChunkEnd,
    Trailers(Scanner),
    Ended,
}

impl Decoder {
    /// At the first byte of a body.
    pub(super) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Empty => State::Ended,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size,
            Framing::UntilClose => State::UntilClose,
        };
        Self { state }
    }

    /// The next piece of what is in `buffer`; `is_last` says that nothing will follow there.
    pub(super) fn take(&mut self, buffer: &mut BytesMut, is_last: bool) -> Result<Piece, BadBody> {
        let piece = self.step(buffer)?;
        match (piece, is_last) {
            (Piece::More, true) if matches!(self.state, State::UntilClose) => {
                self.state = State::Ended;
                Ok(Piece::End(Fields::default()))
            }
            (Piece::More, true) => Err(BadBody::CutOff),
            (piece, _) => Ok(piece),
        }
    }

    fn step(&mut self, buffer: &mut BytesMut) -> Result<Piece, BadBody> {
        loop {
            match &mut self.state {
                State::Ended | State::Length(0) => {
                    self.state = State::Ended;
                    return Ok(Piece::End(Fields::default()));
                }
                State::Chunk(0) => self.state = State::ChunkEnd,
                State::UntilClose if buffer.is_empty() => return Ok(Piece::More),
                State::UntilClose => return Ok(Piece::Data(buffer.split().freeze())),
                State::Length(left) | State::Chunk(left) => return Ok(take_data(buffer, left)),
                State::ChunkEnd => match buffer.get(..2) {
                    None if buffer.first().is_none_or(|byte| *byte == b'\r') => return Ok(Piece::More),
                    Some(b"\r\n") => {
                        buffer.advance(2);
                        self.state = State::Size;
                    }
                    _ => return Err(BadBody::Chunk),
                },
                State::Size => match take_size(buffer)? {
                    None => return Ok(Piece::More),
                    Some(0) => self.state = State::Trailers(Scanner::new(Exactness::Request)),
                    Some(size) => self.state = State::Chunk(size),
                },
                State::Trailers(scanner) => {
                    let Some(end) = scanner.look(buffer)? else { return Ok(Piece::More) };
                    let lines = buffer.split_to(end).freeze();
                    self.state = State::Ended;
                    return Ok(Piece::End(parse_trailers(&lines)?));
                }
            }
        }
    }
}

fn take_data(buffer: &mut BytesMut, left: &mut u64) -> Piece {
    let size = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
    if size == 0 {
        return Piece::More;
    }
    *left -= size as u64;
    Piece::Data(buffer.split_to(size).freeze())
}

/// Takes the line before a chunk. Its extensions are for this hop (RFC 9112 section 7.1.1).
fn take_size(buffer: &mut BytesMut) -> Result<Option<u64>, BadBody> {
    let Some(end) = buffer.iter().take(LONGEST_CHUNK_LINE).position(|byte| *byte == b'\n') else {
        return if buffer.len() < LONGEST_CHUNK_LINE { Ok(None) } else { Err(BadBody::Chunk) };
    };
    let line = buffer.split_to(end + 1);
    let line = line.strip_suffix(b"\r\n").ok_or(BadBody::Chunk)?;
    if line.iter().any(|byte| matches!(byte, 0 | b'\r')) {
        return Err(BadBody::Chunk);
    }
    let digits = line.split(|byte| matches!(byte, b';' | b' ' | b'\t')).next().unwrap_or_default();
    let rest = line[digits.len()..].trim_ascii_start();
    let is_size = (1..=MOST_CHUNK_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    if !is_size || !(rest.is_empty() || rest.starts_with(b";")) {
        return Err(BadBody::Chunk);
    }
    let size = std::str::from_utf8(digits).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
    size.map(Some).ok_or(BadBody::Chunk)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proxy::http::head::{parse_request, parse_response};

    fn request(fields: &str) -> Result<Framing, BadHead> {
        let head = Bytes::from(format!("POST http://a/ HTTP/1.1\r\n{fields}\r\n"));
        request_framing(&parse_request(&head).expect("head"))
    }

    fn response(head: &str, method: &str) -> Result<Framing, BadHead> {
        let head = Bytes::from(format!("{head}\r\n\r\n"));
        response_framing(&parse_response(&head).expect("head"), method)
    }

    #[test]
    fn a_request_has_one_clear_end() {
        assert_eq!(request(""), Ok(Framing::Empty));
        assert_eq!(request("Content-Length: 3\r\n"), Ok(Framing::Length(3)));
        assert_eq!(request("Transfer-Encoding: Chunked\r\n"), Ok(Framing::Chunked));
        for unclear in [
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
            "Content-Length: 3\r\nContent-Length: 4\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding:\r\n",
            "Transfer-Encoding: \x0bchunked\r\n",
        ] {
            let head = Bytes::from(format!("POST http://a/ HTTP/1.1\r\n{unclear}\r\n"));
            let framing = parse_request(&head).and_then(|head| request_framing(&head));
            assert!(matches!(framing, Err(BadHead::Length | BadHead::Syntax)), "{unclear}: {framing:?}");
        }
        let old = Bytes::from("POST http://a/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(request_framing(&parse_request(&old).expect("head")), Err(BadHead::Length));
    }

    #[test]
    fn a_response_ends_as_its_request_and_status_say() {
        assert_eq!(response("HTTP/1.1 200 OK\r\nContent-Length: 3", "HEAD"), Ok(Framing::Empty));
        assert_eq!(response("HTTP/1.1 304 Not\r\nContent-Length: 3", "GET"), Ok(Framing::Empty));
        assert_eq!(response("HTTP/1.1 200 OK\r\nContent-Length: 3", "GET"), Ok(Framing::Length(3)));
        assert_eq!(response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked", "GET"), Ok(Framing::Chunked));
        assert_eq!(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip", "GET"), Ok(Framing::UntilClose));
        assert_eq!(response("HTTP/1.1 200 OK", "GET"), Ok(Framing::UntilClose));
        assert_eq!(response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked", "GET"), Err(BadHead::Length));
        assert_eq!(response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4", "GET"), Err(BadHead::Length));
    }

    /// Feeds `bytes` in pieces of `step`; the content, the number of trailers and what is left.
    fn decode(framing: Framing, bytes: &[u8], step: usize) -> Result<(Vec<u8>, usize, Vec<u8>), BadBody> {
        let (mut decoder, mut buffer, mut content) = (Decoder::new(framing), BytesMut::new(), Vec::new());
        let mut pieces = bytes.chunks(step.max(1));
        let mut is_last = false;
        loop {
            match decoder.take(&mut buffer, is_last)? {
                Piece::Data(data) => content.extend_from_slice(&data),
                Piece::End(trailers) => {
                    let left = [&buffer[..], &pieces.collect::<Vec<_>>().concat()].concat();
                    return Ok((content, trailers.0.len(), left));
                }
                Piece::More => match pieces.next() {
                    Some(piece) => buffer.extend_from_slice(piece),
                    None => is_last = true,
                },
            }
        }
    }

    #[test]
    fn chunks_are_joined_and_what_follows_is_left() {
        let bytes = b"3\r\nabc\r\n00A ; ext=\"x\"\r\n0123456789\r\n0\r\nSum: 1\r\n\r\nGET /";
        for step in 1..bytes.len() {
            assert_eq!(decode(Framing::Chunked, bytes, step), Ok((b"abc0123456789".to_vec(), 1, b"GET /".to_vec())));
        }
        assert_eq!(decode(Framing::Length(2), b"abc", 1), Ok((b"ab".to_vec(), 0, b"c".to_vec())));
        assert_eq!(decode(Framing::UntilClose, b"abc", 2), Ok((b"abc".to_vec(), 0, Vec::new())));
        assert_eq!(decode(Framing::Empty, b"abc", 2), Ok((Vec::new(), 0, b"abc".to_vec())));
    }

    #[test]
    fn a_malformed_or_cut_body_is_no_end() {
        for bytes in [
            b"3\nabc\r\n0\r\n\r\n".as_slice(),
            b"3\r\nabcd\r\n0\r\n\r\n",
            b"3\r\nabc\n0\r\n\r\n",
            b"-3\r\nabc\r\n",
            b"0x3\r\nabc\r\n",
            b"\r\n",
            b";x\r\n",
            b"3 x\r\nabc\r\n",
            b"ffffffffffffffff\r\n",
            b"3;a\rb\r\nabc\r\n0\r\n\r\n",
            b"0\r\n folded\r\n\r\n",
        ] {
            let decoded = decode(Framing::Chunked, bytes, 4);
            assert!(matches!(decoded, Err(BadBody::Chunk | BadBody::Trailers(_))), "{}: {decoded:?}", bytes.escape_ascii());
        }
        for cut in [b"3\r\nab".as_slice(), b"3\r\nabc\r\n", b"0\r\n", b""] {
            assert_eq!(decode(Framing::Chunked, cut, 4), Err(BadBody::CutOff));
        }
        assert_eq!(decode(Framing::Length(4), b"abc", 4), Err(BadBody::CutOff));
        assert_eq!(decode(Framing::Chunked, &[b'1'; 5000], 100), Err(BadBody::Chunk));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), step in 1..50usize) {
            let _ = decode(Framing::Chunked, &bytes, step);
        }

        #[test]
        fn pieces_are_read_like_the_whole(bytes in "([0-9a-f]{1,2}(;[a-z=]{0,3})?\r\n[ -~]{0,9}(\r\n)?){0,3}0\r\n(A:[ -~\r]{0,4}\r\n)?\r\n.{0,4}", step in 1..20usize) {
            prop_assert_eq!(decode(Framing::Chunked, bytes.as_bytes(), step), decode(Framing::Chunked, bytes.as_bytes(), usize::MAX));
        }
    }
}
