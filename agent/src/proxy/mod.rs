//! The proxy protocols, and what they share: whom to serve, where a request goes, and how it gets there.
//!
//! Never: a request goes nowhere but where its route says; without an exit it fails.

pub mod auth;
pub mod client;
mod counters;
mod fullness;
pub mod http;
mod ignored;
pub mod site;
pub mod socks5;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};

use tunnel::destination::Destination;
use tunnel::meter::Meter;
use tunnel::outcome::{ProxyError, Refusal};

pub use counters::Counters;

use crate::direct;
use crate::exits::Pool;
use crate::routing::{Route, Router};
use auth::{Auth, Denied};
use site::Site;

/// What every connection of the proxy needs.
#[derive(Debug)]
pub struct Proxy {
    /// Whom to serve.
    pub auth: Auth,
    /// Which way a request goes.
    pub router: Router,
    /// The exits.
    pub pool: Pool,
    /// What `status` shows of it all.
    pub counters: Arc<Counters>,
    /// Advice that is given once.
    pub hints: Hints,
}

impl Proxy {
    /// A proxy with fresh counters.
    pub fn new(auth: Auth, router: Router, pool: Pool) -> Self {
        Self { auth, router, pool, counters: Arc::default(), hints: Hints::default() }
    }

    /// Opens the way that the router chose.
    pub async fn open(&self, route: &Route, destination: &Destination) -> Result<Site, Refusal> {
        let opened = match route {
            Route::Exit { region } => self.open_exit(destination, region.as_deref()).await,
            Route::Direct => self.open_direct(destination).await,
            Route::Block => Err(Refusal::new(ProxyError::HttpRequestDenied, "a routing rule blocks this destination")),
            Route::Loop => Err(Refusal::new(ProxyError::ProxyLoopDetected, "the destination is this proxy itself")),
        };
        if let Err(refusal) = &opened {
            self.counters.count_failed(refusal.error);
            tracing::debug!(%destination, %refusal, "not opened");
        }
        opened
    }

    async fn open_exit(&self, destination: &Destination, region: Option<&str>) -> Result<Site, Refusal> {
        let opened = self.pool.open(destination, region).await?;
        let place = self.counters.streams().enter(&opened.guard.meter);
        Ok(Site::through_exit(opened, place))
    }

    async fn open_direct(&self, destination: &Destination) -> Result<Site, Refusal> {
        let tcp = direct::connect(destination, self.router.loops()).await?;
        let meter = Arc::new(Meter::new());
        let place = self.counters.streams().enter(&meter);
        Ok(Site::direct(tcp, meter, place))
    }
}

/// Advice for people whose programs are set up in a way that cannot work well; each piece once in the agent's life.
#[derive(Debug)]
pub struct Hints {
    names_seen: AtomicBool,
    literals: Once,
    no_region: Once,
    tls: Once,
}

impl Default for Hints {
    fn default() -> Self {
        Self { names_seen: false.into(), literals: Once::new(), no_region: Once::new(), tls: Once::new() }
    }
}

impl Hints {
    /// A SOCKS client asked for an address, or for a name.
    pub fn socks_request(&self, is_literal: bool) {
        if !is_literal {
            self.names_seen.store(true, Ordering::Relaxed);
        } else if !self.names_seen.load(Ordering::Relaxed) {
            self.literals.call_once(|| {
                tracing::warn!(
                    "a SOCKS client sends an address: if it resolved a name itself, its DNS does not go through the exits; \
                     let it send names (socks5h:// in curl, \"Proxy DNS when using SOCKS v5\" in Firefox)"
                );
            });
        }
    }

    /// A SOCKS client's user name asks for a region and names none, which the protocol has no words to answer.
    pub fn socks_without_region(&self, denied: Denied) {
        self.no_region.call_once(|| tracing::warn!("a SOCKS client is refused: {denied}"));
    }

    /// A client spoke TLS to the port.
    pub fn tls_on_plain_port(&self) {
        self.tls.call_once(|| {
            tracing::warn!("a client speaks TLS to the proxy's port, which is plain; set the proxy as http://, not https://");
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_of_addresses_only_is_told_once() {
        let hints = Hints::default();
        assert!(!hints.literals.is_completed());
        hints.socks_request(true);
        assert!(hints.literals.is_completed());
    }

    #[test]
    fn who_sends_names_may_send_addresses_too() {
        let hints = Hints::default();
        hints.socks_request(false);
        hints.socks_request(true);
        assert!(!hints.literals.is_completed());
    }
}
