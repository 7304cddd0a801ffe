//! Which regions to run in: names, `eu-*` and `*`; free labels in local mode.

use std::fmt;

use super::Mode;
use super::node::Node;
use super::section::Section;
use super::suggestion::nearest;
use super::value::{Fault, Value, parsed};

/// Regions that need no opt-in and stand for four corners of the default account.
const DEFAULT_REGIONS: [&str; 4] = ["us-west-2", "us-west-1", "us-east-1", "us-east-2"];

/// The regions that need no opt-in: those launched before 20 March 2019, per "Specify which AWS Regions your account can use"
/// in the AWS Account Management Reference Guide. The set is closed: every later region is opt-in, and goes by its exact name.
const WITHOUT_OPT_IN: [&str; 17] = [
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

/// The others that were there when this version was made. AWS adds some each year, so none is refused for standing in no list.
const OTHERS: [&str; 28] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-south-1",
    "eu-isoe-west-1",
    "eusc-de-east-1",
];

/// Two labels, so that rotation between regions shows.
const DEFAULT_LABELS: [&str; 2] = ["local-1", "local-2"];

/// Most entries: twice the regions that AWS has.
const MOST_REGIONS: usize = 80;

/// Longest label, characters: the longest region of AWS has 14.
const LONGEST_LABEL: usize = 32;

/// A region as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RegionPattern {
    /// One region, or in local mode one label.
    Exact(String),
    /// Every region that begins so and needs no opt-in (`eu-*` holds `eu-`).
    Prefix(String),
    /// Every region that needs no opt-in.
    All,
}

/// A text that is no region pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a region like us-west-2, a pattern like eu-*, or *")]
pub struct NotARegion;

impl RegionPattern {
    /// Whether a region is meant.
    pub fn matches(&self, region: &str) -> bool {
        match self {
            Self::Exact(name) => name == region,
            Self::Prefix(_) | Self::All => self.among_known().any(|known| known == region),
        }
    }

    /// The regions that a pattern stands for in AWS: an exact name itself, others those that need no opt-in.
    fn stands_for(&self) -> Vec<String> {
        match self {
            Self::Exact(name) => vec![name.clone()],
            Self::Prefix(_) | Self::All => self.among_known().map(str::to_owned).collect(),
        }
    }

    /// The regions that a pattern stands for. An exact name need not be among those that this build knows.
    fn among_known(&self) -> impl Iterator<Item = &'static str> {
        let is_meant = |name: &&str| match self {
            Self::Exact(exact) => exact == *name,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
            Self::All => true,
        };
        WITHOUT_OPT_IN.into_iter().filter(is_meant)
    }
}

impl std::str::FromStr for RegionPattern {
    type Err = NotARegion;

    fn from_str(text: &str) -> Result<Self, NotARegion> {
        match text.strip_suffix('*') {
            Some("") => Ok(Self::All),
            Some(prefix) if prefix.ends_with('-') && is_label(prefix) => Ok(Self::Prefix(prefix.to_owned())),
            None if is_label(text) => Ok(Self::Exact(text.to_owned())),
            _ => Err(NotARegion),
        }
    }
}

impl fmt::Display for RegionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::All => f.write_str("*"),
        }
    }
}

impl Value for RegionPattern {
    const EXPECTED: &'static str = "a region like \"us-west-2\"";

    fn read(node: &Node) -> Result<Self, Fault> {
        parsed(node)
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

/// The regions that patterns stand for in AWS, each once, in the patterns' order.
pub fn resolve(patterns: &[RegionPattern]) -> Vec<String> {
    let mut regions: Vec<String> = Vec::new();
    for region in patterns.iter().flat_map(RegionPattern::stands_for) {
        if !regions.contains(&region) {
            regions.push(region);
        }
    }
    regions
}

/// What to say of names that are perhaps misspelled: AWS itself tells such a region from its own failure badly.
pub fn doubts(patterns: &[RegionPattern]) -> Vec<String> {
    let known = || WITHOUT_OPT_IN.into_iter().chain(OTHERS);
    let doubt = |pattern: &RegionPattern| match pattern {
        RegionPattern::Exact(name) if known().all(|region| region != name) => {
            let meant = nearest(name, known()).map(|region| format!("; did you mean {region}?")).unwrap_or_default();
            Some(format!("{name} is no region that this version knows{meant}"))
        }
        _ => None,
    };
    patterns.iter().filter_map(doubt).collect()
}

/// Lower-case letters, digits and dashes, beginning with a letter.
fn is_label(text: &str) -> bool {
    text.len() <= LONGEST_LABEL
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

/// Whether a name has the form of AWS's: two to four letters, words, a number (`ap-southeast-2`, `eusc-de-east-1`).
pub fn is_region_name(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_lowercase());
    match parts.as_slice() {
        [area, words @ .., number] => {
            (2..=4).contains(&area.len())
                && letters(area)
                && !words.is_empty()
                && words.iter().all(letters)
                && !number.is_empty()
                && number.bytes().all(|c| c.is_ascii_digit())
        }
        _ => false,
    }
}

/// Reads the root's `regions`.
pub(super) fn read(root: &Section<'_>, mode: Mode) -> Vec<RegionPattern> {
    let names: &[&str] = match mode {
        Mode::Cloud => &DEFAULT_REGIONS,
        Mode::Local => &DEFAULT_LABELS,
    };
    let default = names.iter().map(|name| RegionPattern::Exact((*name).to_owned())).collect();
    let regions: Vec<RegionPattern> = root.list("regions", default, MOST_REGIONS);
    if root.list_is_empty("regions") {
        root.mistake("regions", "names no region");
    }
    for (index, region) in regions.iter().enumerate() {
        if regions[..index].contains(region) {
            root.mistake("regions", format!("names {region} twice"));
        }
        if let Some(text) = unfit(region, mode) {
            root.mistake("regions", text);
        }
    }
    regions
}

fn unfit(region: &RegionPattern, mode: Mode) -> Option<String> {
    match (region, mode) {
        (RegionPattern::Exact(name), _) if matches!(name.as_str(), "direct" | "block") => {
            Some(format!("{name:?} is a word of the routing rules, not a region"))
        }
        (RegionPattern::Exact(name), Mode::Cloud) if !is_region_name(name) => {
            Some(format!("{name:?} is not a region's name, like us-west-2 (free labels work with --local only)"))
        }
        (RegionPattern::Prefix(_), Mode::Cloud) if region.among_known().next().is_none() => {
            Some(format!("{region} matches no region; patterns choose among those that need no opt-in, others go by exact name"))
        }
        (RegionPattern::Exact(_), _) | (_, Mode::Cloud) => None,
        (pattern, Mode::Local) => Some(format!("{pattern} matches nothing with --local; name the labels: -r local-1,local-2")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_labels() {
        for name in ["us-west-2", "ap-southeast-12", "us-gov-west-1", "eu-isoe-west-1", "eusc-de-east-1"] {
            assert!(is_region_name(name), "{name}");
        }
        for name in ["local-1", "us-west", "us--1", "us-2", "US-west-2", "us-west-2 ", "usw2", ""] {
            assert!(!is_region_name(name), "{name}");
        }
    }

    #[test]
    fn a_pattern_that_stands_for_nothing_is_a_mistake() {
        let (me, eu) = (RegionPattern::Prefix("me-".into()), RegionPattern::Prefix("eu-".into()));
        let text = unfit(&me, Mode::Cloud).expect("a mistake");
        assert!(text.starts_with("me-* matches no region"), "{text}");
        assert_eq!(unfit(&eu, Mode::Cloud), None);
    }

    #[test]
    fn patterns_become_regions_each_once_and_opt_in_ones_by_name_only() {
        let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("pattern")).collect::<Vec<_>>();
        let regions = resolve(&patterns(&["me-south-1", "us-west-2", "us-*"]));
        assert_eq!(regions, ["me-south-1", "us-west-2", "us-east-1", "us-east-2", "us-west-1"]);
        assert_eq!(resolve(&patterns(&["*"])).len(), WITHOUT_OPT_IN.len());
    }

    #[test]
    fn a_name_that_is_perhaps_misspelled_is_doubted_and_not_refused() {
        let doubts = |text: &str| doubts(&[text.parse().expect("pattern")]);
        assert_eq!(doubts("us-esat-1"), ["us-esat-1 is no region that this version knows; did you mean us-east-1?"]);
        assert_eq!(doubts("xx-new-1"), ["xx-new-1 is no region that this version knows"]);
        for sound in ["us-east-1", "me-south-1", "eu-*", "*"] {
            assert_eq!(doubts(sound), [""; 0], "{sound}");
        }
        assert_eq!(unfit(&RegionPattern::Exact("us-esat-1".into()), Mode::Cloud), None);
    }

    #[test]
    fn patterns_match() {
        let eu: RegionPattern = "eu-*".parse().expect("pattern");
        assert!(eu.matches("eu-west-1") && !eu.matches("us-west-1"));
        assert!(!eu.matches("eu-south-1") && !RegionPattern::All.matches("ap-east-1"), "opt-in regions go by exact name");
        assert_eq!(RegionPattern::All.among_known().count(), WITHOUT_OPT_IN.len());
        assert_eq!("*".parse(), Ok(RegionPattern::All));
        for text in ["", "eu*", "*-1", "e*u", "-*", "a b", "Eu-west-1"] {
            assert_eq!(text.parse::<RegionPattern>(), Err(NotARegion), "{text}");
        }
    }
}
