//! The findings as data.

use serde::Serialize;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// As it should be.
    Pass,
    /// It works, and something about it deserves a look.
    Warn,
    /// It does not work.
    Fail,
    /// It could not be looked at.
    Skip,
}

/// Whose matter a check is: it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// The configuration.
    Config,
    /// This machine.
    Machine,
    /// A relay.
    Relay,
    /// The account.
    Aws,
    /// One region of it.
    Region,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub component: &'static str,
    /// Which one of it.
    pub target: String,
    /// What came of it.
    pub status: Status,
    /// In words.
    pub details: String,
    /// What to do about it.
    pub mend: Option<String>,
    /// Whose matter it is.
    #[serde(skip)]
    pub area: Area,
}

impl Check {
    /// As it should be.
    pub fn pass(area: Area, component: &'static str, target: impl Into<String>, details: impl Into<String>) -> Self {
        Self { component, target: target.into(), status: Status::Pass, details: details.into(), mend: None, area }
    }

    /// It works, and deserves a look.
    pub fn warn(area: Area, component: &'static str, target: impl Into<String>, details: impl Into<String>) -> Self {
        Self { status: Status::Warn, ..Self::pass(area, component, target, details) }
    }

    /// It does not work.
    pub fn fail(area: Area, component: &'static str, target: impl Into<String>, details: impl Into<String>) -> Self {
        Self { status: Status::Fail, ..Self::pass(area, component, target, details) }
    }

    /// It was not looked at; `details` say why.
    pub fn skip(area: Area, component: &'static str, target: impl Into<String>, details: impl Into<String>) -> Self {
        Self { status: Status::Skip, ..Self::pass(area, component, target, details) }
    }

    /// With what can be done about it.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

/// All checks, in the order in which one depends on another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings(pub Vec<Check>);

/// How many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// As they should be.
    pub pass: usize,
    /// Deserve a look.
    pub warn: usize,
    /// Do not work.
    pub fail: usize,
    /// Were not looked at.
    pub skip: usize,
}

/// The form of `doctor --json`.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    checks: &'a [Check],
    summary: Summary,
}

/// The version of that form; a change that breaks a reader raises it.
const SCHEMA: u32 = 1;

impl Findings {
    /// How many of each.
    pub fn summary(&self) -> Summary {
        let count = |status| self.0.iter().filter(|check| check.status == status).count();
        Summary { pass: count(Status::Pass), warn: count(Status::Warn), fail: count(Status::Fail), skip: count(Status::Skip) }
    }

    /// Whether anything of an area does not work.
    pub fn fails(&self, area: Area) -> bool {
        self.0.iter().any(|check| check.area == area && check.status == Status::Fail)
    }

    /// Whether every region has something that does not work.
    pub fn fails_everywhere(&self) -> bool {
        let of_regions = || self.0.iter().filter(|check| check.area == Area::Region);
        let fails = |region: &str| of_regions().any(|check| check.target == region && check.status == Status::Fail);
        of_regions().all(|check| fails(&check.target))
    }

    /// As one JSON document.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&Document { schema: SCHEMA, checks: &self.0, summary: self.summary() })
    }

    /// As people read it.
    pub fn to_text(&self) -> String {
        super::table::render(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Findings {
        Findings(vec![
            Check::pass(Area::Config, "config", "config.toml", "sound"),
            Check::fail(Area::Region, "region", "us-east-1", "not enabled").mend("enable it"),
            Check::skip(Area::Region, "function", "us-east-1", "the region is not enabled"),
            Check::warn(Area::Region, "function", "us-east-2", "another version").mend("deploy"),
        ])
    }

    #[test]
    fn the_json_is_for_scripts() {
        let json: serde_json::Value = serde_json::from_str(&findings().to_json().expect("JSON")).expect("JSON");
        assert_eq!(json["schema"], 1);
        let failed = serde_json::json!({"component": "region", "target": "us-east-1", "status": "FAIL", "details": "not enabled",
            "mend": "enable it"});
        assert_eq!(json["checks"][1], failed);
        assert_eq!(json["summary"], serde_json::json!({"pass": 1, "warn": 1, "fail": 1, "skip": 1}));
    }

    #[test]
    fn one_failing_region_is_not_all_of_them() {
        let mut findings = findings();
        assert!(findings.fails(Area::Region) && !findings.fails(Area::Config) && !findings.fails_everywhere());
        findings.0.push(Check::fail(Area::Region, "quota", "us-east-2", "none"));
        assert!(findings.fails_everywhere());
    }
}
