//! `run --local`: a local Lambda and, unless the configuration names relays, a relay, as processes of this machine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tunnel::leg::dial::AgentRelay;

use super::local_relay::LocalRelay;
use super::wiring::{self, CloudSetup};
use crate::cloud::local::{LocalCloud, LocalLambda, Options, Token, process};
use crate::config::{Config, RegionPattern};

/// How long the local Lambda may take to go once its invocations have ended.
const STOP_TIMEOUT: Duration = Duration::from_millis(250);
/// The file that counts what the local Lambda billed, in the state directory.
const BILLING: &str = "local-billing.jsonl";

/// The processes of local mode.
pub(super) struct LocalMachine {
    lambda: LocalLambda,
    relay: Option<LocalRelay>,
    relays: Vec<AgentRelay>,
    regions: Vec<String>,
    egress: tunnel::invitation::Egress,
}

impl LocalMachine {
    /// Starts them. `own` are the proxy's listeners, which no exit may reach.
    pub(super) async fn start(config: &Config, own: &[SocketAddr]) -> anyhow::Result<Self> {
        let exe = std::env::current_exe().context("cannot find this program's own file")?;
        let regions = labels(config)?;
        let relay = if config.relays.is_empty() { Some(LocalRelay::start(&exe).await?) } else { None };
        let relays = match &relay {
            Some(relay) => vec![relay.endpoint()?],
            None => wiring::relays(config, own)?,
        };
        let argv = [exe.display().to_string(), "local-lambda".to_owned()];
        let lambda = process::start(&argv, &options(config, &regions, &argv[0])?).await?;
        let mut egress = config.egress.clone();
        egress.never.extend(lambda.never.iter().copied().chain(own.iter().copied()));
        egress.never.extend(relay.as_ref().map(LocalRelay::address));
        Ok(Self { lambda, relay, relays, regions, egress })
    }

    pub(super) fn setup(&self) -> CloudSetup<LocalCloud> {
        CloudSetup {
            cloud: Arc::new(self.lambda.client.clone()),
            regions: self.regions.clone(),
            relays: self.relays.clone(),
            egress: self.egress.clone(),
            account: wiring::Payer::Nobody,
        }
    }

    /// Ends them: the exits have ended before.
    pub(super) async fn stop(self) {
        if let Err(error) = self.lambda.stop(STOP_TIMEOUT).await {
            tracing::warn!(%error, "the local Lambda did not end as it should");
        }
        drop(self.relay);
    }
}

/// Labels of local regions are names, not patterns.
fn labels(config: &Config) -> anyhow::Result<Vec<String>> {
    let label = |pattern: &RegionPattern| match pattern {
        RegionPattern::Exact(name) => Ok(name.clone()),
        other => bail!("regions: local mode takes names, not the pattern {other}"),
    };
    config.regions.iter().map(label).collect()
}

fn options(config: &Config, regions: &[String], exe: &str) -> anyhow::Result<Options> {
    Ok(Options {
        regions: regions.to_vec(),
        function_name: config.aws.function_name.clone(),
        command: vec![exe.to_owned(), "local-function".to_owned()],
        // Elsewhere the local Lambda itself takes its programs along.
        wrapper: if cfg!(unix) { vec![exe.to_owned(), "local-child".to_owned()] } else { Vec::new() },
        env: BTreeMap::new(),
        timeout_s: u32::try_from(config.aws.timeout.as_secs()).unwrap_or(u32::MAX),
        memory_mb: config.aws.memory_mb,
        concurrency: config.local.concurrency as usize,
        idle_life_s: config.local.idle_life.as_secs(),
        billing: wiring::state_file(BILLING)?,
        token: Token::mint(),
    })
}
