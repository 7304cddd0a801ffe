//! The version of a region's function beside this agent's own. Neighbours understand each other: the invitation's protocol
//! version decides, not this.

use crate::health::{Health, Problem, ProblemKey, Severity};

/// This agent's.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// Tells of a function that is not of this agent's version, until one is.
pub(super) fn compare(health: &Health, region: &str, function: &str) {
    let key = ProblemKey::of("version_skew", region);
    if function == OWN {
        health.clear(&key);
    } else {
        health.set(key, problem(region, function));
    }
}

fn problem(region: &str, function: &str) -> Problem {
    Problem {
        code: "version_skew".to_owned(),
        severity: Severity::Warning,
        region: Some(region.to_owned()),
        phase: None,
        text: format!("the function in {region} is of version {function}, this agent of {OWN}"),
        hint: Some("`awslambdaproxy deploy` brings the function to this agent's version".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_is_told_until_it_is_gone() {
        let health = Health::default();
        compare(&health, "us-west-2", "0.0.9");
        let told = health.list();
        assert_eq!((told.len(), told[0].code.as_str()), (1, "version_skew"));
        assert!(told[0].text.contains("0.0.9") && told[0].text.contains(OWN));
        compare(&health, "us-west-2", OWN);
        assert!(health.list().is_empty());
    }
}
