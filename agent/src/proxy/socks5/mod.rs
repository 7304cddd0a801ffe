//! The SOCKS5 proxy (RFC 1928, RFC 1929): CONNECT by name or address. Names are resolved at the exit.

#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod message;

use std::io;
use std::time::Duration;

use bytes::Buf;
use tokio::time::timeout;
use tunnel::outcome::Refusal;

use super::auth::{Admission, Auth, Denied};
use super::client::Client;
use message::{BadMessage, NO_AUTH, NO_METHOD, PASSWORD, Parsed, SUCCEEDED};
pub use message::{Request, SOCKS4_REFUSAL};

/// How long all messages of the handshake together may take: slow ones must not hold connections.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Why a handshake did not come to a request. Where the protocol has an answer, it was given.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// A message that is refused.
    #[error(transparent)]
    Bad(#[from] BadMessage),
    /// Wrong or no credentials, no common method, or a wish that cannot be met.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It took too long.
    #[error("the handshake took too long")]
    TooSlow,
    /// The connection ended.
    #[error("the connection ended amid the handshake")]
    Ended(#[from] io::Error),
}

/// The reply to a request that was opened.
pub fn opened() -> [u8; 10] {
    message::reply(SUCCEEDED)
}

/// The reply to a request whose site could not be reached.
pub fn refused(refusal: &Refusal) -> [u8; 10] {
    message::reply(refusal.error.socks_reply())
}

/// Reads what a client asks for, after it has proved itself.
pub async fn read_request(client: &mut Client, auth: &Auth) -> Result<(Request, Admission), HandshakeError> {
    timeout(HANDSHAKE_TIME, handshake(client, auth)).await.unwrap_or(Err(HandshakeError::TooSlow))
}

async fn handshake(client: &mut Client, auth: &Auth) -> Result<(Request, Admission), HandshakeError> {
    let admission = agree_on_method(client, auth).await?;
    match read(client, message::request).await {
        Err(HandshakeError::Bad(bad)) => {
            client.send(&message::reply(bad.reply())).await?;
            Err(bad.into())
        }
        request => request.map(|request| (request, admission)),
    }
}

/// Without credentials in the config any are taken: programs that have some often offer nothing else, and their user name may
/// wish for a region.
async fn agree_on_method(client: &mut Client, auth: &Auth) -> Result<Admission, HandshakeError> {
    let offered = read(client, |bytes| Ok(message::greeting(bytes)?.map(|(methods, used)| (methods.to_vec(), used)))).await?;
    let method = if offered.contains(&PASSWORD) {
        PASSWORD
    } else if offered.contains(&NO_AUTH) && !auth.is_required() {
        NO_AUTH
    } else {
        NO_METHOD
    };
    client.send(&message::method(method)).await?;
    match method {
        NO_AUTH => Ok(Admission::default()),
        PASSWORD => check_password(client, auth).await,
        _ => Err(Denied::Unproven.into()),
    }
}

async fn check_password(client: &mut Client, auth: &Auth) -> Result<Admission, HandshakeError> {
    let judge = |bytes: &[u8]| -> Parsed<Result<Admission, Denied>> {
        Ok(message::password(bytes)?.map(|((username, password), used)| (auth.admits(username, password), used)))
    };
    let admission = read(client, judge).await?;
    client.send(&message::password_answer(admission.is_ok())).await?;
    admission.map_err(HandshakeError::from)
}

/// Reads until `parse` has a message. What follows it stays in the buffer.
async fn read<T>(client: &mut Client, parse: impl Fn(&[u8]) -> Parsed<T>) -> Result<T, HandshakeError> {
    loop {
        if let Some((message, used)) = parse(client.buffer())? {
            client.buffer().advance(used);
            return Ok(message);
        }
        if !client.fill().await? {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}
