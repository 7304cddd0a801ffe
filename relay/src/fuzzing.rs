//! Entries to the private parsers, for the fuzz targets.

use std::net::IpAddr;
use std::path::Path;

use hyper::http::request::Parts;
use ipnet::IpNet;

use crate::admission::{Applicant, Kind, LegRequest};
use crate::agents::{AgentsError, AgentsFile};
use crate::server;
use crate::websocket::{self, Decoder, Item};

/// What a head asks for: the `Sec-WebSocket-Key` and whether it is an agent's; else the status of the refusal.
/// `None` when it asks for no leg.
pub fn judge_head(head: &Parts) -> Option<Result<(String, bool), u16>> {
    let kind = Kind::of(&head.method, head.uri.path())?;
    let asked = LegRequest::read(kind, head).map_err(|refusal| refusal.status().as_u16());
    Some(asked.map(|request| (request.key, matches!(request.applicant, Applicant::Agent { .. }))))
}

/// Whose address a request counts for.
pub fn client_address(sender: IpAddr, trusted: &[IpNet], head: &Parts) -> IpAddr {
    server::client(sender, trusted, &head.headers)
}

/// How many agents a list of them names.
pub fn agents(text: &str) -> Result<usize, AgentsError> {
    Ok(AgentsFile::in_directory(Path::new("/")).parse(text)?.len())
}

/// What a client's side of a WebSocket means, with the pieces joined.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The payload of all binary messages.
    pub binary: Vec<u8>,
    /// Each text message that was whole.
    pub texts: Vec<Vec<u8>>,
    /// The payload of each ping.
    pub pings: Vec<Vec<u8>>,
    /// The code of the close, if it came and if it had one.
    pub closed: Option<Option<u16>>,
    /// The close code for what broke the protocol.
    pub broke: Option<u16>,
}

/// Reads `wire` in pieces of `cut` bytes, up to what breaks the protocol; no message may have more bytes than `largest`.
pub fn client_frames(wire: &[u8], cut: usize, largest: usize) -> Heard {
    let (mut decoder, mut heard, mut text) = (Decoder::new(largest), Heard::default(), Vec::new());
    for piece in wire.chunks(cut.max(1)) {
        let mut piece = piece.to_vec();
        let mut at = 0;
        while let Some(input) = piece.get_mut(at..).filter(|input| !input.is_empty()) {
            let (count, item) = match decoder.decode(input) {
                Ok(decoded) => decoded,
                Err(violation) => {
                    heard.broke = Some(violation.code());
                    return heard;
                }
            };
            match item {
                Some(Item::Data { kind: websocket::Kind::Binary, payload, .. }) => {
                    heard.binary.extend_from_slice(&input[payload]);
                }
                Some(Item::Data { kind: websocket::Kind::Text, payload, end }) => {
                    text.extend_from_slice(&input[payload]);
                    if end {
                        heard.texts.push(std::mem::take(&mut text));
                    }
                }
                Some(Item::Ping(payload)) => heard.pings.push(payload.to_vec()),
                Some(Item::Close(code)) => heard.closed = Some(code),
                Some(Item::Pong) | None => {}
            }
            at += count;
        }
    }
    heard
}
