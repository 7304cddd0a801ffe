//! What an exit asks of the link under its session.

use std::time::Duration;

use tokio::sync::watch;
use tunnel::answer::{Ended, Outcome};
use tunnel::link::{LinkEnd, LinkHandle, LinkStatus};

/// A link, as an exit sees it; in tests, the end of a pipe.
pub trait Line: Send + Sync + 'static {
    /// The link's state, to be watched.
    fn status(&self) -> watch::Receiver<LinkStatus>;

    /// Waits until everything written was acknowledged, at most for `limit`.
    fn acknowledged(&self, limit: Duration) -> impl Future<Output = bool> + Send;
}

impl Line for LinkHandle {
    fn status(&self) -> watch::Receiver<LinkStatus> {
        self.status()
    }

    fn acknowledged(&self, limit: Duration) -> impl Future<Output = bool> + Send {
        self.acknowledged(limit)
    }
}

/// What the end of a link means to the invocation, and the cause for people.
pub(super) fn outcome(end: &LinkEnd, was_paired: bool) -> Outcome {
    let ended = match end {
        // The agent's 1000 reaches us as PeerGone: a lost agent's entry outlives our grace.
        LinkEnd::Done | LinkEnd::PeerGone => Ended::Done,
        LinkEnd::Superseded | LinkEnd::Refused { status: 409, .. } => Ended::Superseded,
        LinkEnd::Refused { status: 410, .. } if was_paired => Ended::Done,
        LinkEnd::GraceOver(_) if was_paired => Ended::Lost,
        LinkEnd::Refused { .. } | LinkEnd::Unknown | LinkEnd::Unreached(_) | LinkEnd::GraceOver(_) => Ended::Unreachable,
        LinkEnd::Abandoned | LinkEnd::ResetByPeer(_) | LinkEnd::Desync | LinkEnd::Mismatch => Ended::Lost,
    };
    Outcome { detail: (*end != LinkEnd::Done).then(|| end.to_string()), ..ended.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relays_verdicts_have_their_words() {
        let refused = |status| LinkEnd::Refused { status, reason: String::new() };
        for (end, was_paired, ended) in [
            (LinkEnd::Done, true, Ended::Done),
            (LinkEnd::PeerGone, true, Ended::Done),
            (refused(409), false, Ended::Superseded),
            (LinkEnd::Superseded, true, Ended::Superseded),
            (refused(410), true, Ended::Done),
            (refused(410), false, Ended::Unreachable),
            (refused(401), false, Ended::Unreachable),
            (LinkEnd::Unknown, false, Ended::Unreachable),
            (LinkEnd::Unreached("TCP".into()), false, Ended::Unreachable),
            (LinkEnd::GraceOver("TCP".into()), false, Ended::Unreachable),
            (LinkEnd::GraceOver("TCP".into()), true, Ended::Lost),
            (LinkEnd::Desync, true, Ended::Lost),
        ] {
            assert_eq!(outcome(&end, was_paired).ended, ended, "{end:?}");
        }
    }
}
