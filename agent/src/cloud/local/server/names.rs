//! Names that Lambda gives: requests, traces, functions, and what a program finds in its environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::SystemTime;

use tunnel::random;

use super::instance::task_root;
use super::system::KEPT_VARIABLES;
use crate::cloud::local::billing::seconds;

/// An account that cannot exist.
const ACCOUNT: &str = "000000000000";

/// A fresh request id: a random UUID (RFC 9562 version 4).
pub(super) fn request_id() -> String {
    let mut bytes = random::bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A fresh trace id in the form of X-Ray, not sampled.
pub(super) fn trace_id() -> String {
    let now = seconds(SystemTime::now());
    format!("Root=1-{now:08x}-{};Sampled=0", hex::encode(random::bytes::<12>()))
}

/// The function's full name.
pub(super) fn arn(region: &str, function: &str) -> String {
    format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{function}")
}

/// What an instance's environment is made of.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) region: &'a str,
    pub(super) function: &'a str,
    pub(super) command: &'a [String],
    /// The function's own variables; they cannot take the place of Lambda's.
    pub(super) variables: &'a BTreeMap<String, String>,
    pub(super) memory_mb: u32,
    pub(super) runtime_api: SocketAddr,
    /// The instance's own address in 127.64/16, where the system has such addresses.
    pub(super) source: Option<std::net::Ipv4Addr>,
}

impl Surroundings<'_> {
    /// All that the program sees of variables: its own, Lambda's, and what no program of the system does without; nothing of
    /// the agent's.
    pub(super) fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = self.variables.clone();
        let mut set = |name: &str, value: String| environment.insert(name.to_owned(), value);
        set("AWS_LAMBDA_RUNTIME_API", self.runtime_api.to_string());
        set("AWS_LAMBDA_FUNCTION_NAME", self.function.to_owned());
        set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into());
        set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", self.memory_mb.to_string());
        set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".into());
        set("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", self.function));
        set("AWS_LAMBDA_LOG_STREAM_NAME", format!("[$LATEST]{}", hex::encode(random::bytes::<16>())));
        set("AWS_REGION", self.region.to_owned());
        set("AWS_DEFAULT_REGION", self.region.to_owned());
        set("LAMBDA_TASK_ROOT", task_root(self.command).display().to_string());
        set("_HANDLER", "bootstrap".into());
        if let Some(source) = self.source {
            set("AWSLAMBDAPROXY_SOURCE_ADDRESS", source.to_string());
        }
        for kept in KEPT_VARIABLES {
            if let Ok(value) = std::env::var(kept) {
                set(kept, value);
            }
        }
        environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_lambdas_form() {
        let id = request_id();
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        let trace = trace_id();
        assert!(trace.starts_with("Root=1-") && trace.len() == "Root=1-00000000-000000000000000000000000;Sampled=0".len());
    }

    #[test]
    fn a_function_cannot_replace_lambdas_variables_and_sees_nothing_else() {
        let variables = BTreeMap::from([("AWS_REGION".to_owned(), "mine".to_owned()), ("A".to_owned(), "b".to_owned())]);
        let surroundings = Surroundings {
            region: "local-1",
            function: "f",
            command: &["/opt/f/bootstrap".to_owned()],
            variables: &variables,
            memory_mb: 128,
            runtime_api: ([127, 0, 0, 1], 9001).into(),
            source: None,
        };
        let environment = surroundings.environment();
        assert_eq!(environment["AWS_REGION"], "local-1");
        assert_eq!(environment["A"], "b");
        assert_eq!(environment["LAMBDA_TASK_ROOT"], "/opt/f");
        let foreign = |name: &&String| !["A", "PATH", "_HANDLER"].contains(&name.as_str()) && !name.contains("LAMBDA");
        assert_eq!(environment.keys().filter(foreign).collect::<Vec<_>>(), ["AWS_DEFAULT_REGION", "AWS_REGION"]);
    }
}
