//! When an exit speaks of its end, and when it ends. Pure: it takes the time and what happened, and says what to do.
//!
//! ```text
//!               ending time            renew                 acknowledged, or 200 ms
//!  Serving ──────────────────▶ Ending ───────▶ Answering ──────────────────────────▶ Kept
//!   │ ▲                         │  │ unpaired                                       ▲ │
//!   │ │                         │  └────────────────────────────────────────────────┘ │
//!   │ └─────────────────────────┼──────────────── invoked again ──────────────────────┘
//!   └───────── end ─────────────┴─ end, or no order ─▶ Closing ─▶ over
//! ```
//!
//! `renew` is obeyed before `ending` was said, too, and `end` in any phase.

use std::time::Duration;

use tunnel::answer::Ended;
use tunnel::control::FromAgent;
use tunnel::limits::ORDER_WAIT;

use crate::deadline::{Times, UnixMs};

/// How long the acknowledgement of `answering` is waited for.
const ANSWERING_WAIT: Duration = Duration::from_millis(200);
/// How long streams may run on after `end`: with what follows, the function is gone within 2 s.
const END_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// An invocation runs.
    Serving(Times),
    /// `ending` was said.
    Ending { order_by: UnixMs, stop: UnixMs },
    /// `answering` was said.
    Answering { until: UnixMs, stop: UnixMs },
    /// The invocation was answered and the tunnel stays, for the next one.
    Kept,
    /// GOAWAY was sent; running streams may finish.
    Closing { ended: Ended, until: UnixMs },
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Say `ending` on the control stream.
    SayEnding(UnixMs),
    /// Say `answering`, and report its acknowledgement.
    SayAnswering,
    /// Answer the invocation; the tunnel stays.
    Answer(Ended),
    /// Send GOAWAY.
    GoAway,
    /// End everything and answer.
    Stop(Ended),
}

/// The life of one exit.
#[derive(Debug)]
pub(super) struct Life {
    phase: Phase,
}

impl Life {
    pub(super) fn begin(times: Times) -> Self {
        Self { phase: Phase::Serving(times) }
    }

    /// Another invocation takes the kept tunnel on.
    pub(super) fn invoked(&mut self, times: Times) {
        self.phase = Phase::Serving(times);
    }

    /// When [`Life::tick`] has something to do next.
    pub(super) fn wake_at(&self) -> Option<UnixMs> {
        match self.phase {
            Phase::Serving(times) => Some(times.ending),
            Phase::Ending { order_by, .. } => Some(order_by),
            Phase::Answering { until, .. } | Phase::Closing { until, .. } => Some(until),
            Phase::Kept => None,
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: UnixMs, paired: bool) -> Option<Act> {
        if self.wake_at().is_none_or(|at| now < at) {
            return None;
        }
        match self.phase {
            Phase::Serving(_) | Phase::Ending { .. } if !paired => Some(self.keep(Ended::Unpaired)),
            Phase::Serving(times) => {
                let order_by = now.plus(ORDER_WAIT).min(times.stop);
                self.phase = Phase::Ending { order_by, stop: times.stop };
                Some(Act::SayEnding(times.deadline))
            }
            Phase::Ending { stop, .. } => Some(self.close(Ended::NoOrder, stop)),
            Phase::Answering { .. } => Some(self.keep(Ended::Renewed)),
            Phase::Closing { ended, .. } => Some(Act::Stop(ended)),
            Phase::Kept => None,
        }
    }

    /// The agent has spoken.
    pub(super) fn order(&mut self, order: &FromAgent, now: UnixMs) -> Option<Act> {
        match (order, self.phase) {
            (FromAgent::Renew {}, Phase::Serving(Times { stop, .. }) | Phase::Ending { stop, .. }) => {
                self.phase = Phase::Answering { until: now.plus(ANSWERING_WAIT).min(stop), stop };
                Some(Act::SayAnswering)
            }
            (FromAgent::Renew {}, _) => None,
            (FromAgent::End {}, Phase::Closing { until, .. }) => {
                self.phase = Phase::Closing { ended: Ended::Done, until: until.min(now.plus(END_WAIT)) };
                None
            }
            (
                FromAgent::End {},
                Phase::Serving(Times { stop, .. }) | Phase::Ending { stop, .. } | Phase::Answering { stop, .. },
            ) => Some(self.close(Ended::Done, stop.min(now.plus(END_WAIT)))),
            (FromAgent::End {}, Phase::Kept) => Some(self.close(Ended::Done, now.plus(END_WAIT))),
        }
    }

    /// The agent has everything up to `answering`.
    pub(super) fn acknowledged(&mut self) -> Option<Act> {
        matches!(self.phase, Phase::Answering { .. }).then(|| self.keep(Ended::Renewed))
    }

    /// Whether GOAWAY was sent, and for what cause.
    pub(super) fn closing(&self) -> Option<Ended> {
        match self.phase {
            Phase::Closing { ended, .. } => Some(ended),
            _ => None,
        }
    }

    fn keep(&mut self, ended: Ended) -> Act {
        self.phase = Phase::Kept;
        Act::Answer(ended)
    }

    fn close(&mut self, ended: Ended, until: UnixMs) -> Act {
        self.phase = Phase::Closing { ended, until };
        Act::GoAway
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RENEW: FromAgent = FromAgent::Renew {};
    const END: FromAgent = FromAgent::End {};

    fn at(ms: u64) -> UnixMs {
        UnixMs(ms)
    }

    /// 60 s: `ending` at 50 s, the last stop at 59 s.
    fn life() -> Life {
        Life::begin(Times::new(at(60_000), at(0)))
    }

    #[test]
    fn without_an_order_goaway_follows_two_seconds_after_ending() {
        let mut life = life();
        assert_eq!(life.tick(at(49_999), true), None);
        assert_eq!(life.tick(at(50_000), true), Some(Act::SayEnding(at(60_000))));
        assert_eq!(life.tick(at(51_999), true), None);
        assert_eq!(life.tick(at(52_000), true), Some(Act::GoAway));
        assert_eq!(life.closing(), Some(Ended::NoOrder));
        assert_eq!(life.tick(at(58_999), true), None);
        assert_eq!(life.tick(at(59_000), true), Some(Act::Stop(Ended::NoOrder)));
    }

    #[test]
    fn a_renewal_is_answered_when_acknowledged_or_after_a_moment_and_serves_on() {
        for acknowledged in [true, false] {
            let mut life = life();
            life.tick(at(50_000), true);
            assert_eq!(life.order(&RENEW, at(50_100)), Some(Act::SayAnswering));
            let act = if acknowledged { life.acknowledged() } else { life.tick(at(50_300), true) };
            assert_eq!(act, Some(Act::Answer(Ended::Renewed)));
            assert_eq!((life.wake_at(), life.tick(at(90_000), true), life.acknowledged()), (None, None, None));
            life.invoked(Times::new(at(160_000), at(100_000)));
            assert_eq!(life.tick(at(150_000), true), Some(Act::SayEnding(at(160_000))));
        }
    }

    #[test]
    fn an_end_stops_within_a_second() {
        let mut life = life();
        assert_eq!(life.order(&END, at(1_000)), Some(Act::GoAway));
        assert_eq!(life.tick(at(1_999), true), None);
        assert_eq!(life.tick(at(2_000), true), Some(Act::Stop(Ended::Done)));
    }

    #[test]
    fn an_end_after_goaway_shortens_the_wait() {
        let mut life = life();
        life.tick(at(50_000), true);
        life.tick(at(52_000), true);
        assert_eq!(life.order(&END, at(53_000)), None);
        assert_eq!(life.tick(at(54_000), true), Some(Act::Stop(Ended::Done)));
    }

    #[test]
    fn unpaired_it_sends_no_goaway_and_is_kept() {
        let mut unheard = life();
        assert_eq!(unheard.tick(at(50_000), false), Some(Act::Answer(Ended::Unpaired)));
        assert_eq!(unheard.closing(), None);
        let mut lost_meanwhile = life();
        lost_meanwhile.tick(at(50_000), true);
        assert_eq!(lost_meanwhile.tick(at(52_000), false), Some(Act::Answer(Ended::Unpaired)));
    }

    #[test]
    fn a_short_invocation_still_ends_before_its_deadline() {
        let mut life = Life::begin(Times::new(at(10_000), at(0)));
        assert_eq!(life.tick(at(8_334), true), Some(Act::SayEnding(at(10_000))));
        assert_eq!(life.tick(at(9_500), true), Some(Act::GoAway));
        assert_eq!(life.tick(at(9_500), true), Some(Act::Stop(Ended::NoOrder)));
    }

    proptest! {
        /// 0 tick, 1 renew, 2 end, 3 acknowledged.
        #[test]
        fn every_invocation_is_answered_once_and_in_time(events in proptest::collection::vec((0u8..4, 0u64..3_000, any::<bool>()), 0..60)) {
            let mut life = life();
            let (mut now, mut answers) = (at(0), 0);
            let late = std::iter::repeat_n((0, 500, true), 200);
            for (event, step, paired) in events.into_iter().chain(late) {
                now = now.plus(Duration::from_millis(step)).min(life.wake_at().unwrap_or(UnixMs(u64::MAX)).max(now));
                let act = match event {
                    0 => life.tick(now, paired),
                    1 => life.order(&RENEW, now),
                    2 if answers == 0 => life.order(&END, now),
                    2 => None,
                    _ => life.acknowledged(),
                };
                match act {
                    Some(Act::Answer(_)) => answers += 1,
                    Some(Act::Stop(_)) => {
                        answers += 1;
                        break;
                    }
                    _ => {}
                }
                prop_assert!(answers == 1 || now <= at(59_000));
            }
            prop_assert_eq!(answers, 1);
        }
    }
}
