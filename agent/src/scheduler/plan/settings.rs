//! What the config says about exits, as the planner needs it.

use std::time::Duration;

/// The longest before its end that an active exit gets a successor.
const LONGEST_LEAD: Duration = Duration::from_secs(60);
/// The longest before its end that a draining exit is renewed: time for one renewal to wait for another before the function
/// asks.
const LONGEST_RENEWAL_LEAD: Duration = Duration::from_secs(20);
/// The longest before its end that a function says `ending` on the control stream.
const LONGEST_QUESTION_LEAD: Duration = Duration::from_secs(10);

/// How often a region gets a new exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// After this long.
    Every(Duration),
    /// Only when the old one's life is over.
    Never,
}

/// Whether exits pass the function's time limit in the same instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renew {
    /// Where it is of use and works.
    Auto,
    /// They end at the limit.
    Never,
}

/// Whether the agent cares for new addresses by raising the generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// When a new exit's address was among the region's last ones.
    Auto,
    /// Before each rotation.
    Always,
    /// Not at all.
    Never,
}

/// The settings of one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// `frequency`.
    pub frequency: Frequency,
    /// `aws.timeout`: the life of one invocation.
    pub timeout: Duration,
    /// `exits.max_per_region`, or less where the account allows less.
    pub max_per_region: usize,
    /// `exits.drain`.
    pub drain: Duration,
    /// `exits.renew`.
    pub renew: Renew,
    /// `exits.fresh`.
    pub fresh: Fresh,
    /// `exits.grace`.
    pub grace: Duration,
}

impl Settings {
    /// How long before its end an active exit gets a successor.
    pub fn lead(&self) -> Duration {
        LONGEST_LEAD.min(self.timeout / 4)
    }

    /// How long before its end a draining exit is renewed.
    pub(super) fn renewal_lead(&self) -> Duration {
        LONGEST_RENEWAL_LEAD.min(self.timeout / 5)
    }

    /// How long before its end a function says `ending`, and goes if it gets no order.
    pub(super) fn question_lead(&self) -> Duration {
        LONGEST_QUESTION_LEAD.min(self.timeout / 6)
    }

    /// How long before the active exit's end a slot is taken from a running stream: halfway between the lead and the
    /// function's question, so that renewal had time to fail and a successor has time to start.
    pub(super) fn last_slot_lead(&self) -> Duration {
        (self.lead() + self.question_lead()) / 2
    }

    /// When a region is full. The config demands 2; where the account allows 1 every rotation is a cut.
    pub(super) fn slots(&self) -> usize {
        self.max_per_region.max(1)
    }
}
