//! The SDK's real client against a server of the test that answers well, badly, slowly or not at all.

mod control;
mod invoke;
mod server;

use std::time::Duration;

use secrecy::SecretString;

use self::server::Server;
use super::account::Account;
use super::cloud::AwsCloud;
use crate::config::{Architecture, AwsConfig, AwsCredentials};

const REGION: &str = "us-west-2";

fn config() -> AwsConfig {
    AwsConfig {
        credentials: AwsCredentials::Keys {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: SecretString::from("wJalrXUtnFEMI"),
            session_token: None,
        },
        function_name: "awslambdaproxy".into(),
        role_name: "awslambdaproxy".into(),
        memory_mb: 128,
        architecture: Architecture::Arm64,
        timeout: Duration::from_secs(900),
        logs: false,
    }
}

/// An account whose every endpoint is the test's server.
async fn cloud(server: &Server) -> (Account, AwsCloud) {
    let account = Account::at(&config(), &server.url()).await;
    (account.clone(), AwsCloud::new(account, &config()))
}
