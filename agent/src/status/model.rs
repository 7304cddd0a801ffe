//! The answer of `status --json`: names and states that scripts rely on. What is not known is null.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::health::Problem;

/// The version of this form; a change that breaks a reader raises it.
pub const SCHEMA: u32 = 1;

/// The problem of a configuration file that was changed after the start.
pub const CONFIG_CHANGED: &str = "config_changed";
/// The problem of an agent that ends, and lets streams finish.
pub const ENDING: &str = "ending";

/// Everything that a running agent says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// [`SCHEMA`].
    pub schema: u32,
    /// All in one word.
    pub health: Overall,
    /// Of the programs.
    pub versions: Versions,
    /// The local proxy.
    pub proxy: ProxyStatus,
    /// Each relay, in the order of the configuration.
    pub relays: Vec<RelayStatus>,
    /// Each region.
    pub regions: Vec<RegionStatus>,
    /// Each live exit, and the last ended ones.
    pub exits: Vec<ExitStatus>,
    /// Since the agent's start.
    pub totals: Totals,
    /// This month's use of AWS.
    pub month: Month,
    /// What is wrong right now.
    pub problems: Vec<Problem>,
}

impl Status {
    /// Whether it has such a problem.
    pub fn has_problem(&self, code: &str) -> bool {
        self.problems.iter().any(|problem| problem.code == code)
    }
}

/// All in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overall {
    /// A relay is up and every region healthy.
    Healthy,
    /// Some of it is.
    Degraded,
    /// No relay is up, or no region healthy.
    Down,
}

impl Overall {
    /// Judges by the contract's rule.
    pub fn judge(relays: &[RelayStatus], regions: &[RegionStatus]) -> Self {
        let relay_up = relays.iter().any(|relay| relay.state == RelayState::Up);
        let healthy = regions.iter().filter(|region| region.state.is_healthy()).count();
        match (relay_up, healthy) {
            (true, count) if count == regions.len() => Self::Healthy,
            (true, 1..) => Self::Degraded,
            _ => Self::Down,
        }
    }
}

/// Of the programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// This program.
    pub agent: String,
    /// The functions, once one said.
    pub function: Option<String>,
}

/// The local proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyStatus {
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
}

/// A relay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelayStatus {
    /// Its URL.
    pub url: String,
    /// Whether it can be used.
    pub state: RelayState,
    /// Time to it and back, ms.
    pub rtt_ms: Option<f64>,
}

/// Whether a relay can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelayState {
    /// It answers.
    Up,
    /// It is being dialled.
    Connecting,
    /// It does not answer.
    Down,
}

/// A region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegionStatus {
    /// Its name.
    pub region: String,
    /// What it is doing.
    pub state: RegionState,
    /// Seconds to the next rotation.
    pub next_rotation_s: Option<u64>,
    /// Seconds to the next attempt, in backoff.
    pub retry_in_s: Option<u64>,
    /// Whether exits can outlive the function's time limit.
    pub renewal: RenewalState,
    /// Whether rotation finds new addresses.
    pub fresh: FreshState,
    /// The function's version there.
    pub function_version: Option<String>,
    /// The last error, while it lasts.
    pub error: Option<String>,
}

/// What a region is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegionState {
    /// A paired exit accepts.
    Active,
    /// One accepts, and rotation has no slot.
    RotationWaiting,
    /// The first exit is on its way.
    Starting,
    /// Unused, so nothing runs.
    Lapsed,
    /// No exit; tried again soon.
    Backoff,
    /// No exit; something has to be mended first.
    Failed,
}

impl RegionState {
    /// Whether nothing is wrong with the region.
    pub const fn is_healthy(self) -> bool {
        matches!(self, Self::Active | Self::RotationWaiting | Self::Lapsed)
    }
}

/// Whether exits can outlive the function's time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalState {
    /// Not tried yet.
    Unknown,
    /// Yes.
    Works,
    /// No.
    Fails,
}

/// Whether rotation finds new addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreshState {
    /// Not asked for.
    Off,
    /// It does.
    Ok,
    /// A new generation waits for streams that only renewal carries on.
    Waiting,
    /// New generations bring old addresses too.
    Exhausted,
}

/// An exit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExitStatus {
    /// Its name in this run.
    pub id: String,
    /// Its region.
    pub region: String,
    /// Where it is in its life.
    pub state: ExitState,
    /// The address that sites see.
    pub exit_ip: Option<IpAddr>,
    /// Seconds since it was invoked.
    pub age_s: u64,
    /// Seconds to the function's time limit.
    pub remaining_s: Option<u64>,
    /// The function's generation.
    pub generation: Option<u64>,
    /// The process behind it.
    pub instance: Option<String>,
    /// Whether its tunnel is whole right now.
    pub paired: bool,
    /// How often it was renewed.
    pub renewals: u64,
    /// How often its link was resumed on a new leg.
    pub resumes: u64,
    /// How long the last such gap was, ms.
    pub last_resume_ms: Option<u64>,
    /// Why it ended.
    pub ended_reason: Option<String>,
    /// Users' streams open now.
    pub streams: u64,
    /// Bytes from users to sites.
    pub bytes_up: u64,
    /// Bytes from sites to users.
    pub bytes_down: u64,
    /// Time to it and back, ms.
    pub rtt_ms: Option<f64>,
    /// How long the function took to start, ms; none when it was warm.
    pub cold_start_ms: Option<u64>,
    /// The last error.
    pub error: Option<String>,
}

/// Where an exit is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitState {
    /// Invoke was sent.
    Invoked,
    /// Both legs stand.
    Paired,
    /// `hello` came.
    Ready,
    /// It is chosen for new streams.
    Active,
    /// It keeps its streams and gets no new ones.
    Draining,
    /// It ended.
    Closed,
    /// It never came to be, or broke.
    Failed,
}

/// Since the agent's start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Users' streams opened.
    pub streams_opened: u64,
    /// Of these, open now.
    pub streams_open: u64,
    /// Users' streams that could not be opened.
    pub streams_failed: u64,
    /// The same by error, as `Proxy-Status` names it; without those that never were.
    #[serde(default)]
    pub streams_failed_by_error: BTreeMap<String, u64>,
    /// Bytes from users to sites.
    pub bytes_up: u64,
    /// Bytes from sites to users.
    pub bytes_down: u64,
    /// Addresses that sites saw.
    pub distinct_exit_ips: u64,
}

/// This month's use of AWS.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Month {
    /// Memory times time.
    pub gb_seconds: f64,
    /// Invocations.
    pub requests: u64,
    /// Bytes that left AWS.
    pub bytes_out: u64,
    /// What that costs.
    pub usd: f64,
    /// The configured limit.
    pub limit_usd: Option<f64>,
    /// Of which day the prices are.
    pub tariff_date: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::sample;
    use super::*;

    #[test]
    fn the_json_has_exactly_the_contracts_keys() {
        let json = serde_json::to_value(sample::busy()).expect("json");
        let keys = |value: &Value| -> Vec<String> { value.as_object().expect("object").keys().cloned().collect() };
        let sorted = |text: &str| -> Vec<String> {
            let mut keys: Vec<String> = text.split(' ').map(str::to_owned).collect();
            keys.sort();
            keys
        };
        for (value, expected) in [
            (&json, "schema health versions proxy relays regions exits totals month problems"),
            (&json["relays"][0], "url state rtt_ms"),
            (&json["regions"][0], "region state next_rotation_s retry_in_s renewal fresh function_version error"),
            (
                &json["exits"][0],
                "id region state exit_ip age_s remaining_s generation instance paired renewals resumes last_resume_ms \
                 ended_reason streams bytes_up bytes_down rtt_ms cold_start_ms error",
            ),
            (
                &json["totals"],
                "streams_opened streams_open streams_failed streams_failed_by_error bytes_up bytes_down distinct_exit_ips",
            ),
            (&json["month"], "gb_seconds requests bytes_out usd limit_usd tariff_date"),
            (&json["problems"][0], "code severity region phase text hint"),
        ] {
            let mut found = keys(value);
            found.sort();
            assert_eq!(found, sorted(expected));
        }
        assert_eq!(json["regions"][0]["retry_in_s"], Value::Null);
        assert_eq!(json["proxy"], json!({"listen": ["127.0.0.1:8080"]}));
        assert_eq!(serde_json::from_value::<Status>(json).expect("read back"), sample::busy());
    }

    #[test]
    fn states_are_the_contracts_words() {
        assert_eq!(json!(RegionState::RotationWaiting), "rotation_waiting");
        assert_eq!(json!(ExitState::Draining), "draining");
        assert_eq!(json!(FreshState::Off), "off");
    }

    #[test]
    fn one_word_sums_up() {
        let Status { relays, regions, .. } = sample::busy();
        assert_eq!(Overall::judge(&relays, &regions), Overall::Degraded);
        assert_eq!(Overall::judge(&relays, &regions[..1]), Overall::Healthy);
        assert_eq!(Overall::judge(&relays, &regions[1..]), Overall::Down);
        assert_eq!(Overall::judge(&[], &regions), Overall::Down);
    }
}
