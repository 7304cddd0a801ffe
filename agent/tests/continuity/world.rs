//! An agent, its relay behind a [`Chaos`], and a site.

use std::time::Duration;

use super::chaos::Chaos;
use super::processes::{children, state_of};
use super::program::{BASE, Program, Relay, send_signal};
use super::site::Site;
use super::tools::wait_for;

/// Everything between a user and a site.
pub struct World {
    pub agent: Program,
    pub relay: Relay,
    pub chaos: Chaos,
    pub site: Site,
}

/// As long as people know it in the soak test, shorter else.
pub fn seconds(short: u64, soak: u64) -> Duration {
    Duration::from_secs(if std::env::var_os("AWSLAMBDAPROXY_SOAK").is_some() { soak } else { short })
}

/// A configuration of one region with these relays, and more lines, which begin in `[exits]`.
pub fn configuration(more: &str, relays: &[(std::net::SocketAddr, &str)]) -> String {
    let relay =
        |(address, token): &(std::net::SocketAddr, &str)| format!("[[relay]]\nurl = \"ws://{address}\"\ntoken = \"{token}\"\n");
    let relays: String = relays.iter().map(relay).collect();
    format!("regions = [\"only\"]\nfrequency = \"never\"\n{BASE}{more}\n{relays}")
}

impl World {
    pub fn start() -> Self {
        let relay = Relay::start();
        let chaos = Chaos::start(relay.address);
        // All faults together fit into it, and the last of them waits for its end.
        let life = format!("[aws]\ntimeout = \"{}s\"", seconds(120, 240).as_secs());
        let agent = Program::start(&configuration(&life, &[(chaos.address, &relay.token)]));
        Self { agent, relay, chaos, site: Site::start() }
    }

    /// Resumes of the exits that carry streams; `None` while one of them is not paired.
    pub fn resumes(&self) -> Option<u64> {
        let carrying = self.carrying()?;
        carrying
            .iter()
            .all(|exit| exit["paired"] == true)
            .then(|| carrying.iter().filter_map(|exit| exit["resumes"].as_u64()).sum())
    }

    /// The exits that carry streams.
    fn carrying(&self) -> Option<Vec<serde_json::Value>> {
        Some(self.agent.status()?["exits"].as_array()?.iter().filter(|exit| exit["streams"] != 0).cloned().collect())
    }

    /// Seconds that are left to the function whose tunnel carries streams.
    pub fn remaining(&self) -> Option<u64> {
        self.carrying()?.first()?["remaining_s"].as_u64()
    }

    /// Renewals of the exits that carry streams.
    pub fn renewals(&self) -> Option<u64> {
        Some(self.carrying()?.iter().filter_map(|exit| exit["renewals"].as_u64()).sum())
    }

    /// How many functions the local Lambda has frozen.
    pub fn frozen(&self) -> usize {
        let lambda = children(self.agent.process.id(), "local-lambda");
        let functions = lambda.iter().flat_map(|pid| children(*pid, "local-function"));
        functions.filter(|pid| state_of(*pid) == Some('T')).count()
    }

    /// Waits until the streams' tunnel was resumed more often than `before`.
    pub fn wait_for_resume(&self, before: u64) {
        wait_for("a resume", || self.resumes().filter(|now| *now > before).map(|_| ()));
    }

    /// The functions that run, without those that the local Lambda has frozen.
    pub fn functions(&self) -> Vec<u32> {
        let lambda = children(self.agent.process.id(), "local-lambda");
        let functions = lambda.iter().flat_map(|pid| children(*pid, "local-function"));
        functions.filter(|pid| state_of(*pid) != Some('T')).collect()
    }

    /// Stops processes for a while.
    pub fn stop_for(pids: &[u32], time: Duration) {
        pids.iter().for_each(|pid| send_signal(*pid, "STOP"));
        std::thread::sleep(time);
        pids.iter().for_each(|pid| send_signal(*pid, "CONT"));
    }
}
