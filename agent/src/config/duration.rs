//! Durations as people write them: `"5m"`, an integer of seconds, and `"never"` where a key allows it.

use std::time::Duration;

use super::node::{Kind, Node};
use super::value::{Fault, Value, integer, text};

/// The word that turns a duration off.
const NEVER: &str = "never";

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a duration like \"90s\", \"5m\" or \"1h 30m\", or seconds")]
pub struct NotADuration;

/// Reads `5m`, `1h 30m` or bare seconds, as flags and variables carry them.
pub fn parse(text: &str) -> Result<Duration, NotADuration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    humantime::parse_duration(text).map_err(|_| NotADuration)
}

/// Shows a duration as [`parse`] reads it, in its largest whole unit.
pub fn show(duration: Duration) -> String {
    if duration.subsec_nanos() != 0 {
        return humantime::format_duration(duration).to_string();
    }
    match duration.as_secs() {
        0 => "0s".to_owned(),
        seconds if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        seconds if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

fn of_text(node: &Node) -> Result<Duration, Fault> {
    let text = text(node)?;
    // In the file a number in quotes may be a unit forgotten.
    if node.origin.is_typed() && text.trim().parse::<u64>().is_ok() {
        return Err(Fault::Value("the unit is missing; write it (\"90s\"), or drop the quotes for seconds".to_owned()));
    }
    parse(text).map_err(|error| Fault::Value(error.to_string()))
}

impl Value for Duration {
    const EXPECTED: &'static str = "a duration like \"5m\", or seconds";

    fn read(node: &Node) -> Result<Self, Fault> {
        match &node.kind {
            Kind::Integer(_) => {
                let seconds = u64::try_from(integer(node)?).ok();
                seconds.map(Self::from_secs).ok_or_else(|| Fault::Value("must not be negative".to_owned()))
            }
            _ => of_text(node),
        }
    }

    fn show(&self) -> String {
        format!("\"{}\"", show(*self))
    }
}

/// A duration, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// Again and again, this far apart.
    Every(Duration),
    /// Not at all.
    Never,
}

impl Frequency {
    /// The duration, when there is one.
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::Every(duration) => Some(duration),
            Self::Never => None,
        }
    }
}

impl Value for Frequency {
    const EXPECTED: &'static str = "a duration like \"5m\", seconds, or \"never\"";

    fn read(node: &Node) -> Result<Self, Fault> {
        match &node.kind {
            Kind::Text(text) if text.trim() == NEVER => Ok(Self::Never),
            _ => Duration::read(node).map(Self::Every),
        }
    }

    fn show(&self) -> String {
        self.duration().map_or_else(|| format!("\"{NEVER}\""), |duration| duration.show())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [("10", 10), ("90s", 90), ("5m", 300), ("1h 30m", 5400), ("1h30m", 5400), (" 2h ", 7200)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "five", "-5", "5 parsecs", "1e3"] {
            assert_eq!(parse(text), Err(NotADuration), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(ms in 0..10_000_000_000_u64) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse(&show(duration)), Ok(duration));
        }
    }
}
