//! The head of a site's response, as the client gets it.

use super::body::Framing;
use super::fields::write_field;
use super::head::{ResponseHead, Version};

/// How a response goes on to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delivery {
    /// How the site ends the body.
    pub framing: Framing,
    /// The client gets chunks: it sees from them whether the body is whole.
    pub chunked: bool,
    /// The client's connection ends with it.
    pub is_last: bool,
}

impl Delivery {
    /// To a client of `version` that keeps its connection or not. An HTTP/1.0 client knows neither chunks nor other
    /// transfer codings: `None` when the body cannot be given to it.
    pub(super) fn new(head: &ResponseHead, framing: Framing, version: Version, keeps: bool) -> Option<Self> {
        let open_ended = matches!(framing, Framing::Chunked | Framing::UntilClose);
        let old = version == Version::Http10;
        if old && codings(head).next().is_some() {
            return None;
        }
        Some(Self { framing, chunked: open_ended && !old, is_last: !keeps || old })
    }

    /// Whether the client can tell a cut body from a whole one without a reset.
    pub(super) fn shows_its_end(&self) -> bool {
        self.chunked || self.framing != Framing::UntilClose && self.framing != Framing::Chunked
    }
}

/// The head of the final response.
pub(super) fn final_head(head: &ResponseHead, delivery: &Delivery) -> Vec<u8> {
    let mut out = status_line(head);
    let keeps_length = !matches!(delivery.framing, Framing::Chunked | Framing::UntilClose);
    let mut length_said = false;
    for field in head.fields.for_next_hop(head.status == 426) {
        if field.is("content-length") && (!keeps_length || std::mem::replace(&mut length_said, true)) {
            continue;
        }
        match (field.is("content-length"), delivery.framing) {
            (true, Framing::Length(length)) => write_field(&mut out, &field.name, length.to_string().as_bytes()),
            _ => write_field(&mut out, &field.name, &field.value),
        }
    }
    if delivery.chunked {
        let mut value = codings(head).collect::<Vec<_>>();
        value.push(b"chunked");
        write_field(&mut out, b"Transfer-Encoding", &value.join(b", ".as_slice()));
    }
    if delivery.is_last {
        write_field(&mut out, b"Connection", b"close");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// The head of a 1xx response.
pub(super) fn interim_head(head: &ResponseHead) -> Vec<u8> {
    let mut out = status_line(head);
    for field in head.fields.for_next_hop(head.status == 101) {
        write_field(&mut out, &field.name, &field.value);
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn status_line(head: &ResponseHead) -> Vec<u8> {
    format!("HTTP/1.1 {} {}\r\n", head.status, head.reason).into_bytes()
}

/// Transfer codings other than chunked.
fn codings(head: &ResponseHead) -> impl Iterator<Item = &[u8]> {
    head.fields.elements("transfer-encoding").filter(|coding| !coding.eq_ignore_ascii_case(b"chunked"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::proxy::http::body::response_framing;
    use crate::proxy::http::head::parse_response;

    fn delivered(head: &str, version: Version, keeps: bool) -> Option<String> {
        let head = parse_response(&Bytes::from(format!("{head}\r\n\r\n"))).expect("head");
        let framing = response_framing(&head, "GET").expect("framing");
        let delivery = Delivery::new(&head, framing, version, keeps)?;
        String::from_utf8(final_head(&head, &delivery)).ok()
    }

    #[test]
    fn a_response_keeps_its_fields_and_loses_what_is_of_one_hop() {
        assert_eq!(
            delivered("HTTP/1.1 200 Fine\r\nX-b: 1\r\nConnection: X-a\r\nX-a: 2\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 2, 2\r\nContent-Length: 2", Version::Http11, true).as_deref(),
            Some("HTTP/1.1 200 Fine\r\nX-b: 1\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 2\r\n\r\n")
        );
    }

    #[test]
    fn an_open_end_becomes_chunks_or_for_an_old_client_a_close() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5";
        assert_eq!(
            delivered(chunked, Version::Http11, true).as_deref(),
            Some("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        );
        assert_eq!(
            delivered("HTTP/1.0 200 OK", Version::Http11, false).as_deref(),
            Some("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        );
        assert_eq!(delivered(chunked, Version::Http10, true).as_deref(), Some("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
        let coded = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked";
        assert_eq!(
            delivered(coded, Version::Http11, true).as_deref(),
            Some("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")
        );
        assert_eq!(delivered(coded, Version::Http10, true), None);
    }
}
