//! What tells the counters of one name apart.

use prometheus_client::encoding::EncodeLabelSet;

use crate::admission::Refusal;
use crate::pairing::Side;

/// Which end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfSide {
    side: &'static str,
}

impl From<Side> for OfSide {
    fn from(side: Side) -> Self {
        Self { side: side.name() }
    }
}

/// Why a leg was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reason {
    reason: &'static str,
}

impl Reason {
    pub(super) fn of(refusal: Refusal) -> Self {
        Self { reason: refusal.reason() }
    }
}
