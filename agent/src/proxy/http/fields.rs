//! Fields of a head in their order and case, and what of them a proxy may pass on.
//!
//! Never: nothing is added here towards a site, and no credential of the proxy passes.

use bytes::Bytes;

use super::head::{BadHead, Version};

/// One line of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// The name, as written.
    pub name: Bytes,
    /// The value, without the spaces around it.
    pub value: Bytes,
}

/// All lines, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fields(pub Vec<Field>);

/// Fields for one hop (RFC 9110 section 7.6.1) and for this proxy only (section 11.7). How long a message is
/// (`Transfer-Encoding`) is written anew for each hop.
const ONE_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "proxy-authenticate",
    "proxy-authentication-info",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Fields that `Connection` must not take away: the message would mean something else without them.
const NEVER_ONE_HOP: [&str; 2] = ["host", "content-length"];

/// Fields without meaning after the body: they would change how the message was read (RFC 9110 section 6.5.1).
const NEVER_TRAILERS: [&str; 4] = ["host", "content-length", "authorization", "set-cookie"];

impl Field {
    /// Whether this is the field of that name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

impl Fields {
    /// The values of every line of that name.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |field| field.is(name)).map(|field| &field.value[..])
    }

    /// The elements of the comma-separated lists of every line of that name.
    pub(super) fn elements<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.values(name).flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii).filter(|it| !it.is_empty())
    }

    /// Whether a list has that element, in any case.
    pub(super) fn has(&self, name: &str, element: &str) -> bool {
        self.elements(name).any(|it| it.eq_ignore_ascii_case(element.as_bytes()))
    }

    /// The fields that go on to the next hop. A wanted upgrade goes on, too: it is agreed on hop by hop, and this proxy
    /// agrees to all.
    pub(super) fn for_next_hop(&self, with_upgrade: bool) -> impl Iterator<Item = Field> {
        let mut upgrade_said = false;
        self.0.iter().filter_map(move |field| {
            if with_upgrade && field.is("connection") {
                let value = Bytes::from_static(b"Upgrade");
                return (!std::mem::replace(&mut upgrade_said, true)).then(|| Field { name: field.name.clone(), value });
            }
            let passes = !self.is_for_one_hop(field) || (with_upgrade && field.is("upgrade"));
            passes.then(|| field.clone())
        })
    }

    /// The fields after a body that go on to the next hop.
    pub(super) fn trailers_for_next_hop(&self) -> Self {
        let passes = |field: &Field| !self.is_for_one_hop(field) && !NEVER_TRAILERS.iter().any(|name| field.is(name));
        Self(self.0.iter().filter(|field| passes(field)).cloned().collect())
    }

    /// The one length of all `Content-Length` lines (RFC 9112 section 6.3, rule 5).
    pub(super) fn content_length(&self) -> Result<Option<u64>, BadHead> {
        let mut length = None;
        for value in self.values("content-length") {
            for element in value.split(|byte| *byte == b',') {
                let parsed = parse_length(element.trim_ascii())?;
                if *length.get_or_insert(parsed) != parsed {
                    return Err(BadHead::Length);
                }
            }
        }
        Ok(length)
    }

    /// Whether the message is the last one of its connection.
    pub(super) fn ends_connection(&self, version: Version) -> bool {
        version == Version::Http10 || self.has("connection", "close")
    }

    fn is_for_one_hop(&self, field: &Field) -> bool {
        let nominated = || std::str::from_utf8(&field.name).is_ok_and(|name| self.has("connection", name));
        !NEVER_ONE_HOP.iter().any(|name| field.is(name)) && (ONE_HOP.iter().any(|name| field.is(name)) || nominated())
    }
}

/// Digits only, and no more than fit.
fn parse_length(text: &[u8]) -> Result<u64, BadHead> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(BadHead::Length);
    }
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(BadHead::Length)
}

/// Writes one line of a head.
pub(super) fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&str, &str)]) -> Fields {
        let field =
            |(name, value): &(&str, &str)| Field { name: Bytes::from(name.to_string()), value: Bytes::from(value.to_string()) };
        Fields(lines.iter().map(field).collect())
    }

    fn passed(lines: &[(&str, &str)], with_upgrade: bool) -> String {
        let mut out = Vec::new();
        fields(lines).for_next_hop(with_upgrade).for_each(|field| write_field(&mut out, &field.name, &field.value));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn what_is_for_one_hop_stays_here() {
        let lines = [
            ("Connection", "keep-alive, X-Secret, Host"),
            ("Host", "a"),
            ("x-secret", "1"),
            ("Proxy-Authorization", "Basic eA=="),
            ("Proxy-Connection", "keep-alive"),
            ("Keep-Alive", "5"),
            ("TE", "trailers"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "h2c"),
            ("Trailer", "X-Sum"),
            ("COOKIE", "b"),
        ];
        assert_eq!(passed(&lines, false), "Host: a\r\nTrailer: X-Sum\r\nCOOKIE: b\r\n");
    }

    #[test]
    fn an_upgrade_is_asked_for_at_the_next_hop_too() {
        let lines =
            [("connection", "keep-alive"), ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "k")];
        assert_eq!(passed(&lines, true), "connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n");
    }

    #[test]
    fn one_length_is_a_length_and_two_are_none() {
        let length =
            |values: &[&str]| fields(&values.iter().map(|value| ("Content-Length", *value)).collect::<Vec<_>>()).content_length();
        assert_eq!(length(&[]), Ok(None));
        assert_eq!(length(&["12"]), Ok(Some(12)));
        assert_eq!(length(&["12", "12"]), Ok(Some(12)));
        assert_eq!(length(&["12, 12"]), Ok(Some(12)));
        for bad in
            [&["12", "13"][..], &["12, 13"], &["+1"], &["-1"], &[""], &["1,"], &["0x1"], &["1 1"], &["99999999999999999999"]]
        {
            assert_eq!(length(bad), Err(BadHead::Length), "{bad:?}");
        }
    }
}
