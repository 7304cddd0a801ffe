//! The budget: what the month may cost before nothing is invoked any more.

use crate::health::{Problem, ProblemKey, Severity};

/// From this part of the limit on the user is warned.
const NEAR: f64 = 0.8;

/// How the month stands against its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is room, or no limit.
    Room,
    /// Nearly spent.
    Near,
    /// Spent: nothing is invoked any more this month.
    Spent,
}

/// Judges what was spent. A limit of zero permits what the free tier covers.
pub(super) fn standing(spent_usd: f64, limit_usd: Option<f64>) -> Standing {
    match limit_usd {
        Some(limit) if spent_usd > 0.0 && spent_usd >= limit => Standing::Spent,
        Some(limit) if spent_usd > 0.0 && spent_usd >= limit * NEAR => Standing::Near,
        _ => Standing::Room,
    }
}

pub(super) fn key() -> ProblemKey {
    ProblemKey::agent("budget")
}

/// The problem to show, if there is one.
pub(super) fn problem(standing: Standing, spent_usd: f64, limit_usd: f64) -> Option<Problem> {
    let so_far = format!("${spent_usd:.2} of the ${limit_usd:.2} that budget.monthly_usd allows");
    let (code, severity, text, hint) = match standing {
        Standing::Room => return None,
        Standing::Near => (
            "budget_nearly_spent",
            Severity::Warning,
            format!("this month has cost {so_far}"),
            "at the limit no function is invoked any more; raise budget.monthly_usd, or use fewer regions or a longer frequency",
        ),
        Standing::Spent => (
            "budget_spent",
            Severity::Error,
            format!("no function is invoked any more: this month has cost {so_far}"),
            "raise budget.monthly_usd and start the agent again, or wait for the next month (UTC); what runs may end by itself",
        ),
    };
    let (phase, hint) = (Some("invoke".to_owned()), Some(hint.to_owned()));
    Some(Problem { code: code.to_owned(), severity, region: None, phase, text, hint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_spent_and_its_last_fifth_warns() {
        for (spent, limit, expected) in [
            (0.0, None, Standing::Room),
            (1e9, None, Standing::Room),
            (3.9, Some(5.0), Standing::Room),
            (4.0, Some(5.0), Standing::Near),
            (5.0, Some(5.0), Standing::Spent),
            (0.0, Some(0.0), Standing::Room),
            (0.001, Some(0.0), Standing::Spent),
        ] {
            assert_eq!(standing(spent, limit), expected, "{spent} of {limit:?}");
        }
    }

    #[test]
    fn the_problem_names_both_sums_and_the_key() {
        assert_eq!(problem(Standing::Room, 0.0, 1.0), None);
        let spent = problem(Standing::Spent, 5.004, 5.0).expect("a problem");
        assert!(spent.text.contains("$5.00 of the $5.00") && spent.hint.is_some_and(|hint| hint.contains("budget.monthly_usd")));
    }
}
