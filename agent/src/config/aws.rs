//! `[aws]`: with whose credentials, and what the functions are like.

use std::time::Duration;

use secrecy::SecretString;

use super::section::Section;
use super::value::words;

/// What everything in an account is called when nothing is said.
const DEFAULT_NAME: &str = "awslambdaproxy";

/// Longest function and role names, characters (AWS's own limits).
const LONGEST_NAME: usize = 64;

/// Lambda's bounds.
const LEAST_MEMORY_MB: u32 = 128;
const MOST_MEMORY_MB: u32 = 10_240;
const LONGEST_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Below this the schedule has no room for a replacement.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(10);

words! {
    /// The processor of the functions.
    Architecture, "\"arm64\" or \"x86_64\"" {
        /// Graviton: cheaper.
        Arm64 = "arm64",
        /// Intel and AMD.
        X86_64 = "x86_64",
    }
}

/// With whose credentials AWS is asked.
#[derive(Debug, Clone)]
pub enum AwsCredentials {
    /// The SDK's own chain.
    Chain,
    /// A profile of the SDK's files.
    Profile(String),
    /// Keys of the configuration.
    Keys {
        /// The key's name.
        access_key_id: String,
        /// The key.
        secret_access_key: SecretString,
        /// Of temporary credentials.
        session_token: Option<SecretString>,
    },
}

/// What is asked of AWS.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    /// With whose credentials.
    pub credentials: AwsCredentials,
    /// The function's name in each region.
    pub function_name: String,
    /// The role's name.
    pub role_name: String,
    /// The function's memory, MB.
    pub memory_mb: u32,
    /// The function's processor.
    pub architecture: Architecture,
    /// The function's time limit; whole seconds.
    pub timeout: Duration,
    /// Whether the function may write logs.
    pub logs: bool,
}

impl AwsConfig {
    /// What holds where nothing is said, with these credentials.
    pub fn with(credentials: AwsCredentials) -> Self {
        Self {
            credentials,
            function_name: DEFAULT_NAME.to_owned(),
            role_name: DEFAULT_NAME.to_owned(),
            memory_mb: LEAST_MEMORY_MB,
            architecture: Architecture::Arm64,
            timeout: LONGEST_TIMEOUT,
            logs: false,
        }
    }

    pub(super) fn read(section: Section<'_>) -> Self {
        let credentials = credentials(&section);
        let function_name = name(&section, "function_name", "-_");
        let role_name = name(&section, "role_name", "-_+=,.@");
        let memory_mb = section.within("memory_mb", LEAST_MEMORY_MB, LEAST_MEMORY_MB..=MOST_MEMORY_MB);
        let architecture = section.or("architecture", Architecture::Arm64);
        let timeout = section.within("timeout", LONGEST_TIMEOUT, SHORTEST_TIMEOUT..=LONGEST_TIMEOUT);
        if timeout.subsec_nanos() != 0 {
            section.mistake("timeout", "must be whole seconds");
        }
        let logs = section.or("logs", false);
        section.finish();
        Self { credentials, function_name, role_name, memory_mb, architecture, timeout, logs }
    }
}

fn name(section: &Section<'_>, key: &'static str, beside: &str) -> String {
    let name = section.or(key, DEFAULT_NAME.to_owned());
    if name.len() > LONGEST_NAME || !name.chars().all(|c| c.is_ascii_alphanumeric() || beside.contains(c)) {
        section.mistake(key, format!("has at most {LONGEST_NAME} letters, digits and {beside}"));
    }
    name
}

/// A profile and keys of the same layer contradict; else the stronger layer wins.
fn credentials(section: &Section<'_>) -> AwsCredentials {
    let profile: Option<String> = section.optional("profile");
    let keys = keys(section);
    let strength = |key| section.origin_of(key).map_or(0, |origin| origin.strength());
    let (by_profile, by_keys) = (strength("profile"), strength("access_key_id"));
    if by_profile == by_keys && by_profile > 0 {
        section.mistake("profile", "stands beside access_key_id; keep one of them");
    }
    match (profile, keys) {
        (Some(profile), _) if by_profile >= by_keys => {
            ["access_key_id", "secret_access_key", "session_token"].iter().for_each(|key| section.overruled(key));
            AwsCredentials::Profile(profile)
        }
        (_, Some(keys)) => {
            section.overruled("profile");
            keys
        }
        (Some(profile), None) => AwsCredentials::Profile(profile),
        (None, None) => AwsCredentials::Chain,
    }
}

fn keys(section: &Section<'_>) -> Option<AwsCredentials> {
    let access_key_id: Option<String> = section.optional("access_key_id");
    let secret_access_key: Option<SecretString> = section.optional("secret_access_key");
    let session_token: Option<SecretString> = section.optional("session_token");
    let has = |key| section.origin_of(key).is_some();
    match (has("access_key_id"), has("secret_access_key")) {
        (true, false) => section.mistake("access_key_id", "needs secret_access_key beside it"),
        (false, true) => section.mistake("secret_access_key", "needs access_key_id beside it"),
        (false, false) if has("session_token") => {
            section.mistake("session_token", "needs access_key_id and secret_access_key beside it");
        }
        _ => {}
    }
    Some(AwsCredentials::Keys { access_key_id: access_key_id?, secret_access_key: secret_access_key?, session_token })
}
