//! `[routing]`: which exit carries what, and what goes elsewhere.

use super::node::{Kind, Node};
use super::regions::RegionPattern;
use super::section::Section;
use super::value::{Fault, Value, integer, parsed, text};
use crate::routing::{HostPattern, Policy, Ports, Rule, Via};

/// Most rules: each request walks them in order.
const MOST_RULES: usize = 1000;

/// Most hosts of a rule, for the same reason.
const MOST_HOSTS: usize = 1000;

/// Most ports of a rule.
const MOST_PORTS: usize = 100;

/// The keys of a rule.
const KEYS: [&str; 3] = ["hosts", "ports", "via"];

impl Value for Policy {
    const EXPECTED: &'static str = "\"round-robin\", \"random\", \"lowest-latency\" or \"sticky-host\"";

    fn read(node: &Node) -> Result<Self, Fault> {
        text(node)?.trim().parse().map_err(|_| Fault::Value(format!("must be {}", Self::EXPECTED)))
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
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

impl Value for Ports {
    const EXPECTED: &'static str = "a port like 443 or a range like \"8000-8999\"";

    fn read(node: &Node) -> Result<Self, Fault> {
        let ports = match &node.kind {
            Kind::Text(text) => text.parse().ok(),
            _ => u16::try_from(integer(node)?).ok().and_then(|port| Self::new(port, port).ok()),
        };
        ports.ok_or_else(|| Fault::Value("ports are 1 to 65535, a range is \"8000-8999\"".to_owned()))
    }

    fn show(&self) -> String {
        self.single().map_or_else(|| format!("\"{self}\""), |port| port.to_string())
    }
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
