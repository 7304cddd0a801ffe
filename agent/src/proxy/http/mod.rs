//! The HTTP proxy (RFC 9110, RFC 9112): requests in absolute form go to their sites, CONNECT becomes a tunnel.
//!
//! ```text
//! read ─▶ head ─▶ request ─▶ sites / open ─▶ exchange (copy, body) ─▶ response
//!                    └─ CONNECT ─▶ listener::connection
//! ```

mod answer;
mod body;
mod copy;
mod exchange;
mod fields;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod head;
mod read;
mod request;
mod response;
mod sites;

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tunnel::destination::Destination;
use tunnel::outcome::Refusal;

pub use answer::{Answer, ESTABLISHED};
use exchange::{Done, Failed, SiteAfter, exchange};
use head::{Exactness, RequestHead, parse_request};
use read::{HeadError, read_head, skip_empty_line};
use request::{Forward, Request};
use sites::{Connection, Sites};

use super::Proxy;
use super::auth::Admission;
use super::client::Client;

/// How long a request's head may take from its first byte: slow heads must not hold connections.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a client connection may wait for its next request: as long as browsers keep idle ones useful.
const IDLE_TIME: Duration = Duration::from_secs(60);

/// What became of one request.
enum Next {
    /// The connection takes another one.
    Continue,
    /// It ends cleanly.
    Close,
    /// It ends with a reset.
    Reset,
    /// The site agreed to an upgrade; what was read of it goes to the client first.
    Splice(Box<Connection>),
}

/// Serves requests until the connection ends, or is to become a tunnel: then it is given back with the destination.
/// After `stop`, no further request is read.
pub async fn serve(mut client: Client, proxy: &Proxy, stop: &CancellationToken) -> Option<(Client, Destination, Admission)> {
    let mut sites = Sites::default();
    loop {
        let Some(head) = next_head(&mut client, &mut sites, proxy, stop).await else {
            client.close().await;
            return None;
        };
        let (method, admission) = (head.method.clone(), proxy.auth.admits_basic(head.fields.values("proxy-authorization")));
        let next = match (Request::new(head), admission) {
            (Err(bad), _) => refuse(&mut client, &Answer::malformed(bad), &method).await,
            // It says nothing but where the proxy is, and no browser proves itself for it.
            (Ok(Request::Pac), _) => {
                let here = client.local_address();
                refuse(&mut client, &Answer::pac(here), &method).await
            }
            (Ok(_), Err(denied)) => refuse(&mut client, &Answer::denied(denied), &method).await,
            (Ok(Request::Connect(destination)), Ok(admission)) => return Some((client, destination, admission)),
            (Ok(Request::Forward(forward)), Ok(admission)) => {
                forward_one(&forward, &admission, &mut client, &mut sites, proxy).await
            }
        };
        match next {
            Next::Continue => {}
            Next::Close => {
                client.close().await;
                return None;
            }
            Next::Reset => return None,
            Next::Splice(connection) => {
                splice_upgraded(client, *connection).await;
                return None;
            }
        }
    }
}

/// Waits for the next request's head and reads it. A head that is none is answered here. `None` ends the connection.
async fn next_head(client: &mut Client, sites: &mut Sites, proxy: &Proxy, stop: &CancellationToken) -> Option<RequestHead> {
    let has_begun = tokio::select! {
        biased;
        begun = request_begins(client) => begun,
        never = sites.tend(&proxy.pool) => match never {},
        () = stop.cancelled() => false,
        () = sleep(IDLE_TIME) => false,
    };
    if !has_begun {
        return None;
    }
    let read = timeout(HEAD_TIME, read_head(&mut client.split().0, Exactness::Request)).await;
    let answer = match read {
        Ok(Ok(Some(bytes))) => match parse_request(&bytes) {
            Ok(head) => return Some(head),
            Err(bad) => Answer::malformed(bad.into()),
        },
        Ok(Ok(None) | Err(HeadError::CutOff | HeadError::Io(_))) => return None,
        Ok(Err(HeadError::Bad(bad))) => Answer::malformed(bad.into()),
        Err(_) => Answer::too_slow(),
    };
    // A client that cannot be told has gone.
    let _gone = client.send(&answer.to_bytes("", true)).await;
    None
}

/// Whether a request begins before the connection ends.
async fn request_begins(client: &mut Client) -> bool {
    let (mut input, _) = client.split();
    let mut skipped = false;
    while !skip_empty_line(&mut input, &mut skipped) {
        if !matches!(input.fill().await, Ok(true)) {
            return false;
        }
    }
    true
}

/// Answers with an error and ends the connection: where the next request would begin is not sure.
async fn refuse(client: &mut Client, answer: &Answer, method: &str) -> Next {
    match client.send(&answer.to_bytes(method, true)).await {
        Ok(()) => Next::Close,
        Err(_) => Next::Reset,
    }
}

/// Carries one request to its site and the response back.
async fn forward_one(forward: &Forward, admission: &Admission, client: &mut Client, sites: &mut Sites, proxy: &Proxy) -> Next {
    let route = proxy.router.route(&forward.destination).within(admission.region.as_deref());
    let connection = match sites.take(&forward.destination, &route, &proxy.pool).await {
        Some(connection) => Ok(connection),
        None => tokio::select! {
            opened = proxy.open(&route, &forward.destination) => opened.map(Connection::new),
            _error = client.gone() => return Next::Reset,
        },
    };
    let mut connection = match connection {
        Ok(connection) => connection,
        Err(refusal) => return refuse_one(forward, client, &refusal).await,
    };
    match exchange(forward, client, &mut connection).await {
        Ok(Done::Upgraded) => Next::Splice(Box::new(connection)),
        Ok(Done::Whole { client_stays, site }) => {
            match site {
                // What a site sends unasked belongs to no request.
                SiteAfter::Keep if client_stays && connection.buffer.is_empty() => {
                    sites.put(forward.destination.clone(), connection).await;
                }
                SiteAfter::Keep | SiteAfter::End => connection.site.end().await,
                SiteAfter::Reset => drop(connection),
            }
            if client_stays { Next::Continue } else { Next::Close }
        }
        Err(failed) => after_failure(failed, forward, client, connection.is_reused).await,
    }
}

async fn after_failure(failed: Failed, forward: &Forward, client: &mut Client, is_reused: bool) -> Next {
    match failed {
        // The site closed an idle connection just then. Without a proxy the client would see its own reused connection
        // close, and knows what to do; only it knows whether the request may be repeated (RFC 9110 section 9.2.2).
        Failed::NoResponse { silent: true, .. } if is_reused => Next::Close,
        Failed::NoResponse { refusal, .. } => refuse(client, &Answer::refused(&refusal), &forward.head.method).await,
        Failed::BadRequestBody(bad) => refuse(client, &Answer::malformed(bad.into()), &forward.head.method).await,
        // The missing last chunk or byte says it; a reset could take away what the client has not read yet.
        Failed::CutOff { is_visible: true } => Next::Close,
        Failed::CutOff { is_visible: false } => Next::Reset,
        Failed::Client(error) => {
            tracing::debug!(%error, destination = %forward.destination, "the client went amid an exchange");
            Next::Reset
        }
    }
}

/// Answers that the site cannot be reached. If nothing of the request is left to come, the connection goes on.
async fn refuse_one(forward: &Forward, client: &mut Client, refusal: &Refusal) -> Next {
    let fields = &forward.head.fields;
    let is_last = forward.framing != body::Framing::Empty || fields.ends_connection(forward.head.version);
    let answer = Answer::refused(refusal).to_bytes(&forward.head.method, is_last);
    match client.send(&answer).await {
        Ok(()) if is_last => Next::Close,
        Ok(()) => Next::Continue,
        Err(_) => Next::Reset,
    }
}

/// From now on a tunnel, beginning with what came right behind the 101.
async fn splice_upgraded(mut client: Client, connection: Connection) {
    if client.send(&connection.buffer).await.is_ok() {
        connection.site.splice(client).await;
    }
}
