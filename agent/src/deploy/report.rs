//! What a command tells of each thing: what it would do, or what came of it.

use super::plan::Action;
use super::trouble::Trouble;

/// Where the role is: in no region.
pub const ACCOUNT: &str = "account";

/// One thing of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The region, or [`ACCOUNT`].
    pub place: String,
    /// What it is, and its name.
    pub thing: String,
    /// What happens to it, or happened.
    pub outcome: Result<Change, Fault>,
}

/// What happens to a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As a whole.
    pub action: Action,
    /// In detail, for people.
    pub details: Vec<String>,
}

/// Why nothing happens to it, or not all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, in few words.
    pub brief: String,
    /// What is wrong.
    pub text: String,
    /// The mend.
    pub hint: String,
    /// Whether AWS said no.
    pub is_refusal: bool,
    /// Whether it only follows from what is wrong elsewhere.
    pub is_consequence: bool,
}

impl Line {
    pub(super) fn new(place: &str, thing: String, outcome: Result<Change, Fault>) -> Self {
        Self { place: place.to_owned(), thing, outcome }
    }

    /// Whether nothing happens to it, and nothing is wrong with it.
    pub fn is_unchanged(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|change| matches!(change.action, Action::Unchanged | Action::LeftAlone))
    }

    /// Whether it is not ours, and stays.
    pub fn is_left_alone(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|change| change.action == Action::LeftAlone)
    }
}

impl<T: Into<Trouble>> From<T> for Fault {
    fn from(trouble: T) -> Self {
        let trouble = trouble.into();
        Self {
            brief: trouble.brief(),
            text: trouble.to_string(),
            hint: trouble.hint().into_owned(),
            is_refusal: trouble.is_refusal(),
            is_consequence: trouble.is_consequence(),
        }
    }
}

/// What lines come to together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is as wished.
    Well,
    /// Something is not, in some places.
    Some,
    /// Nothing is, and AWS said no each time.
    Refused,
    /// Nothing is.
    Failed,
}

/// Sums up. A place failed when anything of it did; the account's role alone is no success while every region failed.
pub fn verdict(lines: &[Line]) -> Verdict {
    let faults: Vec<&Fault> = lines.iter().filter_map(|line| line.outcome.as_ref().err()).collect();
    if faults.is_empty() {
        return Verdict::Well;
    }
    let failed = |place: &str| lines.iter().any(|line| line.place == place && line.outcome.is_err());
    let mut regions = lines.iter().filter(|line| line.place != ACCOUNT).peekable();
    let only_the_role = regions.peek().is_none();
    if !only_the_role && !regions.all(|line| failed(&line.place)) {
        return Verdict::Some;
    }
    let mut causes = faults.iter().filter(|fault| !fault.is_consequence);
    if causes.all(|fault| fault.is_refusal) { Verdict::Refused } else { Verdict::Failed }
}

/// What is going on with one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note<'a> {
    /// This is being done.
    Doing(&'a str),
    /// All is done.
    Done,
    /// It ended badly.
    Failed,
}

/// Whoever shows what is going on: is told the place and the note.
pub type Watcher<'a> = &'a dyn Fn(&str, Note<'_>);

/// Tells the watcher how a place ended.
pub(super) fn ended(watch: Watcher<'_>, place: &str, lines: &[Line]) {
    watch(place, if lines.iter().any(|line| line.outcome.is_err()) { Note::Failed } else { Note::Done });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(place: &str, fails: Option<bool>) -> Line {
        let change = Change { action: Action::Create, details: Vec::new() };
        let fault = |is_refusal| Fault {
            brief: String::new(),
            text: String::new(),
            hint: String::new(),
            is_refusal,
            is_consequence: false,
        };
        Line::new(place, "function x".into(), fails.map_or(Ok(change), |is_refusal| Err(fault(is_refusal))))
    }

    #[test]
    fn the_verdict_tells_some_from_all_and_no_from_trouble() {
        let (well, refused, failed) = (None, Some(true), Some(false));
        for (role, west, east, expected) in [
            (well, well, well, Verdict::Well),
            (well, well, refused, Verdict::Some),
            (well, refused, refused, Verdict::Refused),
            (well, refused, failed, Verdict::Failed),
            (refused, well, well, Verdict::Some),
            (refused, refused, refused, Verdict::Refused),
        ] {
            let lines = [line(ACCOUNT, role), line("us-west-2", west), line("us-east-1", east)];
            assert_eq!(verdict(&lines), expected, "{lines:?}");
        }
        assert_eq!(verdict(&[line(ACCOUNT, refused)]), Verdict::Refused);
        let mut waits = line("us-west-2", failed);
        waits.outcome = waits.outcome.map_err(|fault| Fault { is_consequence: true, ..fault });
        assert_eq!(verdict(&[line(ACCOUNT, refused), waits]), Verdict::Refused, "what follows from a refusal is one");
        assert_eq!(verdict(&[]), Verdict::Well);
    }
}
