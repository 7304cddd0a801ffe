//! Entries to the private parsers, for the fuzz targets.

use std::net::IpAddr;
use std::path::Path;

use hyper::http::request::Parts;
use ipnet::IpNet;

use crate::admission::{Applicant, Kind, LegRequest};
use crate::agents::{AgentsError, AgentsFile};
use crate::server;

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
