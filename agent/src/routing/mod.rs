//! Which way a request goes: the first rule that matches decides, else any exit.
//!
//! Never: nothing here resolves a name or opens a socket to a site.

mod loops;
mod policy;
mod rules;

use tunnel::destination::Destination;

pub use loops::Loops;
pub use policy::{BadPolicy, Policy, RegionView};
pub use rules::{BadPattern, BadPorts, HostPattern, Ports, Rule, Via};

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Through an exit, of one region if a rule says so.
    Exit {
        /// The region that the rule names.
        region: Option<String>,
    },
    /// From this machine, because a rule says so.
    Direct,
    /// Nowhere, because a rule says so.
    Block,
    /// Nowhere: it would come back to a listener of this proxy.
    Loop,
}

impl Route {
    /// The same, for a client that wants exits of one region: that goes before a rule's region. What a rule sends direct, or
    /// blocks, stays so.
    #[must_use]
    pub fn within(self, region: Option<&str>) -> Self {
        match (self, region) {
            (Self::Exit { .. }, Some(region)) => Self::Exit { region: Some(region.to_owned()) },
            (route, _) => route,
        }
    }
}

/// The rules and what they must not lead back to.
#[derive(Debug)]
pub struct Router {
    rules: Vec<Rule>,
    loops: Loops,
    exits_are_here: bool,
}

impl Router {
    /// Joins the rules, in the order of the file, with the listeners that no request may reach.
    /// `exits_are_here` says that exits run on this machine (`run --local`): then their loopback is ours.
    pub fn new(rules: Vec<Rule>, loops: Loops, exits_are_here: bool) -> Self {
        Self { rules, loops, exits_are_here }
    }

    /// The way of one request. First match wins; without a match it is any exit.
    pub fn route(&self, destination: &Destination) -> Route {
        let via = self.rules.iter().find(|rule| rule.matches(destination)).map(|rule| &rule.via);
        let leaves_from_here = self.exits_are_here || via == Some(&Via::Direct);
        match via {
            Some(Via::Block) => Route::Block,
            _ if leaves_from_here && self.loops.leads_back(destination) => Route::Loop,
            Some(Via::Direct) => Route::Direct,
            Some(Via::Region(region)) => Route::Exit { region: Some(region.clone()) },
            None => Route::Exit { region: None },
        }
    }

    /// The listeners that no request may reach, for whoever resolves names on this machine.
    pub fn loops(&self) -> &Loops {
        &self.loops
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(host: &str, ports: &[&str], via: Via) -> Rule {
        let ports = ports.iter().map(|text| text.parse().expect("ports")).collect();
        Rule { hosts: vec![host.parse().expect("pattern")], ports, via }
    }

    fn route(router: &Router, destination: &str) -> Route {
        router.route(&destination.parse().expect("destination"))
    }

    #[test]
    fn the_first_match_wins_and_no_match_means_any_exit() {
        let rules = vec![
            rule("a.example.com", &["443"], Via::Block),
            rule("*.example.com", &[], Via::Region("eu-west-1".into())),
            rule("a.example.com", &[], Via::Direct),
        ];
        let router = Router::new(rules, Loops::new(Vec::new()), false);
        assert_eq!(route(&router, "a.example.com:443"), Route::Block);
        assert_eq!(route(&router, "a.example.com:80"), Route::Exit { region: Some("eu-west-1".into()) });
        assert_eq!(route(&router, "example.org:80"), Route::Exit { region: None });
    }

    #[test]
    fn what_would_come_back_from_this_machine_is_a_loop() {
        let own = || Loops::new(vec!["127.0.0.1:8080".parse().expect("address")]);
        let direct = || vec![rule("*", &[], Via::Direct)];
        let through_lambda = Router::new(Vec::new(), own(), false);
        assert_eq!(route(&through_lambda, "localhost:8080"), Route::Exit { region: None }, "that is the exit's own loopback");
        assert_eq!(route(&Router::new(direct(), own(), false), "localhost:8080"), Route::Loop);
        assert_eq!(route(&Router::new(direct(), own(), false), "localhost:8081"), Route::Direct);
        assert_eq!(route(&Router::new(Vec::new(), own(), true), "127.0.0.1:8080"), Route::Loop);
    }

    #[test]
    fn a_clients_region_goes_before_a_rules_but_not_before_direct_and_block() {
        let exit = |region: Option<&str>| Route::Exit { region: region.map(str::to_owned) };
        assert_eq!(exit(None).within(Some("a")), exit(Some("a")));
        assert_eq!(exit(Some("b")).within(Some("a")), exit(Some("a")));
        assert_eq!(exit(Some("b")).within(None), exit(Some("b")));
        for route in [Route::Direct, Route::Block, Route::Loop] {
            assert_eq!(route.clone().within(Some("a")), route);
        }
    }

    #[test]
    fn a_block_rule_is_not_hidden_by_the_loop() {
        let own = Loops::new(vec!["127.0.0.1:8080".parse().expect("address")]);
        assert_eq!(route(&Router::new(vec![rule("localhost", &[], Via::Block)], own, true), "localhost:8080"), Route::Block);
    }
}
