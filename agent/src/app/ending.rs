//! What an agent says of itself while it ends.

use std::time::Duration;

use tokio::time::Instant;

use crate::health::{Problem, Severity};
use crate::status::model::ENDING;

/// Why there are no new exits.
pub(super) const REFUSAL: &str = "it is ending, so it takes no new exits; start it again first";

/// The end that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending {
    /// When what still runs is cut.
    cut_at: Instant,
}

impl Ending {
    /// It begins now; streams may finish for as long as `drain`.
    pub(super) fn begin(drain: Option<Duration>) -> Self {
        Self { cut_at: Instant::now() + drain.unwrap_or_default() }
    }

    /// As `status` lists it, with `open` streams.
    pub(super) fn problem(self, open: u64) -> Problem {
        let left = Duration::from_secs(self.cut_at.saturating_duration_since(Instant::now()).as_secs());
        let streams = if open == 1 { "1 stream".to_owned() } else { format!("{open} streams") };
        let text = if left.is_zero() {
            "ending: what still runs is cut".to_owned()
        } else {
            format!("ending: {streams} may finish, at most {} more", humantime::format_duration(left))
        };
        let hint = Some("no new connections are taken; a second Ctrl-C or SIGTERM ends it at once".to_owned());
        Problem { code: ENDING.to_owned(), severity: Severity::Info, region: None, phase: None, text, hint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_says_who_may_finish_and_for_how_long() {
        let ending = Ending::begin(Some(Duration::from_secs(300)));
        assert_eq!(ending.problem(2).text, "ending: 2 streams may finish, at most 5m more");
        tokio::time::advance(Duration::from_secs(50)).await;
        assert_eq!(ending.problem(1).text, "ending: 1 stream may finish, at most 4m 10s more");
        assert_eq!(Ending::begin(None).problem(1).text, "ending: what still runs is cut");
    }
}
