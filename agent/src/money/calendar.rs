//! Calendar months, in UTC as AWS bills them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::scheduler::time::Timestamp;

/// A month of a year, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    year: u16,
    month: u8,
}

/// A text is no month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a month is written like 2026-11")]
pub struct NotAMonth;

impl Month {
    /// The month of a moment. A clock beyond the year 9999 stays in its last month.
    pub fn of(at: Timestamp) -> Self {
        let seconds = i64::try_from(at.as_millis() / 1000).unwrap_or(i64::MAX);
        match OffsetDateTime::from_unix_timestamp(seconds) {
            Ok(date) => Self { year: u16::try_from(date.year()).unwrap_or_default(), month: date.month().into() },
            Err(_) => Self { year: 9999, month: 12 },
        }
    }

    /// How many months `earlier` is before this one; none if it is later.
    pub fn since(self, earlier: Self) -> u32 {
        self.count().saturating_sub(earlier.count())
    }

    fn count(self) -> u32 {
        u32::from(self.year) * 12 + u32::from(self.month)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        let (year, month) = text.split_once('-').ok_or(NotAMonth)?;
        let is_number = |text: &str, digits| text.len() == digits && text.bytes().all(|c| c.is_ascii_digit());
        if !is_number(year, 4) || !is_number(month, 2) {
            return Err(NotAMonth);
        }
        let month = Self { year: year.parse().map_err(|_| NotAMonth)?, month: month.parse().map_err(|_| NotAMonth)? };
        if (1..=12).contains(&month.month) { Ok(month) } else { Err(NotAMonth) }
    }
}

impl TryFrom<String> for Month {
    type Error = NotAMonth;

    fn try_from(text: String) -> Result<Self, NotAMonth> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn month(text: &str) -> Month {
        text.parse().expect("a month")
    }

    #[test]
    fn a_month_turns_at_midnight_in_utc() {
        // 2026-11-30T23:59:59.999Z and one millisecond later.
        let last = Timestamp::from_millis(1_796_083_199_999);
        assert_eq!(Month::of(last), month("2026-11"));
        assert_eq!(Month::of(Timestamp::from_millis(last.as_millis() + 1)), month("2026-12"));
        assert_eq!(Month::of(Timestamp::default()).to_string(), "1970-01");
    }

    #[test]
    fn months_are_counted_over_a_year_s_turn() {
        assert_eq!(month("2027-01").since(month("2026-11")), 2);
        assert_eq!(month("2026-11").since(month("2027-01")), 0);
        for text in ["2026-13", "2026-00", "26-11", "2026-1", "+026-11", "2026/11", ""] {
            assert_eq!(text.parse::<Month>(), Err(NotAMonth), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_clock_has_a_month_that_reads_back(millis: u64) {
            let found = Month::of(Timestamp::from_millis(millis));
            prop_assert_eq!(found.to_string().parse(), Ok(found));
        }
    }
}
