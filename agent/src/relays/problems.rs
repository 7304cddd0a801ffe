//! What is wrong with relays, as `status` lists it: one problem for each, and one for a proxy that stops them all.

use std::collections::BTreeMap;

use tunnel::leg::known::{Outcome, Trouble};

use super::Relays;
use crate::exits::state::Phase;
use crate::health::{Health, Problem, ProblemKey, Severity};

/// The problems that were set and not cleared.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeMap<ProblemKey, Problem>);

impl Told {
    /// Sets what is wrong now, and clears what was.
    pub(super) fn update(&mut self, relays: &Relays, health: &Health) {
        let now = problems(relays);
        for key in self.0.keys().filter(|key| !now.contains_key(key)) {
            health.clear(key);
        }
        for (key, problem) in now.iter().filter(|(key, problem)| self.0.get(key) != Some(problem)) {
            tracing::warn!(code = problem.code, hint = problem.hint, "{}", problem.text);
            health.set(key.clone(), problem.clone());
        }
        self.0 = now;
    }
}

/// What is wrong where no relay can be used.
pub(super) fn blocking(relays: &Relays) -> Option<Problem> {
    problems(relays).into_values().find(|problem| problem.severity == Severity::Error)
}

fn problems(relays: &Relays) -> BTreeMap<ProblemKey, Problem> {
    let failed = |outcome| if let Some(Outcome::Failed(trouble)) = outcome { Some(trouble) } else { None };
    let troubles: Vec<(String, Option<Trouble>)> =
        relays.all().iter().map(|relay| (relay.endpoint.url.to_string(), failed(relay.known.now().outcome))).collect();
    let severity = if troubles.iter().all(|(_, trouble)| trouble.is_some()) { Severity::Error } else { Severity::Warning };
    let problem = |(url, trouble): (String, Option<Trouble>)| {
        let trouble = trouble?;
        let subject = if trouble.of_proxy { String::new() } else { url.clone() };
        let text = if trouble.of_proxy { trouble.text } else { format!("the relay {url}: {}", trouble.text) };
        let problem = Problem {
            code: trouble.code.to_owned(),
            severity,
            region: None,
            phase: Some(Phase::Dial.name().to_owned()),
            text,
            hint: Some(trouble.hint.to_owned()),
        };
        Some((ProblemKey::of(trouble.code, subject), problem))
    };
    troubles.into_iter().filter_map(problem).collect()
}
