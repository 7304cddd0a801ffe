//! When a certificate is due for renewal: when the CA suggests (RFC 9773), else after two thirds of its life.

use std::time::{Duration, SystemTime};

use crate::tls::Facts;

/// The part of the last third over which relays spread their renewals.
const SPREAD: f64 = 0.05;
/// The part of the last third after which no suggestion of the CA counts.
const LATEST: f64 = 0.9;
/// The part of its whole life before which none does: a CA that always says "now" is not to be asked all day long.
const EARLIEST: f64 = 0.01;

/// The time in which the CA would like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start: SystemTime,
    pub(super) end: SystemTime,
}

/// When to renew; `pick`, from 0 to 1, chooses within what is allowed.
pub(super) fn due(facts: &Facts, window: Option<Window>, pick: f64) -> SystemTime {
    let chosen = window.and_then(|window| {
        let width = window.end.duration_since(window.start).ok()?;
        Some(window.start + width.mul_f64(pick))
    });
    let (earliest, latest) = (facts.not_before + life(facts).mul_f64(EARLIEST), within_last_third(facts, LATEST));
    chosen.map_or_else(|| within_last_third(facts, SPREAD * pick), |chosen| chosen.clamp(earliest, latest))
}

fn life(facts: &Facts) -> Duration {
    facts.not_after.duration_since(facts.not_before).unwrap_or_default()
}

/// The moment at which this part of the last third of its life is over.
fn within_last_third(facts: &Facts, part: f64) -> SystemTime {
    let third = life(facts) / 3;
    facts.not_before + 2 * third + third.mul_f64(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::self_signed;

    const DAY: Duration = Duration::from_secs(86_400);

    /// A certificate of 90 days.
    fn facts() -> Facts {
        let directory = tempfile::tempdir().expect("directory");
        let mut facts = self_signed(directory.path(), "relay.example.com").expect("made").facts().expect("facts");
        facts.not_before = SystemTime::UNIX_EPOCH + 1000 * DAY;
        facts.not_after = facts.not_before + 90 * DAY;
        facts
    }

    #[test]
    fn two_thirds_of_its_life_are_enough() {
        let facts = facts();
        assert_eq!(due(&facts, None, 0.0), facts.not_before + 60 * DAY);
        assert_eq!(due(&facts, None, 1.0), facts.not_before + 60 * DAY + DAY * 3 / 2);
    }

    #[test]
    fn the_ca_may_want_it_earlier_or_later_but_not_too_late() {
        let facts = facts();
        let window = |from: u32, to: u32| Some(Window { start: facts.not_before + from * DAY, end: facts.not_before + to * DAY });
        assert_eq!(due(&facts, window(10, 20), 0.5), facts.not_before + 15 * DAY);
        assert_eq!(due(&facts, window(70, 80), 0.5), facts.not_before + 75 * DAY);
        assert_eq!(due(&facts, window(100, 200), 0.5), facts.not_before + 87 * DAY);
        assert_eq!(due(&facts, window(0, 0), 0.5), facts.not_before + DAY * 9 / 10, "not all day long");
        assert_eq!(due(&facts, window(20, 10), 0.0), facts.not_before + 60 * DAY, "a window that ends before it begins");
    }
}
