//! Whether a leg is alive, by the bytes that were heard. Pure.

use tokio::time::Instant;

use crate::limits::{END_PING, END_PING_BUSY, LEG_SILENCE};

/// What to do about a leg now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Alive,
    Ping,
    Dead,
}

/// Judges a leg by what was heard. A freeze never gets here: it has its own verdict.
pub(super) struct Silence {
    heard: u64,
    since: Instant,
    pinged: Instant,
}

impl Silence {
    pub(super) fn new(heard: u64, now: Instant) -> Self {
        Self { heard, since: now, pinged: now }
    }

    pub(super) fn judge(&mut self, now: Instant, heard: u64, waiting: bool) -> Judgement {
        if heard != self.heard {
            (self.heard, self.since) = (heard, now);
        }
        if now - self.since >= LEG_SILENCE {
            return Judgement::Dead;
        }
        let period = if waiting { END_PING_BUSY } else { END_PING };
        if now - self.pinged < period {
            return Judgement::Alive;
        }
        self.pinged = now;
        Judgement::Ping
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_leg_lives_as_long_as_any_byte_comes() {
        let t = Instant::now();
        let mut silence = Silence::new(0, t);
        for second in 1..60 {
            assert_ne!(silence.judge(t + S * second, u64::from(second / 9), false), Judgement::Dead);
        }
        assert_eq!(silence.judge(t + S * 64, 6, false), Judgement::Dead);
    }

    #[test]
    fn it_is_pinged_more_often_while_data_waits() {
        let t = Instant::now();
        let pings = |waiting| {
            let mut silence = Silence::new(0, t);
            (1..=60).filter(|second| silence.judge(t + S * *second, u64::from(*second), waiting) == Judgement::Ping).count()
        };
        assert_eq!((pings(false), pings(true)), (4, 12));
    }
}
