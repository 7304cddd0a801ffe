//! What an end does about a refused dial or a closed leg: the design's table of reactions. Pure.

use super::end::LinkEnd;
use crate::leg::dial::DialError;
use crate::leg::port::close;

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reaction {
    /// The link is over.
    Final(LinkEnd),
    /// Dial again, as soon as the relay allows; `elsewhere` when another may know more.
    Redial { elsewhere: bool },
}

const REDIAL: Reaction = Reaction::Redial { elsewhere: false };

pub(super) fn to_dial_error(error: &DialError, is_agent: bool) -> Reaction {
    let DialError::Refused { status, reason, .. } = error else {
        return Reaction::Redial { elsewhere: true };
    };
    match (status.as_u16(), is_agent) {
        (400 | 401 | 410 | 426, _) | (409, true) => {
            Reaction::Final(LinkEnd::Refused { status: status.as_u16(), reason: reason.clone() })
        }
        (409, false) => Reaction::Final(LinkEnd::Superseded),
        _ => Reaction::Redial { elsewhere: true },
    }
}

pub(super) fn to_close(code: Option<u16>) -> Reaction {
    match code {
        Some(close::DONE | close::PEER_GONE) => Reaction::Final(LinkEnd::PeerGone),
        Some(close::SUPERSEDED) => Reaction::Final(LinkEnd::Superseded),
        Some(close::FULL) => Reaction::Redial { elsewhere: true },
        _ => REDIAL,
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn refusal(status: u16, is_agent: bool) -> Reaction {
        let status = StatusCode::from_u16(status).expect("status");
        to_dial_error(&DialError::Refused { status, retry_after: None, reason: String::new() }, is_agent)
    }

    #[test]
    fn final_answers_end_the_link_at_once() {
        for status in [400, 401, 410, 426] {
            for is_agent in [true, false] {
                assert!(matches!(refusal(status, is_agent), Reaction::Final(LinkEnd::Refused { .. })), "{status}");
            }
        }
        assert!(matches!(refusal(409, true), Reaction::Final(LinkEnd::Refused { status: 409, .. })));
        assert_eq!(refusal(409, false), Reaction::Final(LinkEnd::Superseded));
        for code in [close::DONE, close::PEER_GONE] {
            assert_eq!(to_close(Some(code)), Reaction::Final(LinkEnd::PeerGone));
        }
        assert_eq!(to_close(Some(close::SUPERSEDED)), Reaction::Final(LinkEnd::Superseded));
    }

    #[test]
    fn passing_answers_are_tried_again() {
        for status in [404, 429, 503, 502, 301] {
            assert_eq!(refusal(status, false), Reaction::Redial { elsewhere: true });
        }
        for code in [Some(close::GOING_AWAY), Some(close::RESTARTING), Some(close::TIMED_OUT), None, Some(close::PROTOCOL_ERROR)]
        {
            assert_eq!(to_close(code), REDIAL);
        }
    }
}
