//! `[routing]`: which exit carries what, and what goes elsewhere.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use tunnel::destination::Host;

use super::node::{Kind, Node};
use super::regions::RegionPattern;
use super::section::Section;
use super::value::{Fault, Value, integer, parsed, text, words};

/// Most rules: each request walks them in order.
const MOST_RULES: usize = 1000;

/// Most hosts of a rule, for the same reason.
const MOST_HOSTS: usize = 1000;

/// Most ports of a rule.
const MOST_PORTS: usize = 100;

/// The keys of a rule.
const KEYS: [&str; 3] = ["hosts", "ports", "via"];

words! {
    /// How the exit of a new stream is chosen.
    Policy, "\"round-robin\", \"random\", \"lowest-latency\" or \"sticky-host\"" {
        /// One after the other.
        RoundRobin = "round-robin",
        /// By chance.
        Random = "random",
        /// The nearest.
        LowestLatency = "lowest-latency",
        /// The same for the same host.
        StickyHost = "sticky-host",
    }
}

/// What a rule's host entry matches. Names are never resolved for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// `*`
    Any,
    /// `*.example.com`, kept as `example.com`.
    Subdomains(String),
    /// A name or an address literal.
    Exact(Host),
    /// A range of address literals.
    Network(IpNet),
}

/// A text that is no host pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a host, *.example.com, an address or a CIDR")]
pub struct NotAHostPattern;

impl FromStr for HostPattern {
    type Err = NotAHostPattern;

    fn from_str(text: &str) -> Result<Self, NotAHostPattern> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.contains('/') {
            return text.parse().map(Self::Network).map_err(|_| NotAHostPattern);
        }
        let (name, host) = match text.strip_prefix("*.") {
            Some(name) => (true, name.parse()),
            None => (false, text.parse()),
        };
        match (name, host.map_err(|_| NotAHostPattern)?) {
            (true, Host::Name(name)) => Ok(Self::Subdomains(name)),
            (true, Host::Ip(_)) => Err(NotAHostPattern),
            (false, host) => Ok(Self::Exact(host)),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Subdomains(name) => write!(f, "*.{name}"),
            Self::Exact(host) => fmt::Display::fmt(host, f),
            Self::Network(network) => fmt::Display::fmt(network, f),
        }
    }
}

impl Value for HostPattern {
    const EXPECTED: &'static str = "a host like \"*.example.com\" or \"192.0.2.0/24\"";

    fn read(node: &Node) -> Result<Self, Fault> {
        parsed(node)
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

/// Ports from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The first port, never 0.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

impl PortRange {
    /// Whether the port is one of them.
    pub fn contains(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    fn new(first: u16, last: u16) -> Option<Self> {
        (0 < first && first <= last).then_some(Self { first, last })
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Self::new(first.trim().parse().ok()?, last.trim().parse().ok()?)
    }
}

impl Value for PortRange {
    const EXPECTED: &'static str = "a port like 443 or a range like \"8000-8999\"";

    fn read(node: &Node) -> Result<Self, Fault> {
        let range = match &node.kind {
            Kind::Text(text) => Self::parse(text),
            _ => u16::try_from(integer(node)?).ok().and_then(|port| Self::new(port, port)),
        };
        range.ok_or_else(|| Fault::Value("ports are 1 to 65535, a range is \"8000-8999\"".to_owned()))
    }

    fn show(&self) -> String {
        if self.first == self.last { self.first.to_string() } else { format!("\"{}-{}\"", self.first, self.last) }
    }
}

/// Where a rule sends what it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// From this machine, without an exit.
    Direct,
    /// Nowhere.
    Block,
    /// An exit of this region.
    Region(String),
}

impl Value for Via {
    const EXPECTED: &'static str = "\"direct\", \"block\" or a region";

    fn read(node: &Node) -> Result<Self, Fault> {
        match text(node)?.trim() {
            "direct" => Ok(Self::Direct),
            "block" => Ok(Self::Block),
            region => match region.parse() {
                Ok(RegionPattern::Exact(region)) => Ok(Self::Region(region)),
                _ => Err(Fault::Value(format!("expected {}", Self::EXPECTED))),
            },
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Direct => "\"direct\"".to_owned(),
            Self::Block => "\"block\"".to_owned(),
            Self::Region(region) => format!("\"{region}\""),
        }
    }
}

/// One rule; the first that matches decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The hosts it is for; never empty.
    pub hosts: Vec<HostPattern>,
    /// The ports it is for; empty means all.
    pub ports: Vec<PortRange>,
    /// Where they go.
    pub via: Via,
}

/// Which exit carries what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingConfig {
    /// How the exit is chosen.
    pub policy: Policy,
    /// Exceptions, in order.
    pub rules: Vec<Rule>,
}

impl RoutingConfig {
    pub(super) fn read(section: Section<'_>, regions: &[RegionPattern]) -> Self {
        let policy = section.or("policy", Policy::RoundRobin);
        let rules = section.sections("rules", &KEYS);
        if rules.len() > MOST_RULES {
            section.mistake("rules", format!("has {} rules, at most {MOST_RULES} are allowed", rules.len()));
        }
        let rules = rules.into_iter().take(MOST_RULES).filter_map(|rule| read_rule(rule, regions)).collect();
        section.finish();
        Self { policy, rules }
    }
}

fn read_rule(section: Section<'_>, regions: &[RegionPattern]) -> Option<Rule> {
    if !section.is_present() {
        return None;
    }
    let hosts = section.list("hosts", Vec::new(), MOST_HOSTS);
    if section.origin_of("hosts").is_none() || section.list_is_empty("hosts") {
        section.mistake("hosts", "names no host; [\"*\"] means all");
    }
    let ports = section.list("ports", Vec::new(), MOST_PORTS);
    if section.list_is_empty("ports") {
        section.mistake("ports", "is empty; leave it out for all ports");
    }
    let via: Option<Via> = section.optional("via");
    match &via {
        Some(Via::Region(region)) if !regions.iter().any(|pattern| pattern.matches(region)) => {
            section.mistake("via", "is not one of the regions, so no exit could ever carry this");
        }
        None if section.origin_of("via").is_none() => section.mistake("via", format!("is missing: {}", Via::EXPECTED)),
        _ => {}
    }
    section.finish();
    Some(Rule { hosts, ports, via: via? })
}
