//! What the agent tells the local Lambda at its start (one JSON line on standard input), and what that answers.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tunnel::random;

/// Most regions: each has its own byte in the source addresses 127.64.REGION.INSTANCE.
const MOST_REGIONS: usize = 250;
/// Most instances of a region: each has its own last byte of 254, and a new one never takes that of a living one.
const MOST_CONCURRENCY: usize = 200;
/// Lambda's longest time-out, seconds.
const LONGEST_TIMEOUT: u32 = 900;

/// Everything that the local Lambda is told. Not on its command line, since others can read that.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The labels of the regions.
    pub regions: Vec<String>,
    /// The function's name, the same in every region.
    pub function_name: String,
    /// The function's program and its arguments.
    pub command: Vec<String>,
    /// Program and arguments to which the parent's pid and `command` are appended (see [`super::local_child`]); may be empty.
    pub wrapper: Vec<String>,
    /// The function's variables at the start.
    pub env: BTreeMap<String, String>,
    /// The function's time-out, seconds.
    pub timeout_s: u32,
    /// The function's memory, MB. It is billed, not enforced.
    pub memory_mb: u32,
    /// How many invocations may run at once, per region.
    pub concurrency: usize,
    /// How long an instance is kept idle, seconds.
    pub idle_life_s: u64,
    /// The file that counts what was billed.
    pub billing: PathBuf,
    /// The secret that callers must present.
    pub token: Token,
}

/// What makes options unusable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("local Lambda: {0}")]
pub struct BadOptions(&'static str);

impl Options {
    /// Refuses what could not be served.
    pub fn check(&self) -> Result<(), BadOptions> {
        let distinct: HashSet<_> = self.regions.iter().collect();
        let rules = [
            (!self.regions.is_empty() && self.regions.len() <= MOST_REGIONS, "there must be 1 to 250 regions"),
            (distinct.len() == self.regions.len(), "a region is named twice"),
            (self.regions.iter().all(|label| is_label(label)), "a region's label may have letters, digits, `-`, `_` and `.`"),
            (is_label(&self.function_name), "the function's name may have letters, digits, `-`, `_` and `.`"),
            (!self.command.is_empty(), "there is no function program"),
            ((1..=LONGEST_TIMEOUT).contains(&self.timeout_s), "the time-out must be 1 to 900 seconds"),
            ((1..=MOST_CONCURRENCY).contains(&self.concurrency), "the concurrency must be 1 to 200"),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, text)| Err(BadOptions(text)))
    }

    /// How long an instance is kept idle.
    pub(crate) fn idle_life(&self) -> Duration {
        Duration::from_secs(self.idle_life_s)
    }
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// The line by which the local Lambda says that it serves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    /// Where to invoke.
    pub listen: SocketAddr,
    /// Every address at which a Runtime API will ever listen: exits must never reach them.
    pub runtime_apis: Vec<SocketAddr>,
}

/// The secret that callers of the local Lambda present.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// A fresh token from the system's random source.
    pub fn mint() -> Self {
        Self(hex::encode(random::bytes::<32>()))
    }

    /// The value of `Authorization`. Treat the result as the secret it is.
    pub(crate) fn authorization(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Whether `authorization` presents this token.
    pub(crate) fn admits(&self, authorization: &[u8]) -> bool {
        self.authorization().as_bytes().ct_eq(authorization).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            regions: vec!["local-1".into(), "local-2".into()],
            function_name: "awslambdaproxy".into(),
            command: vec!["/bin/true".into()],
            wrapper: Vec::new(),
            env: BTreeMap::new(),
            timeout_s: 900,
            memory_mb: 128,
            concurrency: 10,
            idle_life_s: 600,
            billing: "billing.jsonl".into(),
            token: Token::mint(),
        }
    }

    #[test]
    fn options_survive_their_line_and_never_show_the_token() {
        let options = options();
        assert_eq!(options.check(), Ok(()));
        let line = serde_json::to_string(&options).expect("json");
        let again: Options = serde_json::from_str(&line).expect("own line");
        assert!(again.token.admits(options.token.authorization().as_bytes()));
        assert!(!again.token.admits(Token::mint().authorization().as_bytes()));
        assert!(!format!("{again:?}").contains(&again.token.0));
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        let spoils: [fn(&mut Options); 7] = [
            |o| o.regions.clear(),
            |o| o.regions = vec!["a".into(), "a".into()],
            |o| o.regions = vec!["a/b".into()],
            |o| o.command.clear(),
            |o| o.timeout_s = 0,
            |o| o.concurrency = 0,
            |o| o.concurrency = 201,
        ];
        for (case, spoil) in spoils.iter().enumerate() {
            let mut spoilt = options();
            spoil(&mut spoilt);
            assert!(spoilt.check().is_err(), "case {case}");
        }
    }
}
