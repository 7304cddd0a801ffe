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

/// A configuration of one region with these relays, and more keys of `[exits]`.
pub fn configuration(exits: &str, relays: &[(std::net::SocketAddr, &str)]) -> String {
    let relay =
        |(address, token): &(std::net::SocketAddr, &str)| format!("[[relay]]\nurl = \"ws://{address}\"\ntoken = \"{token}\"\n");
    let relays: String = relays.iter().map(relay).collect();
    format!("regions = [\"only\"]\nfrequency = \"never\"\n{BASE}{exits}\n{relays}")
}

impl World {
    pub fn start() -> Self {
        let relay = Relay::start();
        let chaos = Chaos::start(relay.address);
        let agent = Program::start(&configuration("", &[(chaos.address, &relay.token)]));
        Self { agent, relay, chaos, site: Site::start() }
    }

    /// Resumes of the exits that carry streams; `None` while one of them is not paired.
    pub fn resumes(&self) -> Option<u64> {
        let status = self.agent.status()?;
        let carrying: Vec<_> = status["exits"].as_array()?.iter().filter(|exit| exit["streams"] != 0).collect();
        carrying
            .iter()
            .all(|exit| exit["paired"] == true)
            .then(|| carrying.iter().filter_map(|exit| exit["resumes"].as_u64()).sum())
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
