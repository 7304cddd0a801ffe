//! An AWS account as its credentials open it: one client per service and region, made when first asked for.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use super::caller::Caller;
use super::connector::Connector;
use super::error::Call;
use super::region;
use super::session::Session;
use crate::cloud::CloudError;
use crate::config::{AwsConfig, AwsCredentials};
use crate::corporate::Proxies;

/// The home region where neither environment, profile nor configuration name one.
const DEFAULT_HOME: &str = "us-east-1";
/// Names a PEM file of authorities to trust beside the system's: the variable of AWS's other tools.
pub(super) const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// The account. A handle: clones share everything.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    credentials: AwsCredentials,
    near: String,
    connector: Connector,
    session: RwLock<Arc<Session>>,
    reloading: tokio::sync::Mutex<()>,
}

impl Account {
    /// Reads the SDK's configuration. Asks nobody yet, so wrong credentials show at the first call. `regions` are those to be
    /// served: where nothing else names a region, the first says in which partition of AWS the account is.
    pub async fn open(config: &AwsConfig, regions: &[String]) -> Result<Self, CloudError> {
        let bundle = std::env::var_os(CA_BUNDLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let proxies = Proxies::from_environment(std::env::vars_os());
        let connector = Connector::new(bundle.as_deref(), &proxies)?;
        let near = regions.first().cloned().unwrap_or_else(|| DEFAULT_HOME.to_owned());
        let credentials = config.credentials.clone();
        let session = RwLock::new(Arc::new(Session::load(&credentials, &near, &connector).await?));
        Ok(Self(Arc::new(Inner { credentials, near, connector, session, reloading: tokio::sync::Mutex::default() })))
    }

    /// An account whose every endpoint is `url`.
    #[cfg(test)]
    pub(super) async fn at(config: &AwsConfig, url: &str) -> Self {
        let (credentials, near) = (config.credentials.clone(), DEFAULT_HOME.to_owned());
        let connector = Connector::new(None, &Proxies::default()).expect("the system's roots");
        let session = RwLock::new(Arc::new(Session::at(&credentials, &near, &connector, url).await));
        Self(Arc::new(Inner { credentials, near, connector, session, reloading: tokio::sync::Mutex::default() }))
    }

    /// Whose credentials these are. Needs no permission, and no region that the account would have to enable.
    pub async fn caller(&self) -> Result<Caller, CloudError> {
        let home = self.home();
        match self.caller_in(&home).await {
            Err(CloudError::RegionDisabled { .. }) => self.caller_in(region::always_enabled(&home)).await,
            told => told,
        }
    }

    /// The same, asked in a region: it says whether the region is enabled.
    pub async fn caller_in(&self, region: &str) -> Result<Caller, CloudError> {
        let call = Call::new("sts:GetCallerIdentity", region);
        let session = self.session();
        let asking = session.of(region).sts.get_caller_identity().send();
        match Box::pin(asking).await {
            Ok(answer) => Caller::new(answer.account(), answer.arn()).ok_or_else(|| call.strange("it names no account")),
            Err(error) => Err(Box::pin(region::told(self, &session, region, call.failed(error))).await),
        }
    }

    /// The region of calls that belong to none.
    pub fn home(&self) -> String {
        self.session().home().to_owned()
    }

    pub(super) fn lambda(&self, region: &str) -> aws_sdk_lambda::Client {
        self.session().of(region).lambda
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.0.connector
    }

    pub(super) fn session(&self) -> Arc<Session> {
        self.0.session.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads everything anew, unless somebody has since `failed` was taken: many regions learn at once that credentials have
    /// expired.
    pub(super) async fn reload(&self, failed: &Arc<Session>) {
        let _one_at_a_time = self.0.reloading.lock().await;
        if !Arc::ptr_eq(&self.session(), failed) {
            return;
        }
        match Session::load(&self.0.credentials, &self.0.near, &self.0.connector).await {
            Ok(new) => {
                *self.0.session.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
                tracing::debug!("the credentials were not accepted; they are read anew");
            }
            Err(error) => {
                tracing::warn!(%error, hint = %error.hint(), "the credentials were not accepted, nor can others be read");
            }
        }
    }
}
