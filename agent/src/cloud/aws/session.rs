//! What the SDK loaded from the environment and its files, and the clients made of it.
//!
//! The SDK reads its files once. Whoever learns that the credentials no longer serve has a new session opened in place of
//! this one ([`super::Account::reload`]).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};

use super::connector::Connector;
use super::{credentials, endpoints};
use crate::cloud::CloudError;
use crate::config::AwsCredentials;

/// How long a connection may take, its TLS handshake included: a slow path has 1 s round trips.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one attempt of a control call may take: AWS answers within seconds, an upload of some megabytes takes longer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a control call may take with all its attempts.
const CALL_TIMEOUT: Duration = Duration::from_secs(150);
/// How often a control call is tried, as the SDK's standard mode does.
const ATTEMPTS: u32 = 3;
/// How long credentials may take to come: a `credential_process` may ask a server, and that one a person.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(30);

/// The clients of one region.
#[derive(Debug, Clone)]
pub(super) struct Regional {
    pub(super) lambda: aws_sdk_lambda::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
}

/// One reading of the SDK's configuration.
#[derive(Debug)]
pub(super) struct Session {
    sdk: SdkConfig,
    home: Region,
    iam: aws_sdk_iam::Client,
    regional: Mutex<HashMap<String, Regional>>,
}

impl Session {
    /// Reads everything anew. Credentials themselves are fetched with the first call.
    pub(super) async fn load(from: &AwsCredentials, near: &str, connector: &Connector) -> Result<Self, CloudError> {
        let home = credentials::home(from, near).await;
        let sdk = loader(from, &home, connector).load().await;
        endpoints::check(&sdk)?;
        Ok(Self::of_sdk(sdk, home))
    }

    /// One whose every endpoint is `url`.
    #[cfg(test)]
    pub(super) async fn at(from: &AwsCredentials, near: &str, connector: &Connector, url: &str) -> Self {
        let home = Region::new(near.to_owned());
        Self::of_sdk(loader(from, &home, connector).endpoint_url(url).load().await, home)
    }

    fn of_sdk(sdk: SdkConfig, home: Region) -> Self {
        let iam = aws_sdk_iam::Client::new(&sdk);
        Self { sdk, home, iam, regional: Mutex::default() }
    }

    /// The region of calls that belong to none.
    pub(super) fn home(&self) -> &str {
        self.home.as_ref()
    }

    /// IAM is one for all regions of a partition; the SDK finds its place from the home region.
    pub(super) fn iam(&self) -> aws_sdk_iam::Client {
        self.iam.clone()
    }

    /// The clients of a region.
    pub(super) fn of(&self, region: &str) -> Regional {
        // No holder of the lock can panic between two states of the map.
        let mut known = self.regional.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(region.to_owned()).or_insert_with(|| self.clients(region)).clone()
    }

    fn clients(&self, region: &str) -> Regional {
        let here = self.sdk.to_builder().region(Region::new(region.to_owned())).build();
        Regional {
            lambda: aws_sdk_lambda::Client::new(&here),
            sts: aws_sdk_sts::Client::new(&here),
            logs: aws_sdk_cloudwatchlogs::Client::new(&here),
        }
    }
}

fn loader(from: &AwsCredentials, home: &Region, connector: &Connector) -> ConfigLoader {
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(connector.shared())
        .region(home.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(time_outs())
        .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT).build());
    credentials::choose(loader, from, home, connector.shared())
}

fn time_outs() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build()
}
