//! What a relay counts, and how Prometheus reads it.
//!
//! Counting is an addition to an atomic, so that it may stand on the path of every message; what can be looked up is looked
//! up when it is asked for. Never: a name, an address or a hash is a label.

mod labels;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, UNIX_EPOCH};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

use crate::admission::Refusal;
use crate::pairing::Side;
use crate::tls::Facts;
use labels::{OfSide, Reason};

/// What every name begins with.
const PREFIX: &str = "awslambdaproxy_relay";

/// The counters of one relay, shared by its tasks.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    legs: Family<OfSide, Gauge>,
    tunnels: Gauge,
    pairs: Gauge,
    waiting: Gauge,
    connections: Counter,
    refusals: Family<Reason, Counter>,
    from_agents: Counter,
    from_functions: Counter,
    handshake: Histogram,
    pairing: Histogram,
    certificate_end: Gauge<f64, AtomicU64>,
    certificate_failures: Counter,
}

/// What stands at this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// Tunnels that are known, with both legs or not.
    pub tunnels: usize,
    /// Those with both legs.
    pub pairs: usize,
    /// Legs of agents.
    pub agent_legs: usize,
    /// Legs of functions.
    pub function_legs: usize,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let r = &mut registry;
        let bytes: Family<OfSide, Counter> = named(r, "bytes", "Bytes of messages that came from ends").made();
        let handshake = Histogram::new(exponential_buckets(0.001, 2.0, 14));
        let pairing = Histogram::new(exponential_buckets(0.01, 2.0, 14));
        Self(Arc::new(Inner {
            legs: named(r, "legs", "Legs that stand").made(),
            tunnels: named(r, "tunnels", "Tunnels that are known, with both legs or not").made(),
            pairs: named(r, "pairs", "Tunnels with both legs").made(),
            waiting: named(r, "waiting", "Tunnels that wait for a leg").made(),
            connections: named(r, "connections", "Connections that were accepted").made(),
            refusals: named(r, "refusals", "Legs that were refused").made(),
            from_agents: bytes.get_or_create_owned(&Side::Agent.into()),
            from_functions: bytes.get_or_create_owned(&Side::Function.into()),
            handshake: named(r, "handshake_seconds", "From a connection to the end of its TLS handshake").with(handshake),
            pairing: named(r, "pairing_seconds", "From the first wait of a tunnel's leg to its peer").with(pairing),
            certificate_end: named(
                r,
                "certificate_expiry_timestamp_seconds",
                "When the served certificate ends, in seconds since 1970; 0 without one",
            )
            .made(),
            certificate_failures: named(r, "certificate_failures", "Certificates that could not be renewed or read").made(),
            registry,
        }))
    }
}

/// A metric that is about to be registered.
struct Named<'r> {
    registry: &'r mut Registry,
    name: &'static str,
    help: &'static str,
}

fn named<'r>(registry: &'r mut Registry, name: &'static str, help: &'static str) -> Named<'r> {
    Named { registry, name, help }
}

impl Named<'_> {
    fn with<M: Metric + Clone>(self, metric: M) -> M {
        self.registry.register(self.name, self.help, metric.clone());
        metric
    }

    fn made<M: Metric + Clone + Default>(self) -> M {
        self.with(M::default())
    }
}

impl Metrics {
    /// A connection was accepted.
    pub(crate) fn connected(&self) {
        self.0.connections.inc();
    }

    /// A handshake took this long.
    pub(crate) fn shook_hands(&self, time: Duration) {
        self.0.handshake.observe(time.as_secs_f64());
    }

    /// A leg was refused.
    pub(crate) fn refused(&self, refusal: Refusal) {
        self.0.refusals.get_or_create(&Reason::of(refusal)).inc();
    }

    /// A tunnel waited this long for its pair.
    pub(crate) fn paired(&self, waited: Duration) {
        self.0.pairing.observe(waited.as_secs_f64());
    }

    /// What counts the bytes that come from ends of this side.
    pub(crate) fn bytes_from(&self, side: Side) -> Counter {
        match side {
            Side::Agent => self.0.from_agents.clone(),
            Side::Function => self.0.from_functions.clone(),
        }
    }

    /// This certificate is served now.
    pub(crate) fn certificate(&self, facts: Option<&Facts>) {
        let end = facts.and_then(|facts| facts.not_after.duration_since(UNIX_EPOCH).ok());
        self.0.certificate_end.set(end.map_or(0.0, |end| end.as_secs_f64()));
    }

    /// A certificate could not be renewed or read.
    pub(crate) fn certificate_failed(&self) {
        self.0.certificate_failures.inc();
    }

    /// All of it as Prometheus reads it (the OpenMetrics text format).
    pub(crate) fn text(&self, census: Census) -> Result<String, std::fmt::Error> {
        let inner = &self.0;
        let set = |gauge: &Gauge, count: usize| gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        set(&inner.tunnels, census.tunnels);
        set(&inner.pairs, census.pairs);
        set(&inner.waiting, census.tunnels.saturating_sub(census.pairs));
        set(&inner.legs.get_or_create(&OfSide::from(Side::Agent)), census.agent_legs);
        set(&inner.legs.get_or_create(&OfSide::from(Side::Function)), census.function_legs);
        let mut text = String::new();
        encode(&mut text, &inner.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_counted_can_be_read() {
        let metrics = Metrics::default();
        metrics.connected();
        metrics.shook_hands(Duration::from_millis(3));
        metrics.refused(Refusal::Token);
        metrics.refused(Refusal::Malformed("X-Tunnel"));
        metrics.refused(Refusal::Malformed("X-Instance"));
        metrics.paired(Duration::from_millis(200));
        metrics.bytes_from(Side::Agent).inc_by(5);
        metrics.bytes_from(Side::Function).inc_by(70_000);
        metrics.certificate_failed();
        let text = metrics.text(Census { tunnels: 3, pairs: 1, agent_legs: 2, function_legs: 1 }).expect("text");
        for line in [
            "awslambdaproxy_relay_legs{side=\"agent\"} 2",
            "awslambdaproxy_relay_pairs 1",
            "awslambdaproxy_relay_waiting 2",
            "awslambdaproxy_relay_connections_total 1",
            "awslambdaproxy_relay_refusals_total{reason=\"token\"} 1",
            "awslambdaproxy_relay_refusals_total{reason=\"malformed\"} 2",
            "awslambdaproxy_relay_bytes_total{side=\"agent\"} 5",
            "awslambdaproxy_relay_bytes_total{side=\"function\"} 70000",
            "awslambdaproxy_relay_handshake_seconds_count 1",
            "awslambdaproxy_relay_pairing_seconds_count 1",
            "awslambdaproxy_relay_certificate_failures_total 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is missing in\n{text}");
        }
    }
}
