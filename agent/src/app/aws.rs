//! `run` with functions in AWS: the account, the regions that the patterns stand for, and the relays of the configuration.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{sleep, timeout};

use super::estimate;
use super::wiring::{self, CloudSetup, Payer};
use crate::cloud::CloudError;
use crate::cloud::aws::{Account, AwsCloud, Caller};
use crate::config::{Config, resolve};
use crate::corporate::Proxies;
use crate::routing::Loops;

/// How long the question whose credentials these are may hold up the start; without a network the agent starts all the same.
const PATIENCE: Duration = Duration::from_secs(15);
/// Where it could not be answered: how long until it is asked again, at first and at most. A network comes back within seconds.
const AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// Opens the account. Credentials that AWS does not accept end the start: nobody else can mend them, and the person who
/// started the agent is still looking. While it runs, they are a problem in `status`.
///
/// `own` are the proxy's listeners: no way to AWS or to a relay may lead through them.
pub(super) async fn setup(config: &Config, own: &[SocketAddr], say: fn(&str)) -> anyhow::Result<CloudSetup<AwsCloud>> {
    let regions = resolve(&config.regions);
    let relays = wiring::relays(config, own)?;
    if let Some((proxy, _)) = Proxies::from_environment(std::env::vars_os()).for_library()? {
        proxy.refuse_loop(&Loops::new(own.to_vec()))?;
    }
    let account = Account::open(&config.aws, &regions).await?;
    let caller = caller(&account).await?;
    let payer = match caller {
        Some(caller) => {
            say(&format!("AWS account {} as {}", caller.account, caller.arn));
            Payer::Known(caller.account)
        }
        None => Payer::Asked(asked_again(account.clone()).boxed()),
    };
    if wiring::is_first_run()? {
        say("what it costs:");
        estimate(config).lines().iter().for_each(|line| say(&format!("- {line}")));
    }
    let cloud = Arc::new(AwsCloud::new(account, &config.aws));
    Ok(CloudSetup { cloud, regions, relays, egress: config.egress.clone(), account: payer })
}

/// Whose credentials these are; unknown where AWS cannot be asked now.
async fn caller(account: &Account) -> Result<Option<Caller>, CloudError> {
    match timeout(PATIENCE, account.caller()).await {
        Ok(Ok(caller)) => return Ok(Some(caller)),
        Ok(Err(error @ CloudError::Credentials(_))) => return Err(error),
        Ok(Err(error)) => {
            tracing::warn!(%error, cause = error.cause(), hint = %error.hint(), "AWS does not say whose account this is");
        }
        Err(_) => tracing::warn!("AWS does not answer; it is tried again with each exit"),
    }
    Ok(None)
}

/// Asks until AWS says it: until then every account's use counts.
async fn asked_again(account: Account) -> String {
    let (mut pause, longest) = AGAIN;
    loop {
        sleep(pause).await;
        pause = (pause * 2).min(longest);
        match timeout(PATIENCE, account.caller()).await {
            Ok(Ok(caller)) => {
                tracing::info!(account = caller.account, user = caller.arn, "whose account this is");
                return caller.account;
            }
            Ok(Err(error)) => tracing::debug!(%error, "AWS still does not say whose account this is"),
            Err(_) => tracing::debug!("AWS still does not answer"),
        }
    }
}
