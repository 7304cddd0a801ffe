//! The answer to an invocation, as the function gives it and the agent reads it.

use serde::{Deserialize, Serialize};

use crate::instance::InstanceNonce;

/// Why an invocation was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The agent ordered the end, or ended the tunnel cleanly.
    Done,
    /// The time was over before the tunnel stood.
    Deadline,
    /// `ending` was said and no order came.
    NoOrder,
    /// This instance holds a tunnel that the invitation must not touch.
    Busy,
    /// Another instance, or a newer leg, has this tunnel.
    Superseded,
    /// The time is over and the agent cannot be told: the tunnel is kept.
    Unpaired,
    /// The relay was not reached, or refused.
    Unreachable,
    /// No tunnel, and no slot for a new one.
    ToldToEnd,
    /// The agent ordered the renewal: the tunnel is kept.
    Renewed,
    /// The tunnel was given up.
    Lost,
}

/// Milliseconds from the invitation to each phase; those not reached, and those that a function of another version does not
/// tell, are null.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// The dial began of which the next three tell, where others were in vain before it.
    pub dialling: Option<u64>,
    /// The relay's name had an address.
    pub resolved: Option<u64>,
    /// TCP to it stood.
    pub connected: Option<u64>,
    /// TLS with it stood.
    pub secured: Option<u64>,
    /// The leg to the relay stands.
    pub dialled: Option<u64>,
    /// The agent's leg does too.
    pub paired: Option<u64>,
    /// TLS and HTTP/2 with the agent stand.
    pub tls: Option<u64>,
}

/// What a tunnel carried since it began, over all its invocations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Streams that were connected to a site.
    pub streams: u64,
    /// Bytes from the agent to sites.
    pub bytes_up: u64,
    /// Bytes from sites to the agent.
    pub bytes_down: u64,
}

/// How a tunnel fared in one invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Why the invocation was answered.
    pub ended: Ended,
    /// The cause for people, where `ended` does not say all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What the tunnel carried.
    #[serde(flatten)]
    pub carried: Carried,
    /// How long its beginning took.
    #[serde(flatten)]
    pub phases: Phases,
}

impl From<Ended> for Outcome {
    fn from(ended: Ended) -> Self {
        Self { ended, detail: None, carried: Carried::default(), phases: Phases::default() }
    }
}

/// The JSON that Invoke returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How the tunnel fared.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// This process.
    pub instance: InstanceNonce,
    /// The generation in its environment.
    pub generation: u64,
    /// Its version.
    pub version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_flat_and_its_reasons_are_words() {
        let nonce = InstanceNonce::mint();
        let mut outcome = Outcome::from(Ended::ToldToEnd);
        (outcome.phases.connected, outcome.phases.dialled) = (Some(5), Some(7));
        let summary = Summary { outcome, instance: nonce, generation: 3, version: "1.2.3".into() };
        let expected = serde_json::json!({
            "ended": "told_to_end", "streams": 0, "bytes_up": 0, "bytes_down": 0,
            "dialling": null, "resolved": null, "connected": 5, "secured": null, "dialled": 7, "paired": null, "tls": null,
            "instance": nonce.to_string(), "generation": 3, "version": "1.2.3",
        });
        assert_eq!(serde_json::to_value(&summary).expect("json"), expected);
        let mut newer = expected.clone();
        newer["of_tomorrow"] = 1.into();
        assert_eq!(serde_json::from_value::<Summary>(newer).expect("what a newer neighbour adds is not minded"), summary);
        let mut older = expected;
        for phase in ["dialling", "resolved", "connected", "secured"] {
            older.as_object_mut().expect("an object").remove(phase);
        }
        let known = serde_json::from_value::<Summary>(older).expect("what an older one does not tell is not missed");
        assert_eq!(known.outcome.phases, Phases { dialled: Some(7), ..Phases::default() });
    }
}
