//! The life of one exit as an enum: which states there are, and which event leads from one to the next.
//!
//! Never: no time, no socket and no decision here. The planner decides, the exit's actor tells what happened.

use std::fmt;

/// What an exit was doing when it failed, in the order in which a start goes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The Invoke call itself.
    Invoke,
    /// The agent's leg to the relay.
    Dial,
    /// Waiting for the function's leg and its HELLO.
    Pair,
    /// TLS and HTTP/2 between the two ends.
    Tls,
    /// Waiting for `hello` on the control stream.
    Ready,
    /// Carrying streams.
    Carry,
    /// Passing the function's time limit in the same instance.
    Renew,
}

impl Phase {
    /// The name in `status --json` and in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Dial => "dial",
            Self::Pair => "pair",
            Self::Tls => "tls",
            Self::Ready => "ready",
            Self::Carry => "carry",
            Self::Renew => "renew",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why an exit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It was replaced and its last stream ended.
    Done,
    /// The function's time limit.
    Deadline,
    /// `exits.drain` was over.
    DrainLimit,
    /// Its slot was needed and all its streams had been silent.
    SlotNeeded,
    /// Its slot was the last one for an exit that accepts, although its streams moved.
    LastSlot,
    /// Nobody used the proxy for `exits.idle`.
    Idle,
    /// Its tunnel was unpaired for longer than grace.
    Lost,
    /// It did not become ready in time.
    StartTimeout,
    /// AWS refused the invocation for want of concurrency or rate.
    Throttled,
    /// The invocation could not be made.
    InvokeFailed,
    /// The function answered with an error, timed out, or ended without being asked.
    FunctionError,
    /// A relay refused the tunnel.
    RelayRefused,
    /// No relay could be reached, by this end or by the function.
    RelayUnreachable,
    /// The relay knew the ticket as another's, or another process took the tunnel.
    Superseded,
    /// The tunnel's handshake or its protocol failed.
    ProtocolError,
    /// The instance serves another tunnel.
    Busy,
    /// The user asked for it.
    Requested,
    /// The agent ends.
    Shutdown,
}

impl Reason {
    /// The name in `status --json` and in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Deadline => "deadline",
            Self::DrainLimit => "drain_limit",
            Self::SlotNeeded => "slot_needed",
            Self::LastSlot => "last_slot",
            Self::Idle => "idle",
            Self::Lost => "lost",
            Self::StartTimeout => "start_timeout",
            Self::Throttled => "throttled",
            Self::InvokeFailed => "invoke_failed",
            Self::FunctionError => "function_error",
            Self::RelayRefused => "relay_refused",
            Self::RelayUnreachable => "relay_unreachable",
            Self::Superseded => "superseded",
            Self::ProtocolError => "protocol_error",
            Self::Busy => "busy",
            Self::Requested => "requested",
            Self::Shutdown => "shutdown",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where an exit is in its life.
///
/// ```text
///   Invoked ──paired──▶ Paired ──ready──▶ Ready ──activate──▶ Active ──drain──▶ Draining
///                                                               ▲                  │
///                                                               └────activate──────┘
///   any of these ──close(reason)──▶ Closed(reason)         an end in order
///   any of these ──fail(phase, reason)──▶ Failed(phase, reason)
/// ```
///
/// Losing and regaining a leg is no state of its own: a tunnel outlives its legs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitState {
    /// The Invoke is on its way; the agent's leg stands.
    Invoked,
    /// Both legs stand and HELLO was exchanged.
    Paired,
    /// `hello` came on the control stream: it could carry streams.
    Ready,
    /// New streams go to it.
    Active,
    /// It keeps its streams and gets no new ones.
    Draining,
    /// It ended in order.
    Closed(Reason),
    /// It ended by a fault, while in this phase.
    Failed(Phase, Reason),
}

/// An event that the state has no arrow for. The state is left as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an exit that is {} cannot {event}", state.name())]
pub struct IllegalEvent {
    /// The state it met.
    pub state: ExitState,
    /// The event, as a verb.
    pub event: &'static str,
}

impl ExitState {
    /// Both legs stand. A tunnel that pairs again after a lost leg stays what it was.
    pub fn paired(&mut self) -> Result<(), IllegalEvent> {
        match self {
            Self::Invoked => self.become_(Self::Paired),
            Self::Paired | Self::Ready | Self::Active | Self::Draining => Ok(()),
            Self::Closed(_) | Self::Failed(..) => self.refuse("pair"),
        }
    }

    /// `hello` came.
    pub fn ready(&mut self) -> Result<(), IllegalEvent> {
        match self {
            Self::Paired => self.become_(Self::Ready),
            _ => self.refuse("become ready"),
        }
    }

    /// New streams may go to it: for the first time, or again after it had been draining.
    pub fn activate(&mut self) -> Result<(), IllegalEvent> {
        match self {
            Self::Ready | Self::Draining => self.become_(Self::Active),
            _ => self.refuse("be activated"),
        }
    }

    /// No new streams go to it any more.
    pub fn drain(&mut self) -> Result<(), IllegalEvent> {
        match self {
            Self::Active => self.become_(Self::Draining),
            _ => self.refuse("drain"),
        }
    }

    /// It ended in order. The first end stands: a later one is refused.
    pub fn close(&mut self, reason: Reason) -> Result<(), IllegalEvent> {
        if self.has_ended() { self.refuse("close") } else { self.become_(Self::Closed(reason)) }
    }

    /// It ended by a fault. The first end stands: a later one is refused.
    pub fn fail(&mut self, phase: Phase, reason: Reason) -> Result<(), IllegalEvent> {
        if self.has_ended() { self.refuse("fail") } else { self.become_(Self::Failed(phase, reason)) }
    }

    /// Whether its invocation has not yet led to a usable tunnel.
    pub const fn is_starting(self) -> bool {
        matches!(self, Self::Invoked | Self::Paired)
    }

    /// Whether it is over.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Closed(_) | Self::Failed(..))
    }

    /// Why it ended, if it did.
    pub const fn ended_reason(self) -> Option<Reason> {
        match self {
            Self::Closed(reason) | Self::Failed(_, reason) => Some(reason),
            _ => None,
        }
    }

    /// The name in `status --json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoked => "invoked",
            Self::Paired => "paired",
            Self::Ready => "ready",
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Closed(_) => "closed",
            Self::Failed(..) => "failed",
        }
    }

    fn become_(&mut self, next: Self) -> Result<(), IllegalEvent> {
        *self = next;
        Ok(())
    }

    fn refuse(&self, event: &'static str) -> Result<(), IllegalEvent> {
        Err(IllegalEvent { state: *self, event })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_whole_life_in_order() {
        let mut state = ExitState::Invoked;
        for (event, name) in [
            (ExitState::paired as fn(&mut ExitState) -> Result<(), IllegalEvent>, "paired"),
            (ExitState::ready, "ready"),
            (ExitState::activate, "active"),
            (ExitState::drain, "draining"),
            (ExitState::activate, "active"),
            (ExitState::drain, "draining"),
        ] {
            event(&mut state).expect("legal");
            assert_eq!(state.name(), name);
        }
        state.close(Reason::Done).expect("legal");
        assert_eq!(state.ended_reason(), Some(Reason::Done));
    }

    #[test]
    fn nothing_is_chosen_before_it_is_ready() {
        for mut state in [ExitState::Invoked, ExitState::Paired] {
            let error = state.activate().expect_err("not ready");
            assert_eq!(error.to_string(), format!("an exit that is {} cannot be activated", state.name()));
        }
    }

    #[test]
    fn a_leg_that_comes_back_changes_nothing() {
        let mut state = ExitState::Draining;
        state.paired().expect("legal");
        assert_eq!(state, ExitState::Draining);
    }

    #[test]
    fn the_first_end_stands() {
        let mut state = ExitState::Failed(Phase::Dial, Reason::Lost);
        state.close(Reason::Shutdown).expect_err("ended");
        state.fail(Phase::Carry, Reason::FunctionError).expect_err("ended");
        assert_eq!(state.ended_reason(), Some(Reason::Lost));
    }

    proptest! {
        #[test]
        fn whatever_happens_an_end_is_final_and_a_refused_event_changes_nothing(events in prop::collection::vec(0u8..6, 0..40)) {
            let mut state = ExitState::Invoked;
            for event in events {
                let before = state;
                let outcome = match event {
                    0 => state.paired(),
                    1 => state.ready(),
                    2 => state.activate(),
                    3 => state.drain(),
                    4 => state.close(Reason::Done),
                    _ => state.fail(Phase::Carry, Reason::Lost),
                };
                prop_assert!(outcome.is_ok() || state == before);
                prop_assert!(!before.has_ended() || state == before);
            }
        }
    }
}
