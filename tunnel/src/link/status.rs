//! What a link's owner may watch.

use std::time::Duration;

use super::end::LinkEnd;
use crate::leg::known::Trouble;
use crate::leg::steps::Steps;

/// The state of a link, published at each change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkStatus {
    /// Own leg stands, at this index of the list of relays.
    pub leg: Option<usize>,
    /// The last dial that ended, by its steps.
    pub dial: Option<Steps>,
    /// Both HELLOs were exchanged and neither leg is lost.
    pub paired: bool,
    /// Pairings after the first.
    pub resumes: u64,
    /// How long the last outage lasted, time not run left out.
    pub last_outage: Option<Duration>,
    /// What ended the last pairing, for people.
    pub interruption: Option<String>,
    /// What ended the last leg or dial.
    pub last_trouble: Option<Trouble>,
    /// How the link ended, once it has.
    pub end: Option<LinkEnd>,
}
