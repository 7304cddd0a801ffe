//! Asks a relay whether it is well, and how far it is: its `/healthz`, by the very way that a leg takes.
//!
//! Never: no token is shown for it.

use std::io;
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::dial::{AgentRelay, DialError, Target};
use super::steps::Steps;
use crate::limits::DIAL_TIMEOUT;

/// Longest head of the answer, bytes.
const LONGEST_HEAD: usize = 8 * 1024;

/// Asks, and notes the answer in what is known of the relay.
pub async fn probe(relay: &AgentRelay) {
    let asked = tokio::time::timeout(DIAL_TIMEOUT, ask(relay)).await.unwrap_or(Err(DialError::Timeout));
    match asked {
        Ok((status, rtt)) => note(relay, status, rtt),
        Err(error) => relay.known.note_failed(&error, Instant::now()),
    }
}

/// Something else that answers, such as a proxy that passes on nothing but legs, says no more than how far it is.
fn note(relay: &AgentRelay, status: u16, rtt: Duration) {
    relay.known.note_rtt(rtt);
    match StatusCode::from_u16(status) {
        Ok(StatusCode::OK) => relay.known.note_well(Instant::now()),
        Ok(status @ StatusCode::SERVICE_UNAVAILABLE) => {
            let error = DialError::Refused { status, retry_after: None, reason: "it is about to end".to_owned() };
            relay.known.note_failed(&error, Instant::now());
        }
        _ => {}
    }
}

async fn ask(relay: &AgentRelay) -> Result<(u16, Duration), DialError> {
    let mut io = Target::of_agent(relay).open(&mut Steps::begin(0)).await?;
    let asked = Instant::now();
    let authority = &relay.endpoint.url.authority;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    io.write_all(request.as_bytes()).await.map_err(DialError::Tcp)?;
    io.flush().await.map_err(DialError::Tcp)?;
    let mut head = Vec::with_capacity(512);
    loop {
        if io.read_buf(&mut head).await.map_err(DialError::Tcp)? == 0 {
            return Err(DialError::Tcp(io::ErrorKind::UnexpectedEof.into()));
        }
        if let Some(status) = status_of(&head)? {
            return Ok((status, asked.elapsed()));
        }
    }
}

/// The status, once the first line is there.
fn status_of(head: &[u8]) -> Result<Option<u16>, DialError> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut fields);
    let no_http = || DialError::Upgrade("what answers there does not speak HTTP".to_owned());
    let parsed = response.parse(head).map_err(|_| no_http())?;
    match (parsed, response.code) {
        (httparse::Status::Complete(_), Some(code)) => Ok(Some(code)),
        _ if head.len() > LONGEST_HEAD => Err(no_http()),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_from_a_whole_head_only() {
        assert_eq!(status_of(b"HTTP/1.1 200 OK\r\nConte").expect("http"), None);
        assert_eq!(status_of(b"HTTP/1.1 503 x\r\n\r\nbody").expect("http"), Some(503));
        assert!(status_of(b"SSH-2.0-x\r\n").is_err());
        let endless = [b"HTTP/1.1 200 OK\r\nA: ".as_slice(), &[b'x'; LONGEST_HEAD]].concat();
        assert!(status_of(&endless).is_err());
    }
}
