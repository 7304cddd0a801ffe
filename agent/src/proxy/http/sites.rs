//! The idle site connections of one client connection, for its next requests.
//!
//! Never: a connection is used for another client, or through an exit that new streams no longer go to.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;
use tunnel::destination::Destination;

use crate::exits::Pool;
use crate::proxy::site::Site;
use crate::routing::Route;

/// Most idle connections kept: a client connection carries one exchange at a time, mostly to one site.
const MOST_IDLE: usize = 8;
/// How long one is kept: less than the five seconds after which common servers close theirs.
const KEPT: Duration = Duration::from_secs(4);

/// A connection to a site, with what was read of it and not yet used.
pub(super) struct Connection {
    /// The bytes.
    pub site: Site,
    /// What was read and not yet used.
    pub buffer: BytesMut,
    /// Whether it has carried an exchange before.
    pub is_reused: bool,
}

impl Connection {
    /// A new connection.
    pub(super) fn new(site: Site) -> Self {
        Self { site, buffer: BytesMut::new(), is_reused: false }
    }
}

/// The idle connections.
#[derive(Default)]
pub(super) struct Sites(Vec<Idle>);

struct Idle {
    destination: Destination,
    since: Instant,
    connection: Connection,
}

impl Sites {
    /// Takes an idle connection to `destination` that goes the way of `route`, if there is one that still stands.
    pub(super) async fn take(&mut self, destination: &Destination, route: &Route, pool: &Pool) -> Option<Connection> {
        self.drop_stale(pool).await;
        loop {
            let fits = |idle: &Idle| idle.destination == *destination && goes_by(&idle.connection.site, route, pool);
            let place = self.0.iter().rposition(fits)?;
            let mut connection = self.0.remove(place).connection;
            if is_quiet(&mut connection.site).await {
                connection.is_reused = true;
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose exchange is whole.
    pub(super) async fn put(&mut self, destination: Destination, connection: Connection) {
        if self.0.len() == MOST_IDLE {
            self.0.remove(0).connection.site.end().await;
        }
        self.0.push(Idle { destination, since: Instant::now(), connection });
    }

    /// Ends what is too old, or goes through an exit that is no longer active: it would keep that exit from ending.
    pub(super) async fn drop_stale(&mut self, pool: &Pool) {
        let is_stale = |idle: &mut Idle| {
            let exit_is_left = idle.connection.site.exit().is_some_and(|exit| !pool.is_reusable(exit, None));
            exit_is_left || idle.since.elapsed() >= KEPT
        };
        let stale: Vec<_> = self.0.extract_if(.., is_stale).collect();
        for idle in stale {
            idle.connection.site.end().await;
        }
    }

    /// Drops stale connections as they become so, for as long as it is polled.
    pub(super) async fn tend(&mut self, pool: &Pool) -> std::convert::Infallible {
        let mut changes = pool.changes();
        loop {
            self.drop_stale(pool).await;
            let Some(oldest) = self.0.first().map(|idle| idle.since + KEPT) else {
                return std::future::pending().await;
            };
            // The sender lives in the pool that is borrowed here, so that the only news is a change.
            tokio::select! {
                () = tokio::time::sleep_until(oldest) => {}
                _changed = changes.changed() => {}
            }
        }
    }
}

fn goes_by(site: &Site, route: &Route, pool: &Pool) -> bool {
    match (site.exit(), route) {
        (Some(exit), Route::Exit { region }) => pool.is_reusable(exit, region.as_deref()),
        (None, Route::Direct) => true,
        _ => false,
    }
}

/// An idle connection that has something to say is closing, or out of step.
async fn is_quiet(site: &mut Site) -> bool {
    let mut byte = [0; 1];
    let mut buffer = ReadBuf::new(&mut byte);
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *site).poll_read(cx, &mut buffer).is_pending())).await
}
