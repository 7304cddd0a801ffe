//! The phases of one exit in their order. Two clocks tell them: the agent's, and that of the function, which counts from its
//! invitation on. Where they meet, when both are paired, tells when the function started.

use std::fmt;
use std::time::Duration;

use tunnel::answer::Phases;

/// How far an exit came. The agent's times count from the first moment on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Timeline {
    /// The relay took the agent's leg.
    pub(super) accepted: Option<Duration>,
    /// The function's leg met it.
    pub(super) paired: Option<Duration>,
    /// `hello` came through the tunnel.
    pub(super) ready: Option<Duration>,
    /// A site answered through it.
    pub(super) probe: Option<Duration>,
    /// What the function told.
    pub(super) function: Option<Phases>,
}

/// A phase that was passed, and how long it took where a clock tells.
type Passed = (&'static str, Option<Duration>);

impl Timeline {
    fn passed(&self) -> Vec<Passed> {
        let mut passed: Vec<Passed> = Vec::new();
        passed.extend(self.accepted.map(|accepted| ("accepted", Some(accepted))));
        match &self.function {
            Some(function) => {
                passed.push(("started", self.until_started(function)));
                passed.extend(inside(function));
            }
            None => passed.extend(self.paired.map(|_| ("paired", between(self.accepted, self.paired)))),
        }
        passed.extend(self.ready.map(|_| ("ready", between(self.paired, self.ready))));
        passed.extend(self.probe.map(|_| ("probe", between(self.ready, self.probe))));
        passed
    }

    /// From the Invoke, which follows the agent's leg, to the function's first moment.
    fn until_started(&self, function: &Phases) -> Option<Duration> {
        let both = between(self.accepted, self.paired)?;
        Some(both.saturating_sub(Duration::from_millis(function.paired?)))
    }
}

/// The function's own phases up to the meeting.
fn inside(function: &Phases) -> impl Iterator<Item = Passed> {
    let Phases { dialling, resolved, connected, secured, dialled, paired, .. } = *function;
    let steps = [
        ("dials in vain", dialling),
        ("resolved", resolved),
        ("TCP", connected),
        ("TLS", secured),
        ("upgrade", dialled),
        ("paired", paired),
    ];
    let mut last = 0;
    steps.into_iter().filter_map(|(name, at)| at.map(|at| (name, at))).map(move |(name, at)| {
        let took = at.saturating_sub(std::mem::replace(&mut last, at));
        (name, Some(Duration::from_millis(took)))
    })
}

fn between(earlier: Option<Duration>, later: Option<Duration>) -> Option<Duration> {
    Some(later?.saturating_sub(earlier?))
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, took)) in self.passed().into_iter().enumerate() {
            let arrow = if place == 0 { "" } else { " → " };
            write!(f, "{arrow}{name}")?;
            if let Some(took) = took {
                write!(f, " {} ms", took.as_millis())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Option<Duration> {
        Some(Duration::from_millis(count))
    }

    fn whole() -> Timeline {
        let function = Phases {
            dialling: None,
            resolved: Some(3),
            connected: Some(23),
            secured: Some(63),
            dialled: Some(83),
            paired: Some(90),
            tls: Some(130),
        };
        Timeline { accepted: ms(12), paired: ms(352), ready: ms(400), probe: ms(520), function: Some(function) }
    }

    #[test]
    fn both_clocks_make_one_row() {
        let row = "accepted 12 ms → started 250 ms → resolved 3 ms → TCP 20 ms → TLS 40 ms → upgrade 20 ms → paired 7 ms → \
                   ready 48 ms → probe 120 ms";
        assert_eq!(whole().to_string(), row);
    }

    #[test]
    fn a_function_that_tells_nothing_leaves_the_agent_s_own() {
        let older = Timeline { function: None, ..whole() };
        assert_eq!(older.to_string(), "accepted 12 ms → paired 340 ms → ready 48 ms → probe 120 ms");
        assert_eq!(Timeline::default().to_string(), "");
    }

    #[test]
    fn a_function_that_met_nobody_says_how_far_it_came() {
        let function = Phases { dialling: Some(900), resolved: Some(901), ..Phases::default() };
        let lost = Timeline { accepted: ms(12), function: Some(function), ..Timeline::default() };
        assert_eq!(lost.to_string(), "accepted 12 ms → started → dials in vain 900 ms → resolved 1 ms");
    }

    #[test]
    fn clocks_that_cannot_be_make_no_nonsense() {
        let function = Phases { resolved: Some(u64::MAX), connected: Some(1), paired: Some(u64::MAX), ..Phases::default() };
        let odd = Timeline { accepted: ms(12), paired: ms(2), function: Some(function), ..Timeline::default() };
        assert!(odd.to_string().starts_with("accepted 12 ms → started 0 ms → resolved "), "{odd}");
    }
}
