//! Lines as a table that reads without colour.

use super::plan::Action;
use super::report::Line;
use crate::columns;

/// Whether it is told before or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tense {
    /// What would happen.
    Plan,
    /// What happened.
    Result,
}

impl Tense {
    const fn word(self, action: Action) -> &'static str {
        match (self, action) {
            (Self::Plan, _) | (_, Action::Unchanged | Action::LeftAlone) => action.word(),
            (Self::Result, Action::Create) => "created",
            (Self::Result, Action::Update) => "updated",
            (Self::Result, Action::Delete) => "removed",
        }
    }

    const fn fault(self) -> &'static str {
        match self {
            Self::Plan => "cannot",
            Self::Result => "failed",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Plan => "ACTION",
            Self::Result => "RESULT",
        }
    }
}

/// The table, with its header; one row a line.
pub fn table(lines: &[Line], tense: Tense) -> String {
    columns::table(&["PLACE", "WHAT", tense.title(), "DETAILS"], lines.iter().map(|line| row(line, tense)).collect())
}

fn row(line: &Line, tense: Tense) -> Vec<String> {
    let (action, details) = match &line.outcome {
        Ok(change) => (tense.word(change.action), change.details.join(", ")),
        Err(fault) => (tense.fault(), fault.brief.clone()),
    };
    vec![line.place.clone(), line.thing.clone(), action.to_owned(), details]
}

#[cfg(test)]
mod tests {
    use super::super::report::{Change, Fault};
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let change = |action, detail: &str| Ok(Change { action, details: vec![detail.to_owned()] });
        let fault = Fault {
            brief: "no".into(),
            text: "no, said AWS".into(),
            hint: String::new(),
            is_refusal: true,
            is_consequence: false,
        };
        let lines = [
            Line::new("account", "role a".into(), change(Action::Unchanged, "")),
            Line::new("us-west-2", "function a".into(), change(Action::Create, "128 MB, 900 s")),
            Line::new("us-east-1", "function a".into(), Err(fault)),
        ];
        assert_eq!(
            table(&lines, Tense::Plan),
            "PLACE      WHAT        ACTION     DETAILS\n\
             account    role a      unchanged\n\
             us-west-2  function a  create     128 MB, 900 s\n\
             us-east-1  function a  cannot     no\n"
        );
        assert!(table(&lines, Tense::Result).contains("us-west-2  function a  created    128 MB"));
    }
}
