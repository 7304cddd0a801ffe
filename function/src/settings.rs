//! What the environment says, read once at the start.

use std::env;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// The generation that `deploy` or a local Lambda wrote into the environment.
pub const GENERATION: &str = "AWSLAMBDAPROXY_GENERATION";
/// The address that this instance binds to for targets on loopback; set by a local Lambda.
pub const SOURCE_ADDRESS: &str = "AWSLAMBDAPROXY_SOURCE_ADDRESS";
/// Lambda's Runtime API, `host:port`.
pub const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Why the environment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadEnvironment {
    /// A variable of ours that does not parse.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// The Runtime API, which must be known to be banned.
    #[error("{RUNTIME_API}: {0}")]
    RuntimeApi(#[source] std::io::Error),
}

/// The environment of one process.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The generation, 0 without one.
    pub generation: u64,
    /// The address to bind to for targets on loopback.
    pub source: Option<IpAddr>,
    /// Every address of the Runtime API.
    pub runtime_api: Vec<SocketAddr>,
}

impl Settings {
    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, BadEnvironment> {
        Self::read(|name| env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, BadEnvironment> {
        let runtime_api = match variable(RUNTIME_API) {
            Some(api) => api.to_socket_addrs().map_err(BadEnvironment::RuntimeApi)?.collect(),
            None => vec![],
        };
        Ok(Self {
            generation: parse(&variable, GENERATION)?.unwrap_or_default(),
            source: parse(&variable, SOURCE_ADDRESS)?,
            runtime_api,
        })
    }
}

fn parse<T: FromStr>(variable: impl Fn(&str) -> Option<String>, name: &'static str) -> Result<Option<T>, BadEnvironment> {
    variable(name).map(|text| text.trim().parse().map_err(|_| BadEnvironment::Malformed(name))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let find = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::read(find).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_are_read_or_left_at_their_defaults() {
        let settings = read(&[(GENERATION, "7"), (SOURCE_ADDRESS, "127.0.0.3"), (RUNTIME_API, "127.0.0.1:9001")]).expect("sound");
        assert_eq!((settings.generation, settings.source), (7, Some(IpAddr::from([127, 0, 0, 3]))));
        assert_eq!(settings.runtime_api, [SocketAddr::from(([127, 0, 0, 1], 9001))]);
        let empty = read(&[]).expect("nothing is needed");
        assert_eq!((empty.generation, empty.source, empty.runtime_api.len()), (0, None, 0));
    }

    #[test]
    fn a_malformed_variable_is_named() {
        assert_eq!(read(&[(GENERATION, "x")]).expect_err("no number"), "AWSLAMBDAPROXY_GENERATION is malformed");
        assert!(read(&[(RUNTIME_API, "nowhere")]).expect_err("no port").starts_with(RUNTIME_API));
    }
}
