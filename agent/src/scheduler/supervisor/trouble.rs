//! What keeps a region from having an exit: `status` shows the last failure for as long as it lasts, the log tells it once.

use super::Supervisor;
use crate::cloud::Cloud;
use crate::exits::actor::Fault;
use crate::exits::state::Phase;
use crate::health::{Problem, ProblemKey, Severity};

impl<C: Cloud> Supervisor<C> {
    /// A region has no exit because of this.
    pub(super) fn fails(&mut self, index: usize, fault: &Fault) {
        // What the whole account lacks stops every region at once.
        let is_known = self.regions.iter().any(|region| region.trouble == Some(fault.code));
        let region = &mut self.regions[index];
        region.error = Some(fault.text.clone());
        region.refuser = fault.refuser;
        // What stops a leg is a relay's problem, not a region's: it is told once.
        if fault.phase == Phase::Dial {
            return;
        }
        self.health.set(problem_key(&region.name), problem(&region.name, fault));
        if region.trouble.replace(fault.code) == Some(fault.code) {
            return;
        }
        let (region, code, hint) = (&region.name, fault.code, fault.hint.as_ref());
        if is_known {
            tracing::info!(region, code, "no exit here, as elsewhere: {}", fault.text);
        } else {
            tracing::warn!(region, code, hint, "no exit: {}", fault.text);
        }
    }

    /// What failed last in a region is over.
    pub(super) fn works_again(&mut self, index: usize) {
        if let Some(code) = self.forget_failure(index) {
            tracing::info!(region = self.regions[index].name, code, "exits start again");
        }
    }

    /// What failed last in a region matters no more; says what it was.
    pub(super) fn forget_failure(&mut self, index: usize) -> Option<&'static str> {
        let region = &mut self.regions[index];
        region.error = None;
        region.refuser = None;
        self.health.clear(&problem_key(&region.name));
        region.trouble.take()
    }
}

/// A region has one problem at a time: the last failure, until an exit is ready.
pub(super) fn problem_key(region: &str) -> ProblemKey {
    ProblemKey::of("exit_failed", region)
}

fn problem(region: &str, fault: &Fault) -> Problem {
    Problem {
        code: fault.code.to_owned(),
        severity: Severity::Error,
        region: Some(region.to_owned()),
        phase: Some(fault.phase.name().to_owned()),
        text: fault.text.clone(),
        hint: Some(fault.hint.clone().into_owned()),
    }
}
