//! `frequency` and `[exits]`: how often exits change, and how they end.

use std::time::Duration;

use super::duration::Frequency;
use super::section::Section;
use super::url::HttpUrl;
use super::value::words;

/// How often a region gets a new exit when nothing is said.
const DEFAULT_FREQUENCY: Duration = Duration::from_secs(300);

/// Below a second regions would only start.
const SHORTEST_FREQUENCY: Duration = Duration::from_secs(1);

/// No duration of the configuration is longer: sums of them stay far from any overflow.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Two, or rotation would cut what runs; the upper bound is far above a new account's ten.
const LEAST_PER_REGION: u32 = 2;
const MOST_PER_REGION: u32 = 100;
const DEFAULT_PER_REGION: u32 = 3;

const DEFAULT_DRAIN: Duration = Duration::from_secs(3600);

/// A drainer lives by renewals, and no stream is worth a week of them.
const LONGEST_DRAIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// The relay keeps an entry for 120 s: grace must end before.
const SHORTEST_GRACE: Duration = Duration::from_secs(5);
const LONGEST_GRACE: Duration = Duration::from_secs(110);
const DEFAULT_GRACE: Duration = Duration::from_secs(90);

const DEFAULT_IDLE: Duration = Duration::from_secs(15 * 60);

/// Shorter, and exits would end between two clicks.
const SHORTEST_IDLE: Duration = Duration::from_secs(1);

/// AWS's own answer to "what is my address".
const DEFAULT_CHECK_URL: &str = "https://checkip.amazonaws.com";

words! {
    /// Whether exits outlive the function's time limit.
    Renew, "\"auto\" or \"never\"" {
        /// Where that works and is needed.
        Auto = "auto",
        /// They end at the limit.
        Never = "never",
    }
}

words! {
    /// Whether rotation insists on new instances.
    Fresh, "\"auto\", \"always\" or \"never\"" {
        /// When addresses repeat.
        Auto = "auto",
        /// Before each rotation.
        Always = "always",
        /// Not at all.
        Never = "never",
    }
}

/// The exits of each region.
#[derive(Debug, Clone)]
pub struct ExitsConfig {
    /// Most live exits of a region, at least 2.
    pub max_per_region: u32,
    /// Whether they are renewed.
    pub renew: Renew,
    /// Whether rotation insists on new instances.
    pub fresh: Fresh,
    /// The longest a replaced exit is kept for its streams.
    pub drain: Duration,
    /// How long a tunnel may be unpaired.
    pub grace: Duration,
    /// After how long without use all exits end; `None` keeps them always.
    pub idle: Option<Duration>,
    /// Whom to ask for an exit's address; `None` asks nobody.
    pub check_url: Option<HttpUrl>,
}

impl ExitsConfig {
    pub(super) fn read(section: Section<'_>) -> Self {
        let per_region = LEAST_PER_REGION..=MOST_PER_REGION;
        let config = Self {
            max_per_region: section.within("max_per_region", DEFAULT_PER_REGION, per_region),
            renew: section.or("renew", Renew::Auto),
            fresh: section.or("fresh", Fresh::Auto),
            drain: section.within("drain", DEFAULT_DRAIN, Duration::ZERO..=LONGEST_DRAIN),
            grace: section.within("grace", DEFAULT_GRACE, SHORTEST_GRACE..=LONGEST_GRACE),
            idle: bounded(&section, "idle", DEFAULT_IDLE, SHORTEST_IDLE).duration(),
            check_url: check_url(&section),
        };
        section.finish();
        config
    }
}

/// Reads the root's `frequency`.
pub(super) fn frequency(root: &Section<'_>) -> Frequency {
    bounded(root, "frequency", DEFAULT_FREQUENCY, SHORTEST_FREQUENCY)
}

fn bounded(section: &Section<'_>, key: &'static str, default: Duration, shortest: Duration) -> Frequency {
    let value = section.or(key, Frequency::Every(default));
    if value.duration().is_some_and(|duration| !(shortest..=YEAR).contains(&duration)) {
        section.mistake(key, "must be 1s to 365 days, or \"never\"");
    }
    value
}

/// `""` turns it off.
fn check_url(section: &Section<'_>) -> Option<HttpUrl> {
    if section.is_empty_text("check_url") {
        return None;
    }
    let default = DEFAULT_CHECK_URL.parse().expect("a constant URL");
    let url: HttpUrl = section.or("check_url", default);
    if url.user.is_some() {
        section.mistake("check_url", "must not carry a user name");
    }
    Some(url)
}
