//! Host patterns, ports, region patterns and durations: each has one stable spelling, and a host matches its own pattern.
#![no_main]

use agent::config::{RegionPattern, duration, is_region_name};
use agent::routing::{HostPattern, Ports, Rule, Via};
use libfuzzer_sys::fuzz_target;
use tunnel::destination::{Destination, Host};

fuzz_target!(|text: &str| {
    if let Ok(pattern) = text.parse::<HostPattern>() {
        assert_eq!(pattern.to_string().parse(), Ok(pattern));
    }
    if let (Ok(host), Ok(pattern)) = (text.parse::<Host>(), text.parse::<HostPattern>()) {
        let rule = Rule { hosts: vec![pattern], ports: Vec::new(), via: Via::Block };
        assert!(rule.matches(&Destination::new(host, 443).expect("a port")), "a host matches its own spelling");
    }
    if let Ok(ports) = text.parse::<Ports>() {
        assert_eq!(ports.to_string().parse(), Ok(ports));
    }
    if let Ok(pattern) = text.parse::<RegionPattern>() {
        assert_eq!(pattern.to_string().parse().as_ref(), Ok(&pattern));
        assert!(matches!(pattern, RegionPattern::Exact(_)) == pattern.matches(text));
    }
    if is_region_name(text) && text.len() <= 32 {
        assert_eq!(text.parse(), Ok(RegionPattern::Exact(text.to_owned())));
    }
    if let Ok(span) = duration::parse(text) {
        assert_eq!(duration::parse(&duration::show(span)), Ok(span));
    }
});
