//! Heads of requests and responses: found, checked byte by byte, and parsed.
//!
//! hyper is not used here. It takes bare LF, a length beside chunked and a missing Host, answers `100 Continue` by itself,
//! cannot pass on 1xx nor undeclared trailers, and reorders fields; a proxy must do the opposite in each. `httparse`,
//! which hyper uses too, judges the tokens; what it lets through is refused by [`Scanner`] before.
//! Never: a request head that two readers could read differently gets past this file.

use bytes::Bytes;
use tunnel::limits::LARGEST_HEAD;

use super::fields::{Field, Fields};

/// Most fields of a head: browsers send below 40, and each is a line of the bounded head.
const MOST_FIELDS: usize = 256;

/// Why a head is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadHead {
    /// Longer than [`LARGEST_HEAD`], or with too many fields.
    #[error("the head is larger than this proxy takes")]
    TooLarge,
    /// A line end that is not CRLF, a NUL, or a line that begins with a space.
    #[error("the head has a bare line end, a NUL or a folded line")]
    Lines,
    /// What is no HTTP/1.x at all.
    #[error("this is not HTTP/1.1")]
    Version,
    /// A method, target, status or field that HTTP does not allow.
    #[error("the head is not well-formed")]
    Syntax,
    /// `Content-Length` and `Transfer-Encoding`, two different lengths, or another unclear end.
    #[error("the length of the body is not clear")]
    Length,
    /// More or less than one `Host`.
    #[error("the request needs exactly one Host field")]
    Host,
}

/// HTTP/1.0 or HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(super) enum Version {
    /// HTTP/1.0: no chunks, no 1xx, one request per connection.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// A request's head as it was written.
#[derive(Debug, Clone)]
pub(super) struct RequestHead {
    /// The method.
    pub method: String,
    /// The request target.
    pub target: String,
    /// The version.
    pub version: Version,
    /// The fields.
    pub fields: Fields,
}

/// A response's head as it was written.
#[derive(Debug, Clone)]
pub(super) struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The version.
    pub version: Version,
    /// The fields.
    pub fields: Fields,
}

/// How exact a head must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exactness {
    /// A client's: nothing that RFC 9112 merely tolerates.
    Request,
    /// A site's: old servers end lines with LF and fold them. We write them anew, so that nobody else reads them so.
    Response,
}

/// Looks for the end of a head in bytes that come piece by piece.
#[derive(Debug)]
pub(super) struct Scanner {
    exactness: Exactness,
    scanned: usize,
    line: usize,
    previous: u8,
}

impl Scanner {
    /// A scanner at the first byte of a head.
    pub(super) fn new(exactness: Exactness) -> Self {
        Self { exactness, scanned: 0, line: 0, previous: 0 }
    }

    /// Looks at `bytes`, which begin where the head does and include what was looked at before. The head's length once
    /// it is whole.
    pub(super) fn look(&mut self, bytes: &[u8]) -> Result<Option<usize>, BadHead> {
        while let Some(byte) = bytes.get(self.scanned).copied() {
            if self.scanned >= LARGEST_HEAD {
                return Err(BadHead::TooLarge);
            }
            self.scanned += 1;
            if self.step(byte)? {
                return Ok(Some(self.scanned));
            }
        }
        Ok(None)
    }

    /// Whether `byte` ends the head. `line` counts the bytes of the current line without its end.
    fn step(&mut self, byte: u8) -> Result<bool, BadHead> {
        let previous = std::mem::replace(&mut self.previous, byte);
        let exact = self.exactness == Exactness::Request;
        match byte {
            b'\n' if exact && previous != b'\r' => Err(BadHead::Lines),
            b'\n' => Ok(std::mem::take(&mut self.line) == 0),
            _ if previous == b'\r' => Err(BadHead::Lines),
            b'\r' => Ok(false),
            0 => Err(BadHead::Lines),
            b' ' | b'\t' if exact && self.line == 0 => Err(BadHead::Lines),
            _ => {
                self.line += 1;
                Ok(false)
            }
        }
    }
}

/// Parses a whole request head.
pub(super) fn parse_request(head: &Bytes) -> Result<RequestHead, BadHead> {
    let mut storage = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut storage);
    let complete = request.parse(head)?;
    match (complete, request.method, request.path, request.version) {
        (httparse::Status::Complete(_), Some(method), Some(target), Some(version)) => Ok(RequestHead {
            method: method.to_owned(),
            target: target.to_owned(),
            version: parse_version(version),
            fields: fields(head, request.headers),
        }),
        _ => Err(BadHead::Syntax),
    }
}

/// Parses a whole response head.
pub(super) fn parse_response(head: &Bytes) -> Result<ResponseHead, BadHead> {
    let mut storage = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut storage);
    let complete = httparse::ParserConfig::default()
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .parse_response(&mut response, head)?;
    match (complete, response.code, response.version) {
        // Below 100 nothing has a meaning, and it would be written anew with fewer than three digits.
        (httparse::Status::Complete(_), Some(status @ 100..), Some(version)) => Ok(ResponseHead {
            status,
            reason: response.reason.unwrap_or_default().to_owned(),
            version: parse_version(version),
            fields: fields(head, response.headers),
        }),
        _ => Err(BadHead::Syntax),
    }
}

/// Parses the lines between the last chunk and the end of the message, its empty line included.
pub(super) fn parse_trailers(lines: &Bytes) -> Result<Fields, BadHead> {
    let mut storage = [httparse::EMPTY_HEADER; MOST_FIELDS];
    match httparse::parse_headers(lines, &mut storage)? {
        httparse::Status::Complete((_, headers)) => Ok(fields(lines, headers)),
        httparse::Status::Partial => Err(BadHead::Syntax),
    }
}

fn fields(head: &Bytes, headers: &[httparse::Header<'_>]) -> Fields {
    let field = |header: &httparse::Header<'_>| Field {
        name: head.slice_ref(header.name.as_bytes()),
        value: unfolded(head, header.value),
    };
    Fields(headers.iter().map(field).collect())
}

/// RFC 9112 section 5.2: a fold becomes spaces.
fn unfolded(head: &Bytes, value: &[u8]) -> Bytes {
    if !value.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        return head.slice_ref(value);
    }
    value.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }).collect()
}

fn parse_version(minor: u8) -> Version {
    if minor == 0 { Version::Http10 } else { Version::Http11 }
}

impl From<httparse::Error> for BadHead {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooLarge,
            httparse::Error::Version => Self::Version,
            _ => Self::Syntax,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(head: &[u8]) -> Result<Option<RequestHead>, BadHead> {
        let end = Scanner::new(Exactness::Request).look(head)?;
        end.map(|end| parse_request(&Bytes::copy_from_slice(&head[..end]))).transpose()
    }

    #[test]
    fn a_head_keeps_order_case_and_repeated_fields() {
        let head =
            read(b"GET http://a/ HTTP/1.1\r\nhOST: a\r\nX-B: 1\r\nX-a:\t2 \r\nx-b: 3\r\n\r\nrest").expect("good").expect("whole");
        assert_eq!((head.method.as_str(), head.target.as_str(), head.version), ("GET", "http://a/", Version::Http11));
        let written: Vec<_> = head.fields.0.iter().map(|it| (&it.name[..], &it.value[..])).collect();
        assert_eq!(written, [(b"hOST".as_slice(), b"a".as_slice()), (b"X-B", b"1"), (b"X-a", b"2"), (b"x-b", b"3")]);
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for (head, error) in [
            (b"GET / HTTP/1.1\nHost: a\n\n".as_slice(), BadHead::Lines),
            (b"GET / HTTP/1.1\r\nHost: a\n\r\n", BadHead::Lines),
            (b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", BadHead::Lines),
            (b"GET / HTTP/1.1\r\nX: a\r\n folded\r\n\r\n", BadHead::Lines),
            (b"GET / HTTP/1.1\r\nX: a\r\n\tfolded\r\n\r\n", BadHead::Lines),
            (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", BadHead::Lines),
            (b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", BadHead::Lines),
            (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", BadHead::Syntax),
            (b"GET / HTTP/1.1\r\nHost\r\n\r\n", BadHead::Syntax),
            (b"GET / HTTP/1.1\r\n: a\r\n\r\n", BadHead::Syntax),
            (b"GET  / HTTP/1.1\r\n\r\n", BadHead::Syntax),
            (b"G@T / HTTP/1.1\r\n\r\n", BadHead::Syntax),
            (b"GET / HTTP/1.1\r\nX: a\x07\r\n\r\n", BadHead::Syntax),
            (b"GET / HTTP/2.0\r\n\r\n", BadHead::Version),
            (b"GET /\r\n\r\n", BadHead::Syntax),
        ] {
            assert_eq!(read(head).err(), Some(error), "{}", head.escape_ascii());
        }
    }

    #[test]
    fn an_endless_head_is_refused_before_it_ends() {
        let long = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(LARGEST_HEAD));
        assert_eq!(read(long.as_bytes()).err(), Some(BadHead::TooLarge));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MOST_FIELDS + 1));
        assert_eq!(read(many.as_bytes()).err(), Some(BadHead::TooLarge));
    }

    #[test]
    fn a_status_that_cannot_be_written_anew_is_refused() {
        for status in ["000", "099"] {
            let head = Bytes::from(format!("HTTP/1.1 {status} Odd\r\n\r\n"));
            assert_eq!(parse_response(&head).err(), Some(BadHead::Syntax), "{status}");
        }
    }

    #[test]
    fn a_site_may_end_lines_in_the_old_way() {
        let head = b"HTTP/1.0 200 Fine\nA : b\n c\nD: e\n\n";
        assert_eq!(Scanner::new(Exactness::Response).look(head), Ok(Some(head.len())));
        let parsed = parse_response(&Bytes::from_static(head)).expect("good");
        assert_eq!((parsed.status, parsed.reason.as_str(), parsed.version), (200, "Fine", Version::Http10));
        let values: Vec<_> = parsed.fields.0.iter().map(|it| it.value.escape_ascii().to_string()).collect();
        assert_eq!(values, ["b  c", "e"]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(head in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&head);
            let _ = parse_response(&Bytes::from(head.clone()));
            let _ = parse_trailers(&Bytes::from(head));
        }

        #[test]
        fn pieces_are_read_like_the_whole(
            head in "(GET|a| )[ -~\r\n\t\0]{0,60}\r\n([a-zA-Z]{1,5}:[ -~]{0,9}\r\n){0,4}\r\n.{0,5}", cuts in proptest::collection::vec(0..120usize, 0..5),
        ) {
            let bytes = head.as_bytes();
            for exactness in [Exactness::Request, Exactness::Response] {
                let whole = Scanner::new(exactness).look(bytes);
                let mut pieces = Scanner::new(exactness);
                let mut last = Ok(None);
                let mut ends: Vec<usize> = cuts.iter().map(|cut| (*cut).min(bytes.len())).chain([bytes.len()]).collect();
                ends.sort_unstable();
                for end in ends {
                    if last == Ok(None) {
                        last = pieces.look(&bytes[..end]);
                    }
                }
                prop_assert_eq!(last, whole);
            }
        }

        #[test]
        fn a_head_that_passes_has_only_whole_lines(head in "GET [ -~]{1,20} HTTP/1.1\r\n([a-zA-Z]{1,5}:[ -~\r\n\t]{0,9}\r\n){0,4}\r\n") {
            if let Ok(Some(parsed)) = read(head.as_bytes()) {
                for field in &parsed.fields.0 {
                    prop_assert!(!field.value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
                }
            }
        }
    }
}
