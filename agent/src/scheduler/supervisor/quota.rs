//! How many exits a region may have at a time: what the configuration wants, and what the account allows.

use std::time::Duration;

use tokio::time::Instant;

use super::Supervisor;
use super::fleet::Finding;
use crate::cloud::Cloud;
use crate::health::{Problem, ProblemKey, Severity};
use crate::scheduler::plan::Settings;

/// How often a region's limit is asked for: it changes when AWS grants a request, once in a region's life.
const EVERY: Duration = Duration::from_secs(3600);

impl<C: Cloud> Supervisor<C> {
    /// Asks for the limits whose time has come.
    pub(super) fn ask_for_limits(&mut self) {
        for index in 0..self.regions.len() {
            let region = &mut self.regions[index];
            if region.limit_asked.is_some_and(|at| at.elapsed() < EVERY) {
                continue;
            }
            region.limit_asked = Some(Instant::now());
            let (cloud, region) = (self.outfit.cloud.clone(), region.name.clone());
            let findings = self.findings.0.clone();
            self.errands.spawn(async move {
                let limit = cloud.concurrency(&region).await;
                let _ending = findings.send(Finding::Concurrency(index, limit)).await;
            });
        }
    }

    pub(super) fn on_concurrency(&mut self, index: usize, limit: Option<u32>) {
        let wanted = self.settings.max_per_region;
        let region = &mut self.regions[index];
        region.limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let key = ProblemKey::of("concurrency_limit", &region.name);
        match region.limit.filter(|limit| *limit < wanted) {
            Some(limit) => self.health.set(key, problem(&region.name, limit, wanted)),
            None => drop(self.health.clear(&key)),
        }
    }

    /// The settings of a region, with no more exits than the account allows there.
    pub(super) fn settings_of(&self, index: usize) -> Settings {
        let limit = self.regions[index].limit.unwrap_or(usize::MAX);
        Settings { max_per_region: self.settings.max_per_region.min(limit), ..self.settings }
    }
}

fn problem(region: &str, limit: usize, wanted: usize) -> Problem {
    let means = match limit {
        0 => "no exit can run there",
        1 => "an exit must end before the next can start, so streams are cut at each rotation",
        _ => "it has no more exits than that",
    };
    Problem {
        code: "concurrency_limit".to_owned(),
        severity: if limit < 2 { Severity::Error } else { Severity::Warning },
        region: Some(region.to_owned()),
        phase: None,
        text: format!("the account may run {limit} at a time in {region} and exits.max_per_region is {wanted}: {means}"),
        hint: Some(
            "ask for more under Service Quotas, AWS Lambda, Concurrent executions; or lower exits.max_per_region".to_owned(),
        ),
    }
}
