//! This machine's clock against that of a server: AWS refuses what is signed five minutes off.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::check::{Area, Check};

/// From here on a look is worth it.
const NOTABLE: Duration = Duration::from_secs(60);
/// From here on AWS refuses.
const REFUSED: Duration = Duration::from_secs(5 * 60);

/// Compares with a `Date` header.
pub(super) fn judge(server: &str, date: &str, now: OffsetDateTime) -> Option<Check> {
    const COMPONENT: &str = "clock";
    let theirs = OffsetDateTime::parse(date.trim(), &Rfc2822).ok()?;
    let difference = (now - theirs).unsigned_abs();
    let seconds = difference.as_secs();
    let side = if now > theirs { "ahead of" } else { "behind" };
    let details = format!("{seconds} s {side} {server}");
    let check = match difference {
        _ if difference >= REFUSED => Check::fail(Area::Machine, COMPONENT, server, details),
        _ if difference >= NOTABLE => Check::warn(Area::Machine, COMPONENT, server, details),
        _ => return Some(Check::pass(Area::Machine, COMPONENT, server, format!("{seconds} s apart"))),
    };
    Some(check.mend("set this machine's clock, best by NTP: AWS refuses calls that are signed five minutes off"))
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    const DATE: &str = "Wed, 25 Nov 2026 12:00:00 GMT";

    fn off(seconds: i64) -> Status {
        let theirs = OffsetDateTime::parse(DATE, &Rfc2822).expect("a date");
        judge("AWS", DATE, theirs + time::Duration::seconds(seconds)).expect("comparable").status
    }

    #[test]
    fn a_clock_is_right_notable_or_refused() {
        for (seconds, expected) in [
            (0, Status::Pass),
            (-59, Status::Pass),
            (61, Status::Warn),
            (-299, Status::Warn),
            (300, Status::Fail),
            (-9000, Status::Fail),
        ] {
            assert_eq!(off(seconds), expected, "{seconds}");
        }
        assert_eq!(judge("AWS", "yesterday", OffsetDateTime::UNIX_EPOCH), None);
    }
}
