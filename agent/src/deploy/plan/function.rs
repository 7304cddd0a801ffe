//! The function of a region.
//!
//! Never: the generation is drift. What stands in the function is kept, so that running instances stay as fresh as they are.

use std::collections::BTreeMap;

use super::{Action, Planned, Step};
use crate::cloud::GENERATION;
use crate::cloud::aws::functions::{Function, FunctionSettings, Progress};
use crate::deploy::owner::Claim;
use crate::deploy::tags::{self, OWNER, Tags};
use crate::deploy::wish::FunctionWish;

/// The generation of a function that never had one.
const FIRST_GENERATION: u64 = 1;

/// One change of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FunctionStep {
    /// Make it, with the wish's code and tags.
    Create(FunctionSettings),
    /// Take it over, or say its version.
    Tag {
        /// The function's full name.
        arn: String,
        /// What is set.
        tags: Tags,
    },
    /// Replace its code by the wish's.
    Code {
        /// For which processor it was.
        from: String,
        /// For which it is.
        to: &'static str,
    },
    /// Set its configuration.
    Configure {
        /// All of it.
        settings: FunctionSettings,
        /// What differs, for people.
        differences: Vec<String>,
    },
}

impl Step for FunctionStep {
    fn action(&self) -> Action {
        match self {
            Self::Create(_) => Action::Create,
            _ => Action::Update,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Create(settings) => format!("{} MB, {} s", settings.memory_mb, settings.timeout_s),
            Self::Tag { tags, .. } if tags.contains_key(OWNER) => "adopt it".to_owned(),
            Self::Tag { .. } => "version tag".to_owned(),
            Self::Code { from, to } if from != to => format!("code, {from} → {to}"),
            Self::Code { .. } => "code".to_owned(),
            Self::Configure { differences, .. } => differences.join(", "),
        }
    }
}

/// What makes the function as wished.
pub(crate) fn plan(wish: &FunctionWish, role: &str, seen: Option<&Function>, claim: &Claim) -> Planned<FunctionStep> {
    let Some(function) = seen else {
        return Ok(vec![FunctionStep::Create(wished(wish, role, FIRST_GENERATION))]);
    };
    claim.covers(&function.tags)?;
    let mut steps = Vec::new();
    let missing = tags::missing(&wish.tags, &function.tags);
    if missing.contains_key(OWNER) {
        steps.push(FunctionStep::Tag { arn: function.arn.clone(), tags: missing.clone() });
    }
    if function.code_sha256 != wish.code_sha256 || function.architecture != wish.architecture {
        steps.push(FunctionStep::Code { from: function.architecture.clone(), to: wish.architecture });
    }
    let settings = wished(wish, role, generation(&function.settings.variables));
    let mut differences = differences(&function.settings, &settings);
    if matches!(function.progress, Progress::Failed(_)) && differences.is_empty() {
        differences.push("the last change failed".to_owned());
    }
    if !differences.is_empty() {
        steps.push(FunctionStep::Configure { settings, differences });
    }
    // The version is said when it is true.
    if !missing.is_empty() && !missing.contains_key(OWNER) {
        steps.push(FunctionStep::Tag { arn: function.arn.clone(), tags: missing });
    }
    Ok(steps)
}

fn wished(wish: &FunctionWish, role: &str, generation: u64) -> FunctionSettings {
    FunctionSettings {
        runtime: wish.runtime.to_owned(),
        handler: wish.handler.to_owned(),
        role: role.to_owned(),
        description: wish.description.to_owned(),
        memory_mb: wish.memory_mb,
        timeout_s: wish.timeout_s,
        variables: BTreeMap::from([(GENERATION.to_owned(), generation.to_string())]),
        subnets: Vec::new(),
        layers: Vec::new(),
    }
}

fn generation(variables: &BTreeMap<String, String>) -> u64 {
    variables.get(GENERATION).and_then(|text| text.parse().ok()).unwrap_or(FIRST_GENERATION)
}

/// What differs, for people.
fn differences(seen: &FunctionSettings, wished: &FunctionSettings) -> Vec<String> {
    let number =
        |name: &str, seen: u32, wished: u32, unit: &str| (seen != wished).then(|| format!("{name} {seen} → {wished} {unit}"));
    let text = |name: &str, seen: &str, wished: &str| (seen != wished).then(|| format!("{name} {seen} → {wished}"));
    let differs = |differs: bool, text: &str| differs.then(|| text.to_owned());
    [
        text("runtime", &seen.runtime, &wished.runtime),
        text("handler", &seen.handler, &wished.handler),
        text("role", &seen.role, &wished.role),
        differs(seen.description != wished.description, "description"),
        number("memory", seen.memory_mb, wished.memory_mb, "MB"),
        number("timeout", seen.timeout_s, wished.timeout_s, "s"),
        // Values of variables that are not ours may be secrets.
        differs(seen.variables != wished.variables, "environment"),
        differs(seen.subnets != wished.subnets, "out of its VPC"),
        differs(seen.layers != wished.layers, "without its layers"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
