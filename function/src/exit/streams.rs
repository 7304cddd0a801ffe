//! The users' streams of one exit: each is connected to its site and copied, by a task that this room owns.
//!
//! Never: no host or address of a site is logged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::task::JoinSet;
use tunnel::answer::Carried;
use tunnel::control;
use tunnel::destination::{Destination, Host};
use tunnel::limits::STREAMS_PER_EXIT;
use tunnel::meter::Meter;
use tunnel::outcome::{ProxyError, Refusal};
use tunnel::session::server::Incoming;
use tunnel::splice::splice;

use crate::connect::Connector;

/// What all streams of a tunnel carried together.
#[derive(Debug, Default)]
struct Tally {
    streams: AtomicU64,
    meter: Meter,
}

/// The running streams.
pub(super) struct Streams {
    connector: Arc<Connector>,
    running: JoinSet<()>,
    tally: Arc<Tally>,
}

impl Streams {
    pub(super) fn new(connector: Connector) -> Self {
        Self { connector: Arc::new(connector), running: JoinSet::new(), tally: Arc::default() }
    }

    /// Takes a request on, or refuses it.
    pub(super) fn open(&mut self, incoming: Incoming) {
        while self.running.try_join_next().is_some() {}
        if self.running.len() >= STREAMS_PER_EXIT {
            return incoming.fail(ProxyError::ConnectionLimitReached, "this exit carries as many streams as it may");
        }
        match destination(incoming.authority()) {
            Ok(destination) => {
                let (connector, tally) = (self.connector.clone(), self.tally.clone());
                self.running.spawn(async move { carry(incoming, &destination, &connector, &tally).await });
            }
            Err(refusal) => incoming.refuse(&refusal),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits for one stream to end. Not to be called without any.
    pub(super) async fn one_ended(&mut self) {
        let _ended = self.running.join_next().await;
    }

    /// Ends all of them: both their sides see a reset.
    pub(super) async fn cut(&mut self) {
        self.running.shutdown().await;
    }

    pub(super) fn carried(&self) -> Carried {
        Carried {
            streams: self.tally.streams.load(Ordering::Relaxed),
            bytes_up: self.tally.meter.out_of_tunnel(),
            bytes_down: self.tally.meter.into_tunnel(),
        }
    }
}

fn destination(authority: &str) -> Result<Destination, Refusal> {
    let destination: Destination = authority.parse().map_err(|error| Refusal::new(ProxyError::HttpRequestError, error))?;
    match &destination.host {
        Host::Name(name) if name == control::HOST => Err(Refusal::new(ProxyError::DestinationIpProhibited, "a reserved name")),
        _ => Ok(destination),
    }
}

async fn carry(mut incoming: Incoming, destination: &Destination, connector: &Connector, tally: &Tally) {
    let connected = tokio::select! {
        connected = connector.connect(destination) => connected,
        () = incoming.cancelled() => return,
    };
    match connected {
        Ok(tcp) => {
            let Ok(stream) = incoming.accept() else { return };
            tally.streams.fetch_add(1, Ordering::Relaxed);
            splice(tcp, Bytes::new(), stream, &tally.meter).await;
        }
        Err(refusal) => {
            tracing::debug!(error = refusal.error.token(), "stream refused");
            incoming.refuse(&refusal);
        }
    }
}

#[cfg(test)]
mod tests {
    use tunnel::invitation::Egress;
    use tunnel::session::client::OpenError;
    use tunnel::testing::session_pair;

    use super::*;
    use crate::connect::Resolver;
    use crate::policy::Policy;

    #[tokio::test]
    async fn a_stream_too_many_is_refused_and_one_taken_back_makes_room() {
        let (opener, driver, mut server) = session_pair().await;
        let policy = Policy::new(&Egress::default(), &[], |_| false);
        let mut streams = Streams::new(Connector::new(policy, Resolver::without_slots(), None));
        tokio::spawn(driver);
        let mut waiting = JoinSet::new();
        for _ in 0..STREAMS_PER_EXIT {
            let opener = opener.clone();
            waiting.spawn(async move { opener.open("site.example:80").await.err() });
            streams.open(server.next().await.expect("a request").expect("sound"));
        }
        let one_more = async { opener.open("site.example:80").await.err() };
        let serving = async {
            streams.open(server.next().await.expect("a request").expect("sound"));
            server.next().await
        };
        let refused = tokio::select! { error = one_more => error, _ = serving => None };
        let is_limit = |refusal: &Refusal| refusal.error == ProxyError::ConnectionLimitReached;
        assert!(matches!(&refused, Some(OpenError::Refused(refusal)) if is_limit(refusal)), "{refused:?}");

        waiting.abort_all();
        let none_asked = tokio::select! { () = streams.one_ended() => true, _ = server.next() => false };
        assert!(none_asked);
        assert!(streams.running.len() < STREAMS_PER_EXIT);
        assert_eq!(streams.carried(), Carried::default(), "none was connected");
    }

    #[test]
    fn only_a_site_is_a_destination() {
        assert!(destination("example.com:443").is_ok());
        for (authority, error) in [
            ("", ProxyError::HttpRequestError),
            ("example.com", ProxyError::HttpRequestError),
            ("user@example.com:80", ProxyError::HttpRequestError),
            ("control.awslambdaproxy.invalid:2", ProxyError::DestinationIpProhibited),
            ("Control.AwsLambdaProxy.Invalid.:1", ProxyError::DestinationIpProhibited),
        ] {
            assert_eq!(destination(authority).map_err(|refusal| refusal.error), Err(error), "{authority}");
        }
    }
}
