//! The sections of a few keys: `[egress]`, `[budget]`, `[local]`, `[update]`.

use std::time::Duration;

use ipnet::IpNet;
use tunnel::invitation::Egress;

use super::node::Node;
use super::section::Section;
use super::url::HttpUrl;
use super::value::{Fault, Port, Value, text};

/// Most ranges and ports of the egress policy: they travel in every invitation.
const MOST_EGRESS: usize = 200;

/// Mail: nobody's exit should send it.
const DEFAULT_DENIED_PORT: u16 = 25;

/// A new account's own limit; the upper bound is what the local Lambda has addresses for (see its options).
const DEFAULT_CONCURRENCY: u32 = 10;
const MOST_CONCURRENCY: u32 = 200;

const DEFAULT_IDLE_LIFE: Duration = Duration::from_secs(600);
const SHORTEST_IDLE_LIFE: Duration = Duration::from_secs(1);
const LONGEST_IDLE_LIFE: Duration = Duration::from_secs(24 * 3600);

/// More money than that is a typing error.
const LARGEST_BUDGET: f64 = 1e6;

/// What `run` may spend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetConfig {
    /// US dollars a month, beyond which nothing is invoked; `None` sets no limit.
    pub monthly_usd: Option<f64>,
}

/// The local Lambda of `run --local`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalConfig {
    /// Most instances at a time, per label.
    pub concurrency: u32,
    /// How long an idle instance is kept.
    pub idle_life: Duration,
}

/// Where updates come from.
#[derive(Debug, Clone)]
pub enum UpdateConfig {
    /// From the project's own releases.
    Project,
    /// From another release server.
    Other(HttpUrl),
    /// From nowhere: nobody is asked.
    Nowhere,
}

impl Value for IpNet {
    const EXPECTED: &'static str = "a CIDR like \"10.0.0.0/8\"";

    fn read(node: &Node) -> Result<Self, Fault> {
        let fault = |_| Fault::Value(format!("expected {}", Self::EXPECTED));
        text(node)?.trim().parse::<Self>().map_err(fault)
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

/// What exits may connect to. The invitation's `never` list is filled where the addresses are known.
pub(super) fn egress(section: Section<'_>) -> Egress {
    let allow = section.list("allow", Vec::new(), MOST_EGRESS);
    let ports = section.list("deny_ports", vec![Port(DEFAULT_DENIED_PORT)], MOST_EGRESS);
    section.finish();
    Egress { allow, deny_ports: ports.into_iter().map(|Port(port)| port).collect(), never: Vec::new() }
}

impl BudgetConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        let monthly_usd: Option<f64> = section.optional("monthly_usd");
        if monthly_usd.is_some_and(|usd| !(0.0..=LARGEST_BUDGET).contains(&usd)) {
            section.mistake("monthly_usd", format!("must be 0 to {LARGEST_BUDGET}"));
        }
        section.finish();
        Self { monthly_usd }
    }
}

impl LocalConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        let concurrency = section.within("concurrency", DEFAULT_CONCURRENCY, 1..=MOST_CONCURRENCY);
        let idle_life = section.within("idle_life", DEFAULT_IDLE_LIFE, SHORTEST_IDLE_LIFE..=LONGEST_IDLE_LIFE);
        section.finish();
        Self { concurrency, idle_life }
    }
}

impl UpdateConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        if section.is_empty_text("url") {
            section.finish();
            return Self::Nowhere;
        }
        let url: Option<HttpUrl> = section.optional("url");
        if let Some(url) = &url {
            if !url.tls && !url.is_loopback() {
                section.mistake("url", "plain http is allowed to a loopback address only; use https://");
            }
            if url.user.is_some() {
                section.mistake("url", "must not carry a user name");
            }
        }
        section.finish();
        url.map_or(Self::Project, Self::Other)
    }
}
