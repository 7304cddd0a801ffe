//! Which regions the config's patterns mean.
//!
//! Never: no region is refused only because this build does not know it, since AWS adds some every year.

use std::fmt;

/// The regions that need no opt-in: those launched before 20 March 2019, per "Specify which AWS Regions your account can use"
/// in the AWS Account Management Reference Guide. The set is closed: every later region is opt-in.
pub const DEFAULT_REGIONS: [&str; 17] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
];

/// Longest name taken for a region: `us-gov-east-1` has 13 characters, and a label of local mode fits.
const LONGEST_NAME: usize = 32;

/// A region's name of the right shape: lower-case words and a number, joined by `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

impl Region {
    /// Takes a name such as `eu-west-1`.
    pub fn parse(name: &str) -> Result<Self, BadRegion> {
        if has_the_shape(name) { Ok(Self(name.to_owned())) } else { Err(BadRegion::Shape(name.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every account has it. Where not, it must be enabled first, or is unknown to this build.
    pub fn needs_no_opt_in(&self) -> bool {
        DEFAULT_REGIONS.contains(&self.as_str())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a pattern gives no region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRegion {
    /// Neither a name nor a pattern.
    #[error("`{0}` is not a region, expected a name such as `eu-west-1`, or a pattern such as `eu-*` or `*`")]
    Shape(String),
    /// A pattern that no region matches.
    #[error("`{0}` matches no region; patterns choose among those that need no opt-in, others go by exact name")]
    NoMatch(String),
    /// Nothing to serve.
    #[error("no region is named")]
    Empty,
}

/// The regions that `patterns` mean, in their order and without repetition; or everything that is wrong with them.
pub fn expand<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Vec<Region>, Vec<BadRegion>> {
    let mut regions = Vec::new();
    let mut problems = Vec::new();
    for pattern in patterns {
        match expand_one(pattern.trim()) {
            Ok(found) => found.into_iter().for_each(|region| push_new(&mut regions, region)),
            Err(problem) => problems.push(problem),
        }
    }
    match (regions.is_empty(), problems.is_empty()) {
        (false, true) => Ok(regions),
        (true, true) => Err(vec![BadRegion::Empty]),
        (_, false) => Err(problems),
    }
}

fn push_new(regions: &mut Vec<Region>, region: Region) {
    if !regions.contains(&region) {
        regions.push(region);
    }
}

fn expand_one(pattern: &str) -> Result<Vec<Region>, BadRegion> {
    let Some(prefix) = pattern.strip_suffix('*') else {
        return Region::parse(pattern).map(|region| vec![region]);
    };
    if !is_whole_words(prefix) {
        return Err(BadRegion::Shape(pattern.to_owned()));
    }
    let matching = DEFAULT_REGIONS.iter().filter(|name| name.starts_with(prefix));
    let found: Vec<Region> = matching.map(|name| Region((*name).to_owned())).collect();
    if found.is_empty() { Err(BadRegion::NoMatch(pattern.to_owned())) } else { Ok(found) }
}

/// What may stand before a `*`: nothing, `eu-` or `eu-west-`, but not `e`, since half a word is more often a slip than a wish.
fn is_whole_words(prefix: &str) -> bool {
    prefix.is_empty() || prefix.strip_suffix('-').is_some_and(|words| words.split('-').all(is_word))
}

/// At least one word, then a number: `eu-west-1`, `us-gov-east-1`, and local mode's `local-1`.
fn has_the_shape(name: &str) -> bool {
    let Some((words, number)) = name.rsplit_once('-') else { return false };
    name.len() <= LONGEST_NAME && words.split('-').all(is_word) && is_number(number)
}

fn is_word(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(patterns: &[&str]) -> Vec<String> {
        expand(patterns.iter().copied()).expect("regions").iter().map(Region::to_string).collect()
    }

    #[test]
    fn order_is_kept_and_repetition_dropped() {
        assert_eq!(names(&["us-west-2", "us-west-1", "us-west-2"]), ["us-west-2", "us-west-1"]);
        let all = names(&["eu-west-3", "eu-*"]);
        assert_eq!(all[0], "eu-west-3");
        assert_eq!(all.len(), 5);
    }

    #[test]
    fn a_star_means_all_that_need_no_opt_in() {
        assert_eq!(names(&["*"]), DEFAULT_REGIONS);
        assert!(!names(&["*"]).contains(&"ap-east-1".to_owned()));
        assert_eq!(names(&["ap-northeast-*"]).len(), 3);
    }

    #[test]
    fn an_opt_in_region_goes_by_its_name_only() {
        assert_eq!(names(&["eu-south-1", "xx-new-9"]), ["eu-south-1", "xx-new-9"]);
        assert_eq!(expand(["me-*"]), Err(vec![BadRegion::NoMatch("me-*".into())]));
        assert!(!Region::parse("eu-south-1").expect("shape").needs_no_opt_in());
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let problems = expand(["eu-west", "US-east-1", "e*", "us-east-1", "", "*-1"]).expect_err("problems");
        assert_eq!(problems.len(), 5, "{problems:?}");
        assert_eq!(expand([]), Err(vec![BadRegion::Empty]));
    }

    #[test]
    fn labels_of_local_mode_have_the_shape() {
        assert_eq!(names(&["local-1", "local-2"]), ["local-1", "local-2"]);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[a-z0-9*-]{0,40}") {
            if let Ok(regions) = expand([text.as_str()]) {
                prop_assert!(regions.iter().all(|region| Region::parse(region.as_str()).is_ok()));
            }
        }
    }
}
