//! One exchange: a request on its way to a site, its responses on their way back, both at once.
//!
//! Never: a message that one side cut off is given to the other as a whole one.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tunnel::limits::LARGEST_HEAD;
use tunnel::outcome::{ProxyError, Refusal};

use super::body::{BadBody, Framing, response_framing};
use super::copy::{CopyError, copy_body};
use super::head::{Exactness, ResponseHead, Version, parse_response};
use super::read::{HeadError, read_head};
use super::request::Forward;
use super::response::{Delivery, final_head, interim_head};
use super::sites::Connection;
use crate::proxy::client::{Client, Input};

/// Most 1xx responses before the final one: more are no progress report but an attack.
const MOST_INTERIM: usize = 64;

/// How an exchange ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// The response is whole.
    Whole {
        /// The client may send another request.
        client_stays: bool,
        /// What becomes of the site's connection.
        site: SiteAfter,
    },
    /// The site agreed to an upgrade: from now on it is a tunnel.
    Upgraded,
}

/// What becomes of a site's connection after a whole response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SiteAfter {
    /// It may carry another exchange.
    Keep,
    /// It ends cleanly.
    End,
    /// It is reset: the site did not want the rest of the request, and must not take what it got for the whole.
    Reset,
}

/// How an exchange failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// The site gave no response. Nothing final has gone to the client.
    NoResponse {
        /// What happened.
        refusal: Refusal,
        /// Not one byte came from the site, neither.
        silent: bool,
    },
    /// The request's body is malformed. Nothing final has gone to the client.
    BadRequestBody(BadBody),
    /// The response broke off.
    CutOff {
        /// The client sees that from the message itself.
        is_visible: bool,
    },
    /// The client is gone.
    Client(io::Error),
}

/// How far the two directions are.
#[derive(Debug, Default)]
struct Progress {
    request_is_whole: AtomicBool,
    response_begun: AtomicBool,
}

/// Carries one request and its response.
pub(super) async fn exchange(forward: &Forward, client: &mut Client, site: &mut Connection) -> Result<Done, Failed> {
    let progress = Progress::default();
    let (client_in, client_out) = client.split();
    let (site_in, site_out) = tokio::io::split(&mut site.site);
    let mut up = std::pin::pin!(send_request(forward, client_in, site_out, &progress));
    let mut down = std::pin::pin!(relay_response(forward, Input::new(site_in, &mut site.buffer), client_out, &progress));
    let sent = tokio::select! {
        biased;
        done = &mut down => return done,
        sent = &mut up => sent,
    };
    match sent {
        // It stopped reading, but may have answered before.
        Err(CopyError::Output(_)) => down.await,
        Err(CopyError::Body(bad)) if !progress.response_begun.load(Ordering::Relaxed) => Err(Failed::BadRequestBody(bad)),
        Err(CopyError::Body(bad)) => Err(Failed::Client(io::Error::new(io::ErrorKind::InvalidData, bad))),
        Err(CopyError::Input(error)) => Err(Failed::Client(error)),
        Ok(never) => match never {},
    }
}

/// Sends the request; then reads on, so that a client that goes is seen, and no further than one head ahead.
async fn send_request<R, W>(
    forward: &Forward,
    mut client: Input<'_, R>,
    mut site: W,
    progress: &Progress,
) -> Result<std::convert::Infallible, CopyError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    site.write_all(&forward.head_for_site()).await.map_err(CopyError::Output)?;
    copy_body(forward.framing, &mut client, &mut site, forward.framing == Framing::Chunked).await?;
    progress.request_is_whole.store(true, Ordering::Relaxed);
    client.read_ahead(LARGEST_HEAD).await.map_err(CopyError::Input)?;
    std::future::pending().await
}

async fn relay_response<R, W>(
    forward: &Forward,
    mut site: Input<'_, R>,
    mut client: W,
    progress: &Progress,
) -> Result<Done, Failed>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let head = final_response(forward, &mut site, &mut client).await?;
    if head.status == 101 {
        progress.response_begun.store(true, Ordering::Relaxed);
        client.write_all(&interim_head(&head)).await.map_err(Failed::Client)?;
        return Ok(Done::Upgraded);
    }
    let framing = response_framing(&head, &forward.head.method).map_err(|bad| no_response(bad, false))?;
    let keeps = !forward.head.fields.ends_connection(forward.head.version);
    let delivery = Delivery::new(&head, framing, forward.head.version, keeps)
        .ok_or_else(|| no_response("the body has a transfer coding that HTTP/1.0 does not know", false))?;
    progress.response_begun.store(true, Ordering::Relaxed);
    client.write_all(&final_head(&head, &delivery)).await.map_err(Failed::Client)?;
    match copy_body(framing, &mut site, &mut client, delivery.chunked).await {
        Ok(()) => Ok(whole(&head, &delivery, progress)),
        Err(CopyError::Output(error)) => Err(Failed::Client(error)),
        Err(CopyError::Input(_) | CopyError::Body(_)) => Err(Failed::CutOff { is_visible: delivery.shows_its_end() }),
    }
}

/// Whose connection may go on.
fn whole(head: &ResponseHead, delivery: &Delivery, progress: &Progress) -> Done {
    if !progress.request_is_whole.load(Ordering::Relaxed) {
        return Done::Whole { client_stays: false, site: SiteAfter::Reset };
    }
    let site_ends = head.fields.ends_connection(head.version) || delivery.framing == Framing::UntilClose;
    Done::Whole { client_stays: !delivery.is_last, site: if site_ends { SiteAfter::End } else { SiteAfter::Keep } }
}

/// Passes on 1xx responses (RFC 9110 section 15.2; not to an HTTP/1.0 client) until the final one, or a 101.
async fn final_response<R, W>(forward: &Forward, site: &mut Input<'_, R>, client: &mut W) -> Result<ResponseHead, Failed>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    for nth in 0..MOST_INTERIM {
        let head = match read_head(site, Exactness::Response).await {
            Ok(Some(bytes)) => parse_response(&bytes).map_err(|bad| no_response(bad, false))?,
            Ok(None) => return Err(no_response("the site closed the connection without an answer", nth == 0)),
            Err(HeadError::Bad(bad)) => return Err(no_response(bad, false)),
            Err(HeadError::CutOff) => return Err(no_response("the site closed the connection amid its answer's head", false)),
            Err(HeadError::Io(error)) => return Err(no_response(error, nth == 0 && site.buffer.is_empty())),
        };
        match head.status {
            101 if forward.wants_upgrade() => return Ok(head),
            101 => return Err(no_response("the site upgraded without being asked", false)),
            100..200 if forward.head.version == Version::Http10 => {}
            100..200 => client.write_all(&interim_head(&head)).await.map_err(Failed::Client)?,
            _ => return Ok(head),
        }
    }
    Err(no_response("the site sends interim responses without end", false))
}

fn no_response(cause: impl std::fmt::Display, silent: bool) -> Failed {
    Failed::NoResponse { refusal: Refusal::new(ProxyError::ConnectionTerminated, cause), silent }
}
