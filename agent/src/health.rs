//! Problems as data: what is wrong right now, for `status`, `doctor` and pages. Whoever finds one sets it, and clears it.
//!
//! Never: a problem's text holds no secret; it is shown to whoever may ask the agent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// Most problems kept; with a few per region this is never reached, and a faulty caller cannot fill the memory.
const MOST_PROBLEMS: usize = 500;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Something works less well.
    Warning,
    /// Something does not work.
    Error,
}

impl Severity {
    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Who said no, where it was neither this machine nor chance: scripts tell it apart by the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refuser {
    /// AWS heard the call and said no.
    Cloud,
    /// No relay can be reached, or none will have us.
    Relay,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable name for scripts, such as `relay_unreachable`.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// The region, if it is about one.
    pub region: Option<String>,
    /// The phase in which it shows, such as `invoke` or `dial`.
    pub phase: Option<String>,
    /// What is wrong.
    pub text: String,
    /// The mend, if one is known.
    pub hint: Option<String>,
}

impl Problem {
    /// Cause and mend in one line.
    pub fn words(&self) -> String {
        self.hint.as_ref().map_or_else(|| self.text.clone(), |hint| format!("{}; {hint}", self.text))
    }
}

/// Names a problem for as long as it lasts: its code, and the region or other object it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProblemKey {
    /// The problem's code.
    pub code: &'static str,
    /// What it is about; empty for the whole agent.
    pub subject: String,
}

impl ProblemKey {
    /// A problem of the whole agent.
    pub fn agent(code: &'static str) -> Self {
        Self { code, subject: String::new() }
    }

    /// A problem of one region, relay or other object.
    pub fn of(code: &'static str, subject: impl Into<String>) -> Self {
        Self { code, subject: subject.into() }
    }
}

/// The present problems. A handle: clones share them.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<ProblemKey, Problem>>>);

impl Health {
    /// Sets a problem, in place of what the key named before. Beyond the bound a new one is dropped, with a word in the log.
    pub fn set(&self, key: ProblemKey, problem: Problem) {
        let mut problems = self.lock();
        if problems.len() >= MOST_PROBLEMS && !problems.contains_key(&key) {
            tracing::warn!(code = key.code, subject = key.subject, "too many problems; this one is not listed");
            return;
        }
        problems.insert(key, problem);
    }

    /// Clears a problem; says whether there was one.
    pub fn clear(&self, key: &ProblemKey) -> bool {
        self.lock().remove(key).is_some()
    }

    /// What the key names, while it lasts.
    pub fn get(&self, key: &ProblemKey) -> Option<Problem> {
        self.lock().get(key).cloned()
    }

    /// All present problems, the worst first.
    pub fn list(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.lock().values().cloned().collect();
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
        problems
    }

    /// No holder of the lock can panic between two states of the map, so a poisoned one is as good.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ProblemKey, Problem>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(severity: Severity, text: &str) -> Problem {
        Problem { code: "test".into(), severity, region: None, phase: None, text: text.into(), hint: None }
    }

    #[test]
    fn a_problem_stands_until_it_is_cleared_and_the_worst_comes_first() {
        let health = Health::default();
        let handle = health.clone();
        handle.set(ProblemKey::agent("a"), problem(Severity::Info, "first"));
        handle.set(ProblemKey::of("a", "us-west-2"), problem(Severity::Error, "second"));
        handle.set(ProblemKey::agent("a"), problem(Severity::Warning, "again"));
        let texts: Vec<String> = health.list().into_iter().map(|problem| problem.text).collect();
        assert_eq!(texts, ["second", "again"]);
        assert_eq!(health.get(&ProblemKey::of("a", "us-west-2")).map(|problem| problem.words()).as_deref(), Some("second"));
        assert!(health.clear(&ProblemKey::agent("a")) && !health.clear(&ProblemKey::agent("a")));
        assert_eq!(health.list().len(), 1);
    }

    #[test]
    fn the_list_is_bounded_and_old_problems_stay_settable() {
        let health = Health::default();
        for number in 0..MOST_PROBLEMS + 10 {
            health.set(ProblemKey::of("many", format!("{number:04}")), problem(Severity::Info, ""));
        }
        health.set(ProblemKey::of("many", "0000"), problem(Severity::Error, "kept"));
        assert_eq!((health.list().len(), health.list()[0].text.as_str()), (MOST_PROBLEMS, "kept"));
    }

    #[test]
    fn the_json_is_the_contracts() {
        let json = serde_json::to_string(&problem(Severity::Warning, "x")).expect("json");
        assert_eq!(json, r#"{"code":"test","severity":"warning","region":null,"phase":null,"text":"x","hint":null}"#);
    }
}
