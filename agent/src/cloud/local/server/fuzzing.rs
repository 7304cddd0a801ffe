//! The server's part of the entries, for the fuzz target.

use std::collections::HashMap;

use http::Method;
use tokio::sync::mpsc;

use super::configuration::Configuration;
use super::front::Front;
use super::instance;
use crate::cloud::local::api::ConfigurationChange;
use crate::cloud::local::options::{Options, Token};

/// A change of configuration, as the server takes it.
///
/// # Panics
/// When a refused change changed something, or one that was taken goes beyond Lambda's bounds.
pub fn change(json: &[u8]) {
    let Ok(change) = serde_json::from_slice::<ConfigurationChange>(json) else { return };
    let mut configuration = Configuration::new(&sample(), "arn".into());
    let before = configuration.describe();
    let taken = configuration.change(change);
    let after = configuration.describe();
    assert!(taken.is_ok() || before == after, "a refused change changed something");
    assert!((1..=900).contains(&after.timeout) && (128..=10_240).contains(&after.memory_size));
    let size: usize = after.environment.variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(size <= 4096);
}

/// A path of Lambda's API and one of the Runtime API.
pub fn paths(path: &str) {
    let (sender, _receiver) = mpsc::channel(1);
    let front = Front { token: Token::mint(), function: "f".into(), regions: HashMap::from([("local-1".into(), sender)]) };
    let _ = front.route(path);
    for method in [Method::GET, Method::POST] {
        instance::is_routed(&method, path);
    }
}

fn sample() -> Options {
    Options {
        regions: vec!["local-1".into()],
        function_name: "f".into(),
        command: vec!["f".into()],
        wrapper: vec![],
        env: [("A".to_owned(), "b".to_owned())].into(),
        timeout_s: 60,
        memory_mb: 128,
        concurrency: 1,
        idle_life_s: 1,
        billing: "b".into(),
        token: Token::mint(),
    }
}
