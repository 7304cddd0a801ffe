//! The function's configuration in one region, as Lambda's API shows and changes it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::names;
use super::refusal::Refusal;
use crate::cloud::local::api::{ConfigurationChange, Environment, FunctionConfiguration};
use crate::cloud::local::options::Options;

/// Lambda's bound on all variables together, bytes of names and values.
const LARGEST_ENVIRONMENT: usize = 4096;
/// Lambda's time-outs, seconds.
const TIMEOUTS: std::ops::RangeInclusive<u32> = 1..=900;
/// Lambda's memory sizes, MB.
const MEMORY: std::ops::RangeInclusive<u32> = 128..=10_240;

/// The configuration, and the revision that each change gives it.
#[derive(Debug)]
pub(super) struct Configuration {
    function: String,
    arn: String,
    variables: BTreeMap<String, String>,
    timeout_s: u32,
    memory_mb: u32,
    revision: String,
}

impl Configuration {
    /// As it is at the start.
    pub(super) fn new(options: &Options, arn: String) -> Self {
        Self {
            function: options.function_name.clone(),
            arn,
            variables: options.env.clone(),
            timeout_s: options.timeout_s,
            memory_mb: options.memory_mb,
            revision: names::request_id(),
        }
    }

    pub(super) fn function(&self) -> &str {
        &self.function
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    pub(super) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    pub(super) fn memory_mb(&self) -> u32 {
        self.memory_mb
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s.into())
    }

    /// Changes all that is named, or nothing.
    pub(super) fn change(&mut self, change: ConfigurationChange) -> Result<(), Refusal> {
        if change.revision_id.is_some_and(|revision| revision != self.revision) {
            return Err(Refusal::PreconditionFailed);
        }
        let variables = change.environment.map_or_else(|| self.variables.clone(), |environment| environment.variables);
        let (timeout_s, memory_mb) = (change.timeout.unwrap_or(self.timeout_s), change.memory_size.unwrap_or(self.memory_mb));
        check(&variables, timeout_s, memory_mb)?;
        (self.variables, self.timeout_s, self.memory_mb) = (variables, timeout_s, memory_mb);
        self.revision = names::request_id();
        Ok(())
    }

    /// As the API shows it. A change is in force at once here, so its status is never `InProgress`.
    pub(super) fn describe(&self) -> FunctionConfiguration {
        FunctionConfiguration {
            function_name: self.function.clone(),
            function_arn: self.arn.clone(),
            runtime: "provided.al2023".into(),
            timeout: self.timeout_s,
            memory_size: self.memory_mb,
            environment: Environment { variables: self.variables.clone() },
            revision_id: self.revision.clone(),
            state: "Active".into(),
            last_update_status: "Successful".into(),
        }
    }
}

fn check(variables: &BTreeMap<String, String>, timeout_s: u32, memory_mb: u32) -> Result<(), Refusal> {
    let invalid = |text: &str| Err(Refusal::InvalidParameter(text.to_owned()));
    let named = |name: &String| name.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = |name: &String| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !variables.keys().all(|name| named(name) && plain(name)) {
        return invalid("a variable's name must be letters, digits and `_`, beginning with a letter");
    }
    if variables.values().any(|value| value.contains('\0')) {
        return invalid("a variable's value cannot contain NUL");
    }
    if variables.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > LARGEST_ENVIRONMENT {
        return invalid("Lambda was unable to configure your environment variables because they exceed the 4 KB limit");
    }
    if !TIMEOUTS.contains(&timeout_s) || !MEMORY.contains(&memory_mb) {
        return invalid("Timeout must be 1 to 900, MemorySize 128 to 10240");
    }
    Ok(())
}
