//! Raising a region's generation: an errand, and what came of it.

use super::Supervisor;
use super::fleet::Finding;
use crate::cloud::{Cloud, CloudError};
use crate::health::{Problem, ProblemKey, Refuser, Severity};

/// What is known of the region's last raise since somebody asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Raise {
    /// None was begun.
    #[default]
    None,
    /// It is on its way.
    UnderWay,
    /// Invocations start with this generation.
    Done(u64),
    /// The cloud did not do it.
    Failed(NotRaised),
}

/// Why a generation was not raised, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotRaised {
    /// In words.
    pub(super) text: String,
    /// What can be done about it.
    pub(super) hint: String,
    /// Whose no it was.
    pub(super) refuser: Option<Refuser>,
}

impl<C: Cloud> Supervisor<C> {
    pub(super) fn raise_generation(&mut self, index: usize) {
        let (cloud, region) = (self.outfit.cloud.clone(), self.regions[index].name.clone());
        let findings = self.findings.0.clone();
        self.regions[index].raise = Raise::UnderWay;
        self.errands.spawn(async move {
            let raised = cloud.raise_generation(&region).await;
            let _ending = findings.send(Finding::Generation(index, raised)).await;
        });
    }

    pub(super) fn on_generation(&mut self, index: usize, raised: &Result<u64, CloudError>) {
        let region = &mut self.regions[index];
        let (name, key) = (region.name.clone(), problem_key(&region.name));
        region.memory.on_generation_raised(super::now(), raised.as_ref().ok().copied());
        match raised {
            Ok(generation) => {
                tracing::info!(region = name, generation, "later exits start in new instances");
                region.raise = Raise::Done(*generation);
                self.health.clear(&key);
            }
            Err(error) => {
                let text = error.told();
                tracing::warn!(region = name, cause = text, hint = %error.hint(), "the generation could not be raised");
                let (hint, refuser) = (error.hint().into_owned(), error.is_refusal().then_some(Refuser::Cloud));
                region.raise = Raise::Failed(NotRaised { text: text.clone(), hint, refuser });
                self.health.set(key, problem(&name, error, &text));
            }
        }
        self.follow_raise(index);
    }
}

fn problem_key(region: &str) -> ProblemKey {
    ProblemKey::of("generation_failed", region)
}

fn problem(region: &str, error: &CloudError, text: &str) -> Problem {
    Problem {
        code: error.code().to_owned(),
        severity: Severity::Warning,
        region: Some(region.to_owned()),
        phase: Some("generation".to_owned()),
        text: format!("no new instances could be forced, so addresses may repeat: {text}"),
        hint: Some(error.hint().into_owned()),
    }
}
