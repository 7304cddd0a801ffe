//! Why a link ended.

use super::frame::ResetCode;

/// The end of a link. Only [`LinkEnd::Done`] is clean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkEnd {
    /// Both directions ended and were acknowledged.
    #[error("done")]
    Done,
    /// This end gave it up.
    #[error("given up by this end")]
    Abandoned,
    /// The other end gave it up.
    #[error("given up by the other end ({0:?})")]
    ResetByPeer(ResetCode),
    /// The peer's bytes or offsets cannot be.
    #[error("the two ends disagree about what was sent")]
    Desync,
    /// The peer belongs to another link or speaks another version.
    #[error("the peer belongs to another tunnel or version")]
    Mismatch,
    /// Unpaired for longer than grace.
    #[error("not paired for longer than grace; last: {0}")]
    GraceOver(String),
    /// No relay was reached, ever; why not.
    #[error("{0}")]
    Unreached(String),
    /// The relay's final answer to a dial.
    #[error("the relay refused the leg: {status} {reason}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The relay's words.
        reason: String,
    },
    /// The relay says that the other end is gone for good.
    #[error("the relay says that the other end is gone")]
    PeerGone,
    /// A newer leg of this end's owner took over.
    #[error("superseded by a newer leg")]
    Superseded,
    /// The relay never knew the ticket.
    #[error("the relay does not know this tunnel")]
    Unknown,
}

impl LinkEnd {
    /// A short stable name for statistics and status.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Abandoned => "abandoned",
            Self::ResetByPeer(_) => "reset_by_peer",
            Self::Desync => "desync",
            Self::Mismatch => "mismatch",
            Self::GraceOver(_) => "grace_over",
            Self::Unreached(_) => "unreached",
            Self::Refused { .. } => "refused",
            Self::PeerGone => "peer_gone",
            Self::Superseded => "superseded",
            Self::Unknown => "unknown_tunnel",
        }
    }
}
